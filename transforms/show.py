"""Shows the pairs of a finished run: ``python -m transforms.show OUTPUT [--run_id ID] [--limit N]``."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystems import FileSystems

from beam_kie.program import add_version, program_name
from beam_kie.tables.text_table import text_table
from transforms.runs import paths
from transforms.runs.finished_runs import newest_run
from transforms.storage.patterns import escape_pattern
from transforms.storage.uris import absolute_uri

_COLUMNS = ["uri", "page", "pair_index", "key_text", "value_text", "confidence", "key_label", "value_label"]
_ORDER = ("uri", "page", "pair_index")
# Small runs are shown in the order of their files; of a large one not all is read for that.
_ROWS_TO_SORT = 10_000


def pairs_table(output: str, run_id: str, limit: int) -> str:
    """The first rows of a run's key_values as text, and how many there are.

    Args:
        output: The folder that the run wrote to, as an absolute URI.
        run_id: The run's name.
        limit: Rows to show at most, 0 or more.

    Returns:
        A table and a last line with the number of rows.

    Raises:
        FileNotFoundError: There is no such run, or it did not finish.
    """
    if not FileSystems.exists(paths.summary_path(output, run_id)):
        raise FileNotFoundError(f"{output!r} holds no finished run {run_id}")
    parts, total, read = [], 0, 0
    for path in _shards(output, run_id):
        with FileSystems.open(path) as stream:
            shard = pq.ParquetFile(io.BytesIO(stream.read()))
        total += shard.metadata.num_rows
        if read < max(limit, _ROWS_TO_SORT):
            parts.append(shard.read(columns=_COLUMNS))
            read += shard.metadata.num_rows
    found = pa.concat_tables(parts).sort_by([(name, "ascending") for name in _ORDER]).slice(0, limit)
    shown = text_table(
        ["file", "page", "key", "value", "confidence"], [_cells(row) for row in found.to_pylist()]
    )
    return f"{shown}\n{len(found)} of {total} rows of key_values in run {run_id}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the pairs of a run, and keys without a value.

    Args:
        argv: Arguments without the program; those of the process where it is None.

    Returns:
        The exit code: 0, or 2 where there is no such run.
    """
    parser = argparse.ArgumentParser(
        prog=program_name("python -m transforms.show", "show"), description="Show the pairs of a run."
    )
    add_version(parser)
    parser.add_argument("output", help="folder that the run was told to write to")
    parser.add_argument("--run_id", help="default: the run that finished last")
    parser.add_argument("--limit", type=int, default=40, help="rows to show at most (default: 40)")
    arguments = parser.parse_args(argv)
    output = absolute_uri(arguments.output).rstrip("/") or "/"
    try:
        print(pairs_table(output, arguments.run_id or newest_run(output), max(0, arguments.limit)))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _shards(output: str, run_id: str) -> list[str]:
    """The files of key_values in their order; there is always one at least."""
    folder = paths.table_folder(escape_pattern(output), "key_values", run_id)
    (found,) = FileSystems.match([f"{folder}/*.parquet"])
    return sorted((item.path for item in found.metadata_list), key=paths.place_of_table_file)


def _cells(row: dict) -> list[str]:
    file_name = row["uri"].rsplit("/", 1)[-1]
    value = "" if row["value_text"] is None else row["value_text"]
    # A value without a key is told by its label.
    key = row["key_text"] or ("" if row["key_label"] else f"({row['value_label']})")
    return [file_name, str(row["page"]), key, value, f"{row['confidence']:.2f}"]


if __name__ == "__main__":
    sys.exit(main())
