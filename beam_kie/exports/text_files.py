"""A table as CSV or as JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import BinaryIO

import pyarrow as pa

from beam_kie.exports.cells import guarded, plain_rows, to_text

_BYTE_ORDER_MARK = "\ufeff"


class TextFormat(StrEnum):
    """A form of text files; its value is the ending of their names."""

    CSV = "csv"
    JSONL = "jsonl"


def write_csv(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> int:
    """Write a table as CSV: UTF-8 with a byte order mark, which Excel asks for, and a line of names.

    Texts that a spreadsheet would compute are guarded (``cells.guarded``).

    Args:
        schema: of the table.
        batches: its rows.
        sink: a binary file to write to.

    Returns:
        The number of rows.
    """
    text = io.TextIOWrapper(sink, encoding="utf-8", newline="", write_through=True)
    text.write(_BYTE_ORDER_MARK)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(schema.names)
    written = 0
    for row in plain_rows(batches):
        cells = (
            guarded(value) if isinstance(value, str) else guarded(to_text(value)) for value in row.values()
        )
        writer.writerow(cells)
        written += 1
    text.detach()
    return written


def write_jsonl(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> int:
    """Write a table as JSON lines in UTF-8: one object a row with all columns, NULL as null.

    Args:
        schema: of the table.
        batches: its rows.
        sink: a binary file to write to.

    Returns:
        The number of rows.
    """
    written = 0
    for row in plain_rows(batches):
        line = json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        sink.write(line.encode() + b"\n")
        written += 1
    return written


WRITERS: dict[TextFormat, Callable[[pa.Schema, Iterable[pa.RecordBatch], BinaryIO], int]] = {
    TextFormat.CSV: write_csv,
    TextFormat.JSONL: write_jsonl,
}
"""Format -> what writes it."""
