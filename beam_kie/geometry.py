"""Boxes and polygons: pure arithmetic, no pictures.

Boxes are ``(x0, y0, x1, y1)`` and polygons flat ``(x, y, x, y, ...)`` tuples, in pixels, y growing
downwards. Coordinates are those of pixel edges: a page W pixels wide spans 0 to W. A quadrilateral is
``(top left, top right, bottom right, bottom left)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from beam_kie.document import Box, Polygon

GRID = 1000
"""Layout models see every page on a grid of 0 to 1000 in both directions."""

STANDING_RATIO = 1.5
"""A text line at least this many times taller than wide is read from top to bottom."""


def polygon_box(polygon: Sequence[float]) -> Box:
    """The upright rectangle around a polygon of any number of points.

    Args:
        polygon: flat x, y pairs in pixels.

    Raises:
        ValueError: the polygon has no point or half a point.
    """
    if not polygon or len(polygon) % 2:
        raise ValueError(f"a polygon is a flat list of x, y pairs, got {len(polygon)} numbers")
    xs, ys = polygon[0::2], polygon[1::2]
    return (float(min(xs)), float(min(ys)), float(max(xs)), float(max(ys)))


def box_polygon(box: Sequence[float]) -> Polygon:
    """The four corners of a box, clockwise from the top left, also where the box is inverted.

    Args:
        box: x0, y0, x1, y1 in pixels.
    """
    x0, y0, x1, y1 = upright_box(box)
    return (x0, y0, x1, y0, x1, y1, x0, y1)


def upright_box(box: Sequence[float]) -> Box:
    """The same box with x0 <= x1 and y0 <= y1.

    Args:
        box: x0, y0, x1, y1 in any order of the two corners.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    return (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def clip_box(box: Sequence[float], width: float, height: float) -> Box:
    """The part of a box on a page of that size; inverted boxes are put right first.

    A box wholly outside becomes an empty one on the page's edge.

    Args:
        box: x0, y0, x1, y1 in pixels.
        width: of the page in pixels.
        height: of the page in pixels.
    """
    x0, y0, x1, y1 = upright_box(box)
    return (_clamp(x0, width), _clamp(y0, height), _clamp(x1, width), _clamp(y1, height))


def clip_polygon(polygon: Sequence[float], width: float, height: float) -> Polygon:
    """The polygon with every point moved onto the page; the number of points stays.

    Args:
        polygon: flat x, y pairs in pixels.
        width: of the page in pixels.
        height: of the page in pixels.
    """
    limits = (width, height)
    return tuple(_clamp(float(value), limits[i % 2]) for i, value in enumerate(polygon))


def union_box(boxes: Iterable[Sequence[float]]) -> Box:
    """The smallest box around all boxes.

    Args:
        boxes: x0, y0, x1, y1 each; inverted boxes are put right.

    Raises:
        ValueError: there is no box.
    """
    upright = [upright_box(box) for box in boxes]
    if not upright:
        raise ValueError("the union of no boxes is not defined")
    x0s, y0s, x1s, y1s = zip(*upright, strict=True)
    return (min(x0s), min(y0s), max(x1s), max(y1s))


def overlap_share(inner: Sequence[float], outer: Sequence[float]) -> float:
    """The share of one box that lies in another, 0 to 1.

    Args:
        inner: x0, y0, x1, y1. All of a box without an area lies in any other.
        outer: the same.
    """
    width = min(inner[2], outer[2]) - max(inner[0], outer[0])
    height = min(inner[3], outer[3]) - max(inner[1], outer[1])
    area = (inner[2] - inner[0]) * (inner[3] - inner[1])
    return max(0.0, width) * max(0.0, height) / area if area > 0 else 1.0


def height_share(one: Sequence[float], other: Sequence[float]) -> float:
    """The height that two boxes have in common, as a share of the lower one's: 0 to 1.

    Args:
        one: x0, y0, x1, y1.
        other: the same.
    """
    common = min(one[3], other[3]) - max(one[1], other[1])
    least = min(one[3] - one[1], other[3] - other[1])
    return common / least if least > 0 and common > 0 else 0.0


def normalise_box_1000(box: Sequence[float], width: float, height: float) -> tuple[int, int, int, int]:
    """The box on the 0..1000 grid, rounded down, always within it and never inverted.

    Args:
        box: x0, y0, x1, y1 in pixels.
        width: of the page in pixels.
        height: of the page in pixels.

    Raises:
        ValueError: the page has no size.
    """
    if width <= 0 or height <= 0:
        raise ValueError(f"the page has no size: {width} x {height}")
    x0, y0, x1, y1 = clip_box(box, width, height)
    return (int(x0 * GRID / width), int(y0 * GRID / height), int(x1 * GRID / width), int(y1 * GRID / height))


def polygon_area(polygon: Sequence[float]) -> float:
    """The area enclosed, in square pixels; 0 where all points lie on one line.

    Args:
        polygon: flat x, y pairs in pixels.
    """
    xs, ys = polygon[0::2], polygon[1::2]
    count = len(xs)
    # Relative to the first point, so that large coordinates cost no precision.
    xs, ys = [x - xs[0] for x in xs], [y - ys[0] for y in ys]
    doubled = sum(xs[i] * ys[(i + 1) % count] - xs[(i + 1) % count] * ys[i] for i in range(count))
    return abs(doubled) / 2


def order_corners(polygon: Sequence[float]) -> Polygon:
    """A quadrilateral's corners clockwise from the top left, whatever corner and direction they start with.

    The top left corner is the one from which the walk goes most nearly right, down, left and up: right for
    text tilted by less than 45 degrees.

    Args:
        polygon: four corners, flat x, y pairs in pixels.

    Raises:
        ValueError: there are not four corners.
    """
    points = list(zip(polygon[0::2], polygon[1::2], strict=True))
    if len(points) != 4:
        raise ValueError(f"a quadrilateral has 8 numbers, got {len(polygon)}")
    centre_x, centre_y = sum(x for x, _ in points) / 4, sum(y for _, y in points) / 4
    # With y growing downwards a clockwise walk encloses a positive area.
    signed = sum(
        (points[i][0] - centre_x) * (points[(i + 1) % 4][1] - centre_y)
        - (points[(i + 1) % 4][0] - centre_x) * (points[i][1] - centre_y)
        for i in range(4)
    )
    if signed < 0:
        points.reverse()
    start = min(range(4), key=lambda i: _top_left_cost(points, i))
    return tuple(float(value) for i in range(4) for value in points[(start + i) % 4])


def rotate_polygon(polygon: Sequence[float], width: float, height: float, rotation_deg: int) -> Polygon:
    """The polygon after its page is turned clockwise.

    Corners of a quadrilateral are renamed, so that it starts at the top left again; other polygons keep the
    order of their points.

    Args:
        polygon: flat x, y pairs in pixels.
        width: of the page before turning, in pixels.
        height: of the page before turning, in pixels.
        rotation_deg: 0, 90, 180 or 270, clockwise.

    Raises:
        ValueError: for any other angle.
    """
    points = list(zip(polygon[0::2], polygon[1::2], strict=True))
    if rotation_deg == 0:
        turned = points
    elif rotation_deg == 90:
        turned = [(height - y, x) for x, y in points]
    elif rotation_deg == 180:
        turned = [(width - x, height - y) for x, y in points]
    elif rotation_deg == 270:
        turned = [(y, width - x) for x, y in points]
    else:
        raise ValueError(f"a page turns by 0, 90, 180 or 270 degrees, not {rotation_deg}")
    if len(turned) == 4:
        steps = rotation_deg // 90
        turned = turned[4 - steps :] + turned[: 4 - steps]
    return tuple(float(value) for point in turned for value in point)


def map_polygon(polygon: Sequence[float], matrix: Sequence[float]) -> Polygon:
    """The polygon after a homography.

    Args:
        polygon: flat x, y pairs.
        matrix: nine numbers, row by row; the points must be on the near side of its horizon.
    """
    a, b, c, d, e, f, g, h, i = matrix
    mapped: list[float] = []
    for x, y in zip(polygon[0::2], polygon[1::2], strict=True):
        depth = g * x + h * y + i
        mapped += ((a * x + b * y + c) / depth, (d * x + e * y + f) / depth)
    return tuple(mapped)


def map_box(box: Sequence[float], matrix: Sequence[float]) -> Box:
    """The box whose sides run through the middles of the sides of what a box becomes.

    One around all of it would reach into the boxes beside it where these become slanted.

    Args:
        box: x0, y0, x1, y1 in pixels.
        matrix: nine numbers, row by row, of a homography.
    """
    ax, ay, bx, by, cx, cy, dx, dy = order_corners(map_polygon(box_polygon(box), matrix))
    return ((ax + dx) / 2, (ay + by) / 2, (bx + cx) / 2, (cy + dy) / 2)


def split_polygon(polygon: Sequence[float], start_fraction: float, end_fraction: float) -> Polygon:
    """The part of a text line between two fractions of its reading length, as a quadrilateral.

    A horizontal line is cut along its top and bottom edges; a vertical one (1.5 times taller than wide) along
    its left and right edges, from the top. Polygons of other than four points are cut as their box.

    Args:
        polygon: flat x, y pairs in pixels.
        start_fraction: where the part begins, 0 to 1.
        end_fraction: where it ends, ``start_fraction`` to 1.

    Raises:
        ValueError: the fractions are out of range or in the wrong order.
    """
    if not 0 <= start_fraction <= end_fraction <= 1:
        raise ValueError(f"fractions must satisfy 0 <= start <= end <= 1: {start_fraction}, {end_fraction}")
    quadrilateral = polygon if len(polygon) == 8 else box_polygon(polygon_box(polygon))
    top_left, top_right, bottom_right, bottom_left = zip(
        quadrilateral[0::2], quadrilateral[1::2], strict=True
    )
    x0, y0, x1, y1 = polygon_box(quadrilateral)
    if y1 - y0 >= STANDING_RATIO * (x1 - x0):
        corners = (
            _between(top_left, bottom_left, start_fraction),
            _between(top_right, bottom_right, start_fraction),
            _between(top_right, bottom_right, end_fraction),
            _between(top_left, bottom_left, end_fraction),
        )
    else:
        corners = (
            _between(top_left, top_right, start_fraction),
            _between(top_left, top_right, end_fraction),
            _between(bottom_left, bottom_right, end_fraction),
            _between(bottom_left, bottom_right, start_fraction),
        )
    return tuple(value for corner in corners for value in corner)


def _clamp(value: float, limit: float) -> float:
    return min(max(value, 0.0), float(limit))


def _between(first: tuple[float, float], second: tuple[float, float], fraction: float) -> tuple[float, float]:
    keep = 1 - fraction
    return (first[0] * keep + second[0] * fraction, first[1] * keep + second[1] * fraction)


def _top_left_cost(points: list[tuple[float, float]], start: int) -> float:
    """How far the walk from ``start`` is from right, down, left, up: small where ``start`` is top left."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (points[(start + i) % 4] for i in range(4))
    return -((x1 - x0) + (x2 - x3) + (y3 - y0) + (y2 - y1))
