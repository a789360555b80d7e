"""Prints the pairs of a finished run: ``beam-kie show OUTPUT`` or ``python -m transforms.show OUTPUT``."""

from __future__ import annotations

import argparse
import csv
import fnmatch
import io
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TextIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from apache_beam.io.filesystem import BeamIOError

from beam_kie.escaping import printable
from beam_kie.program import add_version, program_name
from beam_kie.tables.text_table import text_table
from transforms.runs import paths
from transforms.runs.finished_runs import UnreadableRunError, find_summary, newest_run, unreadable
from transforms.storage import files
from transforms.storage.patterns import escape_pattern
from transforms.storage.retries import TIMEOUT_S, StorageError, reason
from transforms.storage.uris import absolute_uri

OK, FAILED, BAD_OPTIONS = 0, 1, 2

CSV_COLUMNS = (
    "uri",
    "page",
    "pair_index",
    "key_text",
    "value_text",
    "value_type",
    "value_normalised",
    "value_currency",
    "selected",
    "confidence",
)
"""The columns of ``--csv``: those of the table (docs/data-dictionary.md)."""

_COLUMNS = ["uri", "page", "pair_index", "key_text", "value_text", "confidence", "key_label", "value_label"]
_ORDER = ("uri", "page", "pair_index")
_LIMIT = 40
# Less than a run's: somebody waits for the answer.
_PATIENCE_S = 30
# Small runs are shown in the order of their files; of a large one not all is read for that.
_ROWS_TO_SORT = 10_000


class Choice(NamedTuple):
    """Which rows are shown: all that are less certain than ``doubtful`` and of files like ``file``.

    ``doubtful`` is in [0, 1], ``file`` a name or pattern; None: not asked for.
    """

    doubtful: float | None = None
    file: str | None = None

    def of(self, rows: pa.Table) -> pa.Table:
        """The rows of a table that are chosen.

        Args:
            rows: with the columns ``uri`` and ``confidence``.
        """
        if self.doubtful is not None:
            rows = rows.filter(pc.field("confidence") < self.doubtful)
        if self.file is not None:
            uris = [uri for uri in rows["uri"].unique().to_pylist() if self._is_file(uri)]
            rows = rows.filter(pc.field("uri").isin(pa.array(uris, pa.string())))
        return rows

    @property
    def is_all(self) -> bool:
        """Whether every row is chosen."""
        return self.doubtful is None and self.file is None

    def _is_file(self, uri: str) -> bool:
        """Whether the name of the file, or its whole URI, is like ``file``."""
        pattern = self.file or "*"
        return any(fnmatch.fnmatchcase(text, pattern) for text in (uri, uri.rsplit("/", 1)[-1]))


EVERY_ROW = Choice()


def pairs_table(
    output: str, run_id: str, limit: int, choice: Choice = EVERY_ROW, timeout_s: float = TIMEOUT_S
) -> str:
    """The first rows of a run's key_values as text, and how many there are.

    Args:
        output: The folder that the run wrote to, as an absolute URI.
        run_id: The run's name.
        limit: Rows to show at most, 0 or more.
        choice: Which rows; doubtful ones are shown with the least certain first.
        timeout_s: For how long transient errors are retried, in seconds, above 0.

    Returns:
        A table and a last line with the number of rows.

    Raises:
        UnreadableRunError: A file of the run is damaged.
        StorageError: The storage does not answer.
    """
    by = [("confidence", "ascending")] if choice.doubtful is not None else []
    by += [(name, "ascending") for name in _ORDER]
    parts, total, chosen, read = [], 0, 0, 0
    for shard in _shards(output, run_id, timeout_s):
        total += shard.metadata.num_rows
        if choice.is_all and read >= max(limit, _ROWS_TO_SORT):
            continue
        read += shard.metadata.num_rows
        found = choice.of(shard.read(columns=_COLUMNS))
        chosen += len(found)
        parts.append(found if choice.is_all else found.sort_by(by).slice(0, limit))
    shown = pa.concat_tables(parts).sort_by(by).slice(0, limit)
    table = text_table(
        ["file", "page", "key", "value", "confidence"], [_cells(row) for row in shown.to_pylist()]
    )
    of = f"{total}" if choice.is_all else f"{chosen} chosen of {total}"
    last = f"{len(shown)} of {of} rows of key_values in run {run_id}"
    if not chosen and choice.file is not None:
        last += f"; --file takes whole names or patterns, such as '*{choice.file.strip('*')}*'"
    return f"{table}\n{last}"


def write_csv(
    output: str,
    run_id: str,
    limit: int | None,
    choice: Choice = EVERY_ROW,
    stream: TextIO | None = None,
    timeout_s: float = TIMEOUT_S,
) -> None:
    """Write rows of a run's key_values as CSV, one shard in memory at a time.

    Args:
        output: The folder that the run wrote to, as an absolute URI.
        run_id: The run's name.
        limit: Rows to write at most, 0 or more; None: all.
        choice: Which rows.
        stream: Where to; None: standard output.
        timeout_s: For how long transient errors are retried, in seconds, above 0.

    Raises:
        UnreadableRunError: A file of the run is damaged.
        StorageError: The storage does not answer.
    """
    writer = csv.writer(stream or sys.stdout, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    left = sys.maxsize if limit is None else limit
    for shard in _shards(output, run_id, timeout_s):
        rows = choice.of(shard.read(columns=list(CSV_COLUMNS))).slice(0, left)
        left -= len(rows)
        for row in rows.to_pylist():
            writer.writerow([row[name] for name in CSV_COLUMNS[:-1]] + [f"{row['confidence']:.4f}"])
        if left <= 0:
            return


def main(argv: Sequence[str] | None = None) -> int:
    """Print the pairs of a run, and keys without a value.

    Args:
        argv: Arguments without the program; those of the process where it is None.

    Returns:
        The exit code: 0; 1 where the storage does not answer; 2 where there is no such run.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    output = absolute_uri(arguments.output).rstrip("/") or "/"
    choice, timeout_s = Choice(arguments.doubtful, arguments.file), arguments.storage_timeout_s
    try:
        run_id = arguments.run_id or newest_run(output, timeout_s)
        if find_summary(output, run_id, timeout_s) is None:
            raise FileNotFoundError(f"{output!r} holds no finished run {run_id}")
        if arguments.csv:
            write_csv(output, run_id, arguments.limit, choice, timeout_s=timeout_s)
        else:
            limit = _LIMIT if arguments.limit is None else arguments.limit
            print(pairs_table(output, run_id, limit, choice, timeout_s))
    except BrokenPipeError:
        raise
    except (FileNotFoundError, UnreadableRunError) as error:
        print(f"{parser.prog}: error: {printable(str(error))}", file=sys.stderr)
        return BAD_OPTIONS
    except (StorageError, BeamIOError, OSError, ValueError) as error:
        print(f"{parser.prog}: cannot read {output!r}: {printable(reason(error))}", file=sys.stderr)
        return FAILED
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program_name("python -m transforms.show", "show"), description="Show the pairs of a run."
    )
    add_version(parser)
    parser.add_argument("output", help="folder that the run was told to write to")
    parser.add_argument("--run_id", help="default: the run that finished last")
    parser.add_argument(
        "--limit",
        type=_count,
        metavar="N",
        help=f"rows to show at most (default: {_LIMIT}; with --csv all)",
    )
    parser.add_argument(
        "--doubtful",
        type=_ratio,
        metavar="RATIO",
        help="only pairs that are less certain than this, the least certain first; for example 0.7",
    )
    parser.add_argument(
        "--file", metavar="NAME", help="only pairs of files of this name or URI; a pattern with * and ?"
    )
    parser.add_argument("--csv", action="store_true", help="print CSV with the columns of the table")
    parser.add_argument(
        "--storage_timeout_s",
        type=_seconds,
        default=_PATIENCE_S,
        metavar="S",
        help=f"seconds after which object storage that does not answer is given up (default: {_PATIENCE_S})",
    )
    return parser


def _seconds(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {text}")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be 0 or more, not {text}")
    return value


def _ratio(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1, not {text}")
    return value


def _shards(output: str, run_id: str, timeout_s: float) -> Iterator[pq.ParquetFile]:
    """The files of key_values, in their order; there is always one at least."""
    folder = paths.table_folder(escape_pattern(output), "key_values", run_id)
    matched = files.match(f"{folder}/*.parquet", timeout_s=timeout_s)
    found = sorted((file.uri for file in matched), key=paths.place_of_table_file)
    if not found:
        raise unreadable(f"{folder}/*.parquet", "there is no file")
    for uri in found:
        try:
            yield pq.ParquetFile(io.BytesIO(files.read_bytes(uri, timeout_s=timeout_s)))
        except pa.ArrowException as error:
            raise unreadable(uri, "it is damaged") from error


def _cells(row: dict) -> list[str]:
    file_name = row["uri"].rsplit("/", 1)[-1]
    value = "" if row["value_text"] is None else row["value_text"]
    # A value without a key is told by its label.
    key = row["key_text"] or ("" if row["key_label"] else f"({row['value_label']})")
    return [file_name, str(row["page"]), key, value, f"{row['confidence']:.2f}"]


if __name__ == "__main__":
    sys.exit(main())
