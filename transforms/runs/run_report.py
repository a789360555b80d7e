"""The report of a finished run: ``beam-kie report OUT [--run_id ID] [--png]``."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from beam_kie.document import DocumentError
from beam_kie.program import add_version, program_name
from beam_kie.report.figures import CONFIDENCE_BINS, Counts, Figure, figures_of
from beam_kie.report.page import report_page
from beam_kie.report.png import png_of
from transforms.config import RUN_ID
from transforms.runs import paths
from transforms.runs.finished_runs import (
    UnreadableRunError,
    find_summary,
    list_summaries,
    newest_run,
    read_summary,
    unreadable,
)
from transforms.runs.tables import table_files
from transforms.storage import files
from transforms.storage.retries import TIMEOUT_S, StorageError
from transforms.storage.uris import absolute_uri

OK, FAILED, BAD_OPTIONS = 0, 1, 2

_ROWS_AT_ONCE = 20_000


def write_report(output: str, run_id: str, timeout_s: float = TIMEOUT_S) -> tuple[str, list[Figure]]:
    """Write ``report.html`` into the folder of the run's review.

    Args:
        output: the output folder, as an absolute URI.
        run_id: of the run.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Returns:
        The path of the page, and its figures.

    Raises:
        FileNotFoundError: there is no such run, or it did not finish.
        UnreadableRunError: a file of the run cannot be used.
        StorageError: the storage does not answer, or does not take the file.
    """
    summary = find_summary(output, run_id, timeout_s) if RUN_ID.fullmatch(run_id) else None
    if summary is None:
        raise FileNotFoundError(f"{output!r} holds no finished run {run_id}")
    earlier = _runs_before(summary, output, timeout_s)
    figures = figures_of(summary, _count(output, run_id, timeout_s), earlier)
    path = paths.report_path(output, run_id)
    files.write_bytes(path, report_page(summary, figures, earlier).encode(), timeout_s)
    return path, figures


def write_pngs(
    output: str, run_id: str, figures: Sequence[Figure], timeout_s: float = TIMEOUT_S
) -> list[str]:
    """Write figures as PNG beside the report.

    Args:
        output: the output folder, as an absolute URI.
        run_id: of the run.
        figures: of ``write_report``.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Returns:
        The paths of the files.

    Raises:
        ImportError: matplotlib is not installed.
        StorageError: the storage does not take the files.
    """
    written = []
    for figure in figures:
        path = paths.report_picture_path(output, run_id, figure.name)
        files.write_bytes(path, png_of(figure), timeout_s)
        written.append(path)
    return written


def main(argv: Sequence[str] | None = None) -> int:
    """Write a report and print where it is.

    Args:
        argv: Arguments without the program; those of the process where it is None.

    Returns:
        The exit code: 0; 1 where storage fails; 2 where there is no such run, or a package is missing.
    """
    parser = argparse.ArgumentParser(
        prog=program_name("python -m transforms.runs.run_report", "report"),
        description="Write the report of a finished run: confidences, failures, times, runs before it.",
    )
    add_version(parser)
    parser.add_argument("output", metavar="OUT", help="folder that the run was told to write to")
    parser.add_argument("--run_id", metavar="ID", help="default: the run that finished last")
    parser.add_argument("--png", action="store_true", help="also write every figure as PNG")
    arguments = parser.parse_args(argv)
    output = absolute_uri(arguments.output).rstrip("/") or "/"
    if arguments.png and importlib.util.find_spec("matplotlib") is None:
        print(
            f"{parser.prog}: error: --png needs the package matplotlib: pip install 'beam-kie[report]'",
            file=sys.stderr,
        )
        return BAD_OPTIONS
    try:
        run_id = arguments.run_id or newest_run(output)
        path, figures = write_report(output, run_id)
        print("\n".join([path, *(write_pngs(output, run_id, figures) if arguments.png else [])]))
    except (FileNotFoundError, UnreadableRunError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return BAD_OPTIONS
    except (StorageError, OSError) as error:
        print(f"{parser.prog}: the report is not complete: {error}", file=sys.stderr)
        return FAILED
    return OK


def _runs_before(summary: dict[str, Any], output: str, timeout_s: float) -> list[dict[str, Any]]:
    """Summaries of finished runs that began before this one, the oldest first; damaged ones are left out."""
    found = []
    for path in list_summaries(output, summary["run_id"], timeout_s):
        try:
            found.append(read_summary(path, timeout_s))
        except UnreadableRunError:
            continue
    age = [(str(run.get("started_at") or ""), run["run_id"]) for run in found]
    own = str(summary.get("started_at") or "")
    return [
        run
        for (began, _), run in sorted(zip(age, found, strict=True), key=lambda each: each[0])
        if began < own
    ]


def _count(output: str, run_id: str, timeout_s: float) -> Counts:
    """Bins of the tables' numbers; of every table only the columns that are counted are decoded."""
    counts = Counts()
    for batch in _columns(output, run_id, "key_values", ("confidence", "value_entity_id"), timeout_s):
        with_value = batch.column("value_entity_id").is_valid()
        _add_bins(counts.pair_confidences, batch.column("confidence").filter(with_value))
    for batch in _columns(output, run_id, "lines", ("confidence",), timeout_s):
        _add_bins(counts.line_confidences, batch.column("confidence"))
    for batch in _columns(output, run_id, "pages", ("pair_count",), timeout_s):
        for pairs in batch.column("pair_count").to_pylist():
            counts.pages_by_pairs[pairs] = counts.pages_by_pairs.get(pairs, 0) + 1
    return counts


def _add_bins(bins: list[int], confidences: pa.Array) -> None:
    values = confidences.drop_null().to_numpy(zero_copy_only=False)
    found, _ = np.histogram(values, bins=CONFIDENCE_BINS, range=(0.0, 1.0))
    for number, count in enumerate(found.tolist()):
        bins[number] += count


def _columns(
    output: str, run_id: str, table: str, names: Sequence[str], timeout_s: float
) -> Iterator[pa.RecordBatch]:
    for path in table_files(output, run_id, table, timeout_s):
        try:
            file = pq.ParquetFile(pa.BufferReader(files.read_bytes(path, timeout_s=timeout_s)))
            yield from file.iter_batches(_ROWS_AT_ONCE, columns=list(names))
        except (DocumentError, pa.ArrowException, OSError, ValueError) as error:
            raise unreadable(path, error) from error


if __name__ == "__main__":
    sys.exit(main())
