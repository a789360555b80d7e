import random
from dataclasses import replace

from beam_kie.forms.matrix import Matrix, draw_matrix
from beam_kie.forms.model import ANSWER, HEADER, QUESTION
from beam_kie.forms.sheet import Sheet
from beam_kie.forms.theme import make_theme
from beam_kie.forms.vocabulary import load

MADE = Matrix(
    "Room",
    [("First floor", 2), ("Cellar", 2)],
    ["Walls", "Doors", "Pipes", "Floor"],
    ["Kitchen", "Bath"],
    [["1", "2", "3", "4"], ["5", None, "7", "8"]],
)


def drawn(matrix, width=500.0, height=300.0, labels="funsd"):
    rng = random.Random(1)
    theme = make_theme(rng, load("en"), labels, noto_only=True)
    theme = replace(theme, heading_is_header=True)
    sheet = Sheet(width, height, theme, rng, margin=20)
    fits = draw_matrix(sheet, matrix, sheet.left, sheet.right)
    return fits, sheet.finish("en", "made", 0, 72)


def test_a_value_belongs_to_the_heads_of_its_column_and_its_row():
    fits, layout = drawn(MADE)
    assert fits
    texts = {entry.id: entry.text for entry in layout.entries}
    keys = {
        entry.text: {texts[key] for key, value in entry.linking if value == entry.id}
        for entry in layout.entries
        if entry.label == ANSWER
    }
    assert keys["1"] == {"Walls", "Kitchen"}
    assert keys["7"] == {"Pipes", "Bath"}
    assert len(keys) == 7


def test_heads_over_columns_are_headings_of_the_columns():
    _, layout = drawn(MADE)
    by_text = {entry.text: entry for entry in layout.entries}
    over = by_text["First floor"]
    assert over.label == HEADER
    assert by_text["Walls"].parent == by_text["Doors"].parent == over.id
    assert by_text["Pipes"].parent == by_text["Cellar"].id
    assert over.polygon[5] <= by_text["Walls"].polygon[1]
    assert all(by_text[name].label == QUESTION for name in (*MADE.columns, *MADE.rows))


def test_a_value_belongs_to_one_head_where_the_matrix_has_it_so():
    for links, wanted in (("column", {"Walls"}), ("row", {"Kitchen"})):
        fits, layout = drawn(replace(MADE, links=links))
        texts = {entry.id: entry.text for entry in layout.entries}
        by_text = {entry.text: entry for entry in layout.entries}
        assert fits and {texts[key] for key, _ in by_text["1"].linking} == wanted
        # Names of rows that are no keys are what the corner asks for.
        assert (by_text["Bath"].label == ANSWER) == (links == "column")
        if links == "column":
            assert {texts[key] for key, _ in by_text["Bath"].linking} == {"Room"}


def test_headings_over_rows_stand_between_them():
    fits, layout = drawn(replace(MADE, groups={1: "Wet rooms"}, ruled=False), height=400.0)
    by_text = {entry.text: entry for entry in layout.entries}
    assert fits and by_text["Wet rooms"].label == HEADER
    assert by_text["Kitchen"].polygon[5] <= by_text["Wet rooms"].polygon[1] + 1
    assert by_text["Wet rooms"].polygon[5] <= by_text["Bath"].polygon[1] + 1


def test_cells_stand_in_their_column_and_row():
    _, layout = drawn(replace_spans())
    by_text = {entry.text: entry.polygon for entry in layout.entries}
    for row, cells in zip(MADE.rows, MADE.cells, strict=True):
        for column, cell in zip(MADE.columns, cells, strict=True):
            if cell:
                assert abs(centre(by_text[cell], 0) - centre(by_text[column], 0)) < 2
                assert abs(centre(by_text[cell], 1) - centre(by_text[row], 1)) < 4


def test_nothing_is_drawn_where_it_does_not_fit():
    for width, height in ((500.0, 60.0), (130.0, 300.0)):
        fits, layout = drawn(MADE, width, height)
        assert not fits
        assert not layout.entries and not layout.runs and not layout.shapes


def replace_spans():
    return Matrix(MADE.corner, [], MADE.columns, MADE.rows, MADE.cells)


def centre(polygon, axis):
    return (polygon[axis] + polygon[axis + 4]) / 2
