"""Ruled rectangles of a page, by morphology: cells of tables and fields to write in.

Horizontal and vertical rules are what remains when ink is opened with a long flat and a long upright element;
the parts of the page between them that are rectangles are cells.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from beam_kie.document import Straightening
from beam_kie.geometry import map_box
from beam_kie.page_parts import RuledCell

MOST_CELLS = 2_000

_SIDE = 1754  # pixels of the longer side of the page that is looked at: A4 at 150 dpi
_CONTRAST = 15  # grey levels that ink is darker than its surroundings
_SURROUNDINGS = 31  # pixels
_FLAT, _UPRIGHT = 40, 18  # pixels that rules are long at least
_GAP = 5  # pixels; shorter gaps in rules are closed
_LEAST_WIDTH, _LEAST_HEIGHT = 18, 12
_LEAST_FULL = 0.85  # of its box is part of a cell
_LEAST_RULED = 0.7  # of the sides of its box are ruled
_MOST_OF_PAGE = 0.9


class Ink(NamedTuple):
    """A page in black and white, shrunk.

    ``mask``: H x W uint8, 255 where there is ink; ``scale``: pixels of the page for one of the mask.
    """

    mask: np.ndarray
    scale: float


def find_ink(pixels: np.ndarray) -> Ink:
    """Where a page is darker than around.

    Args:
        pixels: H x W x 3 uint8 RGB.
    """
    return _ink(*_shrunk(pixels))


def find_straight_cells(pixels: np.ndarray, how: Straightening) -> tuple[RuledCell, ...]:
    """The ruled rectangles of a page that is askew, found on the straight page: only there rules are long.

    Args:
        pixels: of the upright page, H x W x 3 uint8 RGB.
        how: the page becomes straight.

    Returns:
        Cells with boxes on the upright page, through the middles of their slanted sides.
    """
    grey, scale = _shrunk(pixels)
    sizes = np.diag([scale, scale, 1.0])
    matrix = np.linalg.inv(sizes) @ np.reshape(how.matrix, (3, 3)) @ sizes
    size = (max(round(how.width_px / scale), 1), max(round(how.height_px / scale), 1))
    straight = cv2.warpPerspective(grey, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    back = np.linalg.inv(np.reshape(how.matrix, (3, 3))).ravel().tolist()
    cells = [replace(cell, box=map_box(cell.box, back)) for cell in find_cells(_ink(straight, scale))]
    return tuple(sorted(cells, key=lambda cell: (cell.box[1], cell.box[0])))


def _shrunk(pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """A page in grey, and pixels of the page for one of these."""
    height, width = pixels.shape[:2]
    scale = max(1.0, max(height, width) / _SIDE)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if scale > 1:
        size = (max(round(width / scale), 1), max(round(height / scale), 1))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return grey, scale


def _ink(grey: np.ndarray, scale: float) -> Ink:
    how = (cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV)
    return Ink(cv2.adaptiveThreshold(grey, 255, *how, _SURROUNDINGS, _CONTRAST), scale)


def find_cells(ink: Ink) -> tuple[RuledCell, ...]:
    """The ruled rectangles of a page, from the top, at most MOST_CELLS; those that hold others are left out.

    Args:
        ink: of the upright page.
    """
    rules = _rules(ink.mask)
    _, _, stats, _ = cv2.connectedComponentsWithStats(255 - rules, connectivity=4)
    height, width = rules.shape
    cells = []
    for x, y, w, h, area in stats[1:].tolist():
        if w < _LEAST_WIDTH or h < _LEAST_HEIGHT or area < _LEAST_FULL * w * h:
            continue
        if x == 0 or y == 0 or x + w >= width or y + h >= height or w * h > _MOST_OF_PAGE * width * height:
            continue
        ruled = _ruled_share(rules, x, y, w, h)
        if ruled >= _LEAST_RULED:
            box = tuple(side * ink.scale for side in (x, y, x + w, y + h))
            cells.append(RuledCell(box, round(min(ruled, area / (w * h)), 3)))
    cells.sort(key=lambda cell: (cell.box[1], cell.box[0]))
    return tuple(cells[:MOST_CELLS])


def _rules(mask: np.ndarray) -> np.ndarray:
    rules = np.zeros_like(mask)
    for size, gap in (((_FLAT, 1), (_GAP, 1)), ((1, _UPRIGHT), (1, _GAP))):
        found = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones(size[::-1], np.uint8))
        rules |= cv2.dilate(found, np.ones(gap[::-1], np.uint8))
    return rules


def _ruled_share(rules: np.ndarray, x: int, y: int, w: int, h: int) -> float:
    """How much of the sides of a box is ruled, right outside of it."""
    sides = (
        rules[y - 1, x : x + w],
        rules[y + h, x : x + w],
        rules[y : y + h, x - 1],
        rules[y : y + h, x + w],
    )
    return min(float((side > 0).mean()) for side in sides)
