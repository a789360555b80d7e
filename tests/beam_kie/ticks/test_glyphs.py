import pytest

from beam_kie.ticks.glyphs import find_glyphs, in_word, option_text, selected_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("性别：☑男 □女", [("☑", True), ("□", False)]),
        ("[x] by post ( ) by phone", [("[x]", True), ("( )", False)]),
        ("否（√ ）", [("（√ ）", True)]),
        ("○ Yes ◉ No", [("○", False), ("◉", True)]),
        ("\uf0a8 Yes \uf0fe No", [("\uf0a8", False), ("\uf0fe", True)]),
        ("请在□内打“√”，任何涂改", []),
        ("Please tick (√) one box", []),
        ("f(x) and Yes", []),
    ],
)
def test_marks_are_found_and_instructions_are_none(text, found):
    assert [(text[glyph.start : glyph.end], glyph.selected) for glyph in find_glyphs(text)] == found


@pytest.mark.parametrize(
    ("text", "option", "selected"),
    [
        ("☑ Married", "Married", True),
        ("AB型□", "AB型", False),
        ("(x) Hébergé", "Hébergé", True),
        ("Phone ( )", None, None),
        ("☑ yes □ no", None, None),
        ("■ Terms", None, None),
        ("☐", None, False),
        ("Married", None, None),
    ],
)
def test_an_option_is_a_text_with_one_mark(text, option, selected):
    assert (option_text(text), selected_of(text)) == (option, selected)


def test_the_character_in_words_is_no_box():
    assert in_word("户口所在地", 1) and in_word("口座番号", 0)
    assert not in_word("口男 口女", 0)
