"""Places of characters follow what training does to lines."""

import random

import numpy as np
import pytest

from beam_kie.labelled.alignment import TrainingLine, TrainingPage
from beam_kie.training.augmentation.pages import Augmentation, augment, cut_line, merge_neighbours
from beam_kie.training.augmentation.places import places_of, resized_places, with_places

NONE = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, guessed_places=0, place_drop=0, cell_drop=0)


def line(text, box, owner=1, spans=None):
    return TrainingLine(text, box, (owner,) * len(text), char_spans=spans)


KEY = line("ab", (100, 100, 120, 120), 1)
VALUE = line("cde", (150, 100, 180, 120), 2)
PAGE = TrainingPage(
    1000, 1000, (KEY, VALUE), {1: "QUESTION", 2: "ANSWER"}, frozenset({(1, 2)}), cells=((90, 90, 125, 130),)
)


def pixels(each):
    return each.box[0] + places_of(each) * (each.box[2] - each.box[0])


def test_merged_lines_know_where_both_stood():
    (merged,) = merge_neighbours([KEY, VALUE], PAGE, random.Random(0), 1.0)
    assert merged.char_spans is not None and len(merged.char_spans) == len(merged.text)
    found = dict(zip(merged.text, pixels(merged).tolist(), strict=True))
    for character, place in (("a", [100, 110]), ("b", [110, 120]), ("c", [150, 160]), ("e", [170, 180])):
        assert found[character] == pytest.approx(place)


def test_parts_of_a_cut_line_keep_their_places():
    whole = line("abcdef", (100, 100, 220, 120), spans=tuple((i / 10, (i + 1) / 10) for i in range(6)))
    left, right = cut_line(whole, random.Random(0), 1.0)
    joined = np.concatenate([pixels(left), pixels(right)])
    assert joined == pytest.approx(pixels(whole))
    assert left.box[2] == right.box[0]


def test_characters_stay_in_place_when_boxes_grow():
    seen = line("ab", (100, 100, 120, 120), spans=((0.1, 0.5), (0.5, 0.9)))
    grown = resized_places(seen, (90, 90, 130, 130))
    assert pixels(grown) == pytest.approx(pixels(seen))
    assert grown.box == (90, 90, 130, 130)


def test_a_page_has_places_on_all_lines_or_on_none():
    merged = merge_neighbours([KEY, VALUE], PAGE, random.Random(0), 1.0)
    lines = [*merged, line("other", (100, 300, 200, 320))]
    assert all(each.char_spans is None for each in with_places(lines, random.Random(0), known=False))
    known = with_places(lines, random.Random(0), known=True)
    assert known[0].char_spans == merged[0].char_spans
    guessed = np.array(known[1].char_spans)
    assert (np.diff(guessed.ravel()) >= 0).all() and guessed[0, 0] == 0 and guessed[-1, 1] == 1


@pytest.mark.parametrize("share", [0, 1])
def test_labelled_pages_have_made_up_places_at_their_rate(share):
    strength = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, guessed_places=share)
    lines = augment(PAGE, random.Random(0), strength).lines
    assert [each.char_spans is not None for each in lines] == [bool(share)] * 2


def test_cells_move_with_their_page_or_are_left_out():
    moved = augment(PAGE, random.Random(3), Augmentation(0, 0, 0, 0, 0, 0, 0, 0.1, 0.1, 0, 0, cell_drop=0))
    (cell,), key = moved.cells, moved.lines[0]
    assert cell != PAGE.cells[0] and cell[0] < key.box[0] and key.box[2] < cell[2]
    assert augment(PAGE, random.Random(3), Augmentation(cell_drop=1)).cells == ()


def test_boxes_of_a_page_grow_or_shrink_together():
    margins = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, box_margin=0.3)
    sizes = set()
    for seed in range(8):
        lines = augment(PAGE, random.Random(seed), margins).lines
        heights = [each.box[3] - each.box[1] for each in lines]
        assert heights[0] == pytest.approx(heights[1])
        sizes.add(round(heights[0], 3))
    assert min(sizes) < 20 < max(sizes)
