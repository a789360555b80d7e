"""Where a text stands, in the notations that OCR engines use, as four corners."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from beam_kie.document import Polygon
from beam_kie.geometry import box_polygon, order_corners, polygon_area, polygon_box

Point = tuple[float, float]

LARGEST = 10_000_000
"""No coordinate may be further from 0: pages have no more pixels than this either way."""

# Names of a box's parts, in the order left, top, and then right, bottom or width, height.
_EDGES = (("x0", "y0", "x1", "y1"), ("x1", "y1", "x2", "y2"), ("left", "top", "right", "bottom"))
_SIZES = (("left", "top", "width", "height"), ("x", "y", "width", "height"), ("x", "y", "w", "h"))


class ShapeError(ValueError):
    """A notation that is none of those that are read, or a number that cannot be; names no text."""


def read_polygon(value: Any, name: str = '"polygon"') -> Polygon:
    """Four corners around a polygon of any number of corners.

    Args:
        value: a flat list x, y, x, y, ..., a list of [x, y], or a list of objects with x and y. Two corners
            are those of a box.
        name: what the value is called in messages.

    Returns:
        The polygon itself where it is a quadrilateral that nowhere bends inwards, else the smallest rectangle
        around it, tilted as it is; clockwise from the top left.

    Raises:
        ShapeError: it is none of these, or holds something that is no number.
    """
    if not isinstance(value, list):
        raise ShapeError(f"{name} must be a list of corners")
    flat: list[Any] = []
    for point in value:
        if isinstance(point, list) and len(point) == 2:
            flat += point
        elif isinstance(point, dict):
            flat += _point_of(point, name)
        else:
            flat.append(point)
    if len(flat) < 4 or len(flat) % 2:
        raise ShapeError(f"{name} must have an even number of numbers: x and y of 2 corners or more")
    return enclosing_quadrilateral(numbers(flat, name))


def read_box(value: Any, name: str = '"box"') -> Polygon:
    """Four corners of a box.

    Args:
        value: [x0, y0, x1, y1], two corners as [x, y] or as objects, or an object with the names of edges
            (left, top, right, bottom; x0, y0, x1, y1) or of an edge and the size (x, y, width, height).
        name: what the value is called in messages.

    Raises:
        ShapeError: it is none of these, or holds something that is no number.
    """
    if isinstance(value, dict):
        return box_polygon(_box_of(value, name))
    if isinstance(value, list) and len(value) == 4 and not any(isinstance(v, list | dict) for v in value):
        return box_polygon(numbers(value, name))
    if isinstance(value, list) and value and all(isinstance(point, list | dict) for point in value):
        return box_polygon(polygon_box(read_polygon(value, name)))
    raise ShapeError(
        f"{name} must have 4 numbers (x0, y0, x1, y1), or an object with left, top, right, bottom"
    )


def numbers(values: Iterable[Any], name: str) -> tuple[float, ...]:
    """Values as numbers.

    Args:
        values: of JSON.
        name: what they are called in messages.

    Raises:
        ShapeError: one is no number, is not finite or is beyond LARGEST.
    """
    values = list(values)
    if any(not isinstance(value, int | float) or isinstance(value, bool) for value in values):
        raise ShapeError(f"{name} must be numbers")
    # Keeps out NaN and infinity as well.
    if not all(abs(value) <= LARGEST for value in values):
        raise ShapeError(f"{name} must be numbers, none beyond {LARGEST:,}")
    return tuple(float(value) for value in values)


def enclosing_quadrilateral(polygon: Sequence[float]) -> Polygon:
    """A convex quadrilateral as it is, else the smallest rectangle around the polygon.

    The smallest rectangle has a side along a side of the convex hull (Freeman and Shapira, 1975).

    Args:
        polygon: flat x, y pairs, at least 2, in any order.

    Returns:
        Four corners, clockwise from the top left; without area where the points lie on one line.
    """
    points = sorted(set(zip(map(float, polygon[0::2]), map(float, polygon[1::2]), strict=True)))
    hull = _convex_hull(points)
    if len(points) == 4 and len(hull) == 4:
        return order_corners([value for point in hull for value in point])
    box = box_polygon(polygon_box(polygon))
    if len(points) == 2 and len(polygon) == 4:
        return box
    if len(hull) < 3:
        (ax, ay), (bx, by) = points[0], points[-1]
        return (ax, ay, bx, by, bx, by, ax, ay)
    best = min((_rectangle_along(hull, i) for i in range(len(hull))), key=polygon_area)
    # Of equal rectangles the upright one, whose corners are not rounded.
    return box if polygon_area(box) <= polygon_area(best) * (1 + 1e-6) else order_corners(best)


def _convex_hull(points: list[Point]) -> list[Point]:
    """The corners of the convex hull of sorted points, in order (Andrew's monotone chain)."""

    def chain(sequence: Iterable[Point]) -> list[Point]:
        found: list[Point] = []
        for x, y in sequence:
            while len(found) > 1:
                (ax, ay), (bx, by) = found[-2:]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                found.pop()
            found.append((x, y))
        return found[:-1]

    return chain(points) + chain(reversed(points))


def _rectangle_along(hull: list[Point], index: int) -> Polygon:
    """The smallest rectangle around a hull that lies along its side behind the corner ``index``."""
    (ax, ay), (bx, by) = hull[index], hull[(index + 1) % len(hull)]
    length = math.hypot(bx - ax, by - ay)
    ux, uy = (bx - ax) / length, (by - ay) / length
    along = [x * ux + y * uy for x, y in hull]
    across = [y * ux - x * uy for x, y in hull]
    corners = [(u, v) for v in (min(across), max(across)) for u in (min(along), max(along))]
    corners[2], corners[3] = corners[3], corners[2]
    return tuple(value for u, v in corners for value in (u * ux - v * uy, u * uy + v * ux))


def _point_of(point: dict[str, Any], name: str) -> list[Any]:
    lowered = {str(key).lower(): value for key, value in point.items()}
    if "x" not in lowered or "y" not in lowered:
        raise ShapeError(f'{name} must have corners with "x" and "y"')
    return [lowered["x"], lowered["y"]]


def _box_of(box: dict[str, Any], name: str) -> tuple[float, ...]:
    lowered = {str(key).lower(): value for key, value in box.items()}
    for names in _EDGES:
        if all(edge in lowered for edge in names):
            return numbers([lowered[edge] for edge in names], name)
    for names in _SIZES:
        if all(edge in lowered for edge in names):
            x, y, width, height = numbers([lowered[edge] for edge in names], name)
            return (x, y, x + width, y + height)
    raise ShapeError(f"{name} must have left, top, right and bottom, or x, y, width and height")
