import math
import random

import pytest

from beam_kie import geometry


def rotate_point(x, y, width, height, rotation_deg):
    """A second way to turn: around the origin with sine and cosine, then shift back onto the page."""
    angle = math.radians(rotation_deg)
    turned = (x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle))
    shift = {0: (0, 0), 90: (height, 0), 180: (width, height), 270: (0, width)}[rotation_deg]
    return (turned[0] + shift[0], turned[1] + shift[1])


def test_polygon_and_box_turn_into_each_other():
    assert geometry.polygon_box((10, 5, 30, 7, 29, 20, 9, 18)) == (9, 5, 30, 20)
    assert geometry.box_polygon((1, 2, 3, 4)) == (1, 2, 3, 2, 3, 4, 1, 4)
    assert geometry.box_polygon((3, 4, 1, 2)) == (1, 2, 3, 2, 3, 4, 1, 4)


@pytest.mark.parametrize("polygon", [(), (1, 2, 3)])
def test_polygon_box_refuses_what_is_no_polygon(polygon):
    with pytest.raises(ValueError, match="x, y pairs"):
        geometry.polygon_box(polygon)


def test_clipping_keeps_boxes_on_the_page():
    assert geometry.clip_box((-5, 10, 50, 400), 100, 200) == (0, 10, 50, 200)
    assert geometry.clip_box((50, 400, -5, 10), 100, 200) == (0, 10, 50, 200)
    assert geometry.clip_box((150, 250, 160, 260), 100, 200) == (100, 200, 100, 200)
    assert geometry.clip_polygon((-1, -1, 101, 5, 101, 201, 3, 4), 100, 200) == (0, 0, 100, 5, 100, 200, 3, 4)


def test_the_share_of_a_box_that_lies_in_another():
    assert geometry.overlap_share((0, 0, 10, 10), (5, 0, 100, 100)) == 0.5
    assert geometry.overlap_share((5, 0, 100, 100), (0, 0, 5, 5)) == 0.0
    assert geometry.overlap_share((2, 2, 4, 4), (0, 0, 10, 10)) == 1.0
    assert geometry.overlap_share((2, 2, 2, 4), (5, 5, 10, 10)) == 1.0


def test_the_height_that_two_boxes_have_in_common():
    assert geometry.height_share((0, 0, 1, 10), (50, 5, 60, 105)) == 0.5
    assert geometry.height_share((50, 5, 60, 105), (0, 0, 1, 10)) == 0.5
    assert geometry.height_share((0, 2, 9, 4), (0, 0, 9, 10)) == 1.0
    assert geometry.height_share((0, 0, 9, 4), (0, 4, 9, 10)) == 0.0
    assert geometry.height_share((0, 3, 9, 3), (0, 0, 9, 10)) == 0.0


def test_union_box():
    assert geometry.union_box([(5, 5, 10, 10), (20, 2, 15, 7)]) == (5, 2, 20, 10)
    with pytest.raises(ValueError, match="no boxes"):
        geometry.union_box([])


def test_grid_boxes_are_rounded_down_clamped_and_never_inverted():
    assert geometry.normalise_box_1000((10, 20, 333, 1754), 2480, 3508) == (4, 5, 134, 500)
    assert geometry.normalise_box_1000((0, 0, 2480, 3508), 2480, 3508) == (0, 0, 1000, 1000)
    assert geometry.normalise_box_1000((3000, -50, -3, 9999), 2480, 3508) == (0, 0, 1000, 1000)
    random.seed(1)
    for _ in range(200):
        box = [random.uniform(-3000, 6000) for _ in range(4)]
        x0, y0, x1, y1 = geometry.normalise_box_1000(box, 2480, 3508)
        assert 0 <= x0 <= x1 <= 1000
        assert 0 <= y0 <= y1 <= 1000


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (-1, 10)])
def test_a_page_without_size_has_no_grid(size):
    with pytest.raises(ValueError, match="no size"):
        geometry.normalise_box_1000((0, 0, 1, 1), *size)


def test_polygon_area():
    assert geometry.polygon_area((0, 0, 10, 0, 10, 5, 0, 5)) == 50
    assert geometry.polygon_area((0, 0, 10, 10, 20, 20, 5, 5)) == 0


@pytest.mark.parametrize("angle_deg", [-40, -10, 0, 3, 40])
@pytest.mark.parametrize("size", [(200, 20), (20, 200), (50, 50)])
def test_order_corners_finds_the_top_left_from_every_start_and_direction(angle_deg, size):
    angle = math.radians(angle_deg)
    right, down = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    width, height = size
    corners = [
        (500 + a * width * right[0] + b * height * down[0], 500 + a * width * right[1] + b * height * down[1])
        for a, b in [(0, 0), (1, 0), (1, 1), (0, 1)]
    ]
    expected = pytest.approx([value for corner in corners for value in corner])
    for start in range(4):
        for step in (1, -1):
            points = [corners[(start + step * i) % 4] for i in range(4)]
            assert geometry.order_corners([value for point in points for value in point]) == expected


def test_order_corners_wants_four_corners():
    with pytest.raises(ValueError, match="8 numbers"):
        geometry.order_corners((0, 0, 1, 1, 2, 2))


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_rotating_a_polygon_follows_the_page_and_renames_its_corners(rotation_deg):
    width, height = 300, 400
    line = (50, 60, 150, 62, 150, 82, 50, 80)
    expected = {
        0: line,
        90: (320, 50, 340, 50, 338, 150, 318, 150),
        180: (150, 318, 250, 320, 250, 340, 150, 338),
        270: (62, 150, 82, 150, 80, 250, 60, 250),
    }
    there = geometry.rotate_polygon(line, width, height, rotation_deg)
    assert there == expected[rotation_deg]
    size = (width, height) if rotation_deg in (0, 180) else (height, width)
    assert geometry.rotate_polygon(there, *size, (360 - rotation_deg) % 360) == line

    # Without the renaming (five points) it is the plain turn.
    points = [(10, 20), (200, 25), (210, 60), (100, 80), (5, 55)]
    flat = [value for point in points for value in point]
    turned = [value for x, y in points for value in rotate_point(x, y, width, height, rotation_deg)]
    assert geometry.rotate_polygon(flat, width, height, rotation_deg) == pytest.approx(turned)
    quadrilateral = [
        value for x, y in points[:4] for value in rotate_point(x, y, width, height, rotation_deg)
    ]
    assert sorted(geometry.rotate_polygon(flat[:8], width, height, rotation_deg)) == pytest.approx(
        sorted(quadrilateral)
    )


def test_pages_turn_by_quarters_only():
    with pytest.raises(ValueError, match="45"):
        geometry.rotate_polygon((0, 0, 1, 0, 1, 1, 0, 1), 10, 10, 45)


def test_splitting_a_lying_line_cuts_both_edges_in_proportion():
    line = (0, 0, 100, 10, 100, 30, 0, 20)
    assert geometry.split_polygon(line, 0, 1) == line
    assert geometry.split_polygon(line, 0, 0.4) == pytest.approx((0, 0, 40, 4, 40, 24, 0, 20))
    assert geometry.split_polygon(line, 0.4, 1) == pytest.approx((40, 4, 100, 10, 100, 30, 40, 24))


def test_splitting_a_standing_line_cuts_from_the_top():
    assert geometry.split_polygon((0, 0, 10, 0, 10, 100, 0, 100), 0.25, 0.5) == pytest.approx(
        (0, 25, 10, 25, 10, 50, 0, 50)
    )


def test_splitting_other_polygons_cuts_their_box():
    hexagon = (0, 5, 50, 0, 100, 5, 100, 15, 50, 20, 0, 15)
    assert geometry.split_polygon(hexagon, 0.5, 1) == pytest.approx((50, 0, 100, 0, 100, 20, 50, 20))


@pytest.mark.parametrize("fractions", [(-0.1, 0.5), (0.6, 0.5), (0.5, 1.1)])
def test_splitting_wants_fractions(fractions):
    with pytest.raises(ValueError, match="fractions"):
        geometry.split_polygon((0, 0, 100, 0, 100, 20, 0, 20), *fractions)
