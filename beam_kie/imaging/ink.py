"""Where a rendered page has ink that may be text: not rules, frames and plain areas of colour."""

from __future__ import annotations

import cv2
import numpy as np

from beam_kie.document import Box

# Of 255: neighbouring pixels that differ by more have an edge between them. Paler text is hardly readable.
_EDGE = 28
# In inches: straight edges of at least this length are rules and frames, not strokes of letters ...
_RULE = 0.2
# ... what joins two of them and is smaller than this is a rounded corner ...
_CORNER = 0.25
# ... and what is lower than this is no letter (2 points).
_LOWEST_LETTER = 2 / 72


def text_ink_box(pixels: np.ndarray, dpi: float) -> Box | None:
    """The rectangle around everything on a page that may be text, pictures included.

    Args:
        pixels: the page, H x W x 3 uint8 RGB.
        dpi: its resolution, above 0.

    Returns:
        The rectangle in pixels; None where the page has nothing but rules, frames and areas of colour.
    """
    edges = _edges(pixels)
    length = max(3, round(_RULE * dpi))
    across, upright = _runs(edges, (length, 1)), _runs(edges, (1, length))
    edges[(across | upright) > 0] = 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(edges, connectivity=8)
    lowest = max(3, round(_LOWEST_LETTER * dpi))
    high = stats[1:, cv2.CC_STAT_HEIGHT] >= lowest
    kept = [
        label
        for label in (np.flatnonzero(high) + 1)
        if not _is_corner(label, labels, stats[label], (across, upright), _CORNER * dpi)
    ]
    if count < 2 or not kept:
        return None
    found = stats[kept]
    x0, y0 = found[:, cv2.CC_STAT_LEFT], found[:, cv2.CC_STAT_TOP]
    x1, y1 = x0 + found[:, cv2.CC_STAT_WIDTH], y0 + found[:, cv2.CC_STAT_HEIGHT]
    return (float(x0.min()), float(y0.min()), float(x1.max()), float(y1.max()))


def _edges(pixels: np.ndarray) -> np.ndarray:
    """H x W uint8, 1 where a pixel differs from a neighbour in any colour."""
    steps = cv2.morphologyEx(pixels, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
    return (brightest(steps) > _EDGE).astype(np.uint8)


def brightest(pixels: np.ndarray) -> np.ndarray:
    """H x W uint8: the largest of the three colours of each pixel, many times faster than NumPy's own.

    Args:
        pixels: H x W x 3 uint8.
    """
    red, green, blue = cv2.split(pixels)
    return cv2.max(cv2.max(red, green), blue)


def _runs(edges: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The straight edges of at least that length, and the pixels beside them."""
    runs = cv2.morphologyEx(edges, cv2.MORPH_OPEN, np.ones(size[::-1], np.uint8))
    return cv2.dilate(runs, np.ones((5, 5), np.uint8))


def _is_corner(
    label: int, labels: np.ndarray, stats: np.ndarray, runs: tuple[np.ndarray, np.ndarray], largest: float
) -> bool:
    """Whether a small piece joins a rule across with an upright one."""
    x, y, width, height = (int(stats[place]) for place in range(4))
    if max(width, height) > largest:
        return False
    rows, columns = slice(max(0, y - 1), y + height + 1), slice(max(0, x - 1), x + width + 1)
    piece = cv2.dilate((labels[rows, columns] == label).astype(np.uint8), np.ones((3, 3), np.uint8))
    return all((piece & run[rows, columns]).any() for run in runs)
