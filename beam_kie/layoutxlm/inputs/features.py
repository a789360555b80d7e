"""Pages to tokens, tokens to windows, windows to batches.

Every text line is tokenized alone, as PaddleOCR's VQATokenLabelEncode does, and all its tokens carry
the line's box on the 0..1000 grid (or, where the configuration says so, their word's). A page longer
than the network's window is cut into overlapping windows, so that nothing is lost at its end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from beam_kie.document import CharSpans, PageText, TextLine
from beam_kie.geometry import normalise_box_1000
from beam_kie.layoutxlm.inputs.strips import TokenPlaces
from beam_kie.layoutxlm.inputs.tokenizer import PageTokenizer
from beam_kie.text_width import character_edges

COLONS = (":", "：")
_COMMAS = ("，", "、")
_FEWEST_CAPITALS = 3  # of a key in capitals
_WORD = re.compile(r"\S+")


class CutPlace(IntEnum):
    """Where a token begins: anywhere, right after a colon, where words in capitals end, or within a phrase:
    in brackets, or beside a comma of ideographs."""

    ANY = 0
    AFTER_COLON = 1
    AFTER_CAPITALS = 2
    IN_PHRASE = 3


@dataclass(frozen=True)
class PageTokens:
    """The tokens of one page in reading order; T tokens, N lines.

    ids, lines (index of the page's line), starts, ends (characters of that line, end exclusive) and
    positions (within the line): T int64 each; line_boxes: N x 4 int64 on the 0..1000 grid. Where tokens
    have the boxes of their words, word_boxes are M x 4 of these and words the T indices into them.
    cut_places: T int64, of CutPlace: what stands right before the token on its line, white space aside;
    None: not known.

    With ``layout.with_layout`` also: places, where the tokens stand on their lines; layout, T x 13 int64,
    their x0 and x1 on the grid and the buckets of ``layout.COLUMNS``; cell_boxes, M x 4 int64, the ruled
    cells of the page on the grid; line_cells, N indices of these (``cells.NO_CELL``: none).
    """

    ids: np.ndarray
    lines: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    positions: np.ndarray
    line_boxes: np.ndarray
    words: np.ndarray | None = None
    word_boxes: np.ndarray | None = None
    cut_places: np.ndarray | None = None
    places: TokenPlaces | None = None
    layout: np.ndarray | None = None
    line_cells: np.ndarray | None = None
    cell_boxes: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)


def page_tokens(page: PageText, tokenizer: PageTokenizer, token_boxes: str = "line") -> PageTokens:
    """Tokens and boxes of a page; blank lines have no tokens and change no positions.

    Args:
        page: the page.
        tokenizer: the model's.
        token_boxes: "line" or "word", as in the configuration.
    """
    encodings = tokenizer.encode_batch([line.text for line in page.lines], add_special_tokens=False)
    columns: list[tuple[int, int, int, int, int]] = []
    for index, encoding in enumerate(encodings):
        for position, (token, (start, end)) in enumerate(zip(encoding.ids, encoding.offsets, strict=True)):
            columns.append((token, index, start, end, position))
    table = np.array(columns, dtype=np.int64).reshape(-1, 5)
    boxes = [line_box_1000(line, page) for line in page.lines]
    places = [cut_place(page.lines[line].text, start) for _, line, start, _, _ in columns]
    ids, lines, starts, ends, positions = table.T
    tokens = PageTokens(
        ids,
        lines,
        starts,
        ends,
        positions,
        np.array(boxes, dtype=np.int64).reshape(-1, 4),
        cut_places=np.array(places, dtype=np.int64),
    )
    return _with_word_boxes(tokens, page) if token_boxes == "word" else tokens


def cut_place(text: str, start: int) -> CutPlace:
    """How likely a value begins at a character of a line, by what stands before it.

    Args:
        text: of the line.
        start: of the character, or of white space before it.
    """
    before, rest = text[:start].rstrip(), text[start:].lstrip()
    if before.endswith(COLONS):
        return CutPlace.AFTER_COLON
    if _is_in_phrase(before, rest):
        return CutPlace.IN_PHRASE
    letters = [char for char in before if char.isalpha()]
    is_key = len(letters) >= _FEWEST_CAPITALS and before[-1].isalpha() and all(map(str.isupper, letters))
    if not is_key or not text[len(before) : len(text) - len(rest)]:
        return CutPlace.ANY
    (word,) = rest.split(maxsplit=1)[:1] or ("",)
    other = any(char.islower() or char.isdigit() for char in word)
    return CutPlace.AFTER_CAPITALS if other else CutPlace.ANY


def _is_in_phrase(before: str, rest: str) -> bool:
    """Whether a place is within brackets that are closed behind it, or beside a comma of ideographs."""
    if before.endswith(_COMMAS) or rest.startswith((*_COMMAS, "。")):
        return True
    if not ("(" in before or "（" in before):
        return False  # as in nearly all lines; every token asks
    depth = _depth(before, 0)
    return depth > 0 and _depth(rest, depth, stop=True) == 0


def _depth(text: str, depth: int, stop: bool = False) -> int:
    """How many brackets are open behind a text, or 0 as soon as all are closed (``stop``)."""
    for char in text:
        if char in "(（":
            depth += 1
        elif char in ")）" and depth:
            depth -= 1
            if stop and not depth:
                return 0
    return depth


def _with_word_boxes(tokens: PageTokens, page: PageText) -> PageTokens:
    """Cuts every line's box into those of its words, in proportion to characters.

    As PaddleOCR does without ``use_textline_bbox_info``: any run of spaces counts as one.
    """
    boxes: list[tuple[int, int, int, int]] = []
    words = np.zeros(len(tokens), dtype=np.int64)
    for index, line in enumerate(page.lines):
        found = list(_WORD.finditer(line.text))
        mine = np.flatnonzero(tokens.lines == index)
        # A token that begins with the space before a word belongs to that word.
        ends = [match.end() for match in found]
        place = np.searchsorted(ends, tokens.starts[mine], side="right").clip(max=max(len(found) - 1, 0))
        words[mine] = len(boxes) + place
        x0, y0, x1, y1 = line.box
        step = (x1 - x0) / max(len(line.text), 1)
        for match in found:
            box = (x0, y0, x0 + len(match[0]) * step, y1)
            boxes.append(normalise_box_1000(box, page.width_px, page.height_px))
            x0 += (len(match[0]) + 1) * step
    return replace(tokens, words=words, word_boxes=np.array(boxes, dtype=np.int64).reshape(-1, 4))


def token_places(
    texts: Sequence[str], tokens: PageTokens, char_spans: Sequence[CharSpans | None] | None = None
) -> TokenPlaces:
    """Where the tokens stand on their lines.

    Args:
        texts: of all lines of the page.
        tokens: of the page.
        char_spans: where the characters of every line were seen; None, as for single lines: by their usual
            widths.
    """
    first, last = np.zeros(len(tokens)), np.zeros(len(tokens))
    for line in np.unique(tokens.lines).tolist():
        mine = tokens.lines == line
        starts, ends = tokens.starts[mine], tokens.ends[mine]
        spans = char_spans[line] if char_spans else None
        if spans is None:
            edges = character_edges(texts[line])
            first[mine], last[mine] = edges[starts], edges[ends]
        else:
            sides = np.reshape(spans, (-1, 2))
            first[mine] = sides[starts.clip(max=len(sides) - 1), 0]
            last[mine] = np.maximum(
                sides[np.maximum(ends - 1, starts).clip(max=len(sides) - 1), 1], first[mine]
            )
    return TokenPlaces(tokens.lines, first, last)


def line_box_1000(line: TextLine, page: PageText) -> tuple[int, int, int, int]:
    """A line's box on the 0..1000 grid of its page, clamped and never inverted.

    Args:
        line: of the page.
        page: its width and height.
    """
    return normalise_box_1000(line.box, page.width_px, page.height_px)
