"""One value, or all of a list, from the candidates of a whole document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from beam_kie.fields.candidates import Candidate, Candidates, best, is_sure
from beam_kie.fields.definitions import Choose, Field, FieldFile

RIVAL_MARGIN = 0.1
"""Another value is a rival where its confidence is less than this below that of the chosen one."""


class FieldDoubt(StrEnum):
    """Why a field is doubtful."""

    LOW_CONFIDENCE = "low_confidence"
    UNREADABLE = "unreadable"
    """There is a text, but it is not of the field's type, or may be read in several ways."""
    SEVERAL_VALUES = "several_values"
    """Another value is about as likely: they share the confidence."""


class Gap(StrEnum):
    """Why a field has no value."""

    NO_KEY = "no_key"
    """No key on the pages that were read means it."""
    NO_VALUE = "no_value"
    """Its key is there, without a value."""
    UNREADABLE = "unreadable"
    """Its key has a text that cannot be read as the field's type."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was found of a field.

    ``sources`` are the candidates that its value comes from: one, or all of a list; the one that cannot be
    read where there is no value. ``gap`` says why there is no value, ``doubt`` why it is doubtful.
    """

    field: Field
    sources: tuple[Candidate, ...] = ()
    gap: Gap | None = None
    doubt: FieldDoubt | None = None

    @property
    def values(self) -> list[Any]:
        """The values, one or none where one is wanted."""
        return [source.value for source in self.sources if source.value is not None]

    @property
    def confidence(self) -> float | None:
        """The least confidence of what has a value; None where nothing has."""
        return min((source.confidence for source in self.sources if source.value is not None), default=None)


def choose_all(file: FieldFile, pages: Iterable[Candidates], page_count: int | None) -> list[Chosen]:
    """What was found of each field of a document.

    Args:
        file: the fields.
        pages: the candidates of its pages, in any order.
        page_count: pages of the document; None where it is not known.

    Returns:
        One for each field, in the order of the file.
    """
    found: dict[str, list[Candidate]] = {}
    for candidates in pages:
        for name, some in candidates.items():
            found.setdefault(name, []).extend(some)
    return [choose(field, _on_page(field, found, page_count), file.doubtful_below) for field in file.fields]


def choose(field: Field, candidates: Iterable[Candidate], doubtful_below: float) -> Chosen:
    """What was found of one field.

    Args:
        field: the field.
        candidates: of all pages of a document, in any order.
        doubtful_below: a value of less confidence is doubtful, 0 to 1.
    """
    ordered = best(field, candidates)
    if not ordered:
        return Chosen(field, gap=Gap.NO_KEY)
    with_text = [candidate for candidate in ordered if candidate.text is not None]
    if not with_text:
        return Chosen(field, gap=Gap.NO_VALUE)
    readable = [candidate for candidate in with_text if candidate.value is not None]
    if not readable:
        return Chosen(field, (with_text[0],), Gap.UNREADABLE, FieldDoubt.UNREADABLE)
    if field.is_list:
        unreadable = len(readable) < len(with_text)
        low = any(candidate.confidence < doubtful_below for candidate in readable)
        doubt = FieldDoubt.UNREADABLE if unreadable else FieldDoubt.LOW_CONFIDENCE if low else None
        return Chosen(field, tuple(readable), doubt=doubt)
    chosen = readable[0]
    rivals = [other for other in readable[1:] if _is_rival(field, chosen, other)]
    unread = [other for other in with_text if other.value is None and _is_better_key(field, other, chosen)]
    shared = _shared(chosen, [*rivals, *unread])
    doubt = None
    if chosen.confidence < doubtful_below:
        doubt = FieldDoubt.LOW_CONFIDENCE
    elif rivals:
        doubt = FieldDoubt.SEVERAL_VALUES
    elif unread:
        doubt = FieldDoubt.UNREADABLE
    return Chosen(field, (shared,), doubt=doubt)


def _shared(chosen: Candidate, others: Iterable[Candidate]) -> Candidate:
    """The chosen value with its share of the confidence: no more than one of them can be the right one."""
    total = chosen.confidence + sum(other.confidence for other in others)
    share = chosen.confidence / total if total else 1.0
    return replace(chosen, confidence=round(chosen.confidence * share, 4))


def _is_better_key(field: Field, other: Candidate, chosen: Candidate) -> bool:
    """Whether a text that cannot be read stands beside a key that comes before that of the chosen value."""
    if other.in_column or not is_sure(other):
        return False
    by_order = field.choose is Choose.KEY_ORDER and other.order < chosen.order
    return chosen.in_column or not is_sure(chosen) or by_order


def _is_rival(field: Field, chosen: Candidate, other: Candidate) -> bool:
    """Whether nothing but a little confidence decided between two values."""
    by_confidence = field.choose is Choose.MOST_CONFIDENT or (
        field.choose is Choose.KEY_ORDER and other.order == chosen.order
    )
    close = other.confidence > chosen.confidence - RIVAL_MARGIN
    alike = is_sure(other) == is_sure(chosen) and other.in_column == chosen.in_column
    return by_confidence and close and alike


def _on_page(field: Field, found: Mapping[str, list[Candidate]], page_count: int | None) -> list[Candidate]:
    """The candidates of a field, those of its page where it is counted from the end."""
    candidates = found.get(field.name, [])
    if field.page is None or field.page > 0:
        return candidates
    pages = page_count or max((candidate.page for candidate in candidates), default=0)
    return [candidate for candidate in candidates if candidate.page == pages + 1 + field.page]
