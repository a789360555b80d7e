import random
from dataclasses import replace

import pytest

from beam_kie.forms.choice_lists import choice_list, value_list
from beam_kie.forms.model import ANSWER, OTHER, QUESTION
from beam_kie.forms.sheet import Sheet
from beam_kie.forms.theme import make_theme
from beam_kie.forms.vocabulary import load

ITEMS = ["red", "green", "blue", "a colour that nobody has named yet and that takes two lines or even three"]


def drawn(draw, labels="xfund", height=500.0, seed=1, **theme):
    rng = random.Random(seed)
    made = replace(make_theme(rng, load("en"), labels, noto_only=True), options_as_keys=False)
    sheet = Sheet(400.0, height, replace(made, upper_keys=False, **theme), rng, margin=20)
    fits = draw(sheet)
    return fits, sheet.finish("en", "made", 0, 72)


def choices(sheet):
    return choice_list(sheet, "Colour wanted", ITEMS, sheet.left, sheet.right)


@pytest.mark.parametrize("seed", range(12))
def test_all_that_can_be_ticked_belongs_to_the_question_above_it(seed):
    fits, layout = drawn(choices, seed=seed)
    assert fits
    key, *values = layout.entries
    assert key.label == QUESTION and key.text.startswith("Colour wanted")
    assert all(value.linking == ((key.id, value.id),) for value in values)
    words = " ".join(value.text for value in values)
    assert all(word in words for item in ITEMS for word in item.split())
    assert all(value.polygon[1] >= key.polygon[5] - 2 for value in values)
    assert max(value.polygon[2] for value in values) <= 380


def test_options_are_keys_of_their_own_where_the_theme_has_it_so():
    seen = set()
    for seed in range(8):
        _, layout = drawn(choices, "funsd", seed=seed, options_as_keys=True, fill=1.0)
        labels = {entry.id: entry.label for entry in layout.entries}
        ticked = [entry for entry in layout.entries if entry.label == ANSWER]
        assert [entry.text for entry in ticked] == ["X"]
        assert sum(label == QUESTION for label in labels.values()) >= len(ITEMS)
        seen.add(layout.entries[0].label)
    assert len(seen) == 2, "a heading over options is a header at times"


@pytest.mark.parametrize("beside", [True, False])
def test_values_stand_beside_or_below_their_key(beside):
    fits, layout = drawn(
        lambda sheet: value_list(sheet, "Names", ["Ann", "Bob", "Cem"], sheet.left, sheet.right, beside)
    )
    assert fits
    key, *values = layout.entries
    assert [value.text for value in values] == ["Ann", "Bob", "Cem"]
    assert len(key.linking) == 3
    assert (values[0].polygon[0] > key.polygon[2]) == beside
    assert (values[0].polygon[1] > key.polygon[5] - 3) == (not beside)


def test_lines_of_a_paragraph_are_values_of_their_own_in_the_style_of_xfund():
    text = "word " * 60
    found = {}
    for labels in ("xfund", "funsd"):
        _, layout = drawn(
            lambda sheet: value_list(sheet, "Remarks", [text], sheet.left, sheet.right),
            labels,
            paragraph_lines=True,
        )
        found[labels] = [len(entry.pieces) for entry in layout.entries if entry.label == ANSWER]
    assert len(found["xfund"]) > 2 and set(found["xfund"]) == {1}
    assert len(found["funsd"]) == 1 and found["funsd"][0] > 2


def test_nothing_is_drawn_where_it_does_not_fit():
    for draw in (choices, lambda sheet: value_list(sheet, "Names", ["Ann"] * 9, sheet.left, sheet.right)):
        fits, layout = drawn(draw, height=80.0)
        assert not fits and not layout.entries and not layout.runs


def test_without_a_value_the_key_of_a_list_does_not_vanish():
    _, layout = drawn(choices, "funsd", options_as_keys=True, fill=0.0)
    assert OTHER not in {entry.label for entry in layout.entries}
