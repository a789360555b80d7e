"""In which ruled cell places lie, and how cells stand to each other."""

import dataclasses

import numpy as np
import pytest

from beam_kie.document import RuledCell
from beam_kie.layoutxlm.inputs.cells import (
    NO_CELL,
    BoxRelations,
    CellRelation,
    boxes_1000,
    cell_boxes_1000,
    cells_at,
    cells_of,
    relations_between,
)
from tests.small_networks import page

# A table of two rows and two columns, a cell within its last one, and a cell of another column far below.
CELLS = np.array(
    [
        [100, 100, 300, 150],
        [304, 100, 600, 150],
        [100, 154, 300, 200],
        [304, 154, 600, 200],
        [400, 160, 450, 190],
        [120, 700, 280, 750],
    ]
)


def test_places_lie_in_the_smallest_cell_around_them():
    found = cells_at(np.array([200, 420, 500, 50]), np.array([120, 170, 170, 500]), CELLS)
    assert found.tolist() == [0, 4, 3, NO_CELL]


def test_a_page_of_many_places_is_looked_at_in_parts():
    places = np.tile([200.0, 420.0], 1500)
    assert cells_at(places, np.full(3000, 170.0), CELLS).tolist() == [2, 4] * 1500


def test_boxes_are_put_on_the_grid_of_their_page():
    of_page = dataclasses.replace(page(), width_px=500, height_px=2000)
    assert boxes_1000(of_page, [(50, 100, 250, 300), (0, 0, 500, 2000)]).tolist() == [
        [100, 50, 500, 150],
        [0, 0, 1000, 1000],
    ]
    assert boxes_1000(of_page, ()).shape == (0, 4)


def test_boxes_lie_where_their_middle_is():
    assert cells_of(np.array([[90, 90, 250, 140], [310, 0, 320, 20]]), CELLS).tolist() == [0, NO_CELL]


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        (0, 0, CellRelation.SAME_CELL),
        (0, 1, CellRelation.NEXT_IN_ROW),
        (1, 0, CellRelation.NEXT_IN_ROW),
        (0, 2, CellRelation.NEXT_IN_COLUMN),
        (0, 5, CellRelation.SAME_COLUMN),
        (2, 4, CellRelation.SAME_ROW),
        (1, 2, CellRelation.OTHER),
        (1, NO_CELL, CellRelation.ONE_OUTSIDE),
        (NO_CELL, NO_CELL, CellRelation.BOTH_OUTSIDE),
    ],
)
def test_how_two_cells_stand_to_each_other(one, other, relation):
    assert relations_between(np.array([one]), np.array([other]), CELLS)[0, 0] == relation


def test_nothing_is_known_on_pages_without_cells():
    none = cell_boxes_1000(page("a", "b"))
    own = cells_of(np.array([[0, 0, 10, 10], [0, 20, 10, 30]]), none)
    assert own.tolist() == [NO_CELL, NO_CELL]
    assert (relations_between(own, own, none) == CellRelation.UNKNOWN).all()


def test_relations_of_boxes_are_rows_of_the_first_and_columns_of_the_second():
    text = page("a", width=2000, height=2000)
    cells = tuple(RuledCell(tuple(2.0 * side for side in box), 1.0) for box in CELLS.tolist())
    boxes = [(110, 110, 200, 130), (310, 110, 400, 130), (110, 160, 200, 180)]
    between = BoxRelations(boxes, cell_boxes_1000(dataclasses.replace(text, cells=cells)))
    found = between([0], [1, 2])
    assert found.tolist() == [[CellRelation.NEXT_IN_ROW, CellRelation.NEXT_IN_COLUMN]]
