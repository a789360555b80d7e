"""The command ``beam-kie fields``."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import chain, islice
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from beam_kie.exports.text_files import write_csv, write_jsonl
from beam_kie.fields.files import READY_MADE, FieldFileError, ready_made_text
from beam_kie.program import add_version, program_name
from beam_kie.tables.schema import Row
from transforms.config import RUN_ID
from transforms.fields.records import NoRecordsError, RunRecords, without_sources
from transforms.runs.field_files import load_fields
from transforms.runs.finished_runs import UnreadableRunError, find_summary, newest_run
from transforms.storage import files
from transforms.storage.retries import TIMEOUT_S, StorageError
from transforms.storage.uris import absolute_uri

OK, FAILED, BAD_OPTIONS = 0, 1, 2

_SORTED = 200_000
_ROWS_AT_ONCE = 2_000
_NAMES = ("missing", "doubtful")


class Form(StrEnum):
    """A form of the file; its value is the ending of its name."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the records of a finished run, one row a document.

    Args:
        argv: Arguments without the program; those of the process where it is None.

    Returns:
        The exit code: 0; 1 where storage fails; 2 where there is no such run, or the field file is wrong.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.example:
        print(ready_made_text(arguments.example), end="")
        return OK
    try:
        if arguments.output is None:
            raise FieldFileError("name the folder that the run was told to write to")
        form = _form(arguments.to, arguments.format)
        run = _find_run(arguments)
        rows = _write(run, form, arguments.to, arguments.details)
    except NoRecordsError as error:
        names = ", ".join(READY_MADE)
        print(f"{parser.prog}: error: {error}: name them with --fields FILE, or {names}", file=sys.stderr)
        return BAD_OPTIONS
    except (FileNotFoundError, UnreadableRunError, FieldFileError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return BAD_OPTIONS
    except (StorageError, OSError) as error:
        print(f"{parser.prog}: the file is not complete: {error}", file=sys.stderr)
        return FAILED
    if arguments.to:
        print(f"{rows:,} documents of run {run.run_id}: {arguments.to}")
    return OK


def _find_run(arguments: argparse.Namespace) -> RunRecords:
    output = absolute_uri(arguments.output).rstrip("/") or "/"
    name = arguments.run_id or newest_run(output)
    # What is no name of a run may be a path to somewhere else.
    if RUN_ID.fullmatch(name) is None or find_summary(output, name, TIMEOUT_S) is None:
        raise FileNotFoundError(f"{output!r} holds no finished run {name}")
    reference = arguments.fields
    if reference and reference not in READY_MADE:
        reference = absolute_uri(reference)
    return RunRecords(output, name, TIMEOUT_S, load_fields(reference, TIMEOUT_S) if reference else None)


def _form(to: str | None, asked: str | None) -> Form:
    """The form that was asked for, or that the name of the file says."""
    if asked:
        return Form(asked)
    if to is None:
        return Form.CSV
    ending = to.rpartition(".")[2].lower()
    if ending not in list(Form):
        raise FieldFileError(
            f"{to!r}: end the name with {', '.join(f'.{form}' for form in Form)}, or add --format"
        )
    return Form(ending)


def _write(run: RunRecords, form: Form, to: str | None, details: bool) -> int:
    schema = run.schema()
    # In order of their names where that needs not much memory.
    rows = iter(run.rows())
    some = sorted(islice(rows, _SORTED), key=lambda row: row["uri"])
    ordered = chain(some, rows)
    if form is Form.CSV and not details:
        schema = pa.schema([schema.field(name) for name in without_sources(schema)])
    if to is None:
        memory = io.BytesIO()
        count = _write_form(form, schema, ordered, memory)
        sys.stdout.buffer.write(memory.getvalue())
        return count
    with files.writing(absolute_uri(to), TIMEOUT_S) as sink:
        return _write_form(form, schema, ordered, sink)


def _write_form(form: Form, schema: pa.Schema, rows: Iterable[Row], sink: BinaryIO) -> int:
    if form is Form.JSONL:
        return write_jsonl(schema, _batches(rows, schema), sink)
    if form is Form.CSV:
        names = {name: pa.string() for name in _NAMES}
        flat = pa.schema([pa.field(each.name, names.get(each.name, each.type)) for each in schema])
        joined = (row | {name: ", ".join(row[name]) or None for name in _NAMES} for row in rows)
        return write_csv(flat, _batches(joined, flat), sink)
    written = 0
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in _batches(rows, schema):
            writer.write_batch(batch)
            written += batch.num_rows
    return written


def _batches(rows: Iterable[Row], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    waiting = iter(rows)
    while some := list(islice(waiting, _ROWS_AT_ONCE)):
        yield pa.RecordBatch.from_pylist(some, schema=schema)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program_name("python -m transforms.fields", "fields"),
        description="Write the fields of a finished run to one file, one row a document (docs/fields.md). "
        "Failed documents are in it; the columns missing and doubtful say what to look at.",
    )
    add_version(parser)
    parser.add_argument("output", metavar="OUT", nargs="?", help="folder that the run was told to write to")
    parser.add_argument("-o", "--to", metavar="FILE", help="file to write; default: CSV on standard output")
    parser.add_argument(
        "--fields",
        metavar="FILE",
        help=f"fields.toml, or one of {', '.join(READY_MADE)}; default: what the run's own --fields found",
    )
    parser.add_argument("--run_id", metavar="ID", help="default: the run that finished last")
    parser.add_argument("--format", choices=list(Form), help="default: by the end of the name of FILE")
    parser.add_argument(
        "--details", action="store_true", help="CSV: also text, key, confidence, page and box of every field"
    )
    parser.add_argument("--example", choices=READY_MADE, help="print a ready-made field file, to start from")
    return parser


if __name__ == "__main__":
    sys.exit(main())
