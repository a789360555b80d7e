"""Rows of several tables put together by page, as they come: no table is in memory as a whole."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

Row = Mapping[str, Any]
Place = tuple[str, int]
"""A document's id and a page of it, from 1; 0 stands for the document as a whole."""

TABLES = ("documents", "pages", "lines", "entities", "key_values", "failures")

COLUMNS: dict[str, tuple[str, ...]] = {
    "documents": ("document_id", "uri", "format", "status", "page_count", "pages_ok", "result_run_id"),
    "pages": ("document_id", "page", "page_width_px", "page_height_px", "rotation_deg", "text_source"),
    "lines": ("document_id", "page", "line_index", "text", "confidence", "polygon"),
    "entities": (
        "document_id",
        "page",
        "entity_id",
        "entity_index",
        "label",
        "text",
        "confidence",
        "polygon",
    ),
    "key_values": (
        *("document_id", "page", "pair_index", "key_entity_id", "value_entity_id", "key_label"),
        *("key_text", "value_text", "value_label"),
        *("value_type", "value_normalised", "value_currency", "confidence", "relation_confidence"),
    ),
    "failures": ("document_id", "page", "stage", "category", "message", "retryable"),
}
"""Table name -> the columns that a review needs."""


@dataclass(frozen=True, slots=True)
class PageRows:
    """All rows of one page, or those that concern a document as a whole (``page`` 0)."""

    document_id: str
    page: int
    rows: Mapping[str, list[Row]] = field(repr=False)

    def of(self, table: str) -> list[Row]:
        """The rows of one table, in their order; empty where there are none.

        Args:
            table: its name.
        """
        return self.rows.get(table, [])


def join_pages(tables: Mapping[str, Iterable[Row]]) -> Iterator[PageRows]:
    """Put the rows of one shard together by document and page.

    Args:
        tables: table name -> its rows in the order of the file: by document and page. A table that is not
            there counts as empty.

    Yields:
        One PageRows for each place that any table has, by document; what concerns the document as a whole
        comes before its pages.

    Raises:
        ValueError: the rows of a table are not in order.
    """
    streams = [_placed(table, rows) for table, rows in tables.items()]
    merged = heapq.merge(*streams, key=lambda item: item[0])
    for (document_id, page), items in groupby(merged, key=lambda item: item[0]):
        rows: dict[str, list[Row]] = {}
        for _, table, row in items:
            rows.setdefault(table, []).append(row)
        yield PageRows(document_id, page, rows)


def _placed(table: str, rows: Iterable[Row]) -> Iterator[tuple[Place, str, Row]]:
    last: Place = ("", 0)
    for row in rows:
        place = (row["document_id"], row.get("page") or 0)
        if place < last:
            raise ValueError(f"rows of {table} are not sorted by document and page: {place} after {last}")
        last = place
        yield place, table, row
