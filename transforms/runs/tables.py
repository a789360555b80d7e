"""The tables of a run, read back from their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from beam_kie.document import DocumentError
from beam_kie.tables.schema import SCHEMAS
from transforms.runs import paths
from transforms.runs.finished_runs import unreadable
from transforms.storage import files
from transforms.storage.patterns import escape_pattern
from transforms.storage.retries import TIMEOUT_S

_ROWS_AT_ONCE = 5_000


def table_files(output: str, run_id: str, table: str, timeout_s: float = TIMEOUT_S) -> list[str]:
    """The files of a table of a run, in their order; none where the run's version did not have the table.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
        table: its name.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: the storage does not answer.
        UnreadableRunError: there is a file that the job did not write.
    """
    pattern = f"{paths.table_folder(escape_pattern(output), table, run_id)}/*.parquet"
    found = [file.uri for file in files.match(pattern, timeout_s=timeout_s)]
    try:
        return sorted(found, key=paths.place_of_table_file)
    except ValueError as error:
        raise unreadable(paths.table_folder(output, table, run_id), error) from error


def schema_of(table: str, parts: Sequence[str], timeout_s: float = TIMEOUT_S) -> pa.Schema:
    """The columns of a table; those of ``records`` differ from run to run.

    Args:
        table: its name.
        parts: its files, at least one.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        UnreadableRunError: a file is damaged.
    """
    if table in SCHEMAS:
        return SCHEMAS[table]
    try:
        return pq.read_schema(pa.BufferReader(files.read_bytes(parts[0], timeout_s=timeout_s)))
    except (DocumentError, pa.ArrowException, OSError, ValueError) as error:
        raise unreadable(parts[0], error) from error


def read_batches(table: str, parts: Iterable[str], timeout_s: float = TIMEOUT_S) -> Iterator[pa.RecordBatch]:
    """The rows of a table with the columns of today; those that its files lack are NULL.

    Args:
        table: its name.
        parts: its files, in their order; one is in memory at a time.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        UnreadableRunError: a file is damaged, or holds what is no row of this table.
    """
    schema = SCHEMAS.get(table)
    for path in parts:
        try:
            file = pq.ParquetFile(pa.BufferReader(files.read_bytes(path, timeout_s=timeout_s)))
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                # The columns of other tables are those of their own first file.
                schema = schema or batch.schema
                yield _as_of_today(batch, schema)
        except (DocumentError, pa.ArrowException, OSError, ValueError) as error:
            raise unreadable(path, error) from error


def _as_of_today(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        batch.column(field.name).cast(field.type)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
