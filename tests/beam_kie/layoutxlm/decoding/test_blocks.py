"""Pages with very many lines: the number of comparisons grows with that of the lines."""

import pytest

from beam_kie.layoutxlm.decoding import grouping, linking
from beam_kie.layoutxlm.decoding.linking import MOST_COMPARED


def compared(blocks):
    return sum(len(candidates) * len(part) for candidates, part in blocks)


@pytest.mark.parametrize("count", [1, 2, 300, MOST_COMPARED])
def test_on_ordinary_pages_all_pieces_and_keys_are_compared(count):
    labels = [index % 3 for index in range(count)]
    blocks = list(grouping._blocks(labels))
    assert all(candidates == list(range(count)) for candidates, _ in blocks)
    assert [index for _, part in blocks for index in part] == list(range(count))
    keys, values = list(range(0, 2 * count, 2)), list(range(1, 2 * count, 2))
    blocks = list(linking._blocks(keys, values))
    assert all(near == keys for near, _ in blocks)
    assert [value for _, part in blocks for value in part] == values


def test_every_piece_of_a_long_page_chooses_once_among_its_own_label():
    labels = [0 if index % 5 else 1 for index in range(5_000)]
    chosen = []
    for candidates, part in grouping._blocks(labels):
        assert len({labels[index] for index in candidates}) == 1
        chosen += [candidates[index] for index in part]
    assert sorted(chosen) == list(range(5_000))


def test_a_value_of_a_long_page_meets_the_keys_around_it_and_the_first_of_the_page():
    keys, values = list(range(0, 20_000, 2)), list(range(1, 20_000, 2))
    seen = []
    for near, part in linking._blocks(keys, values):
        assert near == sorted(set(near))
        assert {0, 2, 4} <= set(near)
        for value in part:
            assert {value - 1, min(value + 1, keys[-1])} <= set(near)
        seen += part
    assert seen == values


def test_twice_as_many_lines_are_twice_as_much_work():
    def work(count):
        keys, values = list(range(0, 2 * count, 2)), list(range(1, 2 * count, 2))
        return compared(grouping._blocks([0] * count)) + compared(linking._blocks(keys, values))

    assert work(20_000) < 2.1 * work(10_000)
