"""Pages as the model sees them: straight, however they lay before the camera."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from beam_kie.document import PageText
from beam_kie.geometry import box_polygon, clip_polygon, map_polygon, polygon_box


def straight_page(page: PageText) -> PageText:
    """The page with its lines and cells on the straight page; itself where it is straight.

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
    cells = tuple(
        dataclasses.replace(
            cell, box=polygon_box(clip_polygon(map_polygon(box_polygon(cell.box), how.matrix), *size))
        )
        for cell in page.cells
    )
    return dataclasses.replace(
        page, lines=lines, cells=cells, width_px=how.width_px, height_px=how.height_px, straightening=None
    )


def straight_pixels(pixels: np.ndarray, page: PageText) -> np.ndarray:
    """The picture of ``straight_page``; itself where the page is straight.

    Args:
        pixels: of the upright page, H x W x 3 uint8.
        page: with its ``straightening``, if any.
    """
    how = page.straightening
    if how is None:
        return pixels
    # Coordinates count from the corner of the first pixel, OpenCV's from its centre.
    half = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    matrix = half @ np.reshape(how.matrix, (3, 3)) @ np.linalg.inv(half)
    return cv2.warpPerspective(
        pixels, matrix, (how.width_px, how.height_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
