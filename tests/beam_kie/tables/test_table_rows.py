import pytest

from beam_kie.document import Entity, KeyValue
from beam_kie.geometry import box_polygon
from beam_kie.tables.table_rows import table_rows

HEADERS = {"item": (100, 100), "qty": (300, 100), "price": (500, 100)}


def entity(text, x, y, width=80, height=20):
    return Entity("ANY", text, box_polygon((x, y, x + width, y + height)), 0.9, ())


def rows_of(cells, headers=HEADERS):
    """Text of the cell -> its row. Cells are (header, text, x, y, ...), in any order."""
    names = list(headers)
    keys = {name: entity(name, *place) for name, place in headers.items()}
    pairs = [
        KeyValue(keys[name], entity(text, *place), 0.9, 0.9, names.index(name), len(names) + number)
        for number, (name, text, *place) in enumerate(cells)
    ]
    return {cell[1]: row for cell, row in zip(cells, table_rows(pairs), strict=True)}


def grid(count, slope=0.0, left_out=()):
    """A table of so many rows; ``slope`` is how far it drops in pixels for each pixel to the right."""
    return [
        (name, f"{name}{row}", x, 130 + 25 * row + slope * x)
        for row in range(count)
        for name, (x, _) in HEADERS.items()
        if (name, row) not in left_out
    ]


def expected(cells):
    return {text: int(text[-1]) for _, text, *_ in cells}


@pytest.mark.parametrize("slope", [0, 0.05, -0.05])
def test_values_side_by_side_share_a_row_also_askew(slope):
    headers = {name: (x, y + slope * x) for name, (x, y) in HEADERS.items()}
    assert rows_of(grid(4, slope), headers) == expected(grid(4))


def test_the_order_of_pairs_does_not_matter():
    assert rows_of(grid(4)[::-1]) == expected(grid(4))


def test_missing_cells_leave_gaps_and_the_last_row_may_have_one_cell():
    cells = grid(4, left_out={("item", 1), ("qty", 2), ("qty", 3), ("item", 3)})
    assert rows_of(cells) == expected(cells)


def test_a_cell_of_several_lines_is_one_row():
    cells = [*grid(2, left_out={("item", 0), ("item", 1)}), ("item", "item0", 100, 130, 80, 22)]
    cells += [("item", "item1", 100, 155, 80, 60)]
    assert rows_of(cells) == expected(cells)


def test_a_cell_that_spans_rows_belongs_to_one_of_them():
    cells = [*grid(3, left_out={("item", n) for n in range(3)}), ("item", "item0", 100, 130, 80, 70)]
    found = rows_of(cells)
    assert found.pop("item0") in (0, 1, 2)
    assert found == {name: row for name, row in expected(cells).items() if name != "item0"}


def test_amounts_may_be_set_to_the_right_of_their_header():
    assert rows_of([*grid(2), ("price", "wide0", 610, 130), ("price", "wide1", 610, 155)])["wide1"] == 1


def test_two_tables_of_a_page_have_rows_of_their_own():
    headers = {**HEADERS, "tax": (100, 400), "rate": (300, 400)}
    cells = [*grid(2), ("tax", "t", 100, 430), ("rate", "r", 300, 430), ("rate", "s", 300, 460)]
    assert rows_of(cells[::-1], headers) == expected(grid(2)) | {"t": 2, "r": 2, "s": 3}


@pytest.mark.parametrize(
    "cells",
    [
        [("item", "beside", 200, 100)],
        [("item", "alone", 100, 130)],
        [("item", "high", 100, 130), ("qty", "low", 300, 300)],
        [("item", "several lines beside it", 200, 95, 80, 90)],
    ],
)
def test_what_is_no_table_has_no_rows(cells):
    assert set(rows_of(cells).values()) == {None}


def test_names_above_their_boxes_are_a_row_where_these_stand_side_by_side():
    cells = [("item", "a", 100, 130), ("qty", "b", 300, 132), ("price", "low", 500, 300)]
    assert rows_of(cells) == {"a": 0, "b": 0, "low": None}


def test_keys_without_a_value_have_no_row():
    key = entity("key", 100, 100)
    assert table_rows([KeyValue(key, None, None, 0.9, 0, None)]) == [None]
    assert table_rows([]) == []


def test_boxes_that_touch_the_next_row_stay_in_their_own():
    cells = [
        ("item", "item0", 100, 130, 80, 28),
        ("qty", "qty1", 300, 155, 80, 28),
        ("item", "item2", 100, 180, 80, 28),
    ]
    assert rows_of(cells) == expected(cells)
