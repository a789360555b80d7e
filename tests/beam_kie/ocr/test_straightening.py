import math

import numpy as np
import pytest

from beam_kie.document import PageText, TextLine
from beam_kie.forms import poses
from beam_kie.geometry import box_polygon, map_polygon, polygon_box
from beam_kie.ocr.straightening import LEAST_SKEW_DEG, measure, straightened


def text_of(page):
    height, width = page.pixels.shape[:2]
    lines = tuple(TextLine(text, polygon) for text, polygon in page.lines)
    return PageText("id", "page.png", 1, width, height, lines=lines)


def rows_of(page):
    """Of a straightened plain form the tops of its lines on the straight page, key and value in turn."""
    return [polygon_box(map_polygon(line.polygon, page.straightening.matrix)) for line in page.lines]


@pytest.mark.parametrize("skew_deg", [-15, -7, -1.5, -0.4, 0.4, 3, 10, 15])
def test_a_turned_page_is_measured_and_its_rows_become_level(skew_deg):
    page = straightened(text_of(poses.tilted(poses.plain_form(3), skew_deg)))
    assert page.skew_deg == pytest.approx(skew_deg, abs=0.1)
    assert [line.text for line in page.lines] == [line.text for line in text_of(poses.plain_form(3)).lines]
    boxes = rows_of(page)
    for key, value in zip(boxes[::2], boxes[1::2], strict=True):
        assert (key[1] + key[3]) / 2 == pytest.approx((value[1] + value[3]) / 2, abs=9)


@pytest.mark.parametrize("seed", range(6))
def test_lines_that_meet_far_away_become_level_too(seed):
    tilted = poses.tilted(poses.plain_form(3, "en", rows=12), 12 - 4 * seed, 0.05, seed)
    page = straightened(text_of(tilted))
    slopes = []
    for line in page.lines:
        x0, y0, x1, y1, x2, y2, x3, y3 = map_polygon(line.polygon, page.straightening.matrix)
        if x1 - x0 > 4 * (y3 - y0):
            slopes.append(math.degrees(math.atan2(y1 + y2 - y0 - y3, x1 + x2 - x0 - x3)))
    before = [
        math.degrees(math.atan2(p[3] + p[5] - p[1] - p[7], p[2] + p[4] - p[0] - p[6]))
        for _, p in tilted.lines
    ]
    assert max(slopes) - min(slopes) < 0.5 * (max(before) - min(before)) + 0.3
    assert np.mean(slopes) == pytest.approx(0, abs=0.4)


def test_all_lines_lie_on_the_straight_page():
    page = straightened(text_of(poses.tilted(poses.plain_form(0), 15, 0.05, 1)))
    width, height = page.straightening.width_px, page.straightening.height_px
    for x0, y0, x1, y1 in rows_of(page):
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height


def test_a_page_that_is_nearly_straight_stays_as_it_is():
    before = text_of(poses.tilted(poses.plain_form(3), LEAST_SKEW_DEG - 0.1))
    page = straightened(before)
    assert page.skew_deg == pytest.approx(0.2, abs=0.05)
    assert (page.straightening, page.lines) == (None, before.lines)


def test_boxes_and_short_lines_say_nothing_of_skew():
    boxes = [box_polygon((50, y, 400, y + 20)) for y in range(50, 500, 50)]
    assert measure(boxes, (600, 600)) is None
    assert measure([(0, 0, 30, 3, 28, 23, -2, 20)], (600, 600)) is None
    assert measure([], (600, 600)) is None


def test_slanted_writing_is_not_the_page():
    """A stamp across a straight form."""
    lines = [(50.0, y, 400, y + 0.5, 400, y + 20.5, 50, y + 20) for y in range(50, 500, 50)]
    stamp = (100.0, 100, 300, 200, 290, 220, 90, 120)
    skew, matrix = measure([*lines, stamp], (600, 600))
    assert skew == pytest.approx(0.08, abs=0.02)
    assert matrix is None


def test_where_no_line_is_long_the_ink_tells():
    tilted = poses.tilted(poses.plain_form(3), -7)
    page = text_of(tilted)
    # Of every line the first half of a line height.
    short = [(x0, y0, x0 + 30, y0 - 4, x3 + 30, y3 - 4, x3, y3) for x0, y0, *_, x3, y3 in polygons(page)]
    page = PageText("id", "page.png", 1, page.width_px, page.height_px, lines=as_lines(short))
    assert straightened(page).skew_deg is None
    assert straightened(page, tilted.pixels).skew_deg == pytest.approx(-7, abs=0.15)
    assert straightened(page, tilted.pixels).straightening is not None
    assert straightened(page, np.full_like(tilted.pixels, 255)).straightening is None


def polygons(page):
    return [line.polygon for line in page.lines]


def as_lines(quadrilaterals):
    return tuple(TextLine("word", polygon) for polygon in quadrilaterals)


@pytest.mark.parametrize("skew_deg", [0, -5, 8])
def test_columns_are_rows_of_the_straight_page_from_right_to_left(skew_deg):
    upright = poses.column_page(2)
    tilted = poses.tilted(upright, skew_deg) if skew_deg else upright
    shuffled = text_of(tilted)
    page = straightened(
        PageText("id", "page.png", 1, shuffled.width_px, shuffled.height_px, lines=shuffled.lines[::-1])
    )
    assert [line.text for line in page.lines] == [text for text, _ in upright.lines]
    if skew_deg:
        assert page.skew_deg == pytest.approx(skew_deg, abs=0.6)
    boxes = rows_of(page)
    for key, value in zip(boxes[::2], boxes[1::2], strict=True):
        assert key[2] < value[0] + 2
        assert (key[1] + key[3]) / 2 == pytest.approx((value[1] + value[3]) / 2, abs=12)
    assert all(x0 >= 0 and x1 <= page.straightening.width_px for x0, _, x1, _ in boxes)
    assert all(y0 >= 0 and y1 <= page.straightening.height_px for _, y0, _, y1 in boxes)


def test_standing_latin_text_is_no_column():
    lines = tuple(TextLine("Betrag EUR", box_polygon((x, 50, x + 20, 250))) for x in (50, 100))
    page = straightened(PageText("id", "page.png", 1, 300, 300, lines=lines))
    assert page.straightening is None
