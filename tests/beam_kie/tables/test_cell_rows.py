import dataclasses

import pyarrow as pa
import pytest

from beam_kie.document import PageResult
from beam_kie.tables.cell_rows import CELLS_SCHEMA, cell_rows
from beam_kie.tables.schema import Provenance
from tests.beam_kie.cells.test_aligned import HEAD, ITEMS, page

PROVENANCE = Provenance("engine", "1", "model", "2", "digest")


def test_rows_have_all_columns_in_the_order_of_the_page():
    rows = cell_rows(PageResult(page(HEAD, *ITEMS)), PROVENANCE)
    assert len(pa.Table.from_pylist(rows, CELLS_SCHEMA)) == 12
    assert all(row.keys() == set(CELLS_SCHEMA.names) for row in rows)
    assert len({row["cell_id"] for row in rows}) == 12
    places = [(row["table_index"], row["row_index"], row["column_index"]) for row in rows]
    assert places == sorted(places)
    last = rows[-1]
    assert (last["header"], last["text"], last["is_header"]) == ("Amount", "14.50", False)
    assert (last["x0"], last["y0"], last["x1"], last["y1"]) == (610, 180, 655, 200)
    assert last["page_id"] == rows[0]["page_id"] and last["cell_id"].startswith(last["page_id"])


@pytest.mark.parametrize(("source", "engine"), [("ocr", "engine"), ("mixed", "engine"), ("pdf", None)])
def test_engine_is_told_where_it_read_something(source, engine):
    text = dataclasses.replace(page(HEAD, *ITEMS), text_source=source)
    assert {row["ocr_engine"] for row in cell_rows(PageResult(text), PROVENANCE)} == {engine}


def test_page_without_a_table_has_no_rows():
    assert cell_rows(PageResult(page(HEAD)), PROVENANCE) == []
