"""Pages as the model sees them: straight, however they lay before the camera."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from beam_kie.document import Box, PageText, Straightening
from beam_kie.geometry import clip_box, clip_polygon, map_box, map_polygon


def straight_page(page: PageText) -> PageText:
    """The page with its lines, cells and marks on the straight page; itself where it is straight.

    Args:
        page: with its ``straightening``, if any.
    """
    how = page.straightening
    if how is None:
        return page
    size = (how.width_px, how.height_px)
    lines = tuple(
        dataclasses.replace(line, polygon=clip_polygon(map_polygon(line.polygon, how.matrix), *size))
        for line in page.lines
    )
    cells, marks = (
        tuple(dataclasses.replace(item, box=_moved_box(item.box, how)) for item in items)
        for items in (page.cells, page.marks)
    )
    return dataclasses.replace(
        page,
        lines=lines,
        cells=cells,
        marks=marks,
        width_px=how.width_px,
        height_px=how.height_px,
        straightening=None,
    )


def _moved_box(box: Box, how: Straightening) -> Box:
    return clip_box(map_box(box, how.matrix), how.width_px, how.height_px)


def straight_pixels(pixels: np.ndarray, page: PageText) -> np.ndarray:
    """The picture of ``straight_page``; itself where the page is straight.

    Args:
        pixels: of the upright page, H x W x 3 uint8.
        page: with its ``straightening``, if any.
    """
    how = page.straightening
    return pixels if how is None else StraightPixels(pixels, how)[:, :]


class StraightPixels:
    """The picture of a straight page, of which parts are made when they are asked for: lines are a small
    part of a page.

    Args:
        pixels: of the upright page, H x W or H x W x 3 uint8.
        how: the page becomes straight.
    """

    def __init__(self, pixels: np.ndarray, how: Straightening):
        self.shape = (how.height_px, how.width_px)
        self._pixels = pixels
        # Coordinates count from the corner of the first pixel, OpenCV's from its centre.
        half = _moved(-0.5, -0.5)
        self._matrix = half @ np.reshape(how.matrix, (3, 3)) @ np.linalg.inv(half)

    def __getitem__(self, area: tuple[slice, slice]) -> np.ndarray:
        """The pixels of some rows and columns, as of an array; rows and columns without a step."""
        (top, bottom, _), (left, right, _) = (
            part.indices(side) for part, side in zip(area, self.shape, strict=True)
        )
        size = (max(right - left, 0), max(bottom - top, 0))
        if 0 in size:
            return np.empty((size[1], size[0], *self._pixels.shape[2:]), np.uint8)
        matrix = _moved(-left, -top) @ self._matrix
        return cv2.warpPerspective(
            self._pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )


def _moved(right: float, down: float) -> np.ndarray:
    return np.array([[1, 0, right], [0, 1, down], [0, 0, 1]], float)
