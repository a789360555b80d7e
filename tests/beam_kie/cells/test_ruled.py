import itertools
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from beam_kie.cells.ruled import ruled_tables
from beam_kie.document import PageText, TextLine
from beam_kie.forms.fonts import font
from beam_kie.geometry import box_polygon
from beam_kie.imaging.marks import with_ruling
from beam_kie.ocr.straightening import straightened

FACE = font("sans", 22)
ITEMS = [["Pen", "2", "1.50", "3.00"], ["Paper", "10", "4.00", "40.00"], ["Ink", "1", "9.90", "9.90"]]
HEAD = ["Item", "Qty", "Price", "Sum"]
XS = (80, 400, 560, 720, 900)


def drawn(cells, angle=0.0):
    """A page with cells, each a box and a text, and their lines as they were read."""
    image = Image.new("RGB", (1000, 1400), "white")
    draw = ImageDraw.Draw(image)
    lines = []
    for (x0, y0, x1, y1), text in cells:
        draw.rectangle((x0, y0, x1, y1), outline="black", width=2)
        for number, part in enumerate(text.split("\n") if text else []):
            x, y = x0 + 12, y0 + 8 + 26 * number
            draw.text((x, y), part, "black", font=FACE)
            lines.append(TextLine(part, box_polygon(draw.textbbox((x, y), part, font=FACE)), 0.9))
    page = PageText("d" * 32, "a.png", 1, 1000, 1400, lines=tuple(lines))
    if angle:
        image = image.rotate(-angle, fillcolor="white")
        turn = np.radians(angle)
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        turned = []
        for line in lines:
            points = (np.reshape(line.polygon, (4, 2)) - (500, 700)) @ matrix.T + (500, 700)
            turned.append(replace(line, polygon=tuple(points.ravel().tolist())))
        page = straightened(replace(page, lines=tuple(turned)))
    return with_ruling(page, np.asarray(image))


def row(top, texts, xs=XS, height=44):
    return [
        ((left, top, right, top + height), text)
        for (left, right), text in zip(itertools.pairwise(xs), texts, strict=True)
    ]


def grid(*rows, top=100):
    return [cell for number, texts in enumerate(rows) for cell in row(top + 44 * number, texts)]


def texts(table):
    """Row by row: column and text."""
    found = {}
    for cell in table.cells:
        found.setdefault(cell.row, {})[cell.column] = cell.text
    return found


@pytest.mark.parametrize("angle", [0.0, 2.0])
def test_line_items_are_found_by_their_rules_also_on_a_page_that_is_askew(angle):
    page = drawn(grid(HEAD, *ITEMS), angle)
    ((table,), lines) = ruled_tables(page)
    assert (table.kind, table.headers) == ("ruled", tuple(HEAD))
    assert texts(table) == {number: dict(enumerate(each)) for number, each in enumerate([HEAD, *ITEMS])}
    assert lines == set(range(16))
    assert {(cell.row, cell.is_header) for cell in table.cells if cell.column == 0} == {
        *((0, True), (1, False), (2, False), (3, False))
    }
    assert {cell.header for cell in table.cells if cell.column == 2} == {"Price"}


def test_empty_cells_and_rows_have_no_texts():
    page = drawn(grid(HEAD, ITEMS[0], ["", "", "", ""], ["Ink", "", "", "9.90"], ["", "", "", ""]))
    ((table,), _) = ruled_tables(page)
    assert texts(table)[3] == {0: "Ink", 3: "9.90"}
    assert sorted(texts(table)) == [0, 1, 3]


def test_merged_headers_are_said_of_each_of_their_columns():
    cells = [((80, 100, 400, 188), "Item"), ((400, 100, 560, 188), "Qty"), ((560, 100, 900, 144), "Amount")]
    cells += row(144, ["net", "gross"], (560, 720, 900))
    cells += [cell for number, each in enumerate(ITEMS) for cell in row(188 + 44 * number, each)]
    ((table,), _) = ruled_tables(drawn(cells))
    assert table.headers == ("Item", "Qty", "Amount net", "Amount gross")
    assert texts(table)[1] == dict(enumerate(ITEMS[0]))


def test_a_cell_of_two_lines_and_a_line_over_two_cells():
    page = drawn(grid(HEAD, *ITEMS))
    lines = list(page.lines)
    first, second = lines[4], lines[5]  # "Pen" and "2" were read as one line
    x0, y0, _, y1 = first.box
    x1 = second.box[2]
    shares = [(value - x0) / (x1 - x0) for value in (first.box[2], second.box[0])]
    edges = np.linspace(0, shares[0], 4)
    spans = (*itertools.pairwise(edges), (shares[0], shares[1]), (shares[1], 1.0))
    lines[4:6] = [TextLine("Pen 2", box_polygon((x0, y0, x1, y1)), 0.9, spans)]
    ((table,), _) = ruled_tables(replace(page, lines=tuple(lines)))
    assert texts(table)[1] == dict(enumerate(ITEMS[0]))
    cut = next(cell for cell in table.cells if (cell.row, cell.column) == (1, 0))
    whole = next(cell for cell in table.cells if (cell.row, cell.column) == (2, 0))
    assert cut.confidence < whole.confidence
    page = drawn(
        [
            *row(100, HEAD),
            *row(144, ["Paper\nwhite", "10", "4.00", "40.00"], height=80),
            *row(224, ITEMS[0], height=80),
        ]
    )
    ((table,), _) = ruled_tables(page)
    assert texts(table)[1][0] == "Paper white"


def test_a_table_goes_on_below_a_row_across_it_and_on_the_next_page():
    cells = [*grid(HEAD, *ITEMS[:2]), ((80, 232, 900, 276), "Second delivery"), *grid(*ITEMS[:2], top=276)]
    ((table,), _) = ruled_tables(drawn(cells))
    assert texts(table)[4] == dict(enumerate(ITEMS[1]))
    ((table,), _) = ruled_tables(drawn(grid(*ITEMS)))
    assert table.headers == ("",) * 4
    assert sorted(texts(table)) == [1, 2, 3]


def test_forms_are_no_tables():
    form = grid(
        ["Name", "Ann", "City", "Oslo"], ["Phone", "123 456", "Zip", "0150"], ["Mail", "a@b.c", "Tax", "7"]
    )
    page = drawn(form)
    keys = {
        index
        for index, line in enumerate(page.lines)
        if line.text in ("Name", "City", "Phone", "Zip", "Mail", "Tax")
    }
    assert ruled_tables(page, keys) == ([], set())
    boxes = drawn(grid(["Name", "Street", "City", "Phone"], ["Ann", "Main St", "Oslo", "123"]))
    assert ruled_tables(boxes) == ([], set())
