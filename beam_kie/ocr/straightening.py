"""Pages that are askew or pictured at an angle: measured by their text lines, and how they become straight.

Lines of text that are parallel on paper run through one point of the picture, their vanishing point, which
is infinitely far away where the page is only turned. The page is turned until that point lies level with its
middle, and stretched until it is infinitely far away (Hartley and Zisserman, "Multiple View Geometry",
chapter 8): then rows are level. Columns of Chinese and Japanese become rows by a further turn of a quarter.
"""

from __future__ import annotations

import dataclasses
import math
import unicodedata
from collections.abc import Sequence

import numpy as np

from beam_kie.document import PageText, Polygon, Straightening, TextLine
from beam_kie.geometry import map_polygon, polygon_box, rotate_polygon
from beam_kie.ocr.crops import stands
from beam_kie.ocr.ink_skew import ink_skew
from beam_kie.reading_order import reading_order

LEAST_SKEW_DEG = 0.3
"""A page that is less askew counts as straight: over its width that makes half the height of a line."""

MOST_SKEW_DEG = 20.0
"""Text that runs steeper than this is decoration, not the skew of a page."""

_LONG_RATIO = 3.0
_ALIKE_DEG = 6.0  # lines further from the usual slope do not take part
_FEWEST_FOR_PERSPECTIVE = 6
_CLEARLY_LESS = 0.6  # of the spread of slopes remains once perspective is taken out
_MOST_CONVERGENCE = 0.35  # of half the diagonal over the distance of the vanishing point


def straightened(page: PageText, pixels: np.ndarray | None = None) -> PageText:
    """The page with its skew, the way to make it straight, and its lines in the order of reading.

    Args:
        page: as it was read, lines in any order.
        pixels: of the upright page, H x W x 3 uint8 RGB, asked where no line is long; None: not at hand.

    Returns:
        The page; its lines keep their order where it is as good as straight.
    """
    size = (page.width_px, page.height_px)
    polygons = [line.polygon for line in page.lines]
    if is_in_columns(page.lines):
        return _with_columns_as_rows(page)
    found = measure(polygons, size)
    if found is None and pixels is not None and len(polygons) > 1 and not len(_long_lines(polygons)):
        skew_deg = ink_skew(pixels)
        found = None if skew_deg is None else _turned_back(skew_deg)
    if found is None:
        return page
    skew_deg, matrix = found
    page = dataclasses.replace(page, skew_deg=round(skew_deg, 2) + 0.0)
    return page if matrix is None else _made_straight(page, matrix)


def is_in_columns(lines: Sequence[TextLine]) -> bool:
    """Whether a page is written in columns of Chinese or Japanese: most of its text (by length) stands.

    Args:
        lines: of the upright page.
    """
    lying = standing = 0.0
    for line in lines:
        wide = sum(unicodedata.east_asian_width(char) in "WF" for char in line.text)
        if wide * 2 > len(line.text) > 1 and stands(line.polygon):
            standing += _height(line.polygon)
        else:
            x0, _, x1, _ = polygon_box(line.polygon)
            lying += x1 - x0
    return standing > lying


def _height(polygon: Polygon) -> float:
    _, top, _, bottom = polygon_box(polygon)
    return bottom - top


def _with_columns_as_rows(page: PageText) -> PageText:
    """The page with its columns, from right to left, as the rows of its straight page, from the top."""
    width, height = page.width_px, page.height_px
    rows = [rotate_polygon(line.polygon, width, height, 270) for line in page.lines]
    found = measure(rows, (height, width))
    quarter = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    if found is None:
        return _made_straight(page, quarter)
    skew_deg, matrix = found
    page = dataclasses.replace(page, skew_deg=round(skew_deg, 2) + 0.0)
    return _made_straight(page, quarter if matrix is None else matrix @ quarter)


def _made_straight(page: PageText, matrix: np.ndarray) -> PageText:
    polygons = [line.polygon for line in page.lines]
    straightening = framed(matrix, polygons, (page.width_px, page.height_px))
    boxes = [polygon_box(map_polygon(polygon, straightening.matrix)) for polygon in polygons]
    order = reading_order(boxes, slope=0.0)
    lines = tuple(page.lines[index] for index in order)
    return dataclasses.replace(page, lines=lines, straightening=straightening)


def measure(polygons: Sequence[Polygon], size_px: tuple[int, int]) -> tuple[float, np.ndarray | None] | None:
    """How far a page is askew, by its long lines.

    Args:
        polygons: of the lines, 8 numbers each, clockwise from the top left.
        size_px: width and height of the page.

    Returns:
        Degrees that lines run down to the right, and the 3 x 3 homography around the middle of the page that
        makes it straight (None: it is straight enough). None where no line is long enough to tell, or all are
        upright rectangles, as lines are that were given as boxes.
    """
    middle = np.array(size_px) / 2
    ends = _long_lines(polygons) - middle
    if not len(ends):
        return None
    runs = ends[:, 1] - ends[:, 0]
    lengths = np.linalg.norm(runs, axis=1)
    angles = np.degrees(np.arctan2(runs[:, 1], runs[:, 0]))
    if not angles.any():
        return None
    skew = _median(angles, lengths)
    if abs(skew) > MOST_SKEW_DEG:
        return None
    alike = np.abs(angles - skew) <= _ALIKE_DEG
    ends, lengths, angles = ends[alike], lengths[alike], angles[alike]
    radius = float(np.linalg.norm(middle))
    nearness = _nearness(ends, lengths, angles, skew, radius)
    if nearness:
        # Slopes change over the page; what counts is the one in its middle.
        skew = _median(angles + np.degrees(_across(ends, skew) * nearness / radius), lengths)
    if not nearness:
        return _turned_back(skew)
    stretch = np.eye(3)
    stretch[2, 0] = -nearness / radius
    return skew, stretch @ _turn(-skew)


def framed(matrix: np.ndarray, polygons: Sequence[Polygon], size_px: tuple[int, int]) -> Straightening:
    """A homography around the middle of a page as one between pixels, with all lines on the straight page.

    Args:
        matrix: 3 x 3, between coordinates that count from the middle of either page.
        polygons: of the lines, in pixels of the page.
        size_px: width and height of the page.
    """
    width, height = size_px
    to_middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    around = matrix @ to_middle
    boxes = [polygon_box(map_polygon(polygon, around.ravel().tolist())) for polygon in polygons]
    if abs(matrix[0, 0]) < abs(matrix[0, 1]):
        width, height = height, width  # it is turned by about a quarter
    boxes.append((-width / 2, -height / 2, width / 2, height / 2))
    left, top = (min(box[side] for box in boxes) for side in (0, 1))
    right, bottom = (max(box[side] for box in boxes) for side in (2, 3))
    from_middle = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]])
    numbers = (from_middle @ around).ravel().tolist()
    return Straightening(tuple(numbers), math.ceil(right - left), math.ceil(bottom - top))


def _turned_back(skew_deg: float) -> tuple[float, np.ndarray | None]:
    return skew_deg, _turn(-skew_deg) if abs(skew_deg) >= LEAST_SKEW_DEG else None


def _long_lines(polygons: Sequence[Polygon]) -> np.ndarray:
    """Middles of the left and of the right edge of lines that are long enough to have a slope, N x 2 x 2."""
    corners = np.array(polygons, dtype=np.float64).reshape(-1, 4, 2)
    ends = np.stack([corners[:, [0, 3]].mean(axis=1), corners[:, [1, 2]].mean(axis=1)], axis=1)
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    heights = np.linalg.norm(corners[:, 3] - corners[:, 0], axis=1)
    return ends[lengths >= _LONG_RATIO * np.maximum(heights, 1)]


def _nearness(ends: np.ndarray, lengths: np.ndarray, angles: np.ndarray, skew: float, radius: float) -> float:
    """``radius`` over the distance of the vanishing point to the right of the middle; 0 where lines are
    parallel as far as can be seen.

    To the first order the slope of a line changes in proportion to how far it is above or below the middle.
    """
    if len(lengths) < _FEWEST_FOR_PERSPECTIVE:
        return 0.0
    across = _across(ends, skew) / radius
    slopes = np.radians(angles - skew)
    fit = _line_fit(across, slopes, lengths)
    # Once more without what does not fit.
    rest = np.abs(slopes - fit[0] - fit[1] * across)
    fit = _line_fit(across, slopes, np.where(rest <= 3 * max(np.median(rest), 1e-3), lengths, 0.0))
    rest = slopes - fit[0] - fit[1] * across
    spread = float(np.sqrt(np.average((slopes - np.average(slopes, weights=lengths)) ** 2, weights=lengths)))
    left = float(np.sqrt(np.average(rest**2, weights=lengths)))
    if spread < math.radians(LEAST_SKEW_DEG) or left > _CLEARLY_LESS * spread:
        return 0.0
    return -float(np.clip(fit[1], -_MOST_CONVERGENCE, _MOST_CONVERGENCE))


def _line_fit(places: np.ndarray, values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Offset and slope of the straight line with the least weighted squares."""
    root = np.sqrt(weights)
    design = np.stack([root, places * root], axis=1)
    (offset, slope), *_ = np.linalg.lstsq(design, values * root, rcond=None)
    return float(offset), float(slope)


def _across(ends: np.ndarray, skew: float) -> np.ndarray:
    """How far below the middle of the page lines run, measured across them."""
    centres = ends.mean(axis=1)
    angle = math.radians(skew)
    return centres[:, 1] * math.cos(angle) - centres[:, 0] * math.sin(angle)


def _median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    passed = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(passed, passed[-1] / 2)]])


def _turn(angle_deg: float) -> np.ndarray:
    """The 3 x 3 matrix of a turn around the origin, clockwise with y growing downwards."""
    cosine, sine = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1.0]])
