"""The order in which a page is read: rows from the top, each row from left to right.

This is like PaddleOCR's "tb-yx", but two lines share a row when they overlap by half of the lower one's
height, not when they lie less than 20 px apart, so the order does not depend on the resolution. Pages scanned
a few degrees askew are straightened first (by arithmetic on the boxes).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from beam_kie.document import Box, TextLine
from beam_kie.geometry import upright_box

MAX_SLOPE = math.tan(math.radians(6))
"""Pages further askew than this are not straightened; no feeder or flatbed scan is."""

_FEWEST_TO_ESTIMATE = 6
_SLOPE_MARGIN = 0.005
_MOST_SLOPE_STEPS = 200
_CLEARLY_BETTER = 1.2
_LONG_LINE_RATIO = 3.0
_TALL_RATIO = 1.5
_SAME_ROW_OVERLAP = 0.5


def order_lines(lines: Iterable[TextLine]) -> tuple[TextLine, ...]:
    """The lines of one page in reading order.

    Args:
        lines: of one page, in any order.
    """
    found = list(lines)
    slope = polygon_slope([line.polygon for line in found])
    order = reading_order([line.box for line in found], slope)
    return tuple(found[index] for index in order)


def reading_order(boxes: Sequence[Box], slope: float | None = None) -> list[int]:
    """Indices of the boxes in reading order, in O(n log n); equal boxes keep their order.

    Args:
        boxes: N boxes in pixels; they may be empty, inverted or outside the page.
        slope: how far text lines fall per pixel to the right (the tangent of the page's skew); None:
            estimated from the boxes.

    Returns:
        N indices into ``boxes``, each once.
    """
    if not boxes:
        return []
    array = np.array([upright_box(box) for box in boxes], dtype=np.float64)
    array = np.nan_to_num(array, nan=0.0, posinf=1e9, neginf=-1e9)
    if slope is None:
        slope = _estimate_slope(array)
    centres, heights = _straightened(array, slope)
    rows = _rows(centres, heights)
    x0 = array[:, 0]
    # `sorted` is stable, and the rows' members are first put back into the order they came in.
    return [index for row in rows for index in sorted(sorted(row), key=lambda i: x0[i])]


def polygon_slope(polygons: Iterable[Sequence[float]]) -> float | None:
    """The page's skew as the slope of its long text lines.

    Args:
        polygons: of the page's text lines, flat x, y pairs in pixels.

    Returns:
        Pixels down per pixel to the right. None where the polygons do not show it: no line is three times
        longer than high, or all are upright rectangles (as boxes made into polygons are, also on a skewed
        page).
    """
    slopes, lengths = [], []
    for polygon in polygons:
        if len(polygon) != 8:
            continue
        x0, y0, x1, y1, x2, y2, x3, y3 = polygon
        run = (x1 - x0 + x2 - x3) / 2
        if run <= 0 or run < _LONG_LINE_RATIO * abs(y3 - y0 + y2 - y1) / 2:
            continue
        slopes.append((y1 - y0 + y2 - y3) / 2 / run)
        lengths.append(run)
    if not any(slopes):
        return None
    # The median by length: half of all the text is steeper, half less steep.
    order = np.argsort(slopes)
    passed = np.cumsum(np.array(lengths)[order])
    slope = float(slopes[order[np.searchsorted(passed, passed[-1] / 2)]])
    return slope if abs(slope) <= MAX_SLOPE else None


def _straightened(array: np.ndarray, slope: float) -> tuple[np.ndarray, np.ndarray]:
    """Centres and heights (px) of the rows' text with the skew taken out.

    A box much taller than the page's usual line (a cell over several rows, a stamp) counts as a line
    at its top, so that it comes before the rows beside it.
    """
    x0, y0, x1, y1 = array.T
    box_heights = y1 - y0
    heights = np.maximum(box_heights - abs(slope) * (x1 - x0), box_heights * 0.3)
    centres = (y0 + y1) / 2 - slope * (x0 + x1) / 2
    usual = float(np.median(heights))
    capped = np.minimum(heights, _TALL_RATIO * usual) if usual > 0 else heights
    return centres - (heights - capped) / 2, capped


def _rows(centres: np.ndarray, heights: np.ndarray) -> list[list[int]]:
    """Group boxes, from the top, into rows of boxes that overlap vertically."""
    rows: list[list[int]] = []
    row_centre = row_height = 0.0
    for index in np.argsort(centres, kind="stable").tolist():
        centre, height = float(centres[index]), float(heights[index])
        overlap = (row_height + height) / 2 - abs(centre - row_centre)
        lower = min(row_height, height)
        if rows and min(overlap, lower) >= _SAME_ROW_OVERLAP * lower:
            rows[-1].append(index)
            # The mean, so that a long row does not drift into the next one.
            count = len(rows[-1])
            row_centre += (centre - row_centre) / count
            row_height += (height - row_height) / count
        else:
            rows.append([index])
            row_centre, row_height = centre, height
    return rows


def _estimate_slope(array: np.ndarray) -> float:
    """The slope at which most boxes line up in rows; 0 unless another is clearly better.

    A box around tilted text is higher than the text by slope x width. How much higher long boxes are
    than short ones gives the slope but for its sign, and on straight pages says that it is about 0.
    """
    array = array[array[:, 3] > array[:, 1]]
    if len(array) < _FEWEST_TO_ESTIMATE:
        return 0.0
    widths, heights = array[:, 2] - array[:, 0], array[:, 3] - array[:, 1]
    by_width = np.argsort(widths, kind="stable")
    third = len(array) // 3
    short, long = by_width[:third], by_width[-third:]
    longer = float(np.median(widths[long]) - np.median(widths[short]))
    text_height = float(np.percentile(heights[short], 25))
    if longer < text_height:
        return 0.0
    steepness = float(np.median(heights[long]) - np.median(heights[short])) / longer
    limit = min(1.5 * max(steepness, 0.0) + _SLOPE_MARGIN, MAX_SLOPE)
    # Steps so small that the page's two sides shift by less than a quarter of a line.
    across = max(float(array[:, 2].max() - array[:, 0].min()), 1.0)
    steps = min(int(np.ceil(limit * across / (text_height / 4))), _MOST_SLOPE_STEPS)
    slopes = np.linspace(-limit, limit, 2 * steps + 1)
    scores = np.array([_alignment(array, slope, text_height) for slope in slopes])
    best = int(np.argmax(scores))
    return float(slopes[best]) if scores[best] > _CLEARLY_BETTER * scores[steps] else 0.0


def _alignment(array: np.ndarray, slope: float, text_height: float) -> float:
    """How many boxes lie level with another one when the slope is taken out, near misses in part."""
    centres = (array[:, 1] + array[:, 3]) / 2 - slope * (array[:, 0] + array[:, 2]) / 2
    gaps = np.diff(np.sort(centres))
    return float(np.clip(1 - gaps / (text_height / 2), 0, None).sum())
