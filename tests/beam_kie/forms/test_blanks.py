import random

import pytest

from beam_kie.forms.blanks import running
from beam_kie.forms.content import Content, Field
from beam_kie.forms.model import ANSWER, OTHER, QUESTION
from beam_kie.forms.sheet import Sheet
from beam_kie.forms.theme import make_theme


def drawn(fields, language="en", height=400.0, width=400.0):
    rng = random.Random(2)
    content = Content(language, rng)
    sheet = Sheet(width, height, make_theme(rng, content.words, "xfund", noto_only=True), rng, margin=20)
    done = running(sheet, content, fields, sheet.left, sheet.right)
    return done, sheet.finish(language, "made", 0, 72)


def test_keys_run_on_in_one_text_with_their_values_behind_them():
    fields = [Field("name", "The undersigned", ["Ann Lee"]), Field("birth_date", "Born on", ["1 May 1980"])]
    done, layout = drawn(fields)
    assert done == 2
    key, value, comma, second, _ = layout.entries
    assert (key.text, key.label, value.label, comma.label) == ("The undersigned", QUESTION, ANSWER, OTHER)
    assert second.text == "born on"
    assert value.linking == ((key.id, value.id),)
    assert key.polygon[2] < value.polygon[0] and value.polygon[2] < comma.polygon[0]


def test_a_blank_without_a_value_is_a_line_only():
    done, layout = drawn([Field("name", "Name", [])])
    assert done == 1
    assert [entry.label for entry in layout.entries] == [OTHER]
    assert layout.shapes


def test_the_ticked_option_is_written_into_the_blank():
    _, layout = drawn([Field("options", "State", options=[("new", False), ("used", True)])])
    assert [entry.text for entry in layout.entries] == ["State", "used"]


@pytest.mark.parametrize("language", ["de", "zh"])
def test_long_texts_go_on_below_and_stay_between_the_margins(language):
    word = "很长的说明文字" if language == "zh" else "eine lange Bezeichnung"
    fields = [Field("text", word * 5, [word * 4]) for _ in range(4)]
    done, layout = drawn(fields, language, width=260)
    assert done == 4
    for entry in layout.entries:
        for piece in entry.pieces:
            assert 19 <= piece.polygon[0] < piece.polygon[2] <= 242
    assert any(len(entry.pieces) > 1 for entry in layout.entries)


def test_what_does_not_fit_is_left_out():
    fields = [Field("text", f"Number {index}", ["value " * 8]) for index in range(30)]
    done, layout = drawn(fields, height=120)
    assert 0 < done < 30
    assert sum(entry.label == ANSWER for entry in layout.entries) == done
