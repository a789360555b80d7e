"""``beam-kie fields`` on runs that real sinks wrote."""

import csv
import dataclasses
import datetime
import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from beam_kie.fields.files import READY_MADE, parse_fields
from tests import pages
from tests.transforms.sinks.test_outputs import run
from tests.transforms.sinks.test_records import FIELDS, TOML, given
from transforms.fields.__main__ import main
from transforms.runs import paths
from transforms.storage import files


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> Path:
    """A run that looked for the fields."""
    folder = tmp_path_factory.mktemp("out")
    run(folder, given(), fields=FIELDS)
    return folder


@pytest.fixture
def fields(tmp_path) -> Path:
    path = tmp_path / "fields.toml"
    path.write_text(TOML, encoding="utf-8")
    return path


def rows_of(path: Path) -> dict[str, dict]:
    with open(path, newline="", encoding="utf-8-sig") as file:
        return {Path(row["uri"]).name: row for row in csv.DictReader(file)}


def written(output, tmp_path, *flags, name="a.csv"):
    path = tmp_path / name
    assert main([str(output), "-o", str(path), *flags]) == 0
    return path


def test_every_document_is_a_row_in_the_order_of_names(output, tmp_path, capsys):
    rows = rows_of(written(output, tmp_path))
    assert list(rows) == ["bad.jpg", "book.pdf", "form.jpg", "gone.jpg", "note.jpg", "old.jpg", "pages.pdf"]
    form, note = rows["form.jpg"], rows["note.jpg"]
    assert (form["fee"], form["fee_currency"], form["born"]) == ("1234.5", "EUR", "2001-02-03")
    assert json.loads(rows["pages.pdf"]["names"]) == ["李雷", "李雷"]
    assert (note["status"], note["fee"], note["missing"]) == ("SUCCESS", "", "fee")
    assert note["problem"].startswith("FIELD_MISSING: ")
    assert rows["bad.jpg"]["status"] == "FAILURE"
    assert rows["bad.jpg"]["problem"].startswith("FILE_CORRUPT: ")
    assert not [name for name in form if name.endswith("_source")]
    assert "7 documents" in capsys.readouterr().out


def test_the_picture_is_that_of_the_page_to_look_at(output, tmp_path):
    rows = rows_of(written(output, tmp_path))
    for name in ("form.jpg", "note.jpg", "book.pdf", "pages.pdf"):
        assert Path(rows[name]["picture"]).is_file()
    assert rows["bad.jpg"]["picture"] == ""


def test_fields_that_are_found_after_the_run_are_those_of_the_run(output, tmp_path, fields):
    own = written(output, tmp_path, name="own.parquet")
    anew = written(output, tmp_path, "--fields", str(fields), name="anew.parquet")
    assert pq.read_table(own).equals(pq.read_table(anew))
    form = pq.read_table(own).to_pylist()[2]
    assert (form["fee"], form["born"]) == (Decimal("1234.5"), datetime.date(2001, 2, 3))


def test_what_is_missing_is_told_of_the_fields_that_are_asked_for(output, tmp_path):
    path = tmp_path / "other.toml"
    path.write_text('[fields.colour]\ntype = "text"\nkeys = ["Colour"]\nrequired = true\n')
    rows = rows_of(written(output, tmp_path, "--fields", str(path)))
    for name in ("form.jpg", "note.jpg"):
        assert rows[name]["problem"].count("FIELD_MISSING") == 1
        assert "colour" in rows[name]["problem"] and "fee" not in rows[name]["problem"]


def test_json_lines_have_everything(output, tmp_path):
    lines = written(output, tmp_path, name="a.jsonl").read_text(encoding="utf-8").splitlines()
    form = json.loads(lines[2])
    assert (form["fee"], form["fee_source"]["key"], form["missing"]) == (1234.5, "Gebühr", [])


def test_details_can_be_in_csv(output, tmp_path):
    row = rows_of(written(output, tmp_path, "--details"))["form.jpg"]
    assert json.loads(row["fee_source"])["page"] == 1


def test_without_a_file_csv_is_printed(output, capfdbinary):
    assert main([str(output)]) == 0
    assert b"form.jpg" in capfdbinary.readouterr().out


def test_a_skipped_document_has_the_values_of_the_run_that_read_it(tmp_path, fields):
    skipped = dataclasses.replace(pages.document("form.jpg"), result_run_id="first")
    for before in (False, True):
        out = tmp_path / f"out-{before}"
        if before:
            first = given() | {"skipped": []}
            run(out, first, run_id="first", fields=parse_fields(TOML.encode(), "f.toml"))
        later = {"results": [], "failures": [], "documents": [], "skipped": [skipped]}
        run(out, later, fields=parse_fields(TOML.encode(), "f.toml"))
        row = rows_of(written(out, tmp_path, "--run_id", "r"))["form.jpg"]
        assert (row["status"], row["fee"]) == ("SKIPPED", "1234.5" if before else "")


def test_a_run_without_fields_says_how_to_name_them(tmp_path, capsys, fields):
    run(tmp_path / "out", given())
    assert main([str(tmp_path / "out"), "-o", str(tmp_path / "a.csv")]) == 2
    assert "--fields" in capsys.readouterr().err
    assert not (tmp_path / "a.csv").exists()
    assert (
        rows_of(written(tmp_path / "out", tmp_path, "--fields", str(fields)))["form.jpg"]["fee"] == "1234.5"
    )


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--run_id", "none"], "no finished run none"),
        (["--run_id", "../r"], "no finished run"),
        (["--fields", "invoce"], "invoice"),
        (["-o", "a.xlsx"], ".csv"),
    ],
)
def test_mistakes_are_one_line(output, flags, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([str(output), *flags]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_folder_without_runs_and_none_at_all_are_told(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert main([]) == 2
    assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.parametrize("name", READY_MADE)
def test_ready_made_files_are_printed_to_start_from(name, capsys):
    assert main(["--example", name]) == 0
    assert parse_fields(capsys.readouterr().out.encode(), "f").fields


def test_the_review_and_the_tables_of_the_run_stay_as_they_are(output, tmp_path):
    before = sorted(str(path) for path in output.rglob("*"))
    written(output, tmp_path)
    assert sorted(str(path) for path in output.rglob("*")) == before
    assert Path(paths.table_folder(str(output), "records", "r")).is_dir()


@pytest.mark.parametrize("storage", ["gcs_bucket", "s3_bucket"])
def test_a_run_in_a_bucket_and_a_file_there(storage, output, request, tmp_path):
    bucket = request.getfixturevalue(storage)
    for path in output.rglob("*.parquet"):
        files.write_bytes(f"{bucket}/kie/{path.relative_to(output)}", path.read_bytes())
    summary = paths.summary_path(str(output), "r")
    files.write_bytes(paths.summary_path(f"{bucket}/kie", "r"), Path(summary).read_bytes())
    files.write_bytes(f"{bucket}/fields.toml", TOML.encode())
    assert main([f"{bucket}/kie", "--fields", f"{bucket}/fields.toml", "-o", f"{bucket}/a.csv"]) == 0
    here = written(output, tmp_path).read_text(encoding="utf-8-sig").splitlines()
    there = files.read_bytes(f"{bucket}/a.csv").decode("utf-8-sig").splitlines()
    assert len(there) == len(here)
    assert here[0] == there[0]
