"""Fields of JSON documents, of the type that a format says they have."""

from __future__ import annotations

from typing import Any

from beam_kie.ocr.convert.found import FormatError
from beam_kie.ocr.shapes import numbers

PERCENT = 100


def field(record: Any, *names: str) -> Any:
    """The first of the names that a JSON object has; None where it has none, or is no object.

    Args:
        record: of JSON.
        names: spellings of one field.
    """
    if not isinstance(record, dict):
        return None
    return next((record[name] for name in names if record.get(name) is not None), None)


def items(record: Any, *names: str) -> list[Any]:
    """A field that is a list; empty where it is missing.

    Args:
        record: of JSON.
        names: spellings of one field.

    Raises:
        FormatError: it is something else.
    """
    value = field(record, *names)
    if value is None:
        return []
    if not isinstance(value, list):
        raise FormatError(f'"{names[0]}" must be a list')
    return value


def text(record: Any, *names: str) -> str:
    """A field that is a text; "" where it is missing.

    Args:
        record: of JSON.
        names: spellings of one field.

    Raises:
        FormatError: it is something else.
    """
    value = field(record, *names)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FormatError(f'"{names[0]}" must be a text')
    return value


def page_number(record: Any, *names: str, default: int = 1) -> int:
    """A field that is a page, counted from 1.

    Args:
        record: of JSON.
        names: spellings of one field.
        default: what it is where it is missing.

    Raises:
        FormatError: it is something else.
    """
    value = field(record, *names)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise FormatError(f'"{names[0]}" must be a whole number, counted from 1')
    return value


def confidence(record: Any, *names: str, scale: float = 1) -> float | None:
    """A field that is a confidence, in 0..1; None where it is missing.

    Args:
        record: of JSON.
        names: spellings of one field.
        scale: what the format writes for 1.

    Raises:
        ShapeError: it is no number.
    """
    value = field(record, *names)
    return None if value is None else numbers([value], f'"{names[0]}"')[0] / scale


def size(record: Any) -> tuple[float, float] | None:
    """Width and height of a page; None where they are missing or 0.

    Args:
        record: of JSON, with fields width and height.

    Raises:
        ShapeError: one is no number.
    """
    if field(record, "width") is None or field(record, "height") is None:
        return None
    width, height = numbers([record["width"], record["height"]], '"width" and "height"')
    return (width, height) if width > 0 and height > 0 else None
