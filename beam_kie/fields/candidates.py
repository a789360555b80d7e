"""Values on one page that may be those of fields: its pairs whose key means a field."""

from __future__ import annotations

import bisect
import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from beam_kie.fields.definitions import Choose, Field, FieldFile, FieldType
from beam_kie.fields.keys import KeyMatch, KeyMatcher, means_section
from beam_kie.fields.multiline import joined_lines
from beam_kie.fields.ticked import said_on_page
from beam_kie.fields.values import read_value

KEPT = 3
"""Candidates that are kept of a page and a field of which one value is wanted."""

SURE_SCORE = 0.98
"""Keys that are less like those of the field count only where there are no others."""

_HEADER = "HEADER"
_COORDINATES = ("x0", "y0", "x1", "y1")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that may be a field's.

    ``value`` is of the field's type (of a list, of its values), None where the text cannot be read as one;
    ``text`` is None where the key has no value at all. ``confidence`` is that of the pair times how well its
    key means the field; ``score`` the latter alone, ``order`` the place of the key in the field's ``keys``.
    ``in_column``: its key heads a column of several values, as of line items. ``box`` is that of the value:
    x0, y0, x1, y1 in pixels of the upright page.
    """

    page: int
    pair_index: int
    key: str
    score: float
    order: int
    confidence: float
    text: str | None = None
    value: Any = None
    currency: str | None = None
    box: tuple[float, ...] | None = None
    in_column: bool = False


Candidates = dict[str, list[Candidate]]
"""Names of fields with their candidates."""


class PageReader:
    """Finds the candidates of pages.

    Args:
        file: the fields.
    """

    def __init__(self, file: FieldFile):
        self._fields = [(field, KeyMatcher(field)) for field in file.fields]

    def candidates(
        self, pairs: Sequence[Mapping[str, Any]], entities: Iterable[Mapping[str, Any]]
    ) -> Candidates:
        """The candidates of one page; of fields of which one value is wanted only the best ones.

        Args:
            pairs: rows of ``key_values``, all of one page, in reading order.
            entities: rows of ``entities`` of the same page; of those only headers matter.
        """
        places: dict[str, int] = {}
        headers: list[tuple[int, str]] = []
        for row in entities:
            places[row["entity_id"]] = row["entity_index"]
            if row["label"].upper() == _HEADER:
                headers.append((row["entity_index"], row["text"] or ""))
        headers.sort()
        found: Candidates = {}
        whole = joined_lines(pairs)
        for multiline, rows in ((False, pairs), (True, whole)):
            columns = Counter(row["key_entity_id"] for row in rows if row.get("table_row") is not None)
            for key, row, to_ticks in said_on_page(rows):
                header = _header_above(headers, places.get(row["key_entity_id"]))
                for field, match in self._meant(key):
                    if field.multiline != multiline or not _is_in_place(field, row["page"], header):
                        continue
                    if to_ticks in (None, field.of is FieldType.CHECKBOX):
                        found.setdefault(field.name, []).append(
                            _candidate(field, row, match, columns[row["key_entity_id"]] > 1)
                        )
        return {
            field.name: best(field, found[field.name]) for field, _ in self._fields if field.name in found
        }

    def _meant(self, key: str) -> list[tuple[Field, KeyMatch]]:
        """The fields that a key means; those that it is only like do not count where it is another's own."""
        found = [(field, matcher.match(key)) for field, matcher in self._fields]
        meant = [(field, match) for field, match in found if match is not None]
        sure = [(field, match) for field, match in meant if match.score >= SURE_SCORE]
        return sure or meant


def best(field: Field, candidates: Iterable[Candidate]) -> list[Candidate]:
    """The candidates of a field, the best first; all of a list, else no more than KEPT with different values.

    Args:
        field: the field.
        candidates: of one page, or of several.
    """
    ordered = sorted(candidates, key=lambda candidate: _rank(field, candidate))
    if field.is_list:
        return ordered
    different: dict[Any, Candidate] = {}
    for candidate in ordered:
        different.setdefault((candidate.value is None, candidate.value), candidate)
    return list(different.values())[:KEPT]


def is_sure(candidate: Candidate) -> bool:
    """Whether a candidate's key is one of the field's, and not only like one.

    Args:
        candidate: of any field.
    """
    return candidate.score >= SURE_SCORE


def to_json(candidates: Candidates) -> list[Any]:
    """Candidates as a short value for JSON.

    Args:
        candidates: of one page.
    """
    return [[name, [_packed(each) for each in found]] for name, found in candidates.items()]


def from_json(packed: Iterable[Any], file: FieldFile) -> Candidates:
    """Candidates from what ``to_json`` made.

    Args:
        packed: read from JSON.
        file: the fields.
    """
    types = {field.name: field.of for field in file.fields}
    return {name: [_unpacked(each, types[name]) for each in found] for name, found in packed}


def _header_above(headers: list[tuple[int, str]], place: int | None) -> str | None:
    """The last header before a key in reading order."""
    if place is None:
        return None
    at = bisect.bisect_left(headers, (place, ""))
    return headers[at - 1][1] if at else None


def _is_in_place(field: Field, page: int, header: str | None) -> bool:
    if field.page is not None and field.page > 0 and page != field.page:
        return False
    return not field.section or (header is not None and means_section(header, field.section, field.fuzzy))


def _candidate(field: Field, row: Mapping[str, Any], match: KeyMatch, in_column: bool) -> Candidate:
    value = read_value(field, row) if row["value_text"] else None
    box = None
    if row["value_x0"] is not None:
        box = tuple(round(row[f"value_{name}"], 2) for name in _COORDINATES)
    return Candidate(
        page=row["page"],
        pair_index=row["pair_index"],
        key=row["key_text"],
        score=round(match.score, 4),
        order=match.order,
        confidence=round(round(row["confidence"], 4) * match.score, 4),
        text=row["value_text"] or None,
        value=None if value is None else value.value,
        currency=None if value is None else value.currency,
        box=box,
        in_column=in_column,
    )


def _rank(field: Field, candidate: Candidate) -> tuple[Any, ...]:
    """What sorts candidates, the best first: those that can be read, of keys of the field's own."""
    place = (candidate.page, candidate.pair_index)
    if field.is_list:
        return place
    # One value is asked for: a column of line items has it only where nothing else does.
    readable = (candidate.value is None, candidate.text is None, candidate.in_column, not is_sure(candidate))
    if field.choose is Choose.FIRST:
        return (*readable, *place)
    if field.choose is Choose.LAST:
        return (*readable, -candidate.page, -candidate.pair_index)
    if field.choose in (Choose.LARGEST, Choose.SMALLEST) and candidate.value is not None:
        size = _size(candidate.value)
        return (*readable, -size if field.choose is Choose.LARGEST else size, -candidate.confidence, *place)
    order = candidate.order if field.choose is Choose.KEY_ORDER else 0
    return (*readable, order, -candidate.confidence, *place)


def _size(value: Any) -> float | Decimal:
    return value.toordinal() if isinstance(value, datetime.date) else value


def _packed(candidate: Candidate) -> list[Any]:
    value = candidate.value
    if isinstance(value, (Decimal, datetime.date)):
        value = str(value)
    elif isinstance(value, str) and value == candidate.text:
        value = 0  # most texts are their own value
    return [
        candidate.page,
        candidate.pair_index,
        candidate.key,
        candidate.score,
        candidate.order,
        candidate.confidence,
        candidate.text,
        value,
        candidate.currency,
        candidate.box,
        int(candidate.in_column),
    ]


def _unpacked(packed: Sequence[Any], type_: FieldType) -> Candidate:
    page, pair_index, key, score, order, confidence, text, value, currency, box, in_column = packed
    if value is not None:
        if type_ is FieldType.TEXT:
            value = text if value == 0 else value
        elif type_ is FieldType.DATE:
            value = datetime.date.fromisoformat(value)
        elif type_ is FieldType.AMOUNT:
            value = Decimal(value)
    box = None if box is None else tuple(box)
    return Candidate(
        *(page, pair_index, key, score, order, confidence), text, value, currency, box, bool(in_column)
    )
