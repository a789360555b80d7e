"""Corrections carried out on the rows of one page: pure functions.

What a person changed, added or accepted one by one is marked ``corrected_by = "human"``. Rows that a
person changed or added have confidence 1: the model's was for something else. Ids of rows that stay do not
change; new rows of a page have the next numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from beam_kie.document import Box
from beam_kie.geometry import box_polygon
from beam_kie.labelled.corrections_file import (
    ACCEPT,
    ADD,
    REMOVE,
    CorrectionsError,
    EntityChange,
    EntityName,
    PageCorrections,
)
from beam_kie.tables.cells import CONFIDENCE_DECIMALS, COORDINATE_DECIMALS
from beam_kie.tables.conventions import UNKNOWN
from beam_kie.tables.schema import Row
from beam_kie.tables.text_columns import text_columns
from beam_kie.ticks.glyphs import bullets_as_marks, selected_of

CORRECTED_BY = "corrected_by"
HUMAN = "human"

Ends = tuple[EntityName, EntityName | None]
"""A key and its value, or None where it has none."""

_CHANGED, _ACCEPTED = "changed", "accepted"
_PAGE = ("document_id", "uri", "page", "page_id")
_SHARED = (*_PAGE, "page_width_px", "page_height_px", "rotation_deg", "text_source")
_PROVENANCE = ("ocr_engine", "ocr_revision", "model", "model_revision", "options_digest")


@dataclass(slots=True)
class RunPage:
    """The rows of one page of a run."""

    page: Row
    lines: list[Row] = field(repr=False)
    entities: list[Row] = field(repr=False)
    key_values: list[Row] = field(repr=False)


def unchanged(rows: Iterable[Row]) -> list[Row]:
    """Rows that nobody said anything of, with the column for it.

    Args:
        rows: of any table.
    """
    return [{**row, CORRECTED_BY: None} for row in rows]


def correct_page(found: RunPage, said: PageCorrections, key_labels: Sequence[str]) -> RunPage:
    """The rows of a page with what a person said of it; every row has the column ``corrected_by``.

    Args:
        found: the rows of the page as the run wrote them.
        said: the corrections of that page.
        key_labels: labels whose entities have a row of their own in key_values where they have no value.

    Raises:
        CorrectionsError: they do not fit the page: they were made on other tables.
    """
    entities, state = _correct_entities(found, said)
    pairs = _correct_pairs(found, said, entities, state, key_labels)
    kept = sorted(entities.values(), key=lambda row: row["entity_index"])
    human = said.done or any(row[CORRECTED_BY] for row in (*kept, *pairs)) or len(kept) < len(found.entities)
    page = {**found.page, **_counts(found.lines, kept, pairs), CORRECTED_BY: HUMAN if human else None}
    return RunPage(page, unchanged(found.lines), kept, pairs)


def _correct_entities(
    found: RunPage, said: PageCorrections
) -> tuple[dict[EntityName, Row], dict[EntityName, str]]:
    """By name: the entities that are left, and which of them were changed or accepted."""
    where = f"page {said.page} of document {said.document_id}"
    changes = {change.name: change for change in said.entities}
    entities: dict[EntityName, Row] = {}
    state: dict[EntityName, str] = {}
    for row in found.entities:
        change = changes.pop(row["entity_index"], None)
        if change is None:
            entities[row["entity_index"]] = {**row, CORRECTED_BY: None}
            continue
        _check_same(row, change, where)
        if change.action == REMOVE:
            continue
        state[change.name] = _ACCEPTED if change.action == ACCEPT else _CHANGED
        entities[row["entity_index"]] = _changed(row, change, found.lines)
    number = max((row["entity_index"] for row in found.entities), default=-1)
    for change in changes.values():
        if change.action != ADD:
            raise CorrectionsError(
                f"{where} has no entity {change.name}: the corrections belong to another run"
            )
        number += 1
        state[change.name] = _CHANGED
        entities[change.name] = _changed(_blank_entity(found.page, number), change, found.lines)
    return entities, state


def _check_same(row: Row, change: EntityChange, where: str) -> None:
    was = (change.was_text, change.was_label)
    now = (row["text"] or "", row["label"])
    if any(before is not None and before != after for before, after in zip(was, now, strict=True)):
        raise CorrectionsError(
            f"entity {change.name} of {where} is not the one that was corrected: "
            "the corrections belong to another run, or it was run again with other models or options"
        )


def _changed(row: Row, change: EntityChange, lines: Sequence[Row]) -> Row:
    if change.action == ACCEPT:
        return {**row, CORRECTED_BY: HUMAN}
    row = {**row, "confidence": 1.0, CORRECTED_BY: HUMAN}
    if change.text is not None:
        row |= {"text": change.text or None, **_ticked(row, change.text)}
    if change.label is not None:
        row["label"] = change.label
    if change.box is not None:
        row |= _box_columns(change.box)
        inside = [line for line in lines if _middle_in(line, change.box)]
        row |= {"first_line_id": inside[0]["line_id"] if inside else None, "line_count": len(inside)}
    return row


def _ticked(row: Row, text: str) -> Row:
    """Whether an option is ticked once a person wrote its text."""
    before = row.get("text") or ""
    if _is_option(row):
        before, text = bullets_as_marks(before), bullets_as_marks(text)
    selected = selected_of(text)
    if selected is None:
        # With its mark a text loses its state; one that never had a mark is only spelled anew.
        had = selected_of(before)
        selected = None if had is not None else row.get("selected")
    return {"selected": selected, "selected_confidence": None if selected is None else 1.0}


def _is_option(row: Row) -> bool:
    return row.get("selected") is not None


def _blank_entity(page: Row, number: int) -> Row:
    columns = {name: page[name] for name in (*_SHARED, *_PROVENANCE) if name in page}
    return columns | {"entity_id": f"{page['page_id']}-e{number:04d}", "entity_index": number}


def _box_columns(box: Box) -> Row:
    x0, y0, x1, y1 = (round(float(value), COORDINATE_DECIMALS) for value in box)
    return {"x0": x0, "y0": y0, "x1": x1, "y1": y1, "polygon": list(box_polygon((x0, y0, x1, y1)))}


def _middle_in(line: Row, box: Box) -> bool:
    x, y = (line["x0"] + line["x1"]) / 2, (line["y0"] + line["y1"]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


# ---------------------------------------------------------------- pairs


def _correct_pairs(
    found: RunPage,
    said: PageCorrections,
    entities: dict[EntityName, Row],
    state: dict[EntityName, str],
    key_labels: Sequence[str],
) -> list[Row]:
    """The rows of key_values: links that are left and new ones, and keys that have no value."""
    names = {row["entity_id"]: row["entity_index"] for row in found.entities}
    before: dict[Ends, Row] = {
        (names[row["key_entity_id"]], names.get(row["value_entity_id"])): row
        for row in found.key_values
        if row["key_entity_id"] is not None
    }
    actions: dict[Ends, str] = {(link.key, link.value): link.action for link in said.links}
    _check_links(actions, before, entities, f"page {said.page} of document {said.document_id}")
    ends_left = _ends_left(actions, before, entities, key_labels)
    with_value = {key for key, value in ends_left if value is not None}
    lost = {key for key, value in before if value is not None and key not in with_value}
    number = max((row["pair_index"] for row in found.key_values), default=-1)
    rows = []
    for ends in ends_left:
        states = {state.get(end) for end in ends if end is not None}
        alone = ends[1] is None
        changed = actions.get(ends) == ADD or _CHANGED in states or (alone and ends[0] in lost)
        accepted = actions.get(ends) == ACCEPT or (alone and _ACCEPTED in states)
        old = before.get(ends)
        number += old is None
        if old is None or changed:
            place = number if old is None else old["pair_index"]
            value = None if ends[1] is None else entities[ends[1]]
            row = _pair_row(found.page, place, entities[ends[0]], value, old)
        else:
            row = dict(old)
        rows.append({**row, CORRECTED_BY: HUMAN if changed or accepted else None})
    linked = {value for _, value in ends_left}
    rows += _keyless_rows(found, entities, state, linked)
    rows += [{**row, CORRECTED_BY: None} for row in found.key_values if _has_no_entity(row)]
    return sorted(rows, key=lambda row: row["pair_index"])


def _has_no_entity(row: Row) -> bool:
    """A filled field of a form whose key stands nowhere on the page: there is no box to correct."""
    return row["key_entity_id"] is None and row["value_entity_id"] is None


def _keyless_rows(
    found: RunPage,
    entities: Mapping[EntityName, Row],
    state: Mapping[EntityName, str],
    linked: Collection[EntityName | None],
) -> list[Row]:
    """Values without a key: those of the run that are still there and have no link now."""
    names = {row["entity_id"]: row["entity_index"] for row in found.entities}
    rows = []
    for old in found.key_values:
        name = names.get(old["value_entity_id"] or "")
        if name is None or old["key_entity_id"] is not None or name not in entities or name in linked:
            continue
        row = dict(old)
        if state.get(name) == _CHANGED:
            row = _pair_row(found.page, old["pair_index"], None, entities[name], old)
        rows.append({**row, CORRECTED_BY: HUMAN if name in state else None})
    return rows


def _check_links(
    actions: Mapping[Ends, str], before: Mapping[Ends, Row], entities: Mapping[EntityName, Row], where: str
) -> None:
    for ends, action in actions.items():
        if action == ADD and not all(end in entities for end in ends):
            raise CorrectionsError(f"a link of {where} names an entity that is not there")
        if action != ADD and ends not in before:
            raise CorrectionsError(f"{where} has no link {ends[0]} to {ends[1]}: another run?")


def _ends_left(
    actions: Mapping[Ends, str],
    before: Mapping[Ends, Row],
    entities: Mapping[EntityName, Row],
    key_labels: Sequence[str],
) -> list[Ends]:
    """The links of the corrected page as (key, value), then the keys without a value as (key, None)."""
    links = [ends for ends in before if ends[1] is not None and actions.get(ends) != REMOVE]
    links += [ends for ends, action in actions.items() if action == ADD and ends not in before]
    links = [ends for ends in links if all(end in entities for end in ends)]
    with_value = {key for key, _ in links}
    alone: list[Ends] = [
        (name, None)
        for name, row in entities.items()
        if row["label"] in key_labels and name not in with_value
    ]
    return [*links, *alone]


def _pair_row(page: Row, number: int, key: Row | None, value: Row | None, old: Row | None) -> Row:
    columns = {name: page[name] for name in (*_SHARED, *_PROVENANCE) if name in page}
    same_link = old is not None and (old["value_entity_id"] or old["value_text"]) is not None
    link = old["relation_confidence"] if same_link and old else 1.0
    key_text, value_text = (None if end is None else end["text"] or "" for end in (key, value))
    if value is None and old is not None and old["value_text"] is not None:
        # What stands in the field of a form is no entity: it stays with its key.
        value, value_text = _as_entity(old), old["value_text"]
    row = {
        **columns,
        "pair_id": f"{page['page_id']}-k{number:04d}",
        "pair_index": number,
        **text_columns(key_text or "", value_text, UNKNOWN, bool(value and _is_option(value))),
        **_selected(value if value and _is_option(value) else key),
        "confidence": 1.0,
        "key_confidence": key["confidence"] if key else None,
        "value_confidence": value["confidence"] if value else None,
        "relation_confidence": link if key and value else None,
        "key_label": key["label"] if key else None,
        "value_label": value["label"] if value else None,
        "key_entity_id": key["entity_id"] if key else None,
        "value_entity_id": value["entity_id"] if value else None,
        # Of the text that was read; nobody measured a person's.
        "ocr_confidence_min": None,
        "ocr_confidence_mean": None,
        "table_row": old.get("table_row") if same_link and old else None,
        "field_name": old.get("field_name") if same_link and old else None,
    }
    for name in ("x0", "y0", "x1", "y1", "polygon"):
        row[f"key_{name}"] = key[name] if key else None
        row[f"value_{name}"] = value[name] if value else None
    return row


def _selected(entity: Row | None) -> Row:
    return {name: entity.get(name) if entity else None for name in ("selected", "selected_confidence")}


def _as_entity(pair: Row) -> Row:
    """The value of a pair with the columns of an entity."""
    columns = ("confidence", "label", "entity_id", "x0", "y0", "x1", "y1", "polygon")
    return {name: pair[f"value_{name}"] for name in columns}


# ---------------------------------------------------------------- counts


def _counts(lines: Sequence[Row], entities: Sequence[Row], pairs: Sequence[Row]) -> Row:
    with_value = [row for row in pairs if (row["value_entity_id"] or row["value_text"]) is not None]
    return {
        "line_count": len(lines),
        "entity_count": len(entities),
        "pair_count": len(with_value),
        "key_without_value_count": len(pairs) - len(with_value),
        "mean_entity_confidence": _mean(entities),
        "mean_pair_confidence": _mean(with_value),
    }


def correct_document(document: Row, pages: Sequence[Row]) -> Row:
    """The row of a document with the counts of its corrected pages.

    Args:
        document: its row as the run wrote it.
        pages: all rows of its pages, corrected.
    """
    row: dict[str, Any] = {**document, CORRECTED_BY: None}
    if not any(page[CORRECTED_BY] for page in pages):
        return row
    for name in ("entity_count", "pair_count", "key_without_value_count"):
        row[name] = sum(page[name] for page in pages)
    for of in ("entity", "pair"):
        known = [page for page in pages if page[f"{of}_count"]]
        total = sum(page[f"{of}_count"] for page in known)
        weighted = sum(page[f"mean_{of}_confidence"] * page[f"{of}_count"] for page in known)
        row[f"mean_{of}_confidence"] = round(weighted / total, CONFIDENCE_DECIMALS) if total else None
    return row | {CORRECTED_BY: HUMAN}


def _mean(rows: Sequence[Row]) -> float | None:
    return round(fmean(row["confidence"] for row in rows), CONFIDENCE_DECIMALS) if rows else None
