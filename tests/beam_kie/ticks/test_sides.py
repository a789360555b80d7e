from beam_kie.ticks.sides import ticks_with_texts
from tests.beam_kie.ticks.pages import line, mark, page


def texts(found, of):
    return [of.lines[text.line].text[text.start : text.end] if text else None for _, text in found]


def test_texts_behind_their_marks():
    form = page([line("性别：□男 □女", 100, 100)])
    assert texts(ticks_with_texts(form), form) == ["男", "女"]


def test_texts_before_their_marks():
    form = page([line("A型□ B型□", 100, 100)])
    assert texts(ticks_with_texts(form), form) == ["A型", "B型"]


def test_the_nearer_text_counts_between_lines():
    form = page([line("Yes", 130, 100), line("No", 330, 100)], [mark(110, 102), mark(310, 102)])
    assert texts(ticks_with_texts(form), form) == ["Yes", "No"]
    behind = page([line("Yes", 130, 100), line("No", 330, 100)], [mark(164, 102), mark(354, 102)])
    assert texts(ticks_with_texts(behind), behind) == ["Yes", "No"]


def test_a_key_is_no_option():
    form = page([line("Way:", 100, 100), line("□ cash", 150, 100)])
    assert texts(ticks_with_texts(form), form) == ["cash"]
    alone = page([line("Smoker:", 100, 100)], [mark(180, 102)])
    assert texts(ticks_with_texts(alone), alone) == [None]


def test_boxes_of_a_grid_have_no_text_and_those_of_pictures_are_left_out():
    grid = [mark(x, y) for x in (300, 500, 700) for y in (102, 202)]
    form = page([line("Teacher", 60, 100), line("Room", 60, 200)], grid)
    assert texts(ticks_with_texts(form), form) == [None] * 6
    assert ticks_with_texts(page([line("Teacher", 60, 100)], [mark(700, 702)])) == []
