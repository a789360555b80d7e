"""What stands beside a row of text."""

from __future__ import annotations

import numpy as np

from beam_kie.document import Box

SAME_ROW = 0.5
"""Boxes are in one row if they have more than this in common of the height of the lower one."""


def nearest_beside(row: Box, boxes: np.ndarray, on_left: bool, among: np.ndarray) -> int | None:
    """Which of P boxes in a row is the nearest one on its left, or on its right; None: there is none.

    Args:
        row: x0, y0, x1, y1.
        boxes: P x 4.
        on_left: the side; what is on the other one has to be left out by ``among``.
        among: P bool, those that count.
    """
    x0, y0, x1, y1 = row
    left, top, right, bottom = boxes.T
    common = np.minimum(bottom, y1) - np.maximum(top, y0)
    fits = among & (common > SAME_ROW * np.maximum(np.minimum(bottom - top, y1 - y0), 1))
    gap = x0 - right if on_left else left - x1
    return int(np.where(fits, gap, np.inf).argmin()) if fits.any() else None
