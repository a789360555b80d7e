"""The tables of a run as one Excel workbook, a sheet for each table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from beam_kie.exports.cells import plain_value, to_text

MAX_CELL = 32_767
"""Characters of a cell, as Excel counts them: those outside the basic plane are two."""
MAX_ROWS = 1_048_576
"""Rows of a sheet, that of the names included."""

# What XML cannot hold, and so no workbook.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MARK = "…"
_TIME_FORMAT, _DATE_FORMAT = "yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd"
_YEARS = range(1900, 10_000)
_WIDTHS = {"uri": 40, "key_text": 30, "value_text": 40, "text": 50, "message": 60}
_WIDTH = 14


@dataclass(slots=True)
class Written:
    """What was written, and what Excel cannot hold: ``cut`` texts, and sheets that were continued."""

    rows: int = 0
    cut: int = 0
    more_sheets: int = 0


class Formats(NamedTuple):
    """How a workbook shows times and dates."""

    time: Any
    date: Any


def write_workbook(
    tables: Mapping[str, tuple[pa.Schema, Iterable[pa.RecordBatch]]], sink: BinaryIO, max_rows: int = MAX_ROWS
) -> Written:
    """Write a workbook. Text is never a formula, link or number, however it begins.

    Longer texts are cut and end with "…"; characters that no workbook can hold become U+FFFD. A table with
    more rows than a sheet goes on in another one. Times are in UTC, lists are JSON.

    Args:
        tables: name -> schema and rows, in the order of the sheets.
        sink: a binary file to write to.
        max_rows: of a sheet, that of the names included; at least 2.

    Returns:
        How much there is, and what did not fit.

    Raises:
        ImportError: the package xlsxwriter is not installed.
    """
    import xlsxwriter  # of the extra "export"

    # The rows of a sheet go to a temporary file as they come.
    book = xlsxwriter.Workbook(sink, {"constant_memory": True})
    book.set_properties({"created": datetime(2000, 1, 1)})  # the same rows give the same bytes
    bold = book.add_format({"bold": True})
    formats = Formats(*(book.add_format({"num_format": form}) for form in (_TIME_FORMAT, _DATE_FORMAT)))
    written = Written()
    for table, (schema, batches) in tables.items():
        rows = (row for batch in batches for row in batch.to_pylist())
        for name, part in _sheets(table, rows, max_rows - 1):
            sheet = book.add_worksheet(name)
            _begin(sheet, schema, bold)
            for number, row in enumerate(part, start=1):
                for place, value in enumerate(row.values()):
                    written.cut += _write(sheet, number, place, value, formats)
                written.rows += 1
            written.more_sheets += name != table
    book.close()
    return written


def _sheets(table: str, rows: Iterator[Any], most: int) -> Iterator[tuple[str, Iterator[Any]]]:
    """Parts of a table with the names of their sheets; a table without rows has one part."""
    number = 1
    while True:
        first = list(islice(rows, 1))
        if not first and number > 1:
            return
        yield table if number == 1 else f"{table} ({number})", _part(first, rows, most)
        number += 1


def _part(first: list[Any], rows: Iterator[Any], most: int) -> Iterator[Any]:
    yield from first
    yield from islice(rows, most - len(first))


def _begin(sheet: Any, schema: pa.Schema, bold: Any) -> None:
    """The row of names, which stays in sight, and widths of columns."""
    for place, name in enumerate(schema.names):
        sheet.set_column(place, place, _WIDTHS.get(name, _WIDTH))
        sheet.write_string(0, place, name, bold)
    sheet.freeze_panes(1, 0)


def _write(sheet: Any, row: int, column: int, value: Any, formats: Formats) -> bool:
    """Write one cell; whether its text was cut."""
    if value is None:
        return False
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
        return False
    if isinstance(value, (int, float, Decimal)):
        sheet.write_number(row, column, plain_value(value))
        return False
    if isinstance(value, datetime) and value.year in _YEARS:
        sheet.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), formats.time)
        return False
    if isinstance(value, date) and value.year in _YEARS and not isinstance(value, datetime):
        sheet.write_datetime(row, column, value, formats.date)
        return False
    text = to_text(plain_value(value))
    shown = fitting(_ILLEGAL.sub("\ufffd", text))
    sheet.write_string(row, column, shown)
    return len(shown) < len(text)


def fitting(text: str) -> str:
    """A text as a cell can hold it: cut where it is longer, with "…" at its end.

    Args:
        text: of any length.
    """
    if len(text.encode("utf-16-le")) // 2 <= MAX_CELL:
        return text
    kept = text.encode("utf-16-le")[: 2 * (MAX_CELL - len(_MARK))]
    return kept.decode("utf-16-le", "ignore") + _MARK
