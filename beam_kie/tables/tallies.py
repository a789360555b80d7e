"""Counts of pages and documents: what comes together of them wherever it was processed.

Sums are the same in any order and grouping: all are of integers, confidences of ten thousandths as in tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from beam_kie.document import Category, Document, Failure, Severity, Stage, Status

_CONFIDENCE_UNITS = 10_000


@dataclass(frozen=True, slots=True)
class Confidences:
    """A number of findings and the sum of their confidences; ``measured`` of them had one."""

    count: int = 0
    measured: int = 0
    total: int = 0

    @classmethod
    def of(cls, confidences: Iterable[float | None]) -> Confidences:
        """Count findings by their confidences.

        Args:
            confidences: one for each finding, 0 to 1, or None where not measured.
        """
        values = list(confidences)
        units = [round(value * _CONFIDENCE_UNITS) for value in values if value is not None]
        return cls(count=len(values), measured=len(units), total=sum(units))

    def __add__(self, other: Confidences) -> Confidences:
        return Confidences(self.count + other.count, self.measured + other.measured, self.total + other.total)

    @property
    def mean(self) -> float | None:
        """The mean confidence in [0, 1], to 4 decimals; None where nothing was measured."""
        return round(self.total / self.measured / _CONFIDENCE_UNITS, 4) if self.measured else None


@dataclass(frozen=True, slots=True)
class PageCounts:
    """What was found on one page, or on many together."""

    lines: Confidences = Confidences()
    entities: Confidences = Confidences()
    pairs: Confidences = Confidences()
    keys_without_value: int = 0
    labels: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(
        cls,
        *,
        line_confidences: Iterable[float | None],
        entity_confidences: Iterable[float | None],
        pair_confidences: Iterable[float | None],
        labels: Iterable[str],
        keys_without_value: int,
    ) -> PageCounts:
        """Counts of one page from the confidences and labels in its rows.

        Args:
            line_confidences: of all lines, 0 to 1, or None where not measured.
            entity_confidences: of all entities, 0 to 1, or None where not measured.
            pair_confidences: of all keys with a value, 0 to 1, or None where not measured.
            labels: one for each entity.
            keys_without_value: their number.
        """
        return cls(
            lines=Confidences.of(line_confidences),
            entities=Confidences.of(entity_confidences),
            pairs=Confidences.of(pair_confidences),
            keys_without_value=keys_without_value,
            labels=tuple(sorted(Counter(labels).items())),
        )

    def values(self) -> tuple[Any, ...]:
        """The fields in their order, sums as tuples: ``dataclasses.astuple``, which is slow."""
        sums = ((each.count, each.measured, each.total) for each in (self.lines, self.entities, self.pairs))
        return *sums, self.keys_without_value, self.labels

    def __add__(self, other: PageCounts) -> PageCounts:
        labels = dict(self.labels)
        for label, count in other.labels:
            labels[label] = labels.get(label, 0) + count
        return PageCounts(
            lines=self.lines + other.lines,
            entities=self.entities + other.entities,
            pairs=self.pairs + other.pairs,
            keys_without_value=self.keys_without_value + other.keys_without_value,
            labels=tuple(sorted(labels.items())),
        )


@dataclass(slots=True)
class DocumentTally:
    """All that is known of one document; a page or failure that is added twice counts once.

    ``failures`` are errors; ``retryable`` are those of them that may succeed in a later run. ``warnings``
    change nothing about the status. ``field_candidates`` is what each page has for fields, as JSON;
    ``missing_fields`` and ``doubtful_fields`` are names of fields.
    """

    document: Document | None = None
    pages: dict[int, PageCounts] = field(default_factory=dict)
    failures: set[tuple[int | None, Stage, Category]] = field(default_factory=set)
    retryable: set[tuple[int | None, Stage, Category]] = field(default_factory=set)
    warnings: set[tuple[int | None, Stage, Category]] = field(default_factory=set)
    skipped: bool = False
    field_candidates: dict[int, Any] = field(default_factory=dict)
    missing_fields: tuple[str, ...] = ()
    doubtful_fields: tuple[str, ...] = ()

    def add_document(self, document: Document, skipped: bool = False) -> None:
        """Add a document whose bytes were read, or that was left out on purpose.

        Args:
            document: what is known of it.
            skipped: whether it was left out on purpose.
        """
        self.document = _fuller(self.document, document)
        self.skipped = self.skipped or skipped

    def add_page(self, document: Document, page: int, counts: PageCounts) -> None:
        """Add a page that was processed.

        Args:
            document: its document, of which id and URI are enough.
            page: from 1.
            counts: what was found on the page.
        """
        self.document = self.document or document
        self.pages[page] = counts

    def add_failure(self, failure: Failure) -> None:
        """Add a failure of the document or of one of its pages.

        Args:
            failure: of this document.
        """
        what = (failure.page, failure.stage, failure.category)
        if failure.category.severity is Severity.WARNING:
            self.warnings.add(what)
        else:
            self.failures.add(what)
        if failure.retryable:
            self.retryable.add(what)
        # A file that could not be read is known by its failure alone.
        self.document = _fuller(self.document, Document(failure.document_id, failure.uri))

    @property
    def counts(self) -> PageCounts:
        """What was found on all pages together."""
        pages = list(self.pages.values())
        return pages[0] if len(pages) == 1 else sum(pages, PageCounts())

    @property
    def pages_ok(self) -> int:
        """Pages that were processed."""
        return len(self.pages)

    @property
    def pages_failed(self) -> int:
        """Pages that failed; a page of which only the picture failed is not among them."""
        failed = {page for page, _, _ in self.failures if page is not None}
        return len(failed - self.pages.keys())

    @property
    def pages_not_read(self) -> int:
        """Pages that were not tried: those beyond ``--max_pages``, or of a file that failed as a whole."""
        if self._is_skipped:
            return 0
        pages = (self.document.page_count if self.document else None) or 0
        return max(0, pages - self.pages_ok - self.pages_failed)

    @property
    def status(self) -> Status:
        """SUCCESS only where all pages were processed and nothing failed, not even a picture."""
        if self._is_skipped:
            return Status.SKIPPED
        if not self.pages:
            return Status.FAILURE
        return Status.PARTIAL if self.failures or self.pages_not_read else Status.SUCCESS

    @property
    def _is_skipped(self) -> bool:
        return self.skipped and not self.pages and not self.failures


def _fuller(known: Document | None, other: Document) -> Document:
    """The more complete one of two descriptions of a document, in whatever order they come."""

    def fullness(document: Document) -> tuple[int, str]:
        values = [getattr(document, name) for name in Document.__slots__]
        return sum(value is not None for value in values), repr(values)

    return other if known is None else max(known, other, key=fullness)
