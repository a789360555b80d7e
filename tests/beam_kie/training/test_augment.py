"""Random changes keep labels with their text."""

import random

import pytest

from beam_kie.labelled.alignment import TrainingLine, TrainingPage
from beam_kie.training.augment import (
    Augmentation,
    augment,
    bilingual_keys,
    cut_line,
    merge_neighbours,
    swap_texts,
)

NONE = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def line(text, box, owner):
    return TrainingLine(text, box, (owner,) * len(text))


PAGE = TrainingPage(
    1000,
    1000,
    (
        line("Name:", (100, 100, 150, 120), 1),
        line("Li Lei", (160, 100, 220, 120), 2),
        line("far away", (800, 100, 900, 120), 3),
        line("Total", (100, 400, 150, 420), 4),
    ),
    {1: "QUESTION", 2: "ANSWER", 3: "ANSWER", 4: "QUESTION"},
    frozenset({(1, 2), (4, 3)}),
)


def test_nothing_changes_at_strength_zero():
    assert augment(PAGE, random.Random(0), NONE) == PAGE


def test_only_a_key_and_its_value_beside_it_are_merged():
    merged = merge_neighbours(list(PAGE.lines), PAGE, random.Random(0), rate=1.0)
    assert len(merged) == 3
    assert merged[0].box == (100, 100, 220, 120)
    assert [o for o, t in zip(merged[0].owners, merged[0].text, strict=True) if t in "Li"][-1] == 2
    assert merged[0].owners[0] == 1


@pytest.mark.parametrize("seed", range(20))
def test_every_character_keeps_an_owner_and_boxes_stay_upright(seed):
    page = augment(PAGE, random.Random(seed), Augmentation(line_drop=0.3, merge=1, character_noise=0.5))
    assert page.lines
    for changed in page.lines:
        assert len(changed.text) == len(changed.owners)
        x0, y0, x1, y1 = changed.box
        assert x0 <= x1 and y0 <= y1


def test_a_page_is_never_emptied():
    assert augment(PAGE, random.Random(0), Augmentation(line_drop=1.0)).lines


TEXTS = {"QUESTION": ["Nam:", "Sum_:"], "ANSWER": ["Wei Li", "A value that is far too long to stand here"]}


def test_swapped_texts_come_from_lines_of_the_same_label_and_about_the_same_length():
    swapped = swap_texts(PAGE, TEXTS, random.Random(0), rate=1.0)
    assert [changed.box for changed in swapped.lines] == [original.box for original in PAGE.lines]
    assert swapped.lines[1].text == "Wei Li"
    for changed in swapped.lines:
        assert len(set(changed.owners)) == 1 and len(changed.owners) == len(changed.text)
    assert {swapped.lines[0].text, swapped.lines[3].text} <= {"Nam:", "Sum_:"}


def test_lines_that_share_an_entity_or_hold_two_keep_their_text():
    both = TrainingLine("Sum 5", (100, 500, 150, 520), (4, 4, 4, 3, 3))
    page = TrainingPage(1000, 1000, (*PAGE.lines[2:], both), PAGE.labels, PAGE.relations)
    assert swap_texts(page, TEXTS, random.Random(0), rate=1.0) == page


def test_nothing_is_swapped_where_no_text_fits():
    assert swap_texts(PAGE, {"ANSWER": ["x"]}, random.Random(0), rate=1.0) == PAGE
    assert swap_texts(PAGE, TEXTS, random.Random(0), rate=0.0) == PAGE


def test_neighbours_without_a_relation_are_merged_less_often_and_only_close_by():
    left, right = line("12345", (100, 100, 150, 120), 1), line("Name", (160, 100, 200, 120), 2)
    page = TrainingPage(1000, 1000, (left, right), {1: "ANSWER", 2: "QUESTION"}, frozenset())
    results = [len(merge_neighbours([left, right], page, random.Random(seed), 1.0)) for seed in range(200)]
    assert 0.1 < results.count(1) / 200 < 0.4
    far = line("Name", (190, 100, 230, 120), 2)
    assert len(merge_neighbours([left, far], page, random.Random(2), rate=100)) == 2


def test_a_cut_line_comes_as_two_parts_of_its_text_and_box():
    first, second = cut_line(PAGE.lines[2], random.Random(0), rate=1.0)
    assert first.text + second.text == "far away"
    assert first.box[2] == second.box[0] and (first.box[0], second.box[2]) == (800, 900)
    assert first.owners + second.owners == PAGE.lines[2].owners
    assert cut_line(PAGE.lines[2], random.Random(0), rate=0.0) == [PAGE.lines[2]]


@pytest.mark.parametrize("seed", range(5))
def test_keys_in_ideographs_get_a_second_line_of_the_same_entity(seed):
    page = TrainingPage(
        1000,
        1000,
        (line("姓名", (100, 100, 150, 120), 1), line("Total", (100, 400, 150, 420), 4), *PAGE.lines[1:2]),
        PAGE.labels,
        frozenset(),
    )
    changed = bilingual_keys(page, ["Name"], "QUESTION", random.Random(seed))
    added = [each for each in changed.lines if each.text == "Name"]
    assert len(changed.lines) == len(page.lines) + len(added)
    for each in added:
        (key,) = (other for other in changed.lines if other.text == "姓名")
        assert set(each.owners) == set(key.owners) == {1}
        first, second = sorted((each.box, key.box), key=lambda box: box[1])
        assert first[3] <= second[1] + 1e-6
    assert [each for each in changed.lines if each.text in ("Total", "Li Lei")] == list(page.lines[1:])


def test_without_latin_texts_nothing_becomes_bilingual():
    assert bilingual_keys(PAGE, [], "QUESTION", random.Random(0)) == PAGE
