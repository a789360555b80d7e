"""Single words with their boxes, joined to lines."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from beam_kie.document import Polygon, TextLine
from beam_kie.geometry import STANDING_RATIO, box_polygon, polygon_box, union_box
from beam_kie.ocr.shapes import enclosing_quadrilateral
from beam_kie.text_width import character_edges

# In heights of the smaller of two words: a wider gap separates cells or columns; words of one line share at
# least the second.
_CELL_GAP = 1.0
_SAME_LINE = 0.5


def join_words(words: Sequence[TextLine]) -> TextLine:
    """The words of one line as that line.

    Args:
        words: at least one, in reading order.

    Returns:
        A line with the smallest rectangle around all words, the mean of the confidences that are known, and
        the places of characters that follow from those of the words.
    """
    polygon = _around([word.polygon for word in words])
    text, spans = "", list[tuple[float, float]]()
    for word, (start, end) in zip(words, _places([word.polygon for word in words], polygon), strict=True):
        gap = "" if text and _is_unspaced(text[-1]) and _is_unspaced(word.text[:1]) else " "
        if text and gap:
            spans.append((spans[-1][1], max(start, spans[-1][1])))
        edges = (start + (end - start) * character_edges(word.text)).round(4).tolist() if word.text else [0.0]
        spans += itertools.pairwise(edges)
        text += (gap if text else "") + word.text
    known = [word.confidence for word in words if word.confidence is not None]
    confidence = sum(known) / len(known) if known else None
    return TextLine(text, polygon, confidence, tuple(spans) if len(words) > 1 else None)


def lines_of_words(words: Iterable[TextLine]) -> list[TextLine]:
    """Words of a page as lines: those beside one another without a gap that separates cells.

    Args:
        words: in any order.
    """
    rows: list[list[TextLine]] = []
    for word in sorted(words, key=lambda word: (word.box[1] + word.box[3], word.box[0])):
        row = next((row for row in reversed(rows) if _share_a_row(row[-1], word)), None)
        if row is None:
            rows.append([word])
        else:
            row.append(word)
    return [join_words(run) for row in rows for run in _runs(sorted(row, key=lambda word: word.box[0]))]


def _places(words: Sequence[Polygon], line: Polygon) -> list[tuple[float, float]]:
    """Where each word begins and ends along its line, 0 to 1, as ``geometry.split_polygon`` cuts it."""
    x0, y0, x1, y1 = polygon_box(line)
    corners = np.reshape(line, (4, 2))
    if y1 - y0 >= STANDING_RATIO * (x1 - x0):
        start, end = corners[[0, 1]].mean(axis=0), corners[[3, 2]].mean(axis=0)
    else:
        start, end = corners[[0, 3]].mean(axis=0), corners[[1, 2]].mean(axis=0)
    along = end - start
    length = max(float(along @ along), 1e-9)
    shares = [((np.reshape(word, (-1, 2)) - start) @ along / length).clip(0, 1) for word in words]
    return [(float(share.min()), float(share.max())) for share in shares]


def _around(polygons: Sequence[Polygon]) -> Polygon:
    """The smallest rectangle around all; upright where all of them are."""
    if len(polygons) == 1:
        return polygons[0]
    if all(polygon == box_polygon(polygon_box(polygon)) for polygon in polygons):
        return box_polygon(union_box(polygon_box(polygon) for polygon in polygons))
    return enclosing_quadrilateral([value for polygon in polygons for value in polygon])


def _share_a_row(first: TextLine, second: TextLine) -> bool:
    (_, top, _, bottom), (_, other_top, _, other_bottom) = first.box, second.box
    shared = min(bottom, other_bottom) - max(top, other_top)
    return shared >= _SAME_LINE * min(bottom - top, other_bottom - other_top)


def _runs(row: Sequence[TextLine]) -> list[list[TextLine]]:
    runs = [[row[0]]]
    for word in row[1:]:
        before = polygon_box(runs[-1][-1].polygon)
        height = min(before[3] - before[1], word.box[3] - word.box[1])
        if word.box[0] - before[2] > _CELL_GAP * height:
            runs.append([word])
        else:
            runs[-1].append(word)
    return runs


def _is_unspaced(char: str) -> bool:
    """Whether the character belongs to a script without spaces between words."""
    return bool(char) and unicodedata.east_asian_width(char) in "WF" and not "가" <= char <= "힣"
