"""The formats of ``beam-kie export``: one function each, from the tables of a run to files."""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from beam_kie.exports.bigquery import RUN_ID, load_script, table_schema
from beam_kie.exports.duckdb_views import view_statements
from beam_kie.exports.text_files import WRITERS, TextFormat
from beam_kie.exports.workbook import write_workbook
from beam_kie.tables.schema import RECORDS
from transforms.runs import paths
from transforms.runs.tables import read_batches, schema_of
from transforms.storage import files
from transforms.storage.retries import TIMEOUT_S
from transforms.storage.uris import is_local, local_path


class ExportError(Exception):
    """An export that cannot be made as it was asked for; the message says what to do."""


@dataclass(frozen=True, slots=True)
class RunTables:
    """The tables of a finished run: ``files`` by table, those of which there are none left out."""

    output: str
    run_id: str
    files: Mapping[str, list[str]]
    timeout_s: float = TIMEOUT_S

    def schema(self, table: str) -> pa.Schema:
        """The columns of a table.

        Args:
            table: one of ``files``.
        """
        return schema_of(table, self.files[table], self.timeout_s)

    def batches(self, table: str) -> Iterator[pa.RecordBatch]:
        """The rows of a table.

        Args:
            table: one of ``files``.
        """
        return read_batches(table, self.files[table], self.timeout_s)


def write_text(form: TextFormat, run: RunTables, to: str | None) -> list[str]:
    """One text file for each table.

    Args:
        form: of the files.
        run: the tables.
        to: a folder; None: that of the run's exports.

    Returns:
        Lines for the user.
    """
    folder = to or paths.export_folder(run.output, run.run_id)
    said = []
    for table in run.files:
        path = f"{folder.rstrip('/')}/{table}.{form}"
        with files.writing(path, run.timeout_s) as sink:
            rows = WRITERS[form](run.schema(table), run.batches(table), sink)
        said.append(f"{rows:>10,} rows  {path}")
    return said


def write_excel(run: RunTables, to: str | None) -> list[str]:
    """One workbook with a sheet for each table, key_values first.

    Args:
        run: the tables.
        to: a file; None: among the run's exports.

    Returns:
        Lines for the user, also of what Excel cannot hold.
    """
    path = to or paths.export_path(run.output, run.run_id, f"{run.run_id}.xlsx")
    order = sorted(run.files, key=lambda table: table != "key_values")
    memory = io.BytesIO()
    written = write_workbook({table: (run.schema(table), run.batches(table)) for table in order}, memory)
    files.write_bytes(path, memory.getvalue(), run.timeout_s)
    said = [f"{written.rows:>10,} rows  {path}"]
    if written.cut:
        said.append(f"{written.cut:,} texts were cut: a cell of Excel holds 32,767 characters; CSV holds all")
    if written.more_sheets:
        said.append(f"{written.more_sheets:,} sheets more: a sheet of Excel holds 1,048,576 rows")
    return said


def write_duckdb(run: RunTables, to: str | None) -> list[str]:
    """A DuckDB file with views over the Parquet files; other objects in an existing file stay.

    Args:
        run: the tables.
        to: a file on this machine; None: among the exports, or in this folder for an output elsewhere.

    Returns:
        Lines for the user.

    Raises:
        ExportError: DuckDB cannot make the file or read the tables.
    """
    import duckdb

    path = to or (paths.database_path(run.output) if is_local(run.output) else "beam-kie.duckdb")
    if not is_local(path):
        raise ExportError(f"--to {path}: a DuckDB file must be on this machine")
    file = Path(local_path(path))
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with duckdb.connect(str(file)) as connection:
            for statement in view_statements(run.output, run.run_id, run.files, (RECORDS,)):
                connection.execute(statement)
    except duckdb.Error as error:
        raise ExportError(f"DuckDB: {str(error).splitlines()[0]}") from error
    return [f"views {', '.join(run.files)}, all_..., latest_... in {path}"]


def write_bigquery(run: RunTables, to: str | None) -> list[str]:
    """Schemas for BigQuery, and a script that loads the run with ``bq``.

    Args:
        run: the tables.
        to: a folder; None: among the run's exports.

    Returns:
        Lines for the user.

    Raises:
        ExportError: BigQuery cannot load from where the run is.
    """
    if not is_local(run.output) and not run.output.startswith("gs://"):
        raise ExportError(
            f"bq loads from gs:// and from this machine: copy {run.output} there, and name the copy"
        )
    folder = (to or paths.export_path(run.output, run.run_id, "bigquery")).rstrip("/")
    sources = {table: (run.schema(table), _for_bq(run, table)) for table in run.files}
    for table in run.files:
        schema = json.dumps(table_schema(run.schema(table)), indent=2) + "\n"
        files.write_bytes(f"{folder}/{table}.json", schema.encode(), run.timeout_s)
    files.write_bytes(f"{folder}/load.sh", load_script(run.run_id, sources).encode(), run.timeout_s)
    return [f"schemas of {len(run.files)} tables in {folder}", f"load the run: sh {folder}/load.sh DATASET"]


def _for_bq(run: RunTables, table: str) -> list[str]:
    """What ``bq load`` takes: all files of a bucket at once, those of a disk one by one."""
    if is_local(run.output):
        return [local_path(path) for path in run.files[table]]
    return [f"{paths.table_folder(run.output, table, run.run_id)}/*.parquet"]


def write_delta(run: RunTables, to: str | None) -> list[str]:
    """Append the run to Delta tables, one for each table; what they have of the run is replaced.

    Args:
        run: the tables.
        to: a folder, on this machine or in a bucket; None: among the exports.

    Returns:
        Lines for the user.

    Raises:
        ExportError: a table cannot be written.
    """
    from deltalake import write_deltalake
    from deltalake.exceptions import DeltaError

    folder = (to or paths.lake_folder(run.output)).rstrip("/")
    if is_local(folder) and set(folder) & set(_NOT_IN_DELTA):
        raise ExportError(
            f"deltalake cannot write to a path with one of {_NOT_IN_DELTA} in it: name a folder in --to"
        )
    said = []
    for table in run.files:
        schema = run.schema(table).insert(0, pa.field(RUN_ID, pa.string(), nullable=False))
        place = f"{folder}/{table}"
        try:
            write_deltalake(
                Path(local_path(place)).as_uri() if is_local(place) else place,
                pa.RecordBatchReader.from_batches(schema, _with_run_id(run, table, schema)),
                mode="overwrite",
                predicate=f"{RUN_ID} = '{run.run_id}'",
                partition_by=[RUN_ID],
                schema_mode="merge",
            )
        except (DeltaError, OSError) as error:
            raise ExportError(f"{place}: {str(error).splitlines()[0]}") from error
        said.append(f"run {run.run_id} in {place}")
    return said


_NOT_IN_DELTA = "[]^|\\"


def _with_run_id(run: RunTables, table: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in run.batches(table):
        ids = pa.repeat(pa.scalar(run.run_id, pa.string()), batch.num_rows)
        yield pa.RecordBatch.from_arrays([ids, *batch.columns], schema=schema)


def _text_writer(form: TextFormat) -> Callable[[RunTables, str | None], list[str]]:
    return lambda run, to: write_text(form, run, to)


WRITE: dict[str, Callable[[RunTables, str | None], list[str]]] = {
    "csv": _text_writer(TextFormat.CSV),
    "jsonl": _text_writer(TextFormat.JSONL),
    "xlsx": write_excel,
    "duckdb": write_duckdb,
    "bigquery": write_bigquery,
    "delta": write_delta,
}
"""Format -> what writes it."""

_NEEDS = {
    "xlsx": ("xlsxwriter", "export"),
    "duckdb": ("duckdb", "export"),
    "delta": ("deltalake", "delta"),
}


def check_installed(form: str) -> None:
    """Check that what a format needs is there.

    Args:
        form: a key of ``WRITE``.

    Raises:
        ExportError: it is not; the message names the extra.
    """
    package, extra = _NEEDS.get(form, (None, None))
    if package is not None and importlib.util.find_spec(package) is None:
        raise ExportError(f"--format {form} needs the package {package}: pip install 'beam-kie[{extra}]'")
