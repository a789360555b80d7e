from dataclasses import replace

import pytest

from beam_kie.forms.matrix import Matrix
from beam_kie.forms.model import ANSWER, HEADER, QUESTION, Stroke
from beam_kie.forms.tables import Table
from beam_kie.forms.typed_lines import Manner
from beam_kie.forms.typed_tables import typed_columns, typed_matrix
from tests.beam_kie.forms.typed_sheets import PITCH, finished, sheet_of

MATRIX = Matrix(
    "",
    [("Panel A", 2), ("Panel B", 1)],
    ["Score", "Base", "Share of all users"],
    ["Under 35", "35 and over", "All"],
    [["3.4", "(224)", "7%"], ["1.9", None, "5%"], ["5.0", "(120)", None]],
    {2: "Total"},
)


def texts(layout, label):
    return [entry.text for entry in layout.entries if entry.label == label]


@pytest.mark.parametrize(("links", "ends"), [("both", 2), ("row", 1), ("column", 1)])
def test_a_value_belongs_to_the_keys_of_its_row_and_column(links, ends):
    sheet = sheet_of()
    assert typed_matrix(sheet, replace(MATRIX, links=links), 20, 480, Manner(PITCH))
    layout = finished(sheet)
    assert texts(layout, QUESTION) == [
        "Score",
        "Base",
        "Share of all users",
        "Under 35",
        "35 and over",
        "All",
    ]
    assert [text.rstrip(":").title() for text in texts(layout, HEADER)] == ["Panel A", "Panel B", "Total"]
    values = {e.text: {layout.entries[key].text for key, _ in e.linking} for e in layout.entries}
    assert all(len(values[text]) == ends for text in texts(layout, ANSWER))
    wanted = {"35 and over"} if links == "row" else {"Share of all users"} if links == "column" else None
    assert values["5%"] == (wanted or {"35 and over", "Share of all users"})


def test_rows_follow_one_another_as_lines_of_a_text_do():
    sheet = sheet_of()
    assert typed_matrix(sheet, replace(MATRIX, groups={}), 20, 480, Manner(PITCH, leader="rule"))
    layout = finished(sheet)
    tops = {e.text: e.polygon[1] for e in layout.entries}
    assert tops["35 and over"] - tops["Under 35"] == pytest.approx(PITCH)
    assert tops["All"] - tops["35 and over"] == pytest.approx(PITCH)
    assert sum(isinstance(shape, Stroke) for shape in layout.shapes) >= 9


def test_the_rows_are_values_of_the_corner_where_columns_are_the_keys():
    sheet = sheet_of()
    assert typed_matrix(sheet, replace(MATRIX, corner="Age", links="column"), 20, 480, Manner(PITCH))
    layout = finished(sheet)
    (corner,) = (e for e in layout.entries if e.text == "Age")
    assert [layout.entries[value].text for _, value in corner.linking] == MATRIX.rows


@pytest.mark.parametrize("size", [(140, 700), (500, 90)], ids=["narrow", "low"])
def test_nothing_is_left_of_a_table_that_does_not_fit(size):
    sheet = sheet_of(width=size[0], height=size[1])
    before = sheet.mark()
    assert not typed_matrix(sheet, MATRIX, sheet.left, sheet.right, Manner(PITCH))
    assert sheet.mark() == before


def test_long_cells_go_on_below_in_their_column():
    long = "Counter display with header card and two pockets"
    table = Table(["No.", "Item", "Price"], [["1", long, "4.10"], ["2", "Poster", None]], ["left"] * 3)
    sheet = sheet_of()
    assert typed_columns(sheet, table, 20, 320, Manner(PITCH))
    layout = finished(sheet)
    (cell,) = (e for e in layout.entries if e.text == long)
    assert len(cell.pieces) > 1
    heads = {e.text: {layout.entries[value].text for _, value in e.linking} for e in layout.entries}
    assert heads["Item"] == {long, "Poster"} and heads["Price"] == {"4.10"}
    assert not typed_columns(sheet_of(height=60), table, 20, 320, Manner(PITCH))
