"""The totals of a run: counts, confidences and stage times, and the layout of ``summary.json``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from beam_kie.document import INTERVAL_S, StageTime, Status
from beam_kie.tables.tallies import DocumentTally, PageCounts

MOST_INTERVALS = 240
"""Intervals in ``progress_section``."""


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
    counts: PageCounts = field(default_factory=PageCounts)

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
