"""Tables as text, read back with the readers that people use."""

import csv
import io
import json

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from beam_kie.exports.cells import unguarded
from beam_kie.exports.text_files import WRITERS, TextFormat
from beam_kie.tables.rows import page_tables
from beam_kie.tables.schema import SCHEMAS
from tests import pages

HOSTILE = [
    ("QUESTION", '=HYPERLINK("http://x","a")', (100, 200, 220, 240)),
    ("ANSWER", 'quote " comma , line\nend', (260, 200, 360, 240)),
    ("QUESTION", "李雷 \x00 \x1b", (100, 300, 320, 340)),
]


@pytest.fixture
def rows():
    result = pages.result(form=[*pages.FORM, *HOSTILE], links=[*pages.LINKS, (8, 9, 0.5)])
    return page_tables(result, pages.PROVENANCE)["key_values"]


def written(form, rows, batches=2):
    schema = SCHEMAS["key_values"]
    table = pa.Table.from_pylist(rows, schema=schema)
    sink = io.BytesIO()
    parts = table.to_batches(max_chunksize=-(-len(rows) // batches)) if rows else []
    assert WRITERS[form](schema, parts, sink) == len(rows)
    return sink.getvalue()


def test_csv_has_every_cell(rows):
    data = written(TextFormat.CSV, rows)
    assert data.startswith("\ufeffpair_id,".encode())
    found = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert len(found) == len(rows)
    for row, expected in zip(found, rows, strict=True):
        assert list(row) == SCHEMAS["key_values"].names
        assert unguarded(row["key_text"]) == (expected["key_text"] or "")
        assert unguarded(row["value_text"]) == (expected["value_text"] or "")
        assert float(row["confidence"]) == expected["confidence"]
        assert json.loads(row["key_polygon"]) == expected["key_polygon"]
        assert (row["value_confidence"] == "") == (expected["value_confidence"] is None)
    assert "'=HYPERLINK" in data.decode()


def test_csv_is_read_by_duckdb_pandas_and_polars(rows, tmp_path):
    path = tmp_path / "key_values.csv"
    path.write_bytes(written(TextFormat.CSV, rows[:4]))
    names = SCHEMAS["key_values"].names
    assert duckdb.sql(f"SELECT * FROM read_csv('{path}')").columns == names
    assert list(pd.read_csv(path).columns) == pl.read_csv(path).columns == names
    assert pl.read_csv(path)["value_text"].to_list() == [row["value_text"] for row in rows[:4]]


def test_json_lines_are_the_rows(rows):
    found = [json.loads(line) for line in written(TextFormat.JSONL, rows).splitlines()]
    assert found == rows


@pytest.mark.parametrize("form", TextFormat)
def test_no_rows_are_a_file_too(form):
    data = written(form, [])
    assert data.count(b"\n") == (form is TextFormat.CSV)
