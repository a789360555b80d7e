"""Pieces of ink that are about as wide as high, and the free space beside them."""

from __future__ import annotations

import cv2
import numpy as np

APART = 0.22
"""Widths of free space on the left and the right of a box: letters mostly stand closer."""


def find_pieces(mask: np.ndarray) -> np.ndarray:
    """Connected pieces of ink: N x 5 int32, left, top, width, height and area in pixels each.

    Args:
        mask: H x W uint8, not 0 where there is ink.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return stats[1:]


def squares_of(pieces: np.ndarray, least: int, most: int, ratio: float) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of the pieces that are about square.

    Args:
        pieces: as of ``find_pieces``.
        least: pixels of the shorter side.
        most: pixels of the longer side.
        ratio: so many times longer than wide at most.
    """
    w, h = pieces[:, cv2.CC_STAT_WIDTH], pieces[:, cv2.CC_STAT_HEIGHT]
    shorter, longer = np.minimum(w, h), np.maximum(w, h)
    fits = (shorter >= least) & (longer <= most) & (longer <= ratio * shorter)
    return [(x, y, width, height) for x, y, width, height, _ in pieces[fits].tolist()]


def free_sides(mask: np.ndarray, box: tuple[int, int, int, int], apart: float) -> int:
    """On how many of its two sides (0 to 2) nothing stands as close as letters of a word do.

    Args:
        mask: of the page, H x W, not 0 where there is ink.
        box: left, top, width and height.
        apart: so many widths of free space.
    """
    x, y, w, h = box
    reach = max(round(apart * w), 3)
    # In the middle rows: the end of a tick may stand out above, and a rule may run below.
    rows = slice(y + h // 4, y + h - h // 4)
    left, right = mask[rows, max(x - reach, 0) : x], mask[rows, x + w : x + w + reach]
    return int(not left[:, :-1].any()) + int(not right[:, 1:].any())
