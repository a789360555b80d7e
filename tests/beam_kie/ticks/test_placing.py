from dataclasses import replace

import pytest

from beam_kie.document import MarkState, TextLine
from beam_kie.geometry import box_polygon
from beam_kie.page_parts import FieldKind, FormField, Outside
from beam_kie.ticks.placing import find_ticks
from tests.beam_kie.ticks.pages import line, mark, page


def states(found):
    return [tick.selected for tick in sorted(found, key=lambda tick: tick.box[0])]


def test_picture_and_text_that_agree_are_one_mark_and_surer_than_either():
    lines = [line("☑男 □女", 100, 100)]
    alone = max(find_ticks(page(lines)), key=lambda tick: tick.selected)
    both = find_ticks(page(lines, [mark(102, 102, MarkState.TICKED), mark(140, 102)]))
    assert states(both) == [True, False]
    assert both[0].confidence > alone.confidence >= 0.8
    assert [(tick.line, tick.start, tick.end) for tick in both] == [(0, 0, 1), (0, 3, 4)]


def test_where_they_disagree_the_picture_counts_and_the_confidence_says_so():
    agreed, doubted = (
        find_ticks(page([line(text, 100, 100)], [mark(102, 102, MarkState.TICKED, 0.9)]))[0]
        for text in ("☑男", "□男")
    )
    assert agreed.selected and doubted.selected
    assert doubted.confidence < agreed.confidence
    unsure = replace(mark(102, 102, MarkState.TICKED), confidence=0.9, state_confidence=0.55)
    (tick,) = find_ticks(page([line("□男", 100, 100)], [unsure]))
    assert tick.confidence < 0.8


@pytest.mark.parametrize("text", ["日期", "四川省", "自愿"])
def test_characters_that_look_like_marks_are_none(text):
    seen = [mark(102, 102, MarkState.CROSSED)]
    assert find_ticks(page([line(text, 100, 100)], seen)) == []


def test_the_character_for_a_mouth_is_a_box_only_where_it_can_be_none_else():
    assert find_ticks(page([line("户口所在地", 100, 100), line("□男", 100, 200)]))[0].box[1] == 200
    assert states(find_ticks(page([line("口男 口女", 100, 100)]))) == [False, False]
    assert find_ticks(page([line("口", 100, 100)])) == []


def test_letters_o_are_rings_only_beside_other_rings():
    ring = {"is_ring": True, "confidence": 0.95}
    words = [line("O No", 100, 100)]
    assert find_ticks(page(words, [mark(98, 102, **ring)])) == []
    found = find_ticks(page([*words, line("Yes", 320, 100)], [mark(98, 102, **ring), mark(300, 102, **ring)]))
    assert [(tick.line, tick.is_ring) for tick in found if tick.line == 0] == [(0, True)]
    inside = [line("NOTE", 100, 100), line("Yes", 320, 100)]
    found = find_ticks(page(inside, [mark(110, 102, **ring), mark(300, 102, **ring)]))
    assert all(tick.box[0] == 300 for tick in found)


def test_lines_that_begin_with_the_character_for_a_mouth_are_options_where_there_are_several():
    one, two = line("口训练", 100, 100), line("口缓慢", 100, 140)
    numbered = line("4口有过敏史", 100, 180)
    assert find_ticks(page([one, two, line("户口", 100, 180)])) == []
    assert states(find_ticks(page([one, two, numbered]))) == [False] * 3


def test_a_character_in_a_word_is_no_ticked_box():
    words = [line("如遇巨额赎回，请选择", 100, 100), line("如遇巨额赎回，请选择", 100, 200)]
    seen = [mark(202, y, MarkState.TICKED) for y in (102, 202)]
    assert find_ticks(page(words, seen)) == []
    option = [line("本人回同意 □不同意", 100, 100)]
    assert states(find_ticks(page(option, [mark(142, 102, MarkState.TICKED), mark(212, 102)]))) == [
        True,
        False,
    ]


def test_numbers_in_rings_are_no_options():
    lines = [line("Name", 130, y) for y in (100, 200, 300)]
    rings = [mark(110, y, MarkState.TICKED, is_ring=True) for y in (102, 202, 302)]
    assert find_ticks(page(lines, rings)) == []
    rings[1] = mark(110, 202, is_ring=True)
    assert sorted(tick.selected for tick in find_ticks(page(lines, rings))) == [False, True, True]


def test_boxes_for_single_characters_are_no_options():
    row = [mark(200 + 20 * place, 102) for place in range(6)]
    assert find_ticks(page([line("编号", 100, 100)], row)) == []
    apart = [mark(200 + 120 * place, 102) for place in range(3)]
    assert len(find_ticks(page([line("编号", 100, 100)], apart))) == 3


def test_items_of_lists_are_no_options():
    assert find_ticks(page([line("● First", 100, 100), line("● Second", 100, 140)])) == []
    assert states(find_ticks(page([line("● Yes", 100, 100), line("○ No", 220, 100)]))) == [True, False]


def test_buttons_of_forms_are_what_the_file_says():
    button = FormField("b", None, FieldKind.CHECKBOX, box_polygon((100, 100, 116, 116)), selected=True)
    (tick,) = find_ticks(page([line("☐ Yes", 100, 98)], [mark(100, 100)], fields=(button,)))
    assert tick.selected and tick.confidence > 0.99


def test_an_empty_box_that_only_ocr_saw_among_others_is_in_doubt():
    lines = [line("□a □b □c", 100, 100, width=400)]
    alone = find_ticks(page(lines))
    beside = find_ticks(page(lines, [mark(275, 102), mark(410, 102)]))
    assert min(tick.confidence for tick in beside) < min(tick.confidence for tick in alone)


EMPTY_ONES = [line("□Yes", 500, 100), line("□No", 500, 150), line("□Maybe", 100, 150)]
"""Boxes that were read show which size boxes have on the page."""
WHOLE = [mark(502, 102), mark(502, 152), mark(102, 152)]


def crossed(x, y):
    return replace(mark(x, y, MarkState.TICKED, 0.6), outside=Outside.BEYOND)


def beside_boxes(text, spans, *marks):
    """The marks of a line among others whose boxes were read."""
    found = find_ticks(page([line(text, 100, 100, spans), *EMPTY_ONES], [*WHOLE, *marks]))
    return [(tick.selected, tick.start, tick.end) for tick in found if tick.line == 0]


def test_a_crossed_box_that_ocr_dropped_stands_where_characters_leave_room():
    wide = ((0.0, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0))
    even = ((0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0))
    assert beside_boxes("账户开户", wide, crossed(102, 102)) == [(True, 0, 0)]
    assert beside_boxes("账户开户", even, crossed(102, 102)) == []
    assert beside_boxes("账户开户", even, crossed(112, 102)) == []  # between two characters


def test_a_crossed_box_is_one_only_beside_others_of_its_size():
    wide = ((0.0, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0))
    alone = page([line("账户开户", 100, 100, wide)], [crossed(102, 102)])
    assert find_ticks(alone) == []
    larger = [mark(x, y, side=40) for x, y in ((502, 90), (502, 140), (102, 140))]
    others = page([line("账户开户", 100, 100, wide), *EMPTY_ONES], [*larger, crossed(102, 102)])
    assert not any(tick.line == 0 for tick in find_ticks(others))


@pytest.mark.parametrize("read", "中山团动Q")
def test_what_ocr_reads_for_a_ticked_box_is_one(read):
    spans = ((0.0, 0.34), (0.34, 0.66), (0.66, 1.0))
    assert beside_boxes(f"{read}私营", spans, crossed(102, 102)) == [(True, 0, 1)]
    # The same character in a word, which only looks like a box.
    assert beside_boxes(f"关{read}于", spans, crossed(122, 102)) == []


def test_a_mark_within_a_line_that_stands_is_a_part_of_a_character():
    upright = TextLine("总体目标", (100, 100, 124, 100, 124, 220, 100, 220), 0.98)
    seen = [*WHOLE, crossed(104, 162)]
    assert not any(tick.selected for tick in find_ticks(page([upright, *EMPTY_ONES], seen)))


def test_what_the_text_has_from_the_picture_counts_once():
    (whole,) = find_ticks(page([line("☑男", 100, 100)], [mark(102, 102, MarkState.TICKED)]))
    lines = [line("☑男", 100, 100), *EMPTY_ONES]
    found = find_ticks(page(lines, [*WHOLE, replace(crossed(102, 102), state_confidence=0.85)]))
    (doubtful,) = [tick for tick in found if tick.line == 0]
    assert doubtful.selected and doubtful.confidence < 0.9 < whole.confidence


def test_an_ideograph_among_letters_is_what_ocr_read_for_a_ticked_box():
    within = replace(crossed(102, 102), outside=Outside.TOUCHED)
    assert beside_boxes("团 männlich", None, within) == [(True, 0, 1)]
    assert beside_boxes("团员", ((0.0, 0.5), (0.5, 1.0)), within) == []
