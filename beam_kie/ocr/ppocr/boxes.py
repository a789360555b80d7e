"""Quadrilaterals around lines, from a map that says where there is text.

The method is that of DB (Liao et al. 2020, "Real-time Scene Text Detection with Differentiable
Binarization"): a rectangle around each blob, kept where the map is sure inside it, and enlarged, since the
network was trained on shrunken lines.
"""

from __future__ import annotations

import cv2
import numpy as np

from beam_kie.document import Polygon
from beam_kie.geometry import clip_polygon, order_corners, polygon_area
from beam_kie.ocr.box_geometry import DEFAULT, GEOMETRIES, BoxGeometry

_LEAST_BLOB = 3  # pixels of the map, the shorter side
_LEAST_LINE = 3  # pixels of the page, the shorter side
_MOST = 3000


def line_boxes(
    text_map: np.ndarray, size_px: tuple[int, int], geometry: BoxGeometry = GEOMETRIES[DEFAULT]
) -> list[Polygon]:
    """The lines on a page of that width and height, as quadrilaterals in its pixels, none of them empty.

    Args:
        text_map: H x W uint8, 255 where there is text for certain; of any size.
        size_px: width and height of the page.
        geometry: thresholds, and by how much rectangles are enlarged.
    """
    mask = (text_map > geometry.text_threshold * 255).view(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    scale = np.array(size_px, np.float64) / text_map.shape[1::-1]
    polygons = []
    for contour in contours[:_MOST]:
        centre, sides, angle = cv2.minAreaRect(contour)
        if (
            min(sides) < _LEAST_BLOB
            or _mean_inside(text_map, cv2.boxPoints((centre, sides, angle))) < geometry.line_threshold * 255
        ):
            continue
        growth = 2 * geometry.unclip_ratio * sides[0] * sides[1] / (2 * (sides[0] + sides[1]))
        grown = cv2.boxPoints((centre, (sides[0] + growth, sides[1] + growth), angle))
        corners = np.round(grown * scale)
        polygon = clip_polygon(order_corners(corners.ravel().tolist()), *size_px)
        if _shorter_side(polygon) > _LEAST_LINE and polygon_area(polygon) > 0:
            polygons.append(polygon)
    return polygons


def _mean_inside(text_map: np.ndarray, corners: np.ndarray) -> float:
    """The mean of the map inside a rectangle, 0 to 255."""
    height, width = text_map.shape
    left, top = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, (width - 1, height - 1))
    right, bottom = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, (width - 1, height - 1)) + 1
    inside = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillConvexPoly(inside, (corners - (left, top)).astype(np.int32), (1,))
    return cv2.mean(text_map[top:bottom, left:right], inside)[0]


def _shorter_side(polygon: Polygon) -> float:
    points = np.reshape(polygon, (4, 2))
    return float(min(np.linalg.norm(points[0] - points[1]), np.linalg.norm(points[0] - points[3])))
