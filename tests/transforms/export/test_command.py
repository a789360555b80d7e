"""The command on a run on disk; what it writes is read with the libraries that it is for."""

# pyright: reportArgumentType=false

import csv
import json
import os
import shutil
import sys

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from beam_kie.fields.files import parse_fields
from beam_kie.tables.schema import SCHEMAS
from tests import small_runs
from tests.transforms.sinks.test_outputs import run as write_run
from transforms.export.__main__ import main
from transforms.export.formats import WRITE
from transforms.runs import paths
from transforms.storage import files

RUN = small_runs.RUN_ID
ROWS = {"documents": 4, "pages": 4, "lines": 20, "entities": 20, "key_values": 9, "failures": 2}


@pytest.fixture
def output(tmp_path):
    """The newest run is "small", with a folder that patterns would misread."""
    folder = tmp_path / "out [1]'s"
    small_runs.write_run(folder, run_id="before")
    return small_runs.write_run(folder, shards=2)


def export(output, form, *more):
    assert main([str(output), "--format", form, *map(str, more)]) == 0


def run_files(output):
    return output / "exports" / f"run_id={RUN}"


def test_csv_and_json_lines_have_the_rows_of_the_newest_run(output, capsys):
    export(output, "csv")
    export(output, "jsonl")
    for table, count in ROWS.items():
        with (run_files(output) / f"{table}.csv").open(encoding="utf-8-sig", newline="") as file:
            found = list(csv.DictReader(file))
        lines = (run_files(output) / f"{table}.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(found) == len(lines) == count
        assert list(json.loads(lines[0])) == list(found[0]) == SCHEMAS[table].names
    assert "9 rows" in capsys.readouterr().out


def test_excel_begins_with_the_pairs(output, tmp_path):
    export(output, "xlsx", "--to", tmp_path / "x.xlsx", "--tables", "failures", "key_values")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert book.sheetnames == ["key_values", "failures"]
    assert book["key_values"].max_row == ROWS["key_values"] + 1


def test_what_excel_cannot_hold_is_said(output, capsys):
    path = next((output / "lines").glob(f"run_id={RUN}/*00001-of*"))
    rows = pq.read_table(path, partitioning=None).to_pylist()
    rows[0]["text"] = "x" * 40_000
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMAS["lines"]), path)
    export(output, "xlsx")
    assert "1 texts were cut" in capsys.readouterr().out


def test_duckdb_shows_one_run_all_runs_and_the_newest_rows(output):
    file = output / "exports" / "beam-kie.duckdb"
    export(output, "duckdb", "--run_id", "before")
    with duckdb.connect(file) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS x")
    export(output, "duckdb")
    with duckdb.connect(file, read_only=True) as connection:
        count = {
            name: connection.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0]
            for table in ROWS
            for name in (table, f"all_{table}", *([f"latest_{table}"] if table != "documents" else []))
        }
        runs = connection.sql("SELECT DISTINCT run_id FROM key_values").fetchall()
        assert connection.sql("SELECT * FROM mine").fetchall() == [(1,)]
        assert connection.sql("SELECT count(*) FROM latest").fetchall() == [(4,)]
    for table, rows in ROWS.items():
        assert (count[table], count[f"all_{table}"]) == (rows, 2 * rows)
        assert table == "documents" or count[f"latest_{table}"] == rows
    assert runs == [(RUN,)]


def test_duckdb_does_not_show_runs_that_are_not_finished(output):
    export(output, "duckdb")
    small_runs.write_run(output, run_id="broken")
    (output / "runs" / "run_id=broken" / "summary.json").unlink()
    with duckdb.connect(output / "exports" / "beam-kie.duckdb", read_only=True) as connection:
        found = connection.sql("SELECT DISTINCT run_id FROM all_key_values ORDER BY 1").fetchall()
    assert found == [("before",), (RUN,)]


def test_bigquery_gets_schemas_and_a_script(output):
    export(output, "bigquery")
    folder = run_files(output) / "bigquery"
    assert {path.name for path in folder.iterdir()} == {"load.sh", *(f"{table}.json" for table in ROWS)}
    script = (folder / "load.sh").read_text()
    assert script.count("bq load --replace") == len(ROWS)
    assert script.count("bq load --noreplace") == len(ROWS)  # the second shard


def test_a_run_is_in_delta_tables_once(output, tmp_path):
    lake = tmp_path / "lake"
    for run_id in ("before", RUN, RUN):
        export(output, "delta", "--to", lake, "--run_id", run_id)
    for table, rows in ROWS.items():
        found = DeltaTable(lake / table)
        assert found.version() == 2
        data = pa.table(found.to_pyarrow_table())
        counts = {run_id: data["run_id"].to_pylist().count(run_id) for run_id in ("before", RUN)}
        assert counts == {"before": rows, RUN: rows}
        assert data.column_names[0] == "run_id" and set(data.column_names[1:]) == set(SCHEMAS[table].names)


def test_an_older_run_has_null_where_it_had_no_column(output, tmp_path):
    for path in (output / "key_values").glob("*/*.parquet"):
        table = pq.read_table(path, partitioning=None).drop_columns(["page_id", "table_row"])
        pq.write_table(table, path)
    shutil.rmtree(output / "failures")  # a table that its version did not have
    export(output, "jsonl")
    rows = [json.loads(line) for line in (run_files(output) / "key_values.jsonl").read_text().splitlines()]
    assert {row["page_id"] for row in rows} == {None} and rows[0]["key_text"]
    assert not (run_files(output) / "failures.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "csv", "--run_id", "gone"], "no finished run gone"),
        (["--format", "csv", "--run_id", "../x"], "no finished run"),
        (["--format", "duckdb", "--to", "gs://b/x.duckdb"], "on this machine"),
        (["--format", "delta"], "deltalake cannot write"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_written(output, arguments, said, capsys):
    assert main([str(output), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (output / "exports").exists()


@pytest.mark.parametrize("form", ["xlsx", "duckdb", "delta"])
def test_a_missing_package_is_named_with_its_extra(form, output, capsys, monkeypatch):
    package = {"xlsx": "xlsxwriter", "duckdb": "duckdb", "delta": "deltalake"}[form]
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, package)
    monkeypatch.setattr("sys.path", [])
    monkeypatch.setattr("sys.path_importer_cache", {})
    assert main([str(output), "--format", form]) == 2
    extra = "delta" if form == "delta" else "export"
    error = capsys.readouterr().err
    assert package in error and f"beam-kie[{extra}]" in error and error.count("\n") == 1


def test_files_of_a_large_shard_are_in_order(output):
    """The second file of a shard has a longer name, which sorts before that of the first."""
    (first,) = (output / "lines").glob(f"run_id={RUN}/*00001-of*")
    table = pq.read_table(first, partitioning=None)
    half = table.num_rows // 2
    pq.write_table(table.slice(0, half), first)
    pq.write_table(table.slice(half), first.with_name(f"{first.stem}-0001.parquet"))
    export(output, "jsonl")
    rows = [json.loads(line) for line in (run_files(output) / "lines.jsonl").read_text().splitlines()]
    assert [row["line_id"] for row in rows][-table.num_rows :] == table["line_id"].to_pylist()


def test_damaged_tables_are_named(output, capsys):
    path = next((output / "pages").glob(f"run_id={RUN}/*.parquet"))
    path.write_bytes(b"PAR1")
    assert main([str(output), "--format", "csv"]) == 2
    assert path.name in capsys.readouterr().err


def test_every_format_is_in_the_help(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(form in shown for form in WRITE)


def test_a_new_run_with_the_same_name_begins_without_old_exports(output):
    export(output, "csv")
    assert str(run_files(output)) in paths.run_folders(str(output), RUN)


FIELDS = b"""
[fields]
fee = { type = "amount", keys = ["Geb\xc3\xbchr"], required = true }
born = { type = "date", keys = ["Date of birth"] }
names = { type = "list", keys = ["\xe5\xa7\x93\xe5\x90\x8d"] }
"""


@pytest.fixture(scope="module")
def with_records(tmp_path_factory):
    """A run with the table records, whose columns are those of its fields."""
    folder = tmp_path_factory.mktemp("fields")
    write_run(folder, fields=parse_fields(FIELDS, "fields.toml"), overlays="none")
    return folder


def form_of(rows):
    return next(row for row in rows if row["uri"] == "gs://scans/form.jpg")


def test_records_are_exported_in_text_and_excel(with_records, tmp_path):
    for form in ("csv", "jsonl"):
        export(with_records, form, "--to", tmp_path, "--tables", "records")
    export(with_records, "xlsx", "--to", tmp_path / "x.xlsx", "--tables", "records")
    row = form_of(map(json.loads, (tmp_path / "records.jsonl").read_text(encoding="utf-8").splitlines()))
    assert (row["fee"], row["fee_currency"], row["born"], row["names"]) == (
        1234.5,
        "EUR",
        "2001-02-03",
        ["李雷"],
    )
    with (tmp_path / "records.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = form_of(csv.DictReader(file))
    assert (cells["fee"], cells["born"], json.loads(cells["names"])) == ("1234.5", "2001-02-03", ["李雷"])
    names, *found = openpyxl.load_workbook(tmp_path / "x.xlsx")["records"].iter_rows(values_only=True)
    cells = form_of(dict(zip(names, each, strict=True)) for each in found)
    assert (cells["fee"], str(cells["born"])[:10], json.loads(cells["names"])) == (
        1234.5,
        "2001-02-03",
        ["李雷"],
    )
    assert json.loads(cells["fee_source"])["page"] == 1


def test_records_are_exported_to_databases(with_records, tmp_path):
    export(with_records, "duckdb", "--to", tmp_path / "x.duckdb")
    with duckdb.connect(tmp_path / "x.duckdb", read_only=True) as connection:
        query = "SELECT fee, born, names FROM records WHERE uri LIKE '%form.jpg'"
        ((fee, born, names),) = connection.sql(query).fetchall()
    assert (float(fee), str(born), names) == (1234.5, "2001-02-03", ["李雷"])
    for _ in range(2):
        export(with_records, "delta", "--to", tmp_path / "lake", "--tables", "records")
    rows = pa.table(DeltaTable(tmp_path / "lake" / "records").to_pyarrow_table()).to_pylist()
    assert len(rows) == len({row["uri"] for row in rows})
    assert float(form_of(rows)["fee"]) == 1234.5
    export(with_records, "bigquery", "--to", tmp_path / "bigquery")
    assert (tmp_path / "bigquery" / "records.json").exists()


@pytest.fixture(params=["gcs_bucket", "s3_bucket"])
def bucket(request, output):
    """The address of the same run in object storage."""
    place = f"{request.getfixturevalue(request.param)}/kie"
    for path in output.rglob("*"):
        if path.is_file() and "review" not in path.parts:
            files.write_bytes(f"{place}/{path.relative_to(output)}", path.read_bytes())
    return place


def test_a_run_in_a_bucket_is_exported_there_and_elsewhere(bucket, output, tmp_path):
    export(output, "csv")
    export(bucket, "csv")
    export(bucket, "jsonl", "--to", f"{bucket}/other", "--tables", "key_values")
    export(bucket, "xlsx", "--to", tmp_path / "here.xlsx")
    export(output, "csv", "--to", f"{bucket}/from_disk")
    for table in ROWS:
        here = (run_files(output) / f"{table}.csv").read_bytes()
        assert files.read_bytes(f"{bucket}/exports/run_id={RUN}/{table}.csv") == here
        assert files.read_bytes(f"{bucket}/from_disk/{table}.csv") == here
    assert len(files.read_bytes(f"{bucket}/other/key_values.jsonl").splitlines()) == ROWS["key_values"]
    assert openpyxl.load_workbook(tmp_path / "here.xlsx")["key_values"].max_row == ROWS["key_values"] + 1


def test_bigquery_loads_from_buckets_of_google_alone(bucket, capsys):
    if bucket.startswith("gs://"):
        export(bucket, "bigquery")
        script = files.read_bytes(f"{bucket}/exports/run_id={RUN}/bigquery/load.sh").decode()
        assert f"{bucket}/key_values/run_id={RUN}/*.parquet" in script
    else:
        assert main([bucket, "--format", "bigquery"]) == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert files.list_files(f"{bucket}/exports") == []


def test_delta_tables_lie_in_a_bucket_too(output, s3_bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", os.environ["AWS_ENDPOINT_URL_S3"])
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    for _ in range(2):
        export(output, "delta", "--to", f"{s3_bucket}/lake", "--tables", "failures")
    table = DeltaTable(f"{s3_bucket}/lake/failures")
    assert table.to_pyarrow_table().num_rows == ROWS["failures"]
