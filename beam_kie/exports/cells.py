"""Values of a table as plain values, and as cells of a CSV file that a spreadsheet does not compute."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

_FLOAT_DIGITS, _DOUBLE_DIGITS = 7, 15
# What spreadsheets begin a formula with, also in full width; a tab or line end before it is passed over.
_FORMULA = re.compile("'*[\t\r\n]*[=+\\-@＝＋－＠]|'*[\t\r\n]")
_PLAIN_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")


def plain_rows(batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    """The rows of batches with values that JSON has.

    Numbers have as many digits as their columns hold; times are texts in ISO 8601, UTC, with microseconds.

    Args:
        batches: of one table.
    """
    for batch in batches:
        digits = {column.name: _digits(column.type) for column in batch.schema}
        for row in batch.to_pylist():
            yield {name: plain_value(value, digits[name]) for name, value in row.items()}


def _digits(type_: pa.DataType) -> int:
    inner = type_.value_type if pa.types.is_list(type_) else type_
    return _DOUBLE_DIGITS if pa.types.is_float64(inner) else _FLOAT_DIGITS


def plain_value(value: Any, digits: int = _FLOAT_DIGITS) -> Any:
    """One value as JSON has it.

    Args:
        value: of a column as Arrow gives it.
        digits: of a number.
    """
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, list):
        return [plain_value(each, digits) for each in value]
    if isinstance(value, dict):
        return {name: plain_value(each, digits) for name, each in value.items()}
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def to_text(value: Any) -> str:
    """A plain value as one text: NULL is empty, lists and structs are JSON.

    Args:
        value: of ``plain_rows``.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else str(value)


def guarded(text: str) -> str:
    """A text that a spreadsheet shows and does not compute.

    A scan may say ``=HYPERLINK(...)``, and a spreadsheet computes what begins like a formula, quoted or not.
    Such a text gets an apostrophe before it. So does one that begins with apostrophes and then like a
    formula: one apostrophe less is always the text itself. Plain numbers such as ``-12.50`` stay.

    Args:
        text: of a cell.
    """
    if not _FORMULA.match(text) or _PLAIN_NUMBER.fullmatch(text):
        return text
    return f"'{text}"


def unguarded(text: str) -> str:
    """The text that ``guarded`` was given.

    Args:
        text: of a cell of a CSV file.
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
