"""Fields of fillable forms in key_values: their names, and values to which the page itself gives no key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from beam_kie.document import Box, PageResult
from beam_kie.geometry import box_polygon, polygon_box
from beam_kie.page_parts import FieldKind, FormField
from beam_kie.tables.cells import box_columns, confidence_cell
from beam_kie.tables.conventions import Convention
from beam_kie.tables.key_text import normalise_key
from beam_kie.tables.schema import SCHEMAS, Row
from beam_kie.tables.text_columns import text_columns

FIELD = "FIELD"
"""The ``key_label`` of a key that is a field's tooltip or name, and stands nowhere on the page."""

TOOLTIP_CONFIDENCE, NAME_CONFIDENCE = 0.9, 0.5
"""Of such keys; not measured. The value itself is what the file declares; a name may be a mere number."""

# A place of which more than this lies in a field belongs to it.
_INSIDE = 0.5


def with_fields(rows: Sequence[Row], result: PageResult, convention: Convention) -> list[Row]:
    """The rows of key_values with the names of fields, and with a row for each filled field that had none.

    A row whose key is really what is filled into a field, without a value, gives way to such a row.

    Args:
        rows: of the page, without the columns that all of them share.
        result: the page with its fields.
        convention: of the page.
    """
    fields = [(field, polygon_box(field.polygon)) for field in result.page.fields]
    if not fields:
        return list(rows)
    kept = [
        row for row in rows if row["value_text"] is not None or _field_at(_place(row, "key"), fields) is None
    ]
    named: list[Row] = []
    done: set[int] = set()
    for row in kept:
        place = _field_at(_place(row, "value"), fields)
        name = None if place is None else fields[place][0].name or None
        if place is not None:
            done.add(place)
        named.append(row | {"field_name": name})
    for place, (field, box) in enumerate(fields):
        if place not in done and (text := _filled(field, box, result)) is not None:
            _add(named, field, box, text, convention)
    return named


def _place(row: Row, end: str) -> Box | None:
    polygon = row[f"{end}_polygon"]
    return None if polygon is None else polygon_box(polygon)


def _field_at(box: Box | None, fields: Sequence[tuple[FormField, Box]]) -> int | None:
    """The field that holds most of a place; a button lies within the line of its option."""
    if box is None:
        return None
    shares = [
        _share(place, box) if field.selected is not None else _share(box, place) for field, place in fields
    ]
    best = max(range(len(shares)), key=shares.__getitem__)
    return best if shares[best] > _INSIDE else None


def _share(box: Box, other: Box) -> float:
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return max(0.0, width) * max(0.0, height) / area if area > 0 else 0.0


def _filled(field: FormField, box: Box, result: PageResult) -> str | None:
    """The text in a field, None where it is empty; of a button the line that begins with its mark."""
    if field.kind is FieldKind.RADIO and not field.selected:
        return None  # another button of the field has its value
    if field.selected is not None:
        return next((line.text for line in result.page.lines if _share(box, line.box) > _INSIDE), None)
    if field.value is None:
        return None
    shown = [line.text for line in result.page.lines if _share(line.box, box) > _INSIDE]
    plain = "".join(field.value.split())
    return (
        " ".join(field.value.split())
        if not shown or plain == "".join("".join(shown).split())
        else " ".join(shown)
    )


def _add(rows: list[Row], field: FormField, box: Box, text: str, convention: Convention) -> None:
    """Give the text a key: one on the page that is called like the field, else what the field is called."""
    key = field.tooltip or field.name
    if not key:
        return
    value = {
        "value_confidence": confidence_cell(1.0),
        "selected": field.selected,
        "selected_confidence": None if field.selected is None else 1.0,
        "field_name": field.name or None,
        **box_columns("value_", box_polygon(box)),
    }
    called = normalise_key(key)
    for place, row in enumerate(rows):
        if row["value_text"] is None and row["key_normalised"] == called:
            confidence = min(row["key_confidence"], TOOLTIP_CONFIDENCE)
            texts = text_columns(row["key_text"], text, convention)
            about = {"confidence": confidence, "relation_confidence": TOOLTIP_CONFIDENCE}
            rows[place] = row | texts | value | about
            return
    confidence = TOOLTIP_CONFIDENCE if field.tooltip else NAME_CONFIDENCE
    about = {
        "confidence": confidence,
        "key_confidence": confidence,
        "relation_confidence": confidence_cell(1.0),
        "key_label": FIELD,
    }
    rows.append(dict.fromkeys(_own_columns()) | text_columns(key, text, convention) | value | about)


def _own_columns() -> Iterator[str]:
    """The columns of key_values that are not those of its page."""
    shared = set(SCHEMAS["pages"].names) | {"pair_id", "pair_index"}
    return (name for name in SCHEMAS["key_values"].names if name not in shared)
