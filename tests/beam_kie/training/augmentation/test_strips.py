"""Strips of training lines go through what happens to the lines."""

import random
from dataclasses import replace

import numpy as np
import pytest

from beam_kie.labelled.alignment import TrainingLine, TrainingPage
from beam_kie.layoutxlm.inputs.strips import HEIGHT, MARGIN, TEXT_ROWS
from beam_kie.training.augmentation.pages import Augmentation, augment
from beam_kie.training.augmentation.strips import cut_strip_at, degraded, join_strips, with_strips


def line(text: str, x: float, y: float, strip=None) -> TrainingLine:
    return TrainingLine(text, (x, y, x + 20 * len(text), y + 20), (None,) * len(text), strip)


def strip(width: int, shade: int) -> np.ndarray:
    return np.full((HEIGHT, width + 2 * MARGIN), shade, np.uint8)


def page(*lines: TrainingLine) -> TrainingPage:
    return TrainingPage(400, 600, lines, {}, frozenset())


def known(pixels: np.ndarray | None) -> np.ndarray:
    assert pixels is not None
    return pixels


def test_every_line_gets_its_strip():
    pixels = np.full((600, 400, 3), 255, np.uint8)
    pixels[100:120, 40:80] = 0
    seen = with_strips(page(line("ab", 40, 100), line("cd", 200, 300)), pixels)
    assert [each.text for each in seen.lines] == ["ab", "cd"]
    assert known(seen.lines[0].strip)[10, MARGIN + 5] == 0
    assert known(seen.lines[1].strip).min() == 255


def test_joined_lines_keep_the_outer_margins():
    joined = known(join_strips(strip(40, 10), strip(60, 200)))
    assert joined.shape[1] == 100 + 2 * MARGIN
    assert (joined[0, MARGIN + 39], joined[0, MARGIN + 40]) == (10, 200)
    assert join_strips(None, strip(60, 200)) is None


@pytest.mark.parametrize("gap", [0.5, 4.0])
def test_joined_lines_keep_the_gap_between_them(gap):
    joined = known(join_strips(strip(40, 10), strip(60, 200), gap))
    columns = round(gap * TEXT_ROWS)
    assert joined.shape[1] == 100 + columns + 2 * MARGIN
    assert joined[0, MARGIN + 40 + columns] == 200
    # What stands behind the left line is known for the width of its margin; the rest is white.
    assert (joined[0, MARGIN + 40 : MARGIN + 40 + columns] == 10).sum() == min(columns, MARGIN)
    assert gap < 1 or joined[0, MARGIN + 40 + columns - 1] == 255


def test_a_part_of_a_line_has_its_neighbour_in_the_margin():
    whole = strip(100, 0)
    whole[:, MARGIN + 25 :] = 200
    left, right = map(known, cut_strip_at(whole, 0.25))
    assert (left.shape[1], right.shape[1]) == (25 + 2 * MARGIN, 75 + 2 * MARGIN)
    assert (left[0, MARGIN + 24], left[0, MARGIN + 25]) == (0, 200)
    assert (right[0, MARGIN - 1], right[0, MARGIN]) == (0, 200)
    assert cut_strip_at(None, 0.5) == (None, None)


def test_degradation_changes_pixels_and_nothing_else():
    lines = [line("ab", 0, 0, strip(40, 100)), line("cd", 0, 50), line("ef", 0, 90, strip(55, 180))]
    changed = degraded(lines, random.Random(1), drop=0.0)
    assert changed == lines
    assert [each.strip is None for each in changed] == [False, True, False]
    assert [known(each.strip).shape for each in changed[::2]] == [
        known(each.strip).shape for each in lines[::2]
    ]
    assert not np.array_equal(known(changed[0].strip), known(lines[0].strip))


def test_some_pages_lose_their_pixels():
    lines = [line("ab", 0, 0, strip(40, 100))]
    lost = sum(degraded(lines, random.Random(seed), 0.3)[0].strip is None for seed in range(200))
    assert 30 < lost < 90


def test_pixels_stay_with_their_text_through_all_changes():
    lines = [line(f"line {n:02d}", 30, 25 * n, strip(112, 5 + 10 * n)) for n in range(20)]
    calm = replace(Augmentation(), strip_drop=0.0, merged_pages=0.0, cut=0.0, character_noise=0.0)
    for seed in range(5):
        for each in augment(page(*lines), random.Random(seed), calm).lines:
            around = {255 - (250 - 10 * int(each.text[-2:]))}
            assert abs(float(known(each.strip).mean()) - around.pop()) < 75
            assert known(each.strip).shape[1] == 112 + 2 * MARGIN


def test_merged_and_cut_lines_keep_pixels_as_wide_as_they_are():
    lines = [line("key", 30, 40, strip(48, 0)), line("value", 95, 40, strip(80, 0))]
    wild = Augmentation(line_drop=0.0, merged_pages=1.0, merge=4.0, cut=0.0, strip_drop=0.0)
    [merged] = augment(page(*lines), random.Random(3), wild).lines
    assert merged.text.replace(" ", "") == "keyvalue"
    gap = round((95 - 90) / 20 * TEXT_ROWS)
    assert known(merged.strip).shape[1] == 128 + gap + 2 * MARGIN
    always = replace(wild, merged_pages=0.0, cut=1.0)
    parts = augment(page(line("value", 95, 40, strip(80, 0))), random.Random(3), always).lines
    assert len(parts) == 2
    assert sum(known(part.strip).shape[1] - 2 * MARGIN for part in parts) == 80
