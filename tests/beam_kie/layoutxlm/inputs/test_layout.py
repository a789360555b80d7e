"""What tokens know of their place on their line and in their ruled cell."""

import dataclasses
from typing import NamedTuple

import numpy as np

from beam_kie.document import RuledCell, Straightening
from beam_kie.layoutxlm.inputs.cells import NO_CELL, CellRelation
from beam_kie.layoutxlm.inputs.features import PageTokens, page_tokens
from beam_kie.layoutxlm.inputs.layout import COLUMNS, line_relations, with_layout
from beam_kie.layoutxlm.inputs.straight import straight_page
from beam_kie.layoutxlm.inputs.strips import TokenPlaces
from tests.small_networks import character_tokenizer, line, page


class Layout(NamedTuple):
    tokens: PageTokens
    layout: np.ndarray
    places: TokenPlaces
    line_cells: np.ndarray


def layout(text):
    tokens = with_layout(page_tokens(text, character_tokenizer()), text)
    assert tokens.layout is not None and tokens.places is not None and tokens.line_cells is not None
    return Layout(tokens, tokens.layout, tokens.places, tokens.line_cells)


def column(tokens, name):
    return tokens.layout[:, 2 + COLUMNS.index(name)].tolist()


def seen(text, *spans):
    return dataclasses.replace(text, char_spans=spans)


# "ab" in the left tenth of a line of 200 x 20 pixels, "cd" at its end.
MERGED = seen(line("abcd", 100, 100), (0, 0.05), (0.05, 0.1), (0.9, 0.95), (0.95, 1))


def test_tokens_stand_where_their_characters_were_seen():
    tokens = layout(page(lines=[MERGED, line("abcd", 100, 200)]))
    assert tokens.layout[:, 0].tolist() == [100, 110, 280, 290, 100, 150, 200, 250]
    assert tokens.layout[3, 1] == 300
    assert np.allclose(tokens.places.first[:4], [0, 0.05, 0.9, 0.95])


def test_gaps_show_within_lines_where_places_are_known():
    tokens = layout(page(lines=[MERGED, line("abcd", 100, 200)]))
    before, after = column(tokens, "gap_before"), column(tokens, "gap_after")
    assert before[1] == 1 < before[2] and after[1] == before[2]
    assert before[0] == after[3] != before[2]
    assert before[4:] == after[4:] == column(tokens, "pitch")[4:] == [0] * 4


def test_wider_print_has_another_pitch():
    narrow = seen(line("ab", 100, 100), (0, 0.05), (0.05, 0.1))
    wide = seen(line("ab", 100, 200), (0, 0.2), (0.2, 0.4))
    pitch = column(layout(page(lines=[narrow, wide])), "pitch")
    assert 0 < pitch[0] == pitch[1] < pitch[2] == pitch[3]


def ruled(*boxes, lines, **changes):
    return dataclasses.replace(page(lines=lines, **changes), cells=tuple(RuledCell(b, 1.0) for b in boxes))


def test_tokens_know_when_their_line_crosses_a_rule():
    text = ruled((90, 90, 200, 130), (204, 90, 400, 130), lines=[MERGED, line("ab", 100, 600)])
    tokens = layout(text)
    first, second, third, fourth, outside, _ = column(tokens, "cell")
    assert first == second == fourth != third and outside not in (0, first, third)
    assert column(tokens, "cell_width")[2] > column(tokens, "cell_width")[0] > 0
    assert column(tokens, "row_place") == [1, 1, 2, 2, 0, 0]
    assert column(tokens, "row_cells") == [3, 3, 3, 3, 0, 0]


def test_all_is_zero_where_nothing_is_known():
    tokens = layout(page("ab", "cd"))
    assert not tokens.layout[:, 2:].any()
    assert tokens.line_cells.tolist() == [NO_CELL, NO_CELL]
    assert (line_relations(tokens.tokens, np.arange(2)) == CellRelation.UNKNOWN).all()


def test_lines_of_a_cell_belong_together_and_are_counted():
    text = ruled(
        (90, 90, 320, 160),
        (90, 170, 320, 220),
        lines=[line("ab", 100, 100), line("cd", 100, 130), line("e", 100, 180)],
    )
    tokens = layout(text)
    between = line_relations(tokens.tokens, np.arange(3))
    assert between[0, 1] == CellRelation.SAME_CELL and between[0, 2] == CellRelation.NEXT_IN_COLUMN
    assert column(tokens, "cell_lines") == [3, 3, 3, 3, 2]


def test_size_of_the_page_in_pixels_does_not_matter():
    def at(scale):
        lines = [dataclasses.replace(MERGED, polygon=tuple(scale * value for value in MERGED.polygon))]
        boxes = [tuple(scale * side for side in box) for box in ((90, 90, 200, 130), (204, 90, 400, 130))]
        return layout(ruled(*boxes, lines=lines, width=1000 * scale, height=1400 * scale)).layout

    assert (at(1) == at(3)).all()


def test_cells_move_with_the_lines_when_a_page_is_straightened():
    shift = Straightening((1.0, 0, 50, 0, 1, 30, 0, 0, 1), 1000, 1400)
    text = dataclasses.replace(ruled((90, 90, 320, 160), lines=[line("ab", 100, 100)]), straightening=shift)
    straight = straight_page(text)
    assert straight.cells[0].box == (140, 120, 370, 190)
    assert layout(straight).line_cells.tolist() == [0]
