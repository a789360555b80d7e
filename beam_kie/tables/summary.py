"""The totals of a run: counts, confidences and stage times, and the layout of ``summary.json``.

Sums are the same in any order and grouping: all are of integers, confidences of ten thousandths as in tables.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from beam_kie.document import INTERVAL_S, Category, Document, Failure, Severity, Stage, StageTime, Status

MOST_INTERVALS = 240
"""Intervals in ``progress_section``."""

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


@dataclass(slots=True)
class RunSummary:
    """The totals of all documents of a run."""

    statuses: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    missing_fields: Counter[str] = field(default_factory=Counter)
    doubtful_fields: Counter[str] = field(default_factory=Counter)
    retryable: int = 0
    pages_ok: int = 0
    pages_failed: int = 0
    pages_not_read: int = 0
    counts: PageCounts = PageCounts()

    def add(self, tally: DocumentTally) -> RunSummary:
        """Add one document; self is changed and returned.

        Args:
            tally: of the document.
        """
        self.statuses[tally.status.value] += 1
        for _, stage, category in tally.failures:
            self.stages[stage.value] += 1
            self.categories[category.value] += 1
        self.warnings.update(category.value for _, _, category in tally.warnings)
        self.missing_fields.update(tally.missing_fields)
        self.doubtful_fields.update(tally.doubtful_fields)
        self.retryable += len(tally.retryable)
        self.pages_ok += tally.pages_ok
        self.pages_failed += tally.pages_failed
        self.pages_not_read += tally.pages_not_read
        self.counts += tally.counts
        return self

    def merge(self, other: RunSummary) -> RunSummary:
        """Add the documents of another part of the run; self is changed and returned.

        Args:
            other: it stays as it is.
        """
        self.statuses.update(other.statuses)
        self.categories.update(other.categories)
        self.stages.update(other.stages)
        self.warnings.update(other.warnings)
        self.missing_fields.update(other.missing_fields)
        self.doubtful_fields.update(other.doubtful_fields)
        self.retryable += other.retryable
        self.pages_ok += other.pages_ok
        self.pages_failed += other.pages_failed
        self.pages_not_read += other.pages_not_read
        self.counts += other.counts
        return self

    def skip(self, count: int) -> RunSummary:
        """Add documents that were left out on purpose and have no tally; self is changed and returned.

        Args:
            count: how many, at least 0.
        """
        self.statuses[Status.SKIPPED.value] += count
        return self

    @property
    def documents_out(self) -> int:
        """How many documents ended, with any status."""
        return self.statuses.total()

    def sections(self, documents_in: int | None = None) -> dict[str, Any]:
        """The counted part of ``summary.json``.

        Args:
            documents_in: how many files were matched; None where they were not counted.
        """
        documents_in = self.documents_out if documents_in is None else documents_in
        processed = self.documents_out - self.statuses[Status.SKIPPED]
        pages = self.pages_ok + self.pages_failed
        return {
            "documents": {
                "in": documents_in,
                **{status.value.lower(): self.statuses[status] for status in Status},
                "counts_add_up": documents_in == self.documents_out,
                "failure_ratio": _ratio(self.statuses[Status.FAILURE], processed),
            },
            "pages": {
                "ok": self.pages_ok,
                "failed": self.pages_failed,
                "not_read": self.pages_not_read,
                "failure_ratio": _ratio(self.pages_failed, pages),
            },
            "found": {
                "lines": self.counts.lines.count,
                "entities": self.counts.entities.count,
                "entities_by_label": dict(self.counts.labels),
                "pairs": self.counts.pairs.count,
                "keys_without_value": self.counts.keys_without_value,
            },
            "mean_confidence": {
                "lines": self.counts.lines.mean,
                "entities": self.counts.entities.mean,
                "pairs": self.counts.pairs.mean,
            },
            "failures": {
                "total": self.categories.total(),
                "retryable": self.retryable,
                "by_category": dict(sorted(self.categories.items())),
                "by_stage": dict(sorted(self.stages.items())),
            },
            "warnings": {
                "total": self.warnings.total(),
                "by_category": dict(sorted(self.warnings.items())),
            },
            "fields": {
                "missing": dict(sorted(self.missing_fields.items())),
                "doubtful": dict(sorted(self.doubtful_fields.items())),
            },
        }


def add_times(times: Iterable[StageTime]) -> list[StageTime]:
    """One record per stage, sorted by stage, with the seconds and items of all of them.

    Args:
        times: in any order.
    """
    sums: dict[str, StageTime] = {}
    for time in times:
        known = sums.get(time.stage, StageTime(time.stage, 0.0, 0))
        read = Counter(dict(known.read))
        read.update(dict(time.read))
        sums[time.stage] = StageTime(
            time.stage,
            known.seconds + time.seconds,
            known.items + time.items,
            tuple(sorted(read.items())),
        )
    return [sums[stage] for stage in sorted(sums)]


def stage_time_section(times: Iterable[StageTime]) -> dict[str, Any]:
    """By stage: the seconds of all workers together, and the number of files or pages.

    Args:
        times: in any order.
    """
    return {time.stage: {"seconds": round(time.seconds, 3), "items": time.items} for time in add_times(times)}


def progress_section(times: Iterable[StageTime]) -> dict[str, Any]:
    """When pages were read: equal intervals from the first page on, and the pages of each.

    Args:
        times: in any order; stages that did not record it are passed over.

    Returns:
        ``begin`` of the first interval (UTC; None without pages), ``interval_s``, and ``pages``: at most
        MOST_INTERVALS numbers.
    """
    read: Counter[int] = Counter()
    for time in times:
        read.update(dict(time.read))
    if not read:
        return {"begin": None, "interval_s": INTERVAL_S, "pages": []}
    first, last = min(read), max(read)
    size = 1
    while (last - first) // size >= MOST_INTERVALS:
        size *= 2
    pages = [0] * ((last - first) // size + 1)
    for interval, count in read.items():
        pages[(interval - first) // size] += count
    begin = datetime.fromtimestamp(first * INTERVAL_S, UTC)
    return {
        "begin": begin.isoformat().replace("+00:00", "Z"),
        "interval_s": size * INTERVAL_S,
        "pages": pages,
    }


def to_json(sections: dict[str, Any]) -> bytes:
    """``summary.json``: UTF-8, indented, in the order given. Half a surrogate pair stays a JSON escape.

    Args:
        sections: the content by key.
    """
    return (json.dumps(sections, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "backslashreplace")


def _ratio(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
