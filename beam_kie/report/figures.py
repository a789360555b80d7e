"""The figures of a run, as numbers: what is drawn by ``svg`` for the page and by ``png`` for files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

CONFIDENCE_BINS = 20
"""Bins of a histogram of confidences from 0 to 1."""

_MOST_BINS = 20
_MOST_RUNS = 30


class Form(StrEnum):
    """How a figure is drawn."""

    COLUMNS = "columns"
    """Upright, from left to right."""
    BARS = "bars"
    """Lying, from top to bottom, with names beside them."""
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: ``labels`` and ``values`` of equal length, no value below 0.

    ``name`` is that of its file, ``unit`` what a value counts, ``label_title`` what the labels are, ``note``
    a sentence on what is shown.
    """

    name: str
    title: str
    form: Form
    label_title: str
    unit: str
    labels: tuple[str, ...]
    values: tuple[float, ...]
    note: str = ""


@dataclass(slots=True)
class Counts:
    """What is counted in the tables of a run: bins of confidences, and pages by their number of pairs."""

    pair_confidences: list[int] = field(default_factory=lambda: [0] * CONFIDENCE_BINS)
    line_confidences: list[int] = field(default_factory=lambda: [0] * CONFIDENCE_BINS)
    pages_by_pairs: dict[int, int] = field(default_factory=dict)


def figures_of(
    summary: Mapping[str, Any], counts: Counts, earlier: Sequence[Mapping[str, Any]]
) -> list[Figure]:
    """All figures of a run of which there are numbers.

    Args:
        summary: its ``summary.json``; of earlier versions some parts are missing.
        counts: of its tables.
        earlier: summaries of runs before it, the oldest first.
    """
    runs = [*earlier[-(_MOST_RUNS - 1) :], summary]
    made = [
        _confidences("pair_confidence", "Confidence of pairs", "pairs", counts.pair_confidences),
        _confidences("line_confidence", "Confidence of lines (OCR)", "lines", counts.line_confidences),
        _pairs_per_page(counts.pages_by_pairs),
        _failures(summary),
        _progress(summary),
        *_stages(summary),
        *([_rates(runs), _mean_confidences(runs)] if len(runs) > 1 else []),
    ]
    return [figure for figure in made if figure is not None and any(figure.values)]


def _confidences(name: str, title: str, unit: str, bins: Sequence[int]) -> Figure:
    labels = tuple(
        f"{number / CONFIDENCE_BINS:.2f} to {(number + 1) / CONFIDENCE_BINS:.2f}"
        for number in range(CONFIDENCE_BINS)
    )
    low = sum(bins[: CONFIDENCE_BINS // 2])
    note = f"{low:,} of {sum(bins):,} {unit} are below 0.5."
    return Figure(name, title, Form.COLUMNS, "confidence", unit, labels, tuple(map(float, bins)), note)


def _pairs_per_page(pages_by_pairs: Mapping[int, int]) -> Figure | None:
    if not pages_by_pairs:
        return None
    width = max(pages_by_pairs) // _MOST_BINS + 1
    bins = [0] * (max(pages_by_pairs) // width + 1)
    for pairs, pages in pages_by_pairs.items():
        bins[pairs // width] += pages
    labels = tuple(
        str(number) if width == 1 else f"{number * width} to {number * width + width - 1}"
        for number in range(len(bins))
    )
    note = f"{pages_by_pairs.get(0, 0):,} of {sum(bins):,} pages have no pair."
    values = tuple(map(float, bins))
    return Figure("pairs_per_page", "Pairs per page", Form.COLUMNS, "pairs", "pages", labels, values, note)


def _failures(summary: Mapping[str, Any]) -> Figure | None:
    found = (summary.get("failures") or {}).get("by_category") or {}
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    labels = tuple(name for name, _ in ordered)
    values = tuple(float(count) for _, count in ordered)
    retryable = (summary.get("failures") or {}).get("retryable") or 0
    note = f"{retryable:,} of {sum(values):,.0f} may succeed in a later run."
    return Figure("failures", "Failures by cause", Form.BARS, "category", "failures", labels, values, note)


def _progress(summary: Mapping[str, Any]) -> Figure | None:
    found = summary.get("progress") or {}
    pages, interval = found.get("pages") or [], found.get("interval_s") or 0
    if not pages or not interval:
        return None
    begin = _instant(found["begin"])
    labels = tuple(
        (begin + timedelta(seconds=number * interval)).strftime("%Y-%m-%d %H:%M:%S")
        for number in range(len(pages))
    )
    values = tuple(count / interval for count in pages)
    note = f"{sum(pages):,} pages, counted every {interval} seconds when their text is read. Times are UTC."
    return Figure("pages_per_second", "Pages per second", Form.LINE, "time", "pages/s", labels, values, note)


def _stages(summary: Mapping[str, Any]) -> list[Figure]:
    found = summary.get("stage_times") or {}
    ordered = sorted(found.items(), key=lambda item: -item[1]["seconds"])
    labels = tuple(name for name, _ in ordered)
    seconds = tuple(float(time["seconds"]) for _, time in ordered)
    each = tuple(1000 * time["seconds"] / max(1, time["items"]) for _, time in ordered)
    total = "Seconds of all workers together, so the sum may be longer than the run."
    return [
        Figure("stage_seconds", "Time of stages", Form.BARS, "stage", "s", labels, seconds, total),
        Figure("stage_ms", "Time of stages for one file or page", Form.BARS, "stage", "ms", labels, each),
    ]


def _rates(runs: Sequence[Mapping[str, Any]]) -> Figure:
    labels = tuple(run["run_id"] for run in runs)
    note = "Pages by the time from the start of the run to its summary; the last one is this run."
    values = tuple(pages_per_second(run) or 0.0 for run in runs)
    return Figure(
        "run_pages_per_second", "Pages per second of runs", Form.LINE, "run", "pages/s", labels, values, note
    )


def _mean_confidences(runs: Sequence[Mapping[str, Any]]) -> Figure:
    labels = tuple(run["run_id"] for run in runs)
    values = tuple(float((run.get("mean_confidence") or {}).get("pairs") or 0) for run in runs)
    title = "Mean confidence of pairs of runs"
    return Figure("run_confidence", title, Form.LINE, "run", "confidence", labels, values)


def pages_per_second(summary: Mapping[str, Any]) -> float | None:
    """The rate of a run from its start to its summary.

    Args:
        summary: its ``summary.json``.

    Returns:
        None where the summary does not tell.
    """
    pages = summary.get("pages") or {}
    started, finished = summary.get("started_at"), summary.get("finished_at")
    if not pages or not started or not finished:
        return None
    seconds = (_instant(finished) - _instant(started)).total_seconds()
    return (pages.get("ok", 0) + pages.get("failed", 0)) / seconds if seconds > 0 else None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
