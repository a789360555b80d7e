from dataclasses import replace

import pytest

from beam_kie.document import MarkState, Straightening
from beam_kie.ocr.dropped_marks import with_dropped_marks
from tests.beam_kie.ticks.pages import line, mark, page


def texts(form):
    return [each.text for each in with_dropped_marks(form).lines]


def test_a_mark_that_ocr_left_out_is_put_back_where_it_stands():
    spans = tuple((place * 20 / 240, (place * 20 + 20) / 240) for place in (0, 1, 2, 4, 5, 8, 9))
    form = page(
        [line("方式：邮寄电话", 100, 100, spans, width=240)],
        [mark(162, 102), mark(242, 102, MarkState.TICKED)],
    )
    (found,) = with_dropped_marks(form).lines
    assert found.text == "方式：□邮寄☑电话"
    assert found.char_spans is not None
    assert len(found.char_spans) == len(found.text)
    assert found.char_spans[3][0] == pytest.approx(62 / 240, abs=0.01)


def test_a_mark_before_or_behind_a_line_becomes_part_of_it():
    form = page([line("Yes", 130, 100), line("No", 330, 100)], [mark(110, 102), mark(310, 102)])
    found = with_dropped_marks(form)
    assert [each.text for each in found.lines] == ["□ Yes", "□ No"]
    assert found.lines[0].box == pytest.approx((110, 100, 160, 120))


def test_what_ocr_took_for_a_letter_and_a_tick_that_it_lost_are_mended():
    ring = {"is_ring": True, "confidence": 0.95}
    form = page(
        [line("O Yes", 100, 100), line("No", 260, 100)], [mark(98, 102, **ring), mark(240, 102, **ring)]
    )
    assert texts(form) == ["○ Yes", "○ No"]
    assert texts(page([line("□男 □女", 100, 100)], [mark(102, 102, MarkState.TICKED)])) == ["☑男 □女"]


def test_marks_of_a_grid_are_lines_in_the_order_of_reading():
    grid = [
        mark(x, y, MarkState.TICKED if (x, y) == (500, 102) else MarkState.EMPTY)
        for x in (300, 500)
        for y in (102, 202)
    ]
    rows = [line("Teacher", 60, 100), line("Room", 60, 200)]
    assert texts(page(rows, grid)) == ["Teacher", "□", "☑", "Room", "□", "□"]
    straight = Straightening((1, 0, 0, 0, 1, 0, 0, 0, 1), 1000, 1000)
    assert texts(page(rows, grid, straightening=straight)) == ["Teacher", "□", "☑", "Room", "□", "□"]


def test_own_lines_and_those_without_marks_stay_as_they_are():
    form = page([line("Yes", 130, 100)], [mark(110, 102)])
    given = replace(form, text_source="given")
    assert with_dropped_marks(given) is given
    assert texts(form) == ["□ Yes"]


def test_a_line_is_no_surer_than_its_mark():
    (found,) = with_dropped_marks(page([line("Yes", 130, 100)], [mark(110, 102, confidence=0.75)])).lines
    assert found.confidence == 0.75
