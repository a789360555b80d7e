"""Random changes keep labels with their text."""

import random

import pytest

from beam_kie.training.augment import Augmentation, augment, merge_neighbours
from beam_kie.training.pages import TrainingLine, TrainingPage

NONE = Augmentation(0, 0, 0, 0, 0, 0, 0)


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
