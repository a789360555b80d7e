"""Where there is text on pages that are far longer than wide, or that are large and set in small type.

A detector sees a page shrunk to one size. What would be too small then is looked for in overlapping tiles;
what the detector says of them is put together to one map before lines are cut out of it. So no line is found
twice, and none is cut where tiles meet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from beam_kie.document import Polygon

TextMap = Callable[[np.ndarray, tuple[int, int]], np.ndarray]
"""From pixels (H x W x 3 uint8 RGB) and a width and height, multiples of 32, to a map of that size: how
certainly there is text."""

LineBoxes = Callable[[np.ndarray, tuple[int, int]], list[Polygon]]
"""From a map, and width and height of the page, to the lines as quadrilaterals in its pixels."""

_STRIDE = 32
_LONG = 3.0  # times longer than wide
_SHEET = 1.414  # long pages are shrunk as sheets of their width would be: so many times longer than wide
_OVERLAP = 256  # pixels that neighbouring tiles share, as the detector sees them
_LARGE = 3.5  # times more pixels along a side than the detector sees
_FEW, _SMALL_PX = 10, 12  # lines; pixels of the detector that lines are high
_CLOSER = 3.6  # times as many pixels along a side at the second look
_BLANK = 24  # grey levels between the darkest and the lightest pixel of a tile without text
_REACH = 31  # pixels of the detector: text is no further than half of that from ink


def find_lines(pixels: np.ndarray, max_side: int, text_map: TextMap, line_boxes: LineBoxes) -> list[Polygon]:
    """The lines of a page, which is looked at in tiles where need be.

    Args:
        pixels: the page, H x W x 3 uint8 RGB.
        max_side: pixels of the longer side of what the detector sees at once, at least 32.
        text_map: the detector.
        line_boxes: finds lines in its map.
    """
    height, width = pixels.shape[:2]
    longer, shorter = max(height, width), min(height, width)
    scale = min(1.0, max_side / longer)
    if longer > _LONG * shorter:
        scale = min(1.0, max_side / (_SHEET * shorter))
    lines = line_boxes(_page_map(pixels, scale, max_side, text_map), (width, height))
    if longer >= _LARGE * max_side and longer <= _LONG * shorter and _are_small(lines, scale):
        closer = min(1.0, _CLOSER * scale)
        lines = line_boxes(_page_map(pixels, closer, max_side, text_map), (width, height))
    return lines


def _page_map(pixels: np.ndarray, scale: float, max_side: int, text_map: TextMap) -> np.ndarray:
    """The map of a page that is shrunk by ``scale``, put together from tiles where it is still too large."""
    height, width = pixels.shape[:2]
    # As many pixels as the detector takes, which are multiples of its stride.
    size = [max(round(side * scale / _STRIDE), 1) * _STRIDE for side in (width, height)]
    across, down = (_tiles(side, max_side) for side in size)
    if len(across) == len(down) == 1:
        return text_map(pixels, (size[0], size[1]))
    whole: np.ndarray | None = None
    for top, bottom, keep_top, keep_bottom in down:
        y0, y1 = (round(place * height / size[1]) for place in (top, bottom))
        for left, right, keep_left, keep_right in across:
            x0, x1 = (round(place * width / size[0]) for place in (left, right))
            tile = pixels[y0:y1, x0:x1]
            if not tile.size or int(tile.max()) - int(tile.min()) < _BLANK:
                continue
            found = _near_ink(text_map(np.ascontiguousarray(tile), (right - left, bottom - top)), tile)
            if whole is None:
                whole = np.zeros((size[1], size[0]), found.dtype)
            part = found[keep_top - top : keep_bottom - top, keep_left - left : keep_right - left]
            whole[keep_top:keep_bottom, keep_left:keep_right] = part
    return np.zeros((size[1], size[0]), np.uint8) if whole is None else whole


def _near_ink(found: np.ndarray, tile: np.ndarray) -> np.ndarray:
    """The map without what is far from ink: on tiles that are all but blank, detectors see text anywhere."""
    grey = cv2.resize(cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY), found.shape[::-1], interpolation=cv2.INTER_AREA)
    edges = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > _BLANK
    near = cv2.dilate(edges.view(np.uint8), np.ones((_REACH, _REACH), np.uint8)).view(bool)
    return np.where(near, found, 0).astype(found.dtype)


def _tiles(side: int, max_side: int) -> list[tuple[int, int, int, int]]:
    """Start and end of tiles along a side of a page, and of the part that each of them is asked for."""
    most = max(max_side // _STRIDE, 1) * _STRIDE
    if side <= most:
        return [(0, side, 0, side)]
    overlap = min(_OVERLAP, most // 2)
    count = math.ceil((side - overlap) / (most - overlap))
    starts = [round(index * (side - most) / (count - 1) / _STRIDE) * _STRIDE for index in range(count)]
    ends = [start + most for start in starts]
    seams = [(end + start) // 2 for end, start in zip(ends, starts[1:], strict=False)]
    return list(zip(starts, ends, [0, *seams], [*seams, side], strict=True))


def _are_small(lines: Sequence[Polygon], scale: float) -> bool:
    """Whether there may be lines that are too small to be found."""
    if len(lines) < _FEW:
        return True
    corners = np.array(lines).reshape(-1, 4, 2)
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
    return float(np.quantile(sides.min(axis=1), 0.25)) * scale < _SMALL_PX
