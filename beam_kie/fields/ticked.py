"""What a row of key_values says to fields where boxes and rings to tick stand beside its value or key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from beam_kie.fields.values import is_yes_or_no
from beam_kie.tables.value_types import CHECKBOX, OPTION
from beam_kie.ticks.glyphs import bullets_as_marks, option_text

Row = Mapping[str, Any]


class Said(NamedTuple):
    """A key with a row that has its value. ``to_ticks``: to fields of type checkbox alone, or to all others;
    None: to all."""

    key: str
    row: Row
    to_ticks: bool | None = None


def said_on_page(rows: Iterable[Row]) -> list[Said]:
    """What the rows of a page say, in their order.

    Of a key with options the ticked ones are its values, without their marks. To a field of type checkbox an
    option says whether it is ticked, under its own text as well. Of "☑ Yes □ No" the ticked one counts.

    Args:
        rows: of ``key_values``, all of one page; older runs have no column ``selected``.
    """
    rows = [row for row in rows if row["key_text"] is not None]
    options = Counter(row["key_entity_id"] for row in rows if row.get("selected") is not None)
    return [said for row in rows for said in _said(row, options[row["key_entity_id"]] == 1)]


def _said(row: Row, is_single: bool) -> list[Said]:
    selected, value = row.get("selected"), row["value_text"]
    if selected is None:
        return [Said(row["key_text"], row)]
    key = _without_mark(row["key_text"])
    ticked = {
        **row,
        "value_text": "☑" if selected else "☐",
        "value_type": CHECKBOX,
        "value_normalised": "true" if selected else "false",
    }
    if value is None:
        return [Said(key, ticked, to_ticks=True), Said(key, row, to_ticks=False)]
    if row["value_type"] == CHECKBOX:
        return [Said(key, ticked)]
    option = _without_mark(value)
    plain = {**row, "value_text": option}
    if row["value_type"] == OPTION:
        plain |= {"value_type": None, "value_normalised": None}
    if is_yes_or_no(option):
        return [Said(key, plain)] if selected else []
    said = [Said(option, ticked, to_ticks=True)]
    if is_single:
        said.append(Said(key, ticked, to_ticks=True))
    return [*said, Said(key, plain, to_ticks=False)] if selected else said


def _without_mark(text: str) -> str:
    """The text of an option without its mark; a text that is a mark alone, or has none, as it is."""
    return option_text(bullets_as_marks(text)) or text
