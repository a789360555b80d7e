"""The command ``beam-kie export``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from beam_kie.program import add_version, program_name
from beam_kie.tables.schema import RECORDS, SCHEMAS
from transforms.config import RUN_ID
from transforms.export.formats import WRITE, ExportError, RunTables, check_installed
from transforms.runs.finished_runs import UnreadableRunError, find_summary, newest_run
from transforms.runs.tables import table_files
from transforms.storage.retries import TIMEOUT_S, StorageError
from transforms.storage.uris import absolute_uri

OK, FAILED, BAD_OPTIONS = 0, 1, 2

_TABLES = (*SCHEMAS, RECORDS)

_HELP = """formats:
  csv, jsonl  one text file for each table, in OUT/exports/run_id=RUN/ or the folder --to
  xlsx        one Excel file with a sheet for each table
  duckdb      a DuckDB file with views of the run, of all finished runs and of the newest rows
  bigquery    a schema for each table, and load.sh with the commands of bq that load the run
  delta       Delta tables in OUT/exports/delta/ or the folder --to; a run that is there is replaced
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write a finished run in another format, and say where.

    Args:
        argv: Arguments without the program; those of the process where it is None.

    Returns:
        The exit code: 0; 1 where storage fails; 2 where there is no such run, or something is missing.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    output = absolute_uri(arguments.output).rstrip("/") or "/"
    try:
        check_installed(arguments.format)
        run = _find_run(output, arguments.run_id, arguments.tables)
        to = None if arguments.to is None else absolute_uri(arguments.to)
        print("\n".join(WRITE[arguments.format](run, to)))
    except (FileNotFoundError, UnreadableRunError, ExportError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return BAD_OPTIONS
    except (StorageError, OSError) as error:
        print(f"{parser.prog}: the export is not complete: {error}", file=sys.stderr)
        return FAILED
    return OK


def _find_run(output: str, run_id: str | None, tables: Sequence[str]) -> RunTables:
    """The tables of a run; those that its version did not have are left out.

    Raises:
        FileNotFoundError: there is no such run, or it did not finish.
    """
    name = run_id or newest_run(output)
    # What is no name of a run may be a path to somewhere else.
    if RUN_ID.fullmatch(name) is None or find_summary(output, name, TIMEOUT_S) is None:
        raise FileNotFoundError(f"{output!r} holds no finished run {name}")
    found = {table: table_files(output, name, table) for table in tables or _TABLES}
    there = {table: parts for table, parts in found.items() if parts}
    if not there:
        raise FileNotFoundError(f"run {name} has no files of {', '.join(found)}")
    return RunTables(output, name, there)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program_name("python -m transforms.export", "export"),
        description="Write the tables of a finished run in another format.",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_version(parser)
    parser.add_argument("output", metavar="OUT", help="folder that the run was told to write to")
    parser.add_argument("--format", required=True, choices=WRITE, help="see below")
    parser.add_argument("--run_id", metavar="ID", help="default: the run that finished last")
    parser.add_argument("--to", metavar="PATH", help="file or folder to write to")
    parser.add_argument("--tables", nargs="+", choices=_TABLES, default=[], help="default: all")
    return parser


if __name__ == "__main__":
    sys.exit(main())
