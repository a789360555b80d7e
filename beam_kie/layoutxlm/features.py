"""Pages to tokens, tokens to windows, windows to batches.

Every text line is tokenized alone, as PaddleOCR's VQATokenLabelEncode does, and all its tokens carry
the line's box on the 0..1000 grid (or, where the configuration says so, their word's). A page longer
than the network's window is cut into overlapping windows, so that nothing is lost at its end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from beam_kie.document import PageText, TextLine
from beam_kie.geometry import normalise_box_1000
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.network import Batch
from beam_kie.layoutxlm.strips import TokenPlaces
from beam_kie.layoutxlm.tokenizer import PageTokenizer
from beam_kie.text_width import character_edges

START_BOX, END_BOX = (0, 0, 0, 0), (1000, 1000, 1000, 1000)
COLONS = (":", "：")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class PageTokens:
    """The tokens of one page in reading order; T tokens, N lines.

    ids, lines (index of the page's line), starts, ends (characters of that line, end exclusive) and
    positions (within the line): T int64 each; line_boxes: N x 4 int64 on the 0..1000 grid. Where tokens
    have the boxes of their words, word_boxes are M x 4 of these and words the T indices into them.
    after_colon: T bool, whether a colon stands right before the token on its line, white space aside; None:
    not known.
    """

    ids: np.ndarray
    lines: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    positions: np.ndarray
    line_boxes: np.ndarray
    words: np.ndarray | None = None
    word_boxes: np.ndarray | None = None
    after_colon: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Window:
    """Tokens ``start`` to ``end`` (exclusive) of page ``page`` of a batch."""

    page: int
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


def page_tokens(page: PageText, tokenizer: PageTokenizer, token_boxes: str = "line") -> PageTokens:
    """Tokens and boxes of a page; blank lines give no token and shift nothing.

    ``token_boxes`` as in the configuration.
    """
    encodings = tokenizer.encode_batch([line.text for line in page.lines], add_special_tokens=False)
    columns: list[tuple[int, int, int, int, int]] = []
    for index, encoding in enumerate(encodings):
        for position, (token, (start, end)) in enumerate(zip(encoding.ids, encoding.offsets, strict=True)):
            columns.append((token, index, start, end, position))
    table = np.array(columns, dtype=np.int64).reshape(-1, 5)
    boxes = [line_box_1000(line, page) for line in page.lines]
    colons = [_ends_with_colon(page.lines[line].text[:start]) for _, line, start, _, _ in columns]
    tokens = PageTokens(
        *table.T, np.array(boxes, dtype=np.int64).reshape(-1, 4), after_colon=np.array(colons, dtype=bool)
    )
    return _with_word_boxes(tokens, page) if token_boxes == "word" else tokens


def _ends_with_colon(text: str) -> bool:
    return text.rstrip().endswith(COLONS)


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


def token_places(texts: Sequence[str], tokens: PageTokens) -> TokenPlaces:
    """Where the tokens stand on their lines; ``texts`` are those of all lines of the page."""
    first, last = np.zeros(len(tokens)), np.zeros(len(tokens))
    for line in np.unique(tokens.lines).tolist():
        mine = tokens.lines == line
        edges = character_edges(texts[line])
        first[mine], last[mine] = edges[tokens.starts[mine]], edges[tokens.ends[mine]]
    return TokenPlaces(tokens.lines, first, last)


def line_box_1000(line: TextLine, page: PageText) -> tuple[int, int, int, int]:
    """A line's box on the 0..1000 grid of its page, clamped and never inverted."""
    return normalise_box_1000(line.box, page.width_px, page.height_px)


def cut_windows(tokens: PageTokens, page: int, size: int, overlap: int) -> list[Window]:
    """Windows of at most ``size`` tokens that cover the page, each sharing about ``overlap`` with the next.

    Windows start at the start of a line wherever a line fits.
    """
    total = len(tokens)
    if total <= size:
        return [Window(page, 0, total)] if total else []
    starts_line = np.flatnonzero(tokens.positions == 0)
    windows, start = [], 0
    while True:
        end = _last_boundary(starts_line, start + 1, start + size) if start + size < total else total
        windows.append(Window(page, start, end))
        if end >= total:
            return windows
        start = max(_last_boundary(starts_line, start + 1, max(end - overlap, start + 1)), start + 1)


def _last_boundary(boundaries: np.ndarray, low: int, high: int) -> int:
    """The last line start in low..high, or ``high`` where there is none."""
    index = np.searchsorted(boundaries, high, side="right") - 1
    return int(boundaries[index]) if index >= 0 and boundaries[index] >= low else high


def plan_batches(windows: Sequence[Window], budget: int, extra: int = 0) -> list[list[Window]]:
    """Windows of similar length together: longest first, padded size within ``budget`` tokens a batch.

    ``extra`` tokens come with every window.
    """
    batches: list[list[Window]] = []
    for window in sorted(windows, key=lambda w: (-len(w), w.page, w.start)):
        if batches and (len(batches[-1][0]) + extra) * (len(batches[-1]) + 1) <= budget:
            batches[-1].append(window)
        else:
            batches.append([window])
    return batches


def collate(windows: Sequence[Window], pages: Sequence[PageTokens], config: LayoutXLMConfig) -> Batch:
    """Pads windows to the longest and numbers each window's lines from 0.

    Special tokens, where the configuration asks for them, stand around each window's text.
    """
    parts = [_window_arrays(window, pages[window.page], config) for window in windows]
    width = max(len(part["ids"]) for part in parts)
    height = max(len(part["line_boxes"]) for part in parts)

    def stack(name: str, size: int, fill: int = 0) -> torch.Tensor:
        shape = (len(parts), size, *parts[0][name].shape[1:])
        out = np.full(shape, fill, dtype=np.int64)
        for row, part in zip(out, parts, strict=True):
            row[: len(part[name])] = part[name]
        return torch.from_numpy(out)

    token_counts = torch.tensor([len(part["ids"]) for part in parts])
    line_counts = torch.tensor([len(part["line_boxes"]) for part in parts])
    return Batch(
        ids=stack("ids", width, config.pad_token_id),
        positions=stack("positions", width),
        lines=stack("lines", width),
        mask=torch.arange(width)[None] < token_counts[:, None],
        line_boxes=stack("line_boxes", height),
        line_mask=torch.arange(height)[None] < line_counts[:, None],
        padded=bool((token_counts < width).any()),
    )


def pad_looks(parts: Sequence[Tensor | None], width: int) -> Tensor | None:
    """What the tokens of B windows look like, T x H each, as B x ``width`` x H; a window without is zero.

    None where all are None.
    """
    known = next((part for part in parts if part is not None), None)
    if known is None:
        return None
    nothing = known.new_zeros(0, known.shape[1])
    parts = [nothing if part is None else part for part in parts]
    return torch.stack([functional.pad(part, (0, 0, 0, width - len(part))) for part in parts])


def _window_arrays(window: Window, tokens: PageTokens, config: LayoutXLMConfig) -> dict[str, np.ndarray]:
    part = slice(window.start, window.end)
    rows, boxes = tokens.lines, tokens.line_boxes
    if tokens.words is not None:
        rows, boxes = tokens.words, tokens.word_boxes
    used, lines = np.unique(rows[part], return_inverse=True)
    ids, line_boxes = tokens.ids[part], boxes[used]
    if config.special_tokens == "hf":
        ids = np.array([config.bos_token_id, *ids, config.eos_token_id])
        lines = np.array([len(used), *lines, len(used) + 1])
        line_boxes = np.concatenate([line_boxes, [START_BOX, END_BOX]])
    if config.position_kind == "page":
        positions = np.arange(len(ids))
    else:
        positions = np.minimum(tokens.positions[part], config.max_position_embeddings - 1)
    return {"ids": ids, "positions": positions, "lines": lines, "line_boxes": line_boxes}
