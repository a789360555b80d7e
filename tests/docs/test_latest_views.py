"""The views of docs/sql over real outputs: DuckDB's as they are, BigQuery's put into DuckDB's words."""

import re
from pathlib import Path

import duckdb
import pytest
import sqlglot

from beam_kie.tables.rows import page_tables
from tests import pages
from tests.earlier import PROVENANCE, tally_of, write_run
from tests.parquet_files import write_parquet
from transforms.runs import folders, paths
from transforms.storage import files

DOCS = Path(__file__).parents[2] / "docs"
SQL = DOCS / "sql"
DATA_FRAMES = dict(
    zip(
        ("pandas", "polars"),
        re.findall(r"```python\n(.*?)```", (DOCS / "reruns.md").read_text(encoding="utf-8"), re.DOTALL),
        strict=True,
    )
)


def duckdb_views(output: Path):
    connection = duckdb.connect()
    text = (SQL / "latest_duckdb.sql").read_text(encoding="utf-8")
    connection.execute(text.replace("'out/", f"'{output}/"))
    return connection


def bigquery_views(output: Path):
    """What stands in for the external tables, and the views as sqlglot translates them."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA kie")
    text = re.sub(
        r"^--.*\n", "", (SQL / "latest_bigquery.sql").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    statements = [statement.strip() for statement in text.split(";\n") if statement.strip()]
    for statement in statements:
        table = EXTERNAL_TABLE.fullmatch(statement)
        if table:
            connection.execute(f"CREATE VIEW {table['name']} AS {stand_in(table['options'], output)}")
        else:
            assert statement.startswith("CREATE OR REPLACE VIEW kie.")
            connection.execute(*sqlglot.transpile(statement, read="bigquery", write="duckdb"))
    return connection


EXTERNAL_TABLE = re.compile(
    r"CREATE OR REPLACE EXTERNAL TABLE (?P<name>kie\.\w+)( \(line STRING\))?\n"
    r"WITH PARTITION COLUMNS \(run_id STRING\)\nOPTIONS \((?P<options>[^)]*)\)"
)


def stand_in(text: str, output: Path) -> str:
    """The files that an external table names, read by DuckDB as BigQuery would."""
    options = dict(re.findall(r"(\w+) = \[?('[^']*'|true)", text))
    prefix = options["hive_partition_uri_prefix"].strip("'")
    assert options["uris"] == f"'{prefix}/*'"
    folder = output / prefix.removeprefix("gs://bucket/kie/")
    hive = "hive_partitioning = true, hive_types = {run_id: VARCHAR}"
    if options["format"] == "'PARQUET'":
        return f"SELECT * FROM read_parquet('{folder}/*/*', {hive}, union_by_name = true)"
    # One column: the delimiter must not occur in the files.
    assert options == options | {"format": "'CSV'", "field_delimiter": r"'\t'", "quote": "''"}
    assert not any("\t" in path.read_text() for path in folder.glob("*/*"))
    return (
        f"SELECT * FROM read_csv('{folder}/*/*', delim = '\t', quote = '', escape = '', header = false, "
        f"columns = {{line: 'VARCHAR'}}, auto_detect = false, {hive})"
    )


@pytest.fixture(params=[duckdb_views, bigquery_views])
def views(request, tmp_path):
    return lambda: request.param(tmp_path)


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    paths = {name: folder / f"{name}.png" for name in ("a", "b", "c")}
    for name, path in paths.items():
        path.write_bytes(f"scan {name}".encode())
    return paths


def write(output, run_id, tallies, **changes):
    """A run; each document that it processed has one row of key_values, which says which run that was."""
    write_run(output, run_id, tallies, **changes)
    (pair, *_) = page_tables(pages.result(), PROVENANCE)["key_values"]
    for number, tally in enumerate(tallies):
        rows = [pair | {"document_id": tally.document.document_id, "value_text": run_id}] * (
            not tally.skipped
        )
        path = paths.table_path(str(output), "key_values", run_id, number, len(tallies))
        files.write_bytes(path, write_parquet("key_values", rows))


def seen(views):
    """By document: status, the run that holds its rows, the newest run that met it; and what pairs say."""
    connection = views()
    query = "SELECT schema_name FROM duckdb_views() WHERE view_name = 'latest'"
    ((where,),) = connection.execute(query).fetchall()
    rows = connection.sql(f"SELECT uri, status, run_id, seen_run_id FROM {where}.latest").fetchall()
    pairs = connection.sql(
        f"SELECT run_id, document_id, value_text FROM {where}.latest_key_values"
    ).fetchall()
    assert len(rows) == len({uri for uri, *_ in rows})
    assert sorted(run for run, _, text in pairs if run == text) == sorted(run for *_, run, _ in rows)
    return {Path(uri).stem: tuple(rest) for uri, *rest in rows}


def test_the_newest_finished_run_of_each_document_counts(views, tmp_path, scans):
    write(tmp_path, "mon", [tally_of(scans["a"]), tally_of(scans["b"]), tally_of(scans["c"])])
    write(tmp_path, "tue", [tally_of(scans["a"], failures=[True], pages_ok=0)])
    write(tmp_path, "wed", [tally_of(scans["b"])], finished=False)
    assert seen(views) == {
        "a": ("FAILURE", "tue", "tue"),
        "b": ("SUCCESS", "mon", "mon"),
        "c": ("SUCCESS", "mon", "mon"),
    }


def test_a_skipped_document_leads_to_the_run_that_holds_its_rows(views, tmp_path, scans):
    write(tmp_path, "mon", [tally_of(scans["a"]), tally_of(scans["b"])])
    scans["a"].write_bytes(b"other scan")
    write(tmp_path, "tue", [tally_of(scans["a"]), tally_of(scans["b"], skipped="mon")])
    assert seen(views) == {"a": ("SUCCESS", "tue", "tue"), "b": ("SUCCESS", "mon", "tue")}
    # The first bytes come back: their rows are those of the first run.
    scans["a"].write_bytes(b"scan a")
    write(tmp_path, "wed", [tally_of(scans["a"], skipped="mon")])
    assert seen(views) == {"a": ("SUCCESS", "mon", "wed"), "b": ("SUCCESS", "mon", "tue")}


def test_rows_whose_run_was_deleted_are_not_told_of(views, tmp_path, scans):
    write(tmp_path, "mon", [tally_of(scans["a"])])
    write(tmp_path, "tue", [tally_of(scans["a"], skipped="mon"), tally_of(scans["b"])])
    folders.clear_run(str(tmp_path), "mon")
    assert seen(views) == {"b": ("SUCCESS", "tue", "tue")}


def test_times_decide_and_names_that_look_like_numbers_stay_names(views, tmp_path, scans):
    for run_id in ("10", "9"):
        write(
            tmp_path, run_id, [tally_of(scans["a"])], started_at=f"2026-01-{20 - int(run_id):02d}T00:00:00Z"
        )
    assert seen(views) == {"a": ("SUCCESS", "9", "9")}


@pytest.mark.parametrize("library", DATA_FRAMES)
def test_data_frames_hold_the_rows_of_the_views(library, tmp_path, scans, monkeypatch):
    out = tmp_path / "out"
    write(out, "mon", [tally_of(scans["a"]), tally_of(scans["b"])])
    scans["a"].write_bytes(b"other scan")
    write(out, "tue", [tally_of(scans["a"]), tally_of(scans["b"], skipped="mon")])
    write(out, "wed", [tally_of(scans["a"]), tally_of(scans["c"])], finished=False)
    columns = ("run_id", "document_id", "value_text", "page_id")
    query = f"SELECT {', '.join(columns)} FROM latest_key_values ORDER BY ALL"
    expected = [dict(zip(columns, row, strict=True)) for row in duckdb_views(out).sql(query).fetchall()]
    assert [row["run_id"] for row in expected] == ["mon", "tue"]
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(DATA_FRAMES[library], names)
    pairs = names["pairs"].to_dict("records") if library == "pandas" else names["pairs"].to_dicts()
    found = [{name: row[name] for name in columns} for row in pairs]
    assert sorted(found, key=lambda row: row["run_id"]) == expected
