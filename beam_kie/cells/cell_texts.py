"""The texts in ruled cells; a line that was read across a rule is cut there."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from beam_kie.document import Box, TextLine
from beam_kie.text_width import character_edges

_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]|[#№]")
_LONGEST_HEADER = 40
_BOX = re.compile(r"[☑☒✓✔✅√■☐□▢○●◯]|[\[(]\s*[xX✓√]?\s*[\])]")


@dataclass(frozen=True, slots=True)
class CellText:
    """A line in a cell, or the part of one. ``is_cut``: the line goes on in another cell."""

    line: int
    text: str
    box: Box
    is_cut: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether a good part of it is digits."""
        return 3 * len(_DIGIT.findall(self.text)) >= len(self.text.replace(" ", ""))


def texts_in_cells(
    lines: Sequence[TextLine], straight: Sequence[TextLine], boxes: Sequence[Box]
) -> list[list[CellText]]:
    """The texts in each cell, in the order of reading.

    Args:
        lines: of a page; the boxes of texts are on this one.
        straight: the same on the straight page.
        boxes: of the cells on the straight page.
    """
    found: list[list[CellText]] = [[] for _ in boxes]
    for index, (line, made_straight) in enumerate(zip(lines, straight, strict=True)):
        parts = _parts(made_straight, boxes)
        for cell, start, end in parts:
            text = line.text[start:end].strip()
            if cell >= 0 and text:
                found[cell].append(CellText(index, text, _box_of(line, start, end), len(parts) > 1))
    for texts in found:
        texts.sort(key=lambda each: each.line)
    return found


def is_header(texts: Sequence[Sequence[CellText]]) -> bool:
    """Whether cells are headers: short texts with letters and without digits, nearly all filled.

    Args:
        texts: of the cells of one row.
    """
    filled = [" ".join(each.text for each in cell) for cell in texts if cell]
    if not filled or len(filled) < len(texts) - (len(texts) > 3):
        return False
    return all(
        _LETTER.search(text)
        and not _DIGIT.search(text)
        and not _BOX.search(text)
        and len(text) <= _LONGEST_HEADER
        and not text.endswith((":", "："))
        for text in filled
    )


def _parts(line: TextLine, boxes: Sequence[Box]) -> list[tuple[int, int, int]]:
    """Cell, start and end of the characters of a line that stand in one cell; -1: in none."""
    x0, y0, x1, y1 = line.box
    middle = (y0 + y1) / 2
    crossed = [
        index for index, box in enumerate(boxes) if box[1] < middle < box[3] and box[0] < x1 and box[2] > x0
    ]
    if not crossed:
        return []
    # Where characters were not seen, only their usual widths tell which stand in another cell.
    reach = 0.15 * (x1 - x0) if line.char_spans is None else 0.3 * (y1 - y0)
    whole = [index for index in crossed if boxes[index][0] - x0 <= reach and x1 - boxes[index][2] <= reach]
    if whole:
        return [(whole[0], 0, len(line.text))]
    parts: list[tuple[int, int, int]] = []
    for place, (first, last) in enumerate(_spans(line)):
        x = x0 + (first + last) / 2 * (x1 - x0)
        cell = next((index for index in crossed if boxes[index][0] <= x <= boxes[index][2]), -1)
        if parts and (parts[-1][0] == cell or line.text[place].isspace() or cell < 0):
            parts[-1] = (parts[-1][0], parts[-1][1], place + 1)
        else:
            parts.append((cell, place, place + 1))
    return parts


def _spans(line: TextLine) -> Sequence[tuple[float, float]]:
    if line.char_spans is not None and len(line.char_spans) == len(line.text):
        return line.char_spans
    return list(itertools.pairwise(character_edges(line.text).tolist())) if line.text else []


def _box_of(line: TextLine, start: int, end: int) -> Box:
    if (start, end) == (0, len(line.text)):
        return line.box
    x0, y0, x1, y1 = line.box
    spans = _spans(line)
    return (x0 + spans[start][0] * (x1 - x0), y0, x0 + spans[end - 1][1] * (x1 - x0), y1)
