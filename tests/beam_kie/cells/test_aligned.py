from itertools import product

import pytest

from beam_kie.cells.aligned import aligned_tables
from beam_kie.document import PageText, TextLine
from beam_kie.forms import LANGUAGES, generate_layout, visual_lines
from beam_kie.geometry import box_polygon

HEAD = [("Item", 100), ("Description", 200), ("Qty.", 500), ("Amount", 600)]
ITEMS = [
    [("1", 110), ("Bolts", 200), ("12", 505), ("3.00", 620)],
    [("2", 110), ("Nuts", 200), ("7", 510), ("14.50", 610)],
]


def page(*rows, top=100, step=40, skew=0.0, width=9) -> PageText:
    """Rows of (text, left edge); a number between rows moves the next ones down."""
    lines = []
    for row in rows:
        if isinstance(row, (int, float)):
            top += row
            continue
        for text, left in row:
            y = top + skew * left
            box = (left, y, left + width * len(text), y + 20)
            lines.append(TextLine(text, box_polygon(box), 0.9))
        top += step
    return PageText("d" * 32, "u", 1, 1000, 1400, lines=tuple(lines))


def cells(table) -> list[list[str]]:
    rows: dict[int, dict[int, str]] = {}
    for cell in table.cells:
        rows.setdefault(cell.row, {})[cell.column] = cell.text
    return [[row.get(column, "") for column in range(len(table.headers))] for _, row in sorted(rows.items())]


def test_rows_below_headers_are_a_table():
    (table,) = aligned_tables(page(HEAD, *ITEMS))
    assert table.headers == ("Item", "Description", "Qty.", "Amount")
    assert cells(table)[1:] == [["1", "Bolts", "12", "3.00"], ["2", "Nuts", "7", "14.50"]]
    amount = next(cell for cell in table.cells if cell.text == "14.50")
    assert (amount.row, amount.column, amount.header, amount.is_header) == (2, 3, "Amount", False)
    assert amount.box == (610, 180, 655, 200)
    assert amount.confidence == pytest.approx(0.9)
    assert [cell.is_header for cell in table.cells[:5]] == [True] * 4 + [False]


def test_rows_may_run_askew():
    (table,) = aligned_tables(page(HEAD, *ITEMS, skew=0.02))
    assert len(cells(table)) == 3


def test_headers_may_stand_in_the_middle_above_texts_on_the_left_and_the_right():
    head = [("Pos.", 100), ("Description", 300), ("Qty.", 500), ("Amount", 600)]
    (table,) = aligned_tables(page(head, *ITEMS))
    assert cells(table)[1] == ["1", "Bolts", "12", "3.00"]


def test_cells_may_be_empty_and_go_on_in_a_second_line():
    lacking = [("3", 110), ("Long", 200), ("9.00", 620)]
    (table,) = aligned_tables(
        page(HEAD, *ITEMS, lacking, -15, [("cable", 200)], [("4", 110), ("x", 200), ("1.00", 620)])
    )
    assert cells(table)[3:] == [["3", "Long cable", "", "9.00"], ["4", "x", "", "1.00"]]
    assert all(cell.confidence < 0.9 for cell in table.cells)


def test_sums_below_are_no_row():
    sums = [("Subtotal", 500), ("17.50", 610)]
    (table,) = aligned_tables(page(HEAD, *ITEMS, sums), keys={12})
    assert len(cells(table)) == 3


def test_a_gap_ends_a_table_and_another_one_may_follow():
    both = aligned_tables(page(HEAD, *ITEMS, 200, HEAD, *ITEMS, *ITEMS))
    assert [len(cells(table)) for table in both] == [3, 5]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [HEAD],
        [HEAD, ITEMS[0]],
        [
            HEAD,
            [("a", 110), ("b", 200), ("c", 505), ("d", 620)],
            [("a", 110), ("b", 200), ("c", 505), ("d", 620)],
        ],
        [[("Name:", 100), ("Ann", 200), ("City:", 500)], *ITEMS],
        [[("Yes", 100), ("☐", 200), ("☑", 500), ("☐", 600)], *ITEMS],
        [[("Item 1", 100), ("12.00", 200), ("7", 500)], *ITEMS],
        [HEAD[:2], *(row[:2] for row in ITEMS)],
    ],
)
def test_other_pages_have_none(rows):
    assert aligned_tables(page(*rows)) == []


def test_keys_and_values_side_by_side_are_no_table():
    grid = [
        [("Name", 100), ("Ann", 200), ("Town", 500), ("Rome", 600)],
        [("Age", 100), ("27", 200), ("Size", 500), ("1.7", 600)],
    ] * 2
    keys = {index for index in range(16) if index % 2 == 0}
    assert aligned_tables(page(*grid), keys) == []


def test_goods_of_most_generated_orders_are_found():
    found = 0
    for language, seed in product(LANGUAGES, range(3)):
        layout = generate_layout(language, seed, "order", dpi=150)
        keys = {
            entry.text for entry in layout.entries if entry.label == "QUESTION" and len(entry.linking) < 2
        }
        lines = visual_lines(layout)
        texts = tuple(TextLine(line.text, line.polygon, 0.9) for line in lines)
        whole = PageText("d" * 32, "u", 1, layout.width_px, layout.height_px, lines=texts)
        tables = aligned_tables(whole, {index for index, line in enumerate(lines) if line.text in keys})
        found += any(len(table.headers) >= 3 and len(table.cells) >= 9 for table in tables)
    assert found >= 18
