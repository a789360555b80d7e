"""The rotation of a page, from the lines found on it and the confidence of their text.

Text that is upside down is read with low confidence: measured on 48 forms and letters at four angles, the
mean confidence of the eight longest lines was at least 0.94 the right way up and at most 0.81 the wrong way.
So a page with confident lines is upright, and only the others are read a second time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

SURE = 0.9
"""A page whose longest lines read with at least this mean confidence is the right way up."""

_SAMPLE = 8
_LONG_RATIO = 2.0
_MARGIN = 0.1
_COLUMN_MARGIN = 0.15


def is_sideways(polygons: Sequence[Sequence[float]]) -> bool:
    """Whether most text (by length) on the stored page stands on end.

    Args:
        polygons: of the lines, in pixels: 8 numbers each, clockwise from the top left corner.
    """
    lying = standing = 0.0
    for polygon in polygons:
        width, height = _sides(polygon)
        if width >= _LONG_RATIO * height:
            lying += width
        elif height >= _LONG_RATIO * width:
            standing += height
    return standing > lying


def longest_lines(polygons: Sequence[Sequence[float]], standing: bool = False) -> list[int]:
    """Indices of up to eight of the longest lines that lie, or that stand, longest first.

    Short lines (less than twice as long as high) are left out: which way they run is uncertain.

    Args:
        polygons: of the lines, in pixels: 8 numbers each, clockwise from the top left corner.
        standing: whether the lines that stand are wanted.
    """
    lengths = []
    for index, polygon in enumerate(polygons):
        width, height = _sides(polygon)
        along, across = (height, width) if standing else (width, height)
        if along >= _LONG_RATIO * across:
            lengths.append((-along, index))
    return [index for _, index in sorted(lengths)[:_SAMPLE]]


def sample_confidence(polygons: Sequence[Sequence[float]], confidences: Sequence[float]) -> float:
    """The mean confidence of the longest lying lines; 0 where there are none.

    Args:
        polygons: of the lines, in pixels: 8 numbers each, clockwise from the top left corner.
        confidences: of the lines, in [0, 1].
    """
    sample = [confidences[index] for index in longest_lines(polygons)]
    return sum(sample) / len(sample) if sample else 0.0


def are_columns(turned: Sequence[float], laid: Sequence[float]) -> bool:
    """Whether standing lines are columns of upright characters, and not lines of a page on its side.

    See ``beam_kie.ocr.columns`` for what was measured.

    Args:
        turned: confidences of the lines, read when the page is turned.
        laid: confidences of the same lines, read with their characters cut and laid side by side.
    """
    return bool(laid) and sum(laid) / len(laid) > sum(turned) / len(turned) - _COLUMN_MARGIN


def in_doubt(polygons: Sequence[Sequence[float]], confidences: Sequence[float]) -> bool:
    """Whether the page as it was read may not be upright, so that ``find_rotation`` has to be called.

    Args:
        polygons: of the lines, in pixels: 8 numbers each, clockwise from the top left corner.
        confidences: of the lines, in [0, 1].
    """
    if is_sideways(polygons):
        return True
    return bool(longest_lines(polygons)) and sample_confidence(polygons, confidences) < SURE


def find_rotation(sideways: bool, probe: Callable[[int], float]) -> int:
    """How far to turn the stored page clockwise so that it stands upright: 0, 90, 180 or 270.

    Where no other rotation is clearly better, the page stays.

    Args:
        sideways: whether most lines of the stored page stand.
        probe: from degrees to the ``sample_confidence`` of the page turned clockwise by as many. Called only
            as often as needed, for 0 first where the page is not ``sideways``.
    """
    scores: dict[int, float] = {}
    if sideways:
        scores = {90: probe(90), 270: probe(270)}
    # Sideways lines may be columns of upright characters, which read badly either way.
    if not scores or max(scores.values()) < SURE:
        scores[0] = probe(0)
        if scores[0] < SURE:
            scores[180] = probe(180)
    best = max(scores, key=lambda rotation: scores[rotation])
    if best and scores[best] < scores.get(0, 0.0) + _MARGIN:
        return 0
    return best


def _sides(polygon: Sequence[float]) -> tuple[float, float]:
    """Width and height (px) of a quadrilateral that starts at its top left corner."""
    x0, y0, x1, y1, _, _, x3, y3 = polygon
    return math.hypot(x1 - x0, y1 - y0), math.hypot(x3 - x0, y3 - y0)
