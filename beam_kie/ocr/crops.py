"""Pictures of single text lines: cut out of a page, and packed into batches for a recogniser."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from beam_kie.geometry import STANDING_RATIO

LINE_HEIGHT = 48
"""The height in pixels at which PP-OCR recognisers read."""

# Measured on 12 forms (845 lines): a least width of 128 px instead of the usual 320 and batches of
# similar widths cost a fifth less time, and read as many lines right.
_LEAST_WIDTH = 128
_WIDTH_STEP = 32
_MOST_LINES = 8
_MOST_WIDTH = 2400


def crop_line(pixels: np.ndarray, polygon: Sequence[float]) -> np.ndarray | None:
    """The picture of one text line, cut out of a page and turned so that it lies.

    The top of a standing line comes out on the left.

    Args:
        pixels: the page, H x W x 3 uint8.
        polygon: a quadrilateral in pixels: 8 numbers, clockwise from the line's top left corner.

    Returns:
        The picture, h x w x 3 uint8; None where the quadrilateral has no area on the page.
    """
    corners = np.asarray(polygon, dtype=np.float32).reshape(4, 2)
    width, height = _size(corners)
    if width < 1 or height < 1:
        return None
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    # Only the line's surroundings, so that the time does not depend on the size of the page.
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 3
    area = pixels[top:bottom, left:right]
    if area.size == 0:
        return None
    transform = cv2.getPerspectiveTransform(corners - np.array([left, top], dtype=np.float32), target)
    crop = cv2.warpPerspective(
        area, transform, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.ascontiguousarray(np.rot90(crop)) if stands(polygon) else crop


def stands(polygon: Sequence[float]) -> bool:
    """Whether a line is so tall that ``crop_line`` turns it.

    Args:
        polygon: as of ``crop_line``.
    """
    width, height = _size(np.asarray(polygon, dtype=np.float32).reshape(4, 2))
    return height >= STANDING_RATIO * width


def _size(corners: np.ndarray) -> tuple[int, int]:
    """Width and height in whole pixels of a quadrilateral, 4 x 2."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    return int(max(sides[0], sides[2])), int(max(sides[1], sides[3]))


def plan_batches(crops: Sequence[np.ndarray]) -> list[list[int]]:
    """Which crops to read together: lists of indices, lines of similar width in each, widest first.

    The plan depends on the crops alone, so that a page always reads the same.

    Args:
        crops: pictures of lines, h x w x 3 each.
    """
    widths = [_padded_width(crop) for crop in crops]
    batches: list[list[int]] = []
    room = 0
    for index in sorted(range(len(crops)), key=lambda i: -widths[i]):
        if room == 0:
            batches.append([])
            # The first is the widest, and all are padded to its width.
            room = min(max(_MOST_WIDTH // widths[index], 1), _MOST_LINES)
        batches[-1].append(index)
        room -= 1
    return batches


def pack_batch(crops: Sequence[np.ndarray]) -> np.ndarray:
    """RGB crops as the recogniser takes them: float32 n x 3 (BGR) x 48 x width, black -1 to white 1.

    Shorter lines are padded with zeros. Widths come in steps of 32, so that a runtime that compiles for each
    new shape meets few of them.

    Args:
        crops: pictures of lines, h x w x 3 uint8 RGB each; at least one.
    """
    width = max(_padded_width(crop) for crop in crops)
    batch = np.zeros((len(crops), 3, LINE_HEIGHT, width), dtype=np.float32)
    for row, crop in zip(batch, crops, strict=True):
        line = cv2.resize(crop, (line_width(crop), LINE_HEIGHT))
        row[:, :, : line.shape[1]] = line[:, :, ::-1].transpose(2, 0, 1) / np.float32(127.5) - 1
    return batch


def line_width(crop: np.ndarray) -> int:
    """Pixels that a line is wide at the height that recognisers read at.

    Args:
        crop: the picture of the line, h x w x 3.
    """
    return max(1, math.ceil(LINE_HEIGHT * crop.shape[1] / crop.shape[0]))


def _padded_width(crop: np.ndarray) -> int:
    return math.ceil(max(line_width(crop), _LEAST_WIDTH) / _WIDTH_STEP) * _WIDTH_STEP
