import itertools
import json
import math
import random

import pytest

from beam_kie.document import TextLine
from beam_kie.geometry import box_polygon, polygon_box
from beam_kie.reading_order import MAX_SLOPE, order_lines, polygon_slope, reading_order

WIDTH, HEIGHT = 2480, 3508


def skewed(polygon, degrees):
    """The polygon on a page turned by some degrees around its middle."""
    angle, cx, cy = math.radians(degrees), WIDTH / 2, HEIGHT / 2
    cosine, sine = math.cos(angle), math.sin(angle)
    points = zip(polygon[0::2], polygon[1::2], strict=True)
    return tuple(
        value
        for x, y in points
        for value in (
            cx + (x - cx) * cosine - (y - cy) * sine,
            cy + (x - cx) * sine + (y - cy) * cosine,
        )
    )


def form_boxes(seed, pitch=64, line_height=44):
    """A form in reading order: rows of one to six cells, heights and baselines a little uneven."""
    rng = random.Random(seed)
    boxes = []
    for row in range(40):
        x = 150 + rng.randint(0, 200)
        for _ in range(rng.randint(1, 6)):
            width = rng.randint(line_height, 600)
            if x + width > WIDTH - 100:
                break
            height = line_height * rng.uniform(0.75, 1.1)
            middle = 200 + row * pitch + rng.uniform(-4, 4)
            boxes.append((x, middle - height / 2, x + width, middle + height / 2))
            x += width + rng.randint(20, 300)
    return boxes


def test_rows_then_left_to_right():
    boxes = [(500, 98, 600, 140), (100, 100, 200, 140), (100, 10, 200, 50), (300, 104, 400, 143)]
    assert reading_order(boxes) == [2, 1, 3, 0]


def test_nothing_to_read():
    assert reading_order([]) == []
    assert order_lines([]) == ()


@pytest.mark.parametrize("scale", [0.1, 1, 7.3])
def test_the_order_does_not_depend_on_the_resolution(scale):
    boxes = form_boxes(3)
    scaled = [tuple(value * scale for value in box) for box in boxes]
    assert reading_order(scaled) == list(range(len(boxes)))


def test_tight_rows_stay_apart():
    # Detectors pad their boxes: neighbours overlap by a fifth of their height.
    boxes = [(x, y, x + 300, y + 40) for y in range(0, 600, 32) for x in (0, 400, 800)]
    shuffled = random.Random(1).sample(range(len(boxes)), len(boxes))
    assert [shuffled[i] for i in reading_order([boxes[i] for i in shuffled])] == list(range(len(boxes)))


def test_a_small_line_joins_the_row_of_a_large_one():
    key, value, unit = (100, 100, 300, 180), (320, 135, 500, 175), (520, 150, 560, 176)
    assert reading_order([unit, value, key], slope=0.0) == [2, 1, 0]


def test_a_cell_over_several_rows_is_read_with_the_first_of_them():
    beside = [(200, y, 500, y + 40) for y in (100, 160, 220, 280)]
    tall = (100, 100, 150, 320)
    assert reading_order([*beside, tall]) == [4, 0, 1, 2, 3]


def test_equal_boxes_keep_their_order():
    assert reading_order([(10, 10, 50, 30)] * 4) == [0, 1, 2, 3]


def test_inverted_empty_and_foreign_boxes_are_ordered_too():
    nan, inf = float("nan"), float("inf")
    boxes = [(300, 140, 200, 100), (100, 100, 150, 140), (0, 0, 0, 0), (nan, 5, inf, 9), (-50, 200, -10, 240)]
    order = reading_order(boxes)
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert order.index(1) < order.index(0) < order.index(4)


@pytest.mark.parametrize("degrees", [-5, -3, -1, -0.3, 0, 0.3, 1, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_skew_does_not_scramble_rows_known_by_their_polygons(degrees, seed):
    polygons = [skewed(box_polygon(box), degrees) for box in form_boxes(seed)]
    lines = [TextLine(str(i), polygon) for i, polygon in enumerate(polygons)]
    random.Random(seed).shuffle(lines)
    assert [int(line.text) for line in order_lines(lines)] == list(range(len(lines)))
    expected = pytest.approx(math.tan(math.radians(degrees)), abs=1e-6) if degrees else None
    assert polygon_slope(polygons) == expected


@pytest.mark.parametrize("degrees", [-4, -2, -1, -0.3, 0, 0.3, 1, 2, 4])
@pytest.mark.parametrize("seed", range(4))
def test_skew_does_not_scramble_rows_known_by_their_boxes_alone(degrees, seed):
    boxes = [polygon_box(skewed(box_polygon(box), degrees)) for box in form_boxes(seed)]
    assert reading_order(boxes) == list(range(len(boxes)))


def test_one_column_is_not_taken_for_a_skewed_page():
    rng = random.Random(5)
    boxes = [(100, 60 * i, 100 + rng.randint(60, 1500), 60 * i + 44) for i in range(40)]
    assert reading_order(boxes) == list(range(40))


def test_short_or_upright_lines_give_no_slope():
    assert polygon_slope([]) is None
    assert polygon_slope([box_polygon((0, 0, 500, 20))]) is None
    assert polygon_slope([skewed(box_polygon((0, 0, 50, 40)), 3)]) is None
    assert polygon_slope([(0, 0, 5, 5, 3, 9)]) is None


def test_a_tilted_stamp_does_not_tilt_the_page():
    lines = [box_polygon((100, 60 * i, 900, 60 * i + 40)) for i in range(9)]
    assert polygon_slope([*lines, skewed(box_polygon((1000, 200, 1400, 240)), 20)]) == 0
    assert polygon_slope([skewed(box_polygon((1000, 200, 1400, 240)), 20)]) is None
    assert math.tan(math.radians(5)) < MAX_SLOPE < math.tan(math.radians(7))


@pytest.mark.parametrize(("degrees", "by_polygon", "by_box"), [(0, 1, 1), (3, 0.99, 0.92), (-1, 0.99, 0.92)])
def test_real_forms_read_the_same_when_skewed(shared_data, degrees, by_polygon, by_box):
    """Of two lines that follow each other on the straight page, how many still do."""
    kept = {"polygon": 0, "box": 0}
    total = 0
    for row in (shared_data / "xfund_zh_train" / "train.json").read_text("utf-8").splitlines():
        items = json.loads(row.split("\t")[1])
        straight = [tuple(2.0 * v for point in item["points"] for v in point) for item in items]
        place = {index: i for i, index in enumerate(reading_order([polygon_box(p) for p in straight], 0.0))}
        polygons = [skewed(polygon, degrees) for polygon in straight]
        boxes = [polygon_box(polygon) for polygon in polygons]
        for name, slope in (("polygon", polygon_slope(polygons)), ("box", None)):
            order = [place[index] for index in reading_order(boxes, slope)]
            kept[name] += sum(b == a + 1 for a, b in itertools.pairwise(order))
        total += len(items) - 1
    assert kept["polygon"] / total >= by_polygon
    assert kept["box"] / total >= by_box


def test_thousands_of_boxes_are_fast():
    # Comparing all pairs of these 32,000 boxes would take minutes.
    boxes = [(x, y, x + 30, y + 20) for y in range(0, 20000, 25) for x in range(0, 2000, 50)]
    assert reading_order(boxes) == list(range(len(boxes)))
