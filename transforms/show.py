"""A look at a finished run: ``python -m transforms.show OUTPUT [--run_id ID] [--limit N]``."""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator, Sequence

import pyarrow.parquet as pq
from apache_beam.io.filesystems import FileSystems

from transforms import layout
from transforms.inputs import absolute_uri, escape_pattern
from transforms.text_table import text_table

_COLUMNS = ["uri", "page", "key_text", "value_text", "confidence"]


def pairs_table(output: str, run_id: str, limit: int) -> str:
    """The first ``limit`` key-value pairs of a run as text, and how many there are.

    Raises:
        FileNotFoundError: there is no such run, or it did not finish.
    """
    if not FileSystems.exists(layout.summary_path(output, run_id)):
        raise FileNotFoundError(f"{output!r} holds no finished run {run_id}")
    rows: list[list[str]] = []
    total = 0
    for shard in _shards(output, run_id):
        total += shard.num_rows
        rows += [_cells(row) for row in shard.slice(0, limit - len(rows)).to_pylist()]
    shown = text_table(["file", "page", "key", "value", "confidence"], rows)
    return f"{shown}\n{len(rows)} of {total} pairs of run {run_id}"


def newest_run(output: str) -> str:
    """The id of the run that finished last.

    Raises:
        FileNotFoundError: no run has finished.
    """
    pattern = layout.summary_path(escape_pattern(output), "*")
    (found,) = FileSystems.match([pattern])
    if not found.metadata_list:
        raise FileNotFoundError(f"{output!r} holds no finished run")
    newest = max(found.metadata_list, key=lambda item: (item.last_updated_in_seconds or 0, item.path))
    return re.search(r"run_id=([^/]+)/", newest.path).group(1)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the pairs of a run; exit code 0, or 2 where there is no such run."""
    parser = argparse.ArgumentParser(prog="python -m transforms.show", description="Show the pairs of a run.")
    parser.add_argument("output", help="folder that the run was told to write to")
    parser.add_argument("--run_id", help="default: the run that finished last")
    parser.add_argument("--limit", type=int, default=40, help="pairs to show at most (default: 40)")
    arguments = parser.parse_args(argv)
    output = absolute_uri(arguments.output).rstrip("/") or "/"
    try:
        print(pairs_table(output, arguments.run_id or newest_run(output), max(0, arguments.limit)))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _shards(output: str, run_id: str) -> Iterator:
    """The parts of key_values, in the order of their names."""
    folder = layout.table_folder(escape_pattern(output), "key_values", run_id)
    (found,) = FileSystems.match([f"{folder}/*.parquet"])
    for path in sorted(item.path for item in found.metadata_list):
        with FileSystems.open(path) as stream:
            yield pq.read_table(io.BytesIO(stream.read()), columns=_COLUMNS)


def _cells(row: dict) -> list[str]:
    file_name = row["uri"].rsplit("/", 1)[-1]
    value = "" if row["value_text"] is None else row["value_text"]
    return [file_name, str(row["page"]), row["key_text"] or "", value, f"{row['confidence']:.2f}"]


if __name__ == "__main__":
    sys.exit(main())
