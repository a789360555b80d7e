"""Values of several lines, such as addresses, whose lines were found as values of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_LARGEST_GAP = 0.8
"""Between two lines of one value, in heights of the lower of the two boxes."""
_BESIDE = 2.0
"""How far the left ends of two lines may lie apart, in the same height."""
_COORDINATES = ("x0", "y0", "x1", "y1")


def joined_lines(pairs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Pairs whose values stand below one another, beneath the same key, as one pair.

    Args:
        pairs: rows of ``key_values``, all of one page, in reading order.

    Returns:
        A row for each value: that of its first line with the texts of all, the least confidence and a box
        around them. All other rows are copies.
    """
    joined: list[dict[str, Any]] = []
    last: dict[str, dict[str, Any]] = {}
    for row in pairs:
        above = last.get(row["key_entity_id"]) if row["key_entity_id"] is not None else None
        if above is not None and _goes_on(above, row):
            _join(above, row)
            continue
        joined.append(dict(row))
        if row["key_entity_id"] is not None and row["value_x0"] is not None:
            last[row["key_entity_id"]] = joined[-1]
    return joined


def _goes_on(above: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    if row["value_x0"] is None or not above["value_text"] or not row["value_text"]:
        return False
    if row.get("selected") is not None or above.get("selected") is not None:
        return False  # options
    height = min(above["value_y1"] - above["value_y0"], row["value_y1"] - row["value_y0"])
    gap = row["value_y0"] - above["value_y1"]
    beside = abs(row["value_x0"] - above["value_x0"])
    return -0.5 * height <= gap <= _LARGEST_GAP * height and beside <= _BESIDE * height


def _join(above: dict[str, Any], row: Mapping[str, Any]) -> None:
    above["value_text"] = f"{above['value_text']} {row['value_text']}"
    above["confidence"] = min(above["confidence"], row["confidence"])
    for name, outermost in zip(_COORDINATES, (min, min, max, max), strict=True):
        above[f"value_{name}"] = outermost(above[f"value_{name}"], row[f"value_{name}"])
