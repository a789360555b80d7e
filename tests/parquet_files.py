"""Parquet files as the job writes them, in memory."""

import io
from collections.abc import Iterable, Sequence

from beam_kie.tables.parquet import by_page, encode_rows, write_pages
from beam_kie.tables.schema import Row


def parquet_from_encoded(table: str, encoded: Iterable[bytes]) -> tuple[bytes, int]:
    """The rows of all ``encode_rows`` bytes, in any order, as one Parquet file, and how many they are."""
    sink = io.BytesIO()
    written = write_pages(table, by_page(encoded), sink)
    return sink.getvalue(), written


def write_parquet(table: str, rows: Sequence[Row]) -> bytes:
    """``rows`` as one Parquet file."""
    return parquet_from_encoded(table, [encode_rows(table, [row]) for row in rows])[0]
