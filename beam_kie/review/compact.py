"""One page as the review page's JavaScript reads it: short arrays, whole pixels, thousandths of confidences.

``docs/review.md`` does not describe this form: it belongs to the page that is written beside it, and both
have the same version of beam-kie. ``static/data.js`` gives the places names again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from beam_kie.review.pages import PageRows, Row

UNLIKELY_KEY = 60
"""Longer keys are not offered as filters."""


@dataclass(slots=True)
class Labels:
    """The labels of a run, numbered as they are met; those of XFUND come first."""

    names: list[str] = field(default_factory=lambda: ["QUESTION", "ANSWER", "HEADER"])
    keys: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)

    def number(self, name: str) -> int:
        """The place of a label in ``names``, from 0.

        Args:
            name: the label.
        """
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


@dataclass(frozen=True, slots=True)
class CompactPage:
    """A page's details, what of it can be searched for, and what lists show of it."""

    details: list[Any] = field(repr=False)
    texts: list[Any] = field(repr=False)
    keys: list[str] = field(repr=False)
    entity_count: int
    pair_count: int
    key_without_value_count: int
    confidences: tuple[float, ...] = field(repr=False)

    @property
    def mean_confidence(self) -> float | None:
        """The mean of the pairs' confidences; None where there are no pairs."""
        return sum(self.confidences) / len(self.confidences) if self.confidences else None

    @property
    def expected_wrong(self) -> float:
        """How many pairs are wrong, if confidences are what they say: the sum of what each lacks of 1."""
        return sum(1.0 - confidence for confidence in self.confidences)


def compact_page(page: PageRows, labels: Labels) -> CompactPage:
    """What the review needs of one page that came through (it has a row in ``pages``).

    Args:
        page: its rows.
        labels: those seen so far; new ones are added.

    Raises:
        ValueError: a pair names an entity that the page does not have.
    """
    (geometry,) = page.of("pages")
    entities = page.of("entities")
    places = {row["entity_id"]: place for place, row in enumerate(entities)}
    # Values without a key are listed as the entities that they are.
    with_key = [row for row in page.of("key_values") if row["key_entity_id"] is not None]
    pairs = [_pair(row, places) for row in with_key]
    labels.keys.update(row["key_label"] for row in with_key)
    labels.values.update(row["value_label"] for row in page.of("key_values") if row["value_label"])
    # The text of a form's field is an entity only where the page itself gave it a key.
    fields = [_field(row, places) for row in page.of("key_values") if _is_declared(row)]
    alone = _lines_on_their_own(page.of("lines"), entities)
    details = [
        geometry["page_width_px"],
        geometry["page_height_px"],
        geometry["rotation_deg"],
        geometry["text_source"],
        [_entity(row, labels) for row in entities],
        pairs,
        [_line(row) for row in alone],
        fields,
    ]
    with_value = [
        row for row in page.of("key_values") if row["value_entity_id"] is not None or _is_declared(row)
    ]
    return CompactPage(
        details=details,
        texts=_texts(entities, pairs, fields, alone),
        keys=[
            *(_key_name(entities[pair[0]]["text"]) for pair in pairs),
            *(_key_name(key) for place, key, *_ in fields if place < 0),
        ],
        entity_count=len(entities),
        pair_count=len(with_value),
        key_without_value_count=sum(
            row["value_entity_id"] is None and not _is_declared(row) for row in with_key
        ),
        confidences=tuple(row["confidence"] for row in with_value),
    )


def _entity(row: Row, labels: Labels) -> list[Any]:
    return [
        row["entity_index"],
        labels.number(row["label"]),
        row["text"] or "",
        thousandths(row["confidence"]),
        _shape(row["polygon"]),
    ]


def _pair(row: Row, places: dict[str, int]) -> list[Any]:
    """Places of key and value among the page's entities (-1: no value), confidences, the plain value."""
    named = [row["key_entity_id"], row["value_entity_id"]]
    found = [-1 if name is None else places.get(name) for name in named]
    if None in found:
        where = f"pair {row['pair_index']} of {row['document_id']}"
        raise ValueError(f"{where} names an entity that is not there")
    pair: list[Any] = [*found, thousandths(row["confidence"]), thousandths(row["relation_confidence"])]
    if row["value_type"]:
        pair += [row["value_type"], row["value_normalised"] or "", row["value_currency"] or ""]
    return pair


def _is_declared(row: Row) -> bool:
    """Whether the value is what a form's field holds, and no entity of the page."""
    return row["value_entity_id"] is None and row["value_text"] is not None


def _field(row: Row, places: dict[str, int]) -> list[Any]:
    """Place of the key among the page's entities (-1: it is not on the page), key, value, confidence."""
    key = row["key_entity_id"]
    place = -1 if key is None else places.get(key, -1)
    return [place, row["key_text"] or "", row["value_text"], thousandths(row["confidence"])]


def _line(row: Row) -> list[Any]:
    return [row["text"] or "", thousandths(row["confidence"]), _shape(row["polygon"])]


def _lines_on_their_own(lines: Iterable[Row], entities: Iterable[Row]) -> list[Row]:
    """Lines that are not an entity as they stand: what a box that a person draws may hold."""
    known = {(row["text"], tuple(row["polygon"])) for row in entities}
    return [row for row in lines if (row["text"], tuple(row["polygon"])) not in known]


def _texts(
    entities: Sequence[Row],
    pairs: Sequence[Sequence[Any]],
    fields: Sequence[Sequence[Any]],
    lines: Sequence[Row],
) -> list[Any]:
    """Key, value, confidence, key, value, confidence, ...; entities in no pair and lines have no key."""
    found: list[Any] = []
    seen: set[int] = set()
    filled = {place for place, *_ in fields}
    for key, value, confidence, *_ in pairs:
        seen |= {key, value}
        if value < 0 and key in filled:
            continue
        found += [
            entities[key]["text"] or "",
            entities[value]["text"] or "" if value >= 0 else "",
            confidence,
        ]
    for _, key, value, confidence in fields:
        found += [key, value, confidence]
    for row in (*(row for place, row in enumerate(entities) if place not in seen), *lines):
        found += ["", row["text"] or "", thousandths(row["confidence"])]
    return found


def _key_name(text: str | None) -> str:
    """A key as filters offer it: without the colon that ends it."""
    name = " ".join((text or "").split()).rstrip(":：*. ")
    return name if len(name) <= UNLIKELY_KEY else ""


def _shape(polygon: Sequence[float]) -> list[int]:
    """Two corners of an upright box, all corners of anything else; whole pixels."""
    xs, ys = polygon[0::2], polygon[1::2]
    x0, y0, x1, y1 = min(xs), min(ys), max(xs), max(ys)
    upright = list(polygon) == [x0, y0, x1, y0, x1, y1, x0, y1]
    return [round(value) for value in ((x0, y0, x1, y1) if upright else polygon)]


def thousandths(confidence: float | None) -> int:
    """A confidence in thousandths; -1 where none was measured.

    Args:
        confidence: 0 to 1, or None.
    """
    return -1 if confidence is None else round(confidence * 1000)
