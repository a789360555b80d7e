import pytest

from beam_kie.document import TextLine
from beam_kie.ticks.row import RowLine


def line(text, box, spans=None):
    x0, y0, x1, y1 = box
    return TextLine(text, (x0, y0, x1, y0, x1, y1, x0, y1), 0.9, spans)


def test_characters_have_the_boxes_that_were_measured():
    row = RowLine.of(line("ab", (100, 40, 200, 60), ((0.0, 0.2), (0.8, 1.0))))
    assert row is not None
    assert row.box_of(1, 2) == pytest.approx((180, 40, 200, 60))
    assert row.covered((182, 42, 198, 58), 0.6) == (1, 2)
    assert row.covered((140, 42, 160, 58), 0.6) == (1, 1)  # in the gap, behind the first character


def test_a_slanted_line_holds_what_stands_on_it():
    row = RowLine.of(TextLine("a long slanted line", (0, 0, 400, 40, 400, 60, 0, 20), 0.9))
    assert row is not None
    assert row.holds((195, 22, 211, 38))
    assert not row.holds((195, 62, 211, 78))
    assert row.holds((-12, 2, -2, 18)) and not row.holds((-60, 2, -44, 18))


def test_lines_that_stand_have_no_row():
    assert RowLine.of(line("姓名", (0, 0, 20, 80))) is None
    assert RowLine.of(line("姓", (0, 0, 20, 24))) is not None


def test_a_character_that_was_measured_wide_leaves_room_for_a_mark():
    spans = ((0.0, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0))
    row = RowLine.of(line("账户开户", (100, 40, 200, 60), spans))
    assert row is not None
    assert row.has_room((102, 42, 118, 58)) and row.place_of((102, 42, 118, 58)) == 0
    assert not row.has_room((142, 42, 158, 58))  # that is 户
    behind = RowLine.of(line("账户", (100, 40, 170, 60), ((0.0, 0.3), (0.3, 1.0))))
    assert behind is not None
    assert behind.has_room((150, 42, 166, 58)) and behind.place_of((150, 42, 166, 58)) == 2
    alone = RowLine.of(line("否", (100, 40, 140, 60), ((0.2, 1.0),)))
    assert alone is not None and alone.has_room((109, 44, 121, 56))


def test_where_characters_were_not_measured_no_room_is_known():
    row = RowLine.of(line("账户开户", (100, 40, 200, 60)))
    assert row is not None and not row.has_room((102, 42, 118, 58))
