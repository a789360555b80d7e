"""Records: what the rows of ``documents`` say of files, as Arrow tables in parts by a hash of the URI."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from beam_kie.document import DocumentError
from beam_kie.tables.schema import SCHEMAS
from transforms.runs.finished_runs import unreadable
from transforms.storage import files

RECORDS = pa.schema(
    [
        pa.field("uri", pa.string(), nullable=False),
        pa.field("run_id", pa.string(), nullable=False),
        pa.field("result_run_id", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("retryable_failure_count", pa.int32()),
        pa.field("content_sha256", pa.string()),
        pa.field("size_bytes", pa.int64()),
        pa.field("source_version", pa.string()),
        pa.field("source_updated_at_s", pa.int64()),
        pa.field("format", pa.string()),
        pa.field("page_count", pa.int32()),
    ]
)
"""One row for each row of ``documents`` of a finished run."""

_ROWS_AT_ONCE = 50_000
_RUN, _TIME = "run_id", "source_updated_at_s"
_MOST_PARTITIONS = 4_096
_ROWS_A_PARTITION = 50_000


def partition_of(uri: str, count: int) -> int:
    """The partition that a file belongs to.

    Args:
        uri: of the file.
        count: of partitions, a power of two: with twice as many each is divided into two.

    Returns:
        A number from 0, below ``count``.
    """
    return zlib.crc32(uri.encode("utf-8", "surrogatepass")) % count


def partitions_for(rows: int, at_least: int = 1) -> int:
    """How many partitions hold so many records, each few enough to be in memory at once.

    Args:
        rows: of all partitions.
        at_least: a power of two.

    Returns:
        A power of two.
    """
    count = at_least
    while count < _MOST_PARTITIONS and rows > count * _ROWS_A_PARTITION:
        count *= 2
    return count


def read_records(path: str, run_id: str, timeout_s: float) -> Iterator[pa.Table]:
    """The records in one file of a run's table ``documents``, some thousand at a time.

    Args:
        path: of the file.
        run_id: of the run.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        UnreadableRunError: the file cannot be read, or holds what is no row of this table.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(files.read_bytes(path, timeout_s=timeout_s)))
        there = set(file.schema_arrow.names)
        wanted = [name for name in (*RECORDS.names, "source_updated_at") if name in there and name != _RUN]
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=wanted):
            yield _records(pa.Table.from_batches([batch]), run_id)
    except (DocumentError, pa.ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
        raise unreadable(path, error) from error


def _records(rows: pa.Table, run_id: str) -> pa.Table:
    known = {field.name: field for field in SCHEMAS["documents"]}
    columns = []
    for field in RECORDS:
        name = "source_updated_at" if field.name == _TIME else field.name
        if field.name == _RUN:
            columns.append(pa.repeat(pa.scalar(run_id, pa.string()), rows.num_rows))
        elif name in rows.column_names:
            column = rows.column(name).cast(known[name].type)
            if field.name == _TIME:
                column = column.cast(pa.timestamp("s", "UTC"), safe=False)
            columns.append(column.cast(field.type))
        elif field.nullable:
            columns.append(pa.nulls(rows.num_rows, field.type))  # of a version that did not have it
        else:
            raise KeyError(name)
    table = pa.table(columns, names=RECORDS.names)
    for field in RECORDS:
        if not field.nullable and table.column(field.name).null_count:
            raise ValueError(f"{field.name} is missing")
    return table.cast(RECORDS)


def by_partition(records: pa.Table, count: int) -> Iterator[tuple[int, pa.Table]]:
    """Records in parts by their files' partition.

    Args:
        records: any.
        count: of partitions, a power of two.
    """
    if not records.num_rows:
        return
    uris = records.column("uri").to_pylist()
    numbers = np.fromiter((partition_of(uri, count) for uri in uris), np.int32, len(uris))
    order = np.argsort(numbers, kind="stable")
    found, starts = np.unique(numbers[order], return_index=True)
    for number, start, end in zip(found, starts, [*starts[1:], len(order)], strict=True):
        yield int(number), records.take(pa.array(order[start:end]))


def to_bytes(records: pa.Table) -> bytes:
    """Records as they are shuffled.

    Args:
        records: of one partition.
    """
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, RECORDS, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(records)
    return sink.getvalue().to_pybytes()


def from_bytes(data: bytes) -> pa.Table:
    """The records that ``to_bytes`` was given.

    Args:
        data: what it returned.
    """
    return pa.ipc.open_stream(data).read_all()


def to_parquet(records: pa.Table) -> bytes:
    """Records as a file of the base.

    Args:
        records: of one partition.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(records, sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def from_parquet(data: bytes) -> pa.Table:
    """The records in a file of the base.

    Args:
        data: what ``to_parquet`` returned.

    Raises:
        ValueError: it is no such file (also ``pa.ArrowException``).
    """
    return pq.read_table(pa.BufferReader(data)).select(RECORDS.names).cast(RECORDS)
