"""Pages with more space between their rows."""

from __future__ import annotations

import random

import numpy as np
import pytest

from beam_kie.labelled.alignment import TrainingLine, TrainingPage
from beam_kie.training.augmentation.pages import Augmentation, augment
from beam_kie.training.augmentation.stretching import stretched


class _Most(random.Random):
    """Draws the largest number each time."""

    def random(self) -> float:
        return 1.0


def _line(text: str, y: float, owner: int | None, height: float = 10) -> TrainingLine:
    return TrainingLine(text, (10, y, 60, y + height), (owner,) * len(text))


PAGE = TrainingPage(
    width_px=500,
    height_px=400,
    lines=(
        _line("Sort of goods", 40, 0),
        _line("apples", 60, 1),
        _line("pears from", 80, 2),
        _line("the garden", 92, 2),
        _line("at the foot", 300, None),
    ),
    labels={0: "QUESTION", 1: "ANSWER", 2: "ANSWER"},
    relations=frozenset({(0, 1), (0, 2)}),
    cells=((5, 30, 100, 110), (5, 290, 100, 320)),
)


def test_rows_stand_further_apart_and_keep_their_height():
    boxes = [line.box for line in stretched(PAGE, _Most(), 1.0).lines]
    assert [box[1] for box in boxes[:3]] == [80, 120, 160]
    assert all(box[3] - box[1] == 10 for box in boxes)
    assert all(box[::2] == (10, 60) for box in boxes)


def test_the_lines_of_an_entity_stay_together():
    boxes = [line.box for line in stretched(PAGE, _Most(), 1.0).lines]
    assert boxes[3][1] - boxes[2][1] == 12


def test_what_no_longer_fits_is_left_out():
    page = stretched(PAGE, _Most(), 1.0)
    assert [line.text for line in page.lines] == [line.text for line in PAGE.lines[:4]]
    assert page.cells == ((5, 60, 100, 220),)


def test_a_page_of_which_nothing_would_stay_is_as_it_was():
    page = TrainingPage(500, 400, (_line("at the foot", 380, None),), {}, frozenset())
    assert stretched(page, _Most(), 1.0) is page


def test_a_page_with_a_thumbnail_is_as_it_was():
    page = TrainingPage(500, 400, PAGE.lines, PAGE.labels, PAGE.relations, np.zeros((224, 224, 3), np.uint8))
    assert stretched(page, _Most(), 1.0) is page


@pytest.mark.parametrize(("rate", "moved"), [(0.0, False), (1.0, True)])
def test_as_many_pages_are_stretched_as_the_settings_say(rate, moved):
    still = dict.fromkeys(
        ("line_drop", "merged_pages", "cut", "character_noise", "scale", "shift", "box_jitter", "skew"), 0.0
    )
    page = augment(PAGE, random.Random(4), Augmentation(stretched_pages=rate, stretch=0.5, **still))
    assert (page.lines[0].box[1] > 40.5) is moved
    assert {line.text for line in page.lines} >= {"Sort of goods", "apples"}
