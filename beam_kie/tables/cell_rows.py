"""The table ``table_cells``: the cells of the tables on a page, such as line items."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace

import pyarrow as pa

from beam_kie.cells.aligned import aligned_tables
from beam_kie.cells.ruled import ruled_tables
from beam_kie.cells.tables import Cell, PageTable
from beam_kie.document import PageResult, PageText
from beam_kie.tables.key_values import KEY_LABELS
from beam_kie.tables.rows import page_id
from beam_kie.tables.schema import SCHEMA_VERSION, TABLE_CELLS, Provenance, Row

_STRING, _INT, _FLOAT = pa.string(), pa.int32(), pa.float32()


def _column(name: str, type_: pa.DataType, meaning: str, nullable: bool = False) -> pa.Field:
    return pa.field(name, type_, nullable=nullable, metadata={"description": meaning})


CELLS_SCHEMA = pa.schema(
    [
        _column("cell_id", _STRING, "page_id, table, row and column"),
        _column("document_id", _STRING, "stable id of (uri, content), as in documents"),
        _column("uri", _STRING, "where the file was read from"),
        _column("page", _INT, "page of the file, from 1"),
        _column("page_id", _STRING, "document_id and page"),
        _column("table_index", _INT, "place of the table on the page, from top to bottom, from 0"),
        _column("table_kind", _STRING, "ruled: told from its rules; aligned: from the places of texts"),
        _column("row_index", _INT, "row of the table, from 0; row 0 has the headers"),
        _column("column_index", _INT, "column of the table, from 0"),
        _column("is_header", pa.bool_(), "whether it is the header of its column"),
        _column("header", _STRING, "text of the header of its column"),
        _column("text", _STRING, "its text, from one or several lines"),
        _column("confidence", _FLOAT, "that it is read right and stands in the right place; not calibrated"),
        *(
            _column(name, _FLOAT, f"{edge} edge of its text in pixels of the upright page")
            for name, edge in (("x0", "left"), ("y0", "top"), ("x1", "right"), ("y1", "bottom"))
        ),
        _column("page_width_px", _INT, "width of the upright page in pixels"),
        _column("page_height_px", _INT, "height of the upright page in pixels"),
        *(
            _column(name, _STRING, "as in pages", nullable=name not in ("model", "model_revision"))
            for name in Provenance.__slots__
        ),
    ],
    metadata={"beam_kie.schema_version": SCHEMA_VERSION, "beam_kie.table": TABLE_CELLS},
)
"""Cells without text have no row."""


def cell_rows(
    result: PageResult, provenance: Provenance, key_labels: Sequence[str] = KEY_LABELS
) -> list[Row]:
    """The rows of ``result`` in table_cells, table by table, row by row.

    Args:
        result: lines and entities of one page.
        provenance: names and revisions of OCR and model, for every row.
        key_labels: the labels of keys.
    """
    page = result.page
    shared = {
        "document_id": page.document_id,
        "uri": page.uri,
        "page": page.page,
        "page_id": page_id(page.document_id, page.page),
        "page_width_px": page.width_px,
        "page_height_px": page.height_px,
        **asdict(provenance),
    }
    if page.text_source not in ("ocr", "mixed"):
        shared |= {"ocr_engine": None, "ocr_revision": None}
    tables = enumerate(page_tables_of(page, _lines_of_keys(result, key_labels)))
    return [
        _row(shared["page_id"], index, table, cell) | shared
        for index, table in tables
        for cell in table.cells
    ]


def page_tables_of(page: PageText, keys: Collection[int]) -> list[PageTable]:
    """The tables of a page from top to bottom.

    Args:
        page: its lines, in pixels of the upright page.
        keys: indices of lines that belong to keys.
    """
    ruled, covered = ruled_tables(page, keys)
    if not ruled:
        return aligned_tables(page, keys)
    # Aligned texts make tables where no rules do.
    left = [index for index in range(len(page.lines)) if index not in covered]
    place = {index: number for number, index in enumerate(left)}
    rest = replace(page, lines=tuple(page.lines[index] for index in left))
    aligned = aligned_tables(rest, {place[index] for index in keys if index in place})
    return sorted([*ruled, *aligned], key=lambda table: min(cell.box[1] for cell in table.cells))


def _lines_of_keys(result: PageResult, key_labels: Sequence[str]) -> set[int]:
    """Lines of keys with a value of their own; the key of several heads a column."""
    values: dict[int, int] = {}
    for relation in result.relations:
        values[relation.head] = values.get(relation.head, 0) + 1
    return {
        span.line
        for index, entity in enumerate(result.entities)
        if entity.label in key_labels and values.get(index, 0) <= 1
        for span in entity.spans
    }


def _row(whole: str, index: int, table: PageTable, cell: Cell) -> Row:
    x0, y0, x1, y1 = (round(float(value), 2) for value in cell.box)
    return {
        "cell_id": f"{whole}-t{index:02d}-r{cell.row:04d}-c{cell.column:02d}",
        "table_index": index,
        "table_kind": table.kind,
        "row_index": cell.row,
        "column_index": cell.column,
        "is_header": cell.is_header,
        "header": cell.header,
        "text": cell.text,
        "confidence": round(cell.confidence, 4),
        **{"x0": x0, "y0": y0, "x1": x1, "y1": y1},
    }
