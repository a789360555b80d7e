"""What is written for BigQuery: schemas in Google's classes, SQL run by DuckDB, the script with a bq."""

import json
import os
import stat
import subprocess

import duckdb
import pyarrow as pa
import pytest
import sqlglot
from google.cloud.bigquery import LoadJobConfig, SchemaField
from google.cloud.bigquery.enums import SqlTypeNames

from beam_kie.exports.bigquery import load_script, replace_statement, table_schema
from beam_kie.fields.files import parse_fields
from beam_kie.fields.records import records_schema
from beam_kie.tables.schema import SCHEMAS

FIELDS = b"""
[fields]
fee = { type = "amount", keys = ["Fee"] }
born = { type = "date", keys = ["Born"] }
names = { type = "list", keys = ["Name"] }
"""
MODES = {"NULLABLE", "REQUIRED", "REPEATED"}


@pytest.mark.parametrize("table", SCHEMAS)
def test_googles_classes_take_the_schema(table):
    described = json.loads(json.dumps(table_schema(SCHEMAS[table])))
    fields = [SchemaField.from_api_repr(each) for each in described]
    assert [field.to_api_repr() for field in fields] == described
    assert LoadJobConfig(schema=fields).schema == fields
    assert {field.field_type for field in fields} <= {kind.value for kind in SqlTypeNames} | {
        "INTEGER",
        "FLOAT",
    }
    assert {field.mode for field in fields} <= MODES
    assert [field.name for field in fields] == ["run_id", *SCHEMAS[table].names]
    for field, column in zip(fields[1:], SCHEMAS[table], strict=True):
        assert field.is_nullable == (column.nullable and not pa.types.is_list(column.type))
        assert field.description == column.metadata[b"description"].decode()


def test_records_of_fields_have_a_schema():
    file = parse_fields(FIELDS, "fields.toml")
    described = table_schema(records_schema(file))
    fields = {field.name: field for field in map(SchemaField.from_api_repr, described)}
    assert [field.to_api_repr() for field in fields.values()] == described
    kinds = {
        name: (fields[name].field_type, fields[name].mode) for name in ("fee", "born", "names", "missing")
    }
    assert kinds == {
        "fee": ("NUMERIC", "NULLABLE"),
        "born": ("DATE", "NULLABLE"),
        "names": ("STRING", "REPEATED"),
        "missing": ("STRING", "REPEATED"),
    }
    assert (fields["names_source"].field_type, fields["names_source"].mode) == ("RECORD", "REPEATED")
    assert {"page", "confidence"} < {field.name for field in fields["fee_source"].fields}


def test_types_without_counterpart_are_refused():
    with pytest.raises(ValueError, match="column x is of type map"):
        table_schema(pa.schema([pa.field("x", pa.map_(pa.string(), pa.int32()))]))


def test_a_run_that_is_loaded_again_replaces_itself():
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA ds; CREATE TABLE ds.t (run_id VARCHAR, a INT, b VARCHAR)")
    connection.execute("INSERT INTO ds.t VALUES ('other', 1, 'x')")
    for loaded in ([(1, "y"), (2, "z")], [(3, "w")]):
        connection.execute("CREATE OR REPLACE TABLE ds.beam_kie_load_t (b VARCHAR, a INT)")
        connection.executemany("INSERT INTO ds.beam_kie_load_t (a, b) VALUES (?, ?)", loaded)
        for part in sqlglot.transpile(replace_statement("r-1", "t", ["a", "b"], "ds"), "bigquery", "duckdb"):
            connection.execute(part)
        found = connection.sql("SELECT * FROM ds.t ORDER BY ALL").fetchall()
        assert found == [("other", 1, "x"), *(("r-1", *row) for row in loaded)]


@pytest.mark.parametrize("dataset", ["kie", "my-project:kie"])
def test_the_script_loads_every_table_and_nothing_else(dataset, tmp_path):
    """bq, which is not here, is a program that writes down how it was called."""
    bq = tmp_path / "bin" / "bq"
    bq.parent.mkdir()
    bq.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" --- >> {tmp_path}/calls\n')
    bq.chmod(bq.stat().st_mode | stat.S_IEXEC)
    hostile = "/data/it's [1]/$(touch x)/part.parquet"
    tables = {
        "pages": (SCHEMAS["pages"], ["gs://b/kie/pages/run_id=r/*.parquet"]),
        "failures": (SCHEMAS["failures"], [hostile, "/data/2.parquet"]),
    }
    script = tmp_path / "load.sh"
    script.write_text(load_script("r", tables))
    environment = os.environ | {"PATH": f"{bq.parent}:{os.environ['PATH']}"}
    subprocess.run(["sh", script, dataset], check=True, env=environment)
    calls = [call.split("\n") for call in (tmp_path / "calls").read_text().split("\n---\n") if call]
    assert [call[0] for call in calls] == [
        "mk",
        "update",
        "load",
        "query",
        "rm",
        "mk",
        "update",
        "load",
        "load",
        "query",
        "rm",
    ]
    loads = [call for call in calls if call[0] == "load"]
    assert [call[1] for call in loads] == ["--replace", "--replace", "--noreplace"]
    assert [call[-1] for call in loads] == ["gs://b/kie/pages/run_id=r/*.parquet", hostile, "/data/2.parquet"]
    assert [call[-2] for call in loads[1:]] == [f"{dataset}.beam_kie_load_failures"] * 2
    assert f"DELETE FROM {dataset.replace(':', '.')}.pages WHERE run_id = 'r'" in calls[3][-1]
    refused = subprocess.run(["sh", script], env=environment, capture_output=True, text=True)
    assert refused.returncode != 0 and "usage" in refused.stderr
