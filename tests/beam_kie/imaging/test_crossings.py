import cv2
import numpy as np
import pytest

from beam_kie.imaging.crossings import Crossing, Outline, crossing_of
from beam_kie.page_parts import MarkState

SIDE = 20
BOX = Outline(100, 100, 100 + SIDE, 100 + SIDE, 2)
EMPTY = Crossing(MarkState.EMPTY, False)


def page(*lines):
    """A box, and lines of two pixels from one (x, y) to the other, from the box's upper left corner."""
    ink = np.zeros((220, 220), np.uint8)
    cv2.rectangle(ink, (100, 100), (99 + SIDE, 99 + SIDE), 1, 1)
    cv2.rectangle(ink, (101, 101), (98 + SIDE, 98 + SIDE), 1, 1)
    for points in lines:
        cv2.polylines(ink, [np.array(points) + 100], False, 1, 2)
    return ink


def test_ticks_within_a_box_and_beyond_it():
    within = [(5, 9), (8, 14), (14, 5)]
    assert crossing_of(page(within), BOX) == (MarkState.TICKED, False)
    assert crossing_of(page([(5, 9), (8, 14), (19, -9)]), BOX) == (MarkState.TICKED, True)
    assert crossing_of(page([(4, 8), (9, 27), (22, 4)]), BOX) == (MarkState.TICKED, True)


@pytest.mark.parametrize(
    "touching",
    [
        [(20, 10), (26, 2), (32, 10), (26, 18), (20, 10)],  # a letter on its right
        [(-100, 21), (119, 21)],  # a rule below it
        [(-1, -100), (-1, 119)],  # the side of a ruled cell
        [(8, 9), (10, 10)],  # a speck of dirt
    ],
)
def test_an_empty_box_stays_empty_whatever_touches_it(touching):
    assert crossing_of(page(touching), BOX) == EMPTY


def test_what_goes_on_to_the_rows_around_is_no_tick():
    stamp = [(-60, 100), (-20, 40), (4, 14), (14, -2), (40, -60), (60, -90)]
    assert crossing_of(page(stamp), BOX) == EMPTY


@pytest.mark.parametrize(
    "strokes",
    [
        [[(9, -6), (9, 26)]],  # 中
        [[(4, 5), (15, 5)], [(9, 5), (9, 14)], [(4, 14), (15, 14)]],  # 国
        [[(9, 2), (9, 17)], [(2, 9), (17, 9)]],  # 田
    ],
)
def test_even_strokes_are_those_of_a_character(strokes):
    assert crossing_of(page(*strokes), BOX) is None


def test_a_box_at_the_corner_of_the_page():
    corner = page([(4, 8), (9, 17), (18, -9)])[98:, 98:]
    assert crossing_of(corner, Outline(2, 2, 2 + SIDE, 2 + SIDE, 2)) == (MarkState.TICKED, False)
