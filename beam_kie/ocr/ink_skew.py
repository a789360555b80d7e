"""The skew of a page from its ink, for pages that have no long line of text.

Rows of text show as peaks when ink is summed along their direction; of all directions the one counts whose
sums differ most (Postl 1986, "Detection of linear oblique structures and skew scan in digitized documents").
"""

from __future__ import annotations

import cv2
import numpy as np

MOST_DEG = 16.0
"""Directions up to this are tried, either way."""

_SIDE = 800  # pixels of the longer side of the picture that is looked at
_CONTRAST = 40  # grey levels that ink is darker than the paper around it
_MOST_INK = 40_000  # pixels
_FEWEST_INK = 200
_COARSE, _FINE = 0.5, 0.05  # degrees from one direction to the next
_MORE_THAN_DUST = 3.0
_CLEARLY_BETTER = 1.15  # times the score of a straight page


def ink_skew(pixels: np.ndarray) -> float | None:
    """How far rows of ink run down to the right, in degrees; None where no direction stands out.

    Args:
        pixels: of the upright page, H x W x 3 uint8 RGB.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(grey, 51)
    ys, xs = np.nonzero(paper.astype(np.int16) - grey > _CONTRAST)
    if len(xs) < _FEWEST_INK:
        return None
    step = max(len(xs) // _MOST_INK, 1)
    points = np.stack([xs[::step], ys[::step]], axis=1).astype(np.float32)
    coarse = _best(points, np.arange(-MOST_DEG, MOST_DEG + _COARSE, _COARSE))
    best = _best(points, np.arange(coarse - _COARSE, coarse + _COARSE + _FINE, _FINE))
    # Ink strewn at random has sums like a Poisson distribution's, whose differences have twice its variance.
    least = max(_MORE_THAN_DUST * 2 * len(points), _CLEARLY_BETTER * _score(points, 0.0))
    return best if abs(best) < _COARSE or _score(points, best) > least else None


def _best(points: np.ndarray, angles: np.ndarray) -> float:
    return float(angles[int(np.argmax([_score(points, float(angle)) for angle in angles]))])


def _score(points: np.ndarray, angle_deg: float) -> float:
    """How much the sums of ink along rows of that direction differ from one row to the next."""
    angle = np.deg2rad(angle_deg)
    across = points[:, 1] * np.cos(angle) - points[:, 0] * np.sin(angle)
    rows = np.bincount(np.round(across - across.min()).astype(np.intp))
    return float((np.diff(rows).astype(np.float64) ** 2).sum())
