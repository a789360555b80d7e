"""Rows as deterministic Parquet bytes: the same rows give the same file, whatever the runner."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache
from itertools import groupby, pairwise
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beam_kie.tables.schema import ROW_ID, SCHEMAS, Row

_DOCUMENT = "document_id"
_ID = {"table_cells": "cell_id"}
_PLACE_ON_PAGE = {
    "documents": "document_id",
    "pages": "page",
    "lines": "line_index",
    "entities": "entity_index",
    "key_values": "pair_index",
    "failures": "failure_id",
}

# A row group is in memory as a whole while it is written, about 1 kB a row.
_ROW_GROUP = 10_000
FILE_ROWS = 1_000_000
"""A file of a table ends with the page that reaches this number of rows."""

FILE_BYTES = 128 * 2**20
"""A file of a table ends with the page whose rows, as they are shuffled, reach this number of bytes; the file
itself is smaller."""

_JOINED_PAGES = 256
_JOINED_ROWS = 1_000
_KEY_SIZE = 2


def encode_rows(table: str, rows: Sequence[Row], schema: pa.Schema | None = None) -> bytes:
    """Rows of one page (or document) in one table as bytes, small enough to shuffle: key, then Arrow.

    Args:
        table: name of the table, a key of SCHEMAS.
        rows: of one page, or of one document in tables without pages.
        schema: of the table, where it is none of SCHEMAS: one with a row a document.

    Raises:
        ValueError: a column is missing or unknown, NULL where the schema forbids it, or the rows are of
            several pages.
    """
    columns = SCHEMAS[table] if schema is None else schema
    names, struct, required = _layout(table if schema is None else columns)
    for row in rows:
        if row.keys() != names:
            raise ValueError(f"{table}: columns {sorted(row.keys() ^ names)} are missing or unknown")
    places = {(row["document_id"], row.get("page")) for row in rows}
    if len(places) > 1:
        raise ValueError(f"{table}: rows of several pages must be encoded one page at a time")
    # Rows at once: RecordBatch.from_pylist converts each column by itself, which takes four times as long.
    batch = pa.RecordBatch.from_struct_array(pa.array(rows, struct))
    for place, name in required:
        if batch.column(place).null_count:
            raise ValueError(f"{table}.{name} may not be NULL")
    key = b"".join(_key(*place) for place in places)
    # The repeated ids, URIs and names of a page compress tenfold even at the fastest level.
    return len(key).to_bytes(_KEY_SIZE, "big") + key + zlib.compress(batch.serialize(), 1)


@cache
def _layout(columns: str | pa.Schema) -> tuple[frozenset[str], pa.StructType, list[tuple[int, str]]]:
    """Of a table, or a schema: names, a row as a struct, and place and name of what may not be NULL."""
    schema = SCHEMAS[columns] if isinstance(columns, str) else columns
    required = [(place, column.name) for place, column in enumerate(schema) if not column.nullable]
    return frozenset(schema.names), pa.struct(list(schema)), required


def _key(document_id: str, page: int | None) -> bytes:
    return document_id.encode() + b"\0" + (page or 0).to_bytes(4, "big")


def page_key(encoded: bytes) -> bytes:
    """What sorts ``encode_rows`` bytes by document and page; empty where there are no rows.

    What concerns the whole document comes before its pages. The first bytes of ``encoded`` are enough, 1 kB
    in any case.

    Args:
        encoded: what ``encode_rows`` returned, or its first kilobyte.
    """
    return encoded[_KEY_SIZE : _KEY_SIZE + int.from_bytes(encoded[:_KEY_SIZE], "big")]


def write_pages(
    table: str, pages: Iterable[Sequence[bytes]], sink: BinaryIO, schema: pa.Schema | None = None
) -> int:
    """Write rows as one Parquet file.

    The file is a function of the set of rows alone: they are sorted by place, and a row id that comes twice
    is kept once. No rows make a file with no rows. Only the rows of one row group are in memory at a time.

    Args:
        table: name of the table, a key of SCHEMAS.
        pages: all ``encode_rows`` bytes of one ``page_key`` each, in the order of their keys.
        sink: a binary file to write to.
        schema: of the table, where it is none of SCHEMAS: one with a row a document.

    Returns:
        The number of rows.
    """
    columns = SCHEMAS[table] if schema is None else schema
    return _write((_rows_of_page(table, encoded, columns) for encoded in pages), sink, columns)


def write_files(
    table: str,
    pages: Iterable[Sequence[bytes]],
    opened: Callable[[int], AbstractContextManager[BinaryIO]],
    most_rows: int = FILE_ROWS,
    most_bytes: int = FILE_BYTES,
    *,
    schema: pa.Schema | None = None,
) -> list[int]:
    """Write rows as Parquet files of bounded size, as ``write_pages`` writes one.

    A file ends between two pages. No rows make one file with no rows.

    Args:
        table: name of the table, a key of SCHEMAS.
        pages: all ``encode_rows`` bytes of one ``page_key`` each, in the order of their keys.
        opened: a binary file to write to, by its number from 0; used in a ``with`` block.
        most_rows: a file ends with the page that reaches it, at least 1.
        most_bytes: likewise, of ``encode_rows`` bytes.
        schema: of the table, where it is none of SCHEMAS: one with a row a document.

    Returns:
        The number of rows of each file.
    """
    columns = SCHEMAS[table] if schema is None else schema
    files = _Files(table, pages, most_rows, most_bytes, columns)
    written: list[int] = []
    while files.has_more or not written:
        with opened(len(written)) as sink:
            written.append(_write(files.next_file(), sink, columns))
    return written


class _Files:
    """Pages of rows, file by file."""

    def __init__(
        self,
        table: str,
        pages: Iterable[Sequence[bytes]],
        most_rows: int,
        most_bytes: int,
        schema: pa.Schema,
    ):
        self._schema = schema
        self._table = table
        self._pages = iter(pages)
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._next = next(self._pages, None)

    @property
    def has_more(self) -> bool:
        return self._next is not None

    def next_file(self) -> Iterator[pa.Table]:
        rows = size = 0
        while self._next is not None and rows < self._most_rows and size < self._most_bytes:
            encoded, self._next = self._next, next(self._pages, None)
            page = _rows_of_page(self._table, encoded, self._schema)
            rows += page.num_rows
            size += sum(map(len, encoded))
            yield page


def _write(pages: Iterable[pa.Table], sink: BinaryIO, schema: pa.Schema) -> int:
    written = 0
    with pq.ParquetWriter(sink, schema, compression="zstd", version="2.6") as writer:
        for group in _row_groups(pages):
            writer.write_table(group, row_group_size=_ROW_GROUP)
            written += group.num_rows
    return written


def by_page(encoded: Iterable[bytes]) -> Iterator[list[bytes]]:
    """``encode_rows`` bytes in any order as ``write_pages`` takes them.

    Args:
        encoded: ``encode_rows`` bytes in any order.
    """
    found = sorted((data for data in encoded if page_key(data)), key=page_key)
    for _, same in groupby(found, key=page_key):
        yield list(same)


def _decode(encoded: bytes, schema: pa.Schema) -> pa.RecordBatch:
    batch = zlib.decompress(memoryview(encoded)[_KEY_SIZE + len(page_key(encoded)) :])
    return pa.ipc.read_record_batch(pa.py_buffer(batch), schema)


def _rows_of_page(table: str, encoded: Iterable[bytes], schema: pa.Schema) -> pa.Table:
    """The rows of one page in their order, each id once."""
    # By their bytes first: which of two rows with one id is kept must not depend on the order of arrival.
    batches = [_decode(data, schema) for data in sorted(set(encoded))]
    rows = pa.Table.from_batches(batches)
    if rows.num_rows < 2:
        return rows
    place = _PLACE_ON_PAGE.get(table, _ID.get(table, _DOCUMENT))
    if len(batches) == 1 and _is_ascending(batches[0].column(place).to_pylist()):
        return rows  # as nearly always: ids follow from places
    rows = rows.combine_chunks().sort_by(place)
    ids = rows.column(ROW_ID.get(table, _ID.get(table, _DOCUMENT))).combine_chunks()
    is_new = pc.call_function("not_equal", [ids[1:], ids[:-1]])
    return rows.filter(pa.concat_arrays([pa.array([True]), is_new]))


def _is_ascending(places: list[Any]) -> bool:
    return all(one < other for one, other in pairwise(places))


def _row_groups(pages: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of _ROW_GROUP rows; the last one holds the rest."""
    waiting: list[pa.Table] = []
    rows = 0
    for page in _joined(pages):
        waiting.append(page)
        rows += page.num_rows
        while rows >= _ROW_GROUP:
            joined = pa.concat_tables(waiting)
            yield joined.slice(0, _ROW_GROUP).combine_chunks()
            waiting = [joined.slice(_ROW_GROUP)]
            rows -= _ROW_GROUP
    if rows:
        yield pa.concat_tables(waiting).combine_chunks()


def _joined(pages: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in fewer tables: one of a single row takes some 10 kB."""
    waiting: list[pa.Table] = []
    rows = 0
    for page in pages:
        waiting.append(page)
        rows += page.num_rows
        if len(waiting) == _JOINED_PAGES or rows >= _JOINED_ROWS:
            yield pa.concat_tables(waiting).combine_chunks()
            waiting, rows = [], 0
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()
