"""Lines broken in two rows keep their text, their entity and their place."""

import random

import numpy as np
import pytest

from beam_kie.labelled.alignment import TrainingLine, TrainingPage
from beam_kie.layoutxlm.strips import HEIGHT, MARGIN
from beam_kie.training.augment import Augmentation, augment
from beam_kie.training.wrapping import break_place, wrap_lines


def page(*lines: TrainingLine) -> TrainingPage:
    owners = {owner for line in lines for owner in line.owners if owner is not None}
    return TrainingPage(1000, 1000, lines, {owner: "QUESTION" for owner in owners}, frozenset())


def line(text: str, y: float, owner: int | None = 0, strip=None) -> TrainingLine:
    return TrainingLine(text, (100, y, 100 + 20 * len(text), y + 20), (owner,) * len(text), strip)


def wrapped(*lines: TrainingLine, seed: int = 0) -> list[TrainingLine]:
    return wrap_lines(page(*lines), random.Random(seed), 1.0)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("中文姓名Surname", ("中文姓名", "Surname")),
        ("Surname in Chinese 中文姓", ("Surname in Chinese ", "中文姓")),
        ("date of birth", ("date of ", "birth")),
        ("姓名", None),
        ("name", None),
    ],
)
def test_texts_break_where_a_form_would_break_them(text, parts):
    places = {break_place(text, random.Random(seed)) for seed in range(30)}
    if parts is None:
        assert places == {None}
    else:
        assert len(parts[0]) in places
        assert all(text[place - 1] == " " or not text[place - 1].isascii() for place in places)


@pytest.mark.parametrize("seed", range(5))
def test_two_rows_stand_where_the_line_stood(seed):
    first, second = wrapped(line("参加工作时间", 300), seed=seed)
    assert first.text + second.text == "参加工作时间"
    assert set(first.owners + second.owners) == {0}
    assert (len(first.owners), len(second.owners)) == (len(first.text), len(second.text))
    assert first.box[1] < 310 < second.box[3]
    assert first.box[3] <= second.box[1] + 3
    assert first.box[3] - first.box[1] >= 15
    assert max(first.box[2], second.box[2]) <= 220 + 1e-6


def test_rows_are_half_as_high_where_there_is_no_room():
    rows = wrapped(line("参加工作时间", 300), line("x", 285, None), line("x", 321, None))
    boxes = [row.box for row in rows if row.owners[0] == 0]
    assert [(y0, y1) for _, y0, _, y1 in boxes] == [(300, 310), (310, 320)]


def test_lines_that_are_no_whole_entity_stay():
    two = TrainingLine("参加工作时间李明", (100, 300, 260, 320), (0,) * 6 + (1,) * 2)
    parts = [line("参加工作时间", 400, 2), line("和开始工作地点", 430, 2)]
    other = line("一段不属于任何实体的文字", 500, None)
    assert wrapped(two, *parts, other) == [two, *parts, other]


def test_pixels_are_broken_at_the_same_place():
    strip = np.full((HEIGHT, 120 + 2 * MARGIN), 255, np.uint8)
    first, second = wrapped(line("参加工作时间", 300, strip=strip))
    share = len(first.text) / 6
    assert first.strip.shape[1] - 2 * MARGIN == round(120 * share)
    assert second.strip.shape[1] - 2 * MARGIN == 120 - round(120 * share)


def test_wrapping_is_a_strength_of_augmentation():
    pages = [
        augment(page(line("参加工作时间", 300)), random.Random(seed), strength(0.5)) for seed in range(200)
    ]
    assert 60 < sum(len(each.lines) == 2 for each in pages) < 140
    never = augment(page(line("参加工作时间", 300)), random.Random(0), strength(0.0))
    assert len(never.lines) == 1


def strength(pages: float) -> Augmentation:
    return Augmentation(wrapped_pages=pages, wrap=1.0, cut=0.0, merged_pages=0.0)
