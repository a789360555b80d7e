"""Workbooks, read back with openpyxl."""

import io
import json
import zipfile
from datetime import UTC, datetime

import openpyxl
import pyarrow as pa
import pytest

from beam_kie.exports.workbook import MAX_CELL, fitting, write_workbook
from beam_kie.tables.rows import document_row, page_tables
from beam_kie.tables.schema import SCHEMAS
from beam_kie.tables.tallies import DocumentTally
from tests import pages

TEXTS = pa.schema(
    [pa.field("text", pa.string()), pa.field("number", pa.float32()), pa.field("flag", pa.bool_())]
)


def written(tables, **options):
    sink = io.BytesIO()
    made = {
        name: (schema, pa.Table.from_pylist(rows, schema=schema).to_batches())
        for name, (schema, rows) in tables.items()
    }
    said = write_workbook(made, sink, **options)
    return openpyxl.load_workbook(io.BytesIO(sink.getvalue())), said, sink.getvalue()


def cells(sheet):
    return [tuple(cell.value for cell in row) for row in sheet.iter_rows()]


def one_text(text):
    book, said, _ = written({"t": (TEXTS, [{"text": text}])})
    return book["t"]["A2"], said


def test_every_table_is_a_sheet_with_its_rows():
    tables = page_tables(pages.result(), pages.PROVENANCE)
    tally = DocumentTally()
    tally.add_document(pages.document())
    tables["documents"] = [document_row(tally, pages.PROVENANCE)]
    tables["failures"] = []
    book, said, data = written({name: (SCHEMAS[name], rows) for name, rows in tables.items()})
    assert book.sheetnames == list(tables)
    assert (said.rows, said.cut, said.more_sheets) == (sum(map(len, tables.values())), 0, 0)
    names, *rows = cells(book["key_values"])
    assert list(names) == SCHEMAS["key_values"].names
    for row, expected in zip(rows, tables["key_values"], strict=True):
        found = dict(zip(names, row, strict=True))
        assert json.loads(found.pop("key_polygon")) == expected["key_polygon"]
        lists = ("value_polygon", "value_readings", "value_currency_readings")
        assert {name: found[name] for name in found if name not in lists} == {
            name: expected[name] for name in found if name not in lists
        }
    when = dict(zip(SCHEMAS["documents"].names, cells(book["documents"])[1], strict=True))[
        "source_updated_at"
    ]
    assert when.replace(tzinfo=UTC) == datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=UTC)
    assert len(cells(book["failures"])) == 1
    assert written({name: (SCHEMAS[name], rows) for name, rows in tables.items()})[2] == data


@pytest.mark.parametrize(
    "text", ["=1+1", "+49 1", "http://x.org", "00123", "1.5", " lead", "_x0041_", "😀", "a\nb"]
)
def test_text_stays_text(text):
    cell, _ = one_text(text)
    shown = cell.value.replace("_x005F_", "_")  # as Excel reads it; openpyxl does not
    assert (shown, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_characters_that_no_workbook_holds_are_replaced():
    cell, said = one_text("a\x00\x0b\x1b\ufffe b\tc")
    assert (cell.value, said.cut) == ("a\ufffd\ufffd\ufffd\ufffd b\tc", 0)


def test_longer_texts_are_cut_and_counted():
    cell, said = one_text("x" * (MAX_CELL + 1))
    assert (len(cell.value), cell.value[-1], said.cut) == (MAX_CELL, "…", 1)
    assert one_text("x" * MAX_CELL)[1].cut == 0
    wide = fitting("😀" * MAX_CELL)  # two of Excel's characters each
    assert len(wide.encode("utf-16-le")) // 2 <= MAX_CELL and wide[-2:] == "😀…"


@pytest.mark.parametrize(("count", "sheets"), [(0, 1), (3, 1), (4, 2), (6, 2), (7, 3)])
def test_a_table_with_too_many_rows_goes_on_in_another_sheet(count, sheets):
    rows = [{"text": str(number), "number": number / 4, "flag": number % 2 == 0} for number in range(count)]
    book, said, _ = written({"t": (TEXTS, rows), "u": (TEXTS, [])}, max_rows=4)
    assert book.sheetnames == [*["t", "t (2)", "t (3)"][:sheets], "u"]
    assert (said.rows, said.more_sheets) == (count, sheets - 1)
    found = [row for name in book.sheetnames for row in cells(book[name])[1:]]
    assert found == [tuple(row.values()) for row in rows]


def test_nothing_in_a_workbook_is_computed():
    data = written({"t": (TEXTS, [{"text": "=1"}])})[2]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert b"<f>" not in b"".join(archive.read(name) for name in archive.namelist())
