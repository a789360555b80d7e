import cv2
import numpy as np
import pytest

from beam_kie.imaging.crossed_boxes import find_crossed_boxes
from beam_kie.imaging.marks import MOST_MARKS, find_marks
from beam_kie.imaging.ruling import Ink
from beam_kie.imaging.squares import find_pieces
from beam_kie.page_parts import MarkState, Outside


def drawn(sides, side=14, stroke=2):
    """A page with empty boxes of that side at (x, y)."""
    page = np.zeros((400, 600), np.uint8)
    for x, y in sides:
        cv2.rectangle(page, (x, y), (x + side - 1, y + side - 1), 255, stroke)
    return page


def tick(page, x, y, size):
    """A tick with its lowest point at (x, y)."""
    points = np.array([(x - size // 3, y - size // 3), (x, y), (x + size // 2, y - size)])
    cv2.polylines(page, [points], False, 255, 1 if size < 24 else 2)


@pytest.mark.parametrize("side", [10, 14, 22, 34])
def test_a_tick_that_is_larger_than_its_box_is_seen(side):
    places = [(40, 40), (240, 40), (40, 140), (240, 140)]
    page = drawn(places, side)
    x, y = places[3]
    tick(page, x + round(0.4 * side), y + round(0.85 * side), 2 * side)
    marks = find_crossed_boxes(page, find_pieces(page))
    ticked = [mark for mark in marks if mark.state is MarkState.TICKED]
    assert len(marks) == 4 and len(ticked) == 1
    assert np.allclose(ticked[0].box, (x - 1, y - 1, x + side, y + side), atol=3)
    assert ticked[0].outside is Outside.BEYOND and not ticked[0].is_ring


def test_a_box_is_found_whatever_it_touches():
    page = drawn([(40, 40), (240, 40), (40, 140)])
    cv2.line(page, (20, 155), (400, 155), 255, 2)  # a rule below it
    states = {mark.state for mark in find_crossed_boxes(page, find_pieces(page))}
    assert len(find_crossed_boxes(page, find_pieces(page))) == 3
    assert states == {MarkState.EMPTY}


@pytest.mark.parametrize("strokes", ["日", "田", "中", "国"])
def test_characters_of_the_same_size_are_none(strokes):
    page = drawn([(40, 40), (240, 40), (140, 140)], 20)
    x, y, middle = 140, 140, 149
    if strokes in "日田":
        cv2.line(page, (x, middle), (x + 19, middle), 255, 2)
    if strokes in "田中":
        top = y - 6 if strokes == "中" else y
        cv2.line(page, (149, top), (149, y + 25 if strokes == "中" else y + 19), 255, 2)
    if strokes == "国":
        for row in (y + 5, y + 10, y + 14):
            cv2.line(page, (x + 5, row), (x + 14, row), 255, 1)
        cv2.line(page, (149, y + 5), (149, y + 14), 255, 1)
    marks = find_crossed_boxes(page, find_pieces(page))
    assert sorted(mark.box[:2] for mark in marks) == [(39, 39), (239, 39)]


def test_a_page_without_boxes_of_one_size_has_none():
    assert find_crossed_boxes(*(lambda page: (page, find_pieces(page)))(drawn([]))) == []
    alone = drawn([(40, 40)])
    tick(alone, 47, 58, 24)
    assert find_crossed_boxes(alone, find_pieces(alone)) == []
    letters = np.zeros((400, 600), np.uint8)
    cv2.putText(letters, "O D 0 Q o", (20, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 255, 2)
    assert find_crossed_boxes(letters, find_pieces(letters)) == []


def test_a_box_at_the_edge_of_the_page():
    page = drawn([(1, 1), (240, 40), (584, 384)])
    tick(page, 591, 399, 22)
    assert {mark.state for mark in find_crossed_boxes(page, find_pieces(page))} >= {MarkState.EMPTY}


def test_a_page_full_of_boxes_has_a_bounded_number():
    page = np.zeros((1400, 1200), np.uint8)
    for y in range(5, 1380, 20):
        for x in range(5, 1180, 20):
            cv2.rectangle(page, (x, y), (x + 12, y + 12), 255, 1)
    marks = find_marks(Ink(page, 1.0))
    assert len(marks) == MOST_MARKS
    assert all(mark.state is MarkState.EMPTY for mark in marks)


def test_a_box_that_seemed_empty_is_the_one_that_is_crossed_at_its_side():
    page = drawn([(40, 40), (240, 40), (40, 140)], 24)
    cv2.line(page, (46, 30), (55, 70), 255, 1)  # the detector of whole boxes sees little of it inside
    states = sorted(mark.state for mark in find_marks(Ink(page, 1.0)))
    assert states == [MarkState.EMPTY, MarkState.EMPTY, MarkState.TICKED]


@pytest.mark.parametrize(("number", "found"), [(3, 4), (2, 0)])
def test_larger_boxes_may_be_wider_than_high_where_several_are_alike(number, found):
    page = np.zeros((400, 600), np.uint8)
    for place in range(number):
        cv2.rectangle(page, (40 + 100 * place, 40), (82 + 100 * place, 69), 255, 1)
    cv2.rectangle(page, (40, 140), (82, 169), 255, 1)
    tick(page, 50, 160, 15)  # within the box, apart from its sides
    marks = find_crossed_boxes(page, find_pieces(page))
    assert len(marks) == found
    assert sum(mark.state is MarkState.TICKED for mark in marks) == (1 if found else 0)
