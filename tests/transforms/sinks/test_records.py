"""Records and warnings of whole runs, written by real runners."""

# pyright: reportOptionalMemberAccess=false

import datetime
import json
from decimal import Decimal

import duckdb
import pytest

from beam_kie.document import Category, Stage
from beam_kie.fields.files import parse_fields
from beam_kie.fields.options import FieldOptions
from beam_kie.options import from_values
from tests import pages
from tests.transforms.sinks.test_outputs import run, streams, table, written_files
from transforms.runs import paths

TOML = """
[fields.fee]
type = "amount"
keys = ["Gebühr"]
required = true

[fields.born]
type = "date"
keys = ["Date of birth"]

[fields.names]
type = "list"
keys = ["姓名"]
"""
FIELDS = parse_fields(TOML.encode(), "fields.toml")


def given():
    """form has all; note lacks the fee; book has it on page 1 alone; bad and gone failed; old was skipped."""
    found = streams()
    found["results"].append(pages.result("note.jpg", form=pages.FORM[:5], links=pages.LINKS[:2]))
    found["results"].append(pages.result("pages.pdf", 1, form=pages.FORM[:5], links=pages.LINKS[:2]))
    found["results"].append(pages.result("pages.pdf", 2))
    found["documents"] += [pages.document("note.jpg"), pages.document("pages.pdf", 2)]
    found["skipped"] = [pages.document("old.jpg")]
    found["sources"] += [pages.source(name) for name in ("note.jpg", "pages.pdf", "old.jpg")]
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """One run with fields, and what its summary says."""
    output = tmp_path_factory.mktemp("written")
    return output, run(output, given(), fields=FIELDS)


def records(output):
    rows = table(output, "records").set_index("uri")
    return {uri.rsplit("/", 1)[-1]: row for uri, row in rows.iterrows()}


def test_every_document_has_one_record_with_its_status(written):
    statuses = {name: row["status"] for name, row in records(written[0]).items()}
    assert statuses == {
        "form.jpg": "SUCCESS",
        "note.jpg": "SUCCESS",
        "pages.pdf": "SUCCESS",
        "book.pdf": "PARTIAL",
        "bad.jpg": "FAILURE",
        "gone.jpg": "FAILURE",
        "old.jpg": "SKIPPED",
    }


def test_values_of_all_pages_of_a_document_are_together(written):
    found = records(written[0])
    for name in ("form.jpg", "pages.pdf"):
        assert found[name]["fee"] == Decimal("1234.5")
        assert found[name]["born"].date() == datetime.date(2001, 2, 3)
    assert found["pages.pdf"]["fee_source"]["page"] == 2
    assert list(found["pages.pdf"]["names"]) == ["李雷", "李雷"]
    assert [source["page"] for source in found["pages.pdf"]["names_source"]] == [1, 2]


def test_a_missing_field_is_a_warning_and_nothing_else_changes(written):
    output, _ = written
    failures = table(output, "failures").set_index("uri")
    warning = failures.loc["gs://scans/note.jpg"]
    assert (warning["stage"], warning["category"]) == (Stage.FIELDS, Category.FIELD_MISSING)
    assert (warning["severity"], warning["retryable"]) == ("warning", False)
    assert set(failures.loc[failures["severity"] == "error"].index) == {
        "gs://scans/book.pdf",
        "gs://scans/bad.jpg",
        "gs://scans/gone.jpg",
    }
    note = table(output, "documents").set_index("uri").loc["gs://scans/note.jpg"]
    assert (note["status"], note["failure_count"], note["warning_count"]) == ("SUCCESS", 0, 1)
    assert list(records(output)["note.jpg"]["missing"]) == ["fee"]


def test_documents_in_are_those_that_ended_and_warnings_are_counted_apart(written):
    _, summary = written
    documents = summary["documents"]
    assert documents["counts_add_up"]
    ended = sum(documents[status] for status in ("success", "partial", "failure", "skipped"))
    assert documents["in"] == ended == summary["tables"]["records"]["rows"] == 7
    assert summary["failures"]["total"] == 3
    assert summary["warnings"] == {"total": 1, "by_category": {"FIELD_MISSING": 1}}
    assert summary["tables"]["failures"]["rows"] == 3 + 1
    assert summary["fields"]["missing"] == {"fee": 1}


@pytest.mark.parametrize(
    "flags",
    [
        ("--direct_num_workers=2", "--direct_running_mode=multi_threading"),
        ("--direct_num_workers=2", "--direct_running_mode=multi_processing"),
    ],
)
def test_threads_and_processes_write_the_same_bytes(written, tmp_path, flags):
    run(tmp_path, given(), runner="DirectRunner", flags=flags, fields=FIELDS)
    assert written_files(tmp_path) == written_files(written[0])


def test_rows_wait_in_files_where_workers_share_a_disk(written, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    run(tmp_path / "out", given(), fields=FIELDS, scratch=str(scratch))
    assert written_files(tmp_path / "out") == written_files(written[0])


def test_without_fields_there_are_no_records(tmp_path):
    summary = run(tmp_path, given())
    assert "records" not in summary["tables"]
    assert summary["warnings"]["total"] == 0


def test_records_are_written_as_text_too(tmp_path):
    run(tmp_path, given(), fields=FIELDS, csv=True, jsonl=True)
    lines = (tmp_path / "exports" / "run_id=r" / "records.jsonl").read_text().splitlines()
    by_uri = {record["uri"]: record for record in map(json.loads, lines)}
    form = by_uri["gs://scans/form.jpg"]
    assert (form["fee"], form["born"], form["fee_source"]["key"]) == (1234.5, "2001-02-03", "Gebühr")
    table = duckdb.sql(f"SELECT * FROM '{tmp_path}/exports/run_id=r/records.csv'").df().set_index("uri")
    assert table.loc["gs://scans/form.jpg"]["fee"] == 1234.5


def test_a_rerun_removes_records(tmp_path):
    assert paths.table_folder("out", "records", "r") in paths.run_folders("out", "r")


GOODS = [
    *[
        ("QUESTION", text, (left, 100, left + 90, 130))
        for text, left in (("Item", 100), ("Qty", 300), ("Sum", 500))
    ],
    *[
        ("ANSWER", text, (left, 150, left + 60, 180))
        for text, left in (("Bolts", 100), ("12", 310), ("3.00", 510))
    ],
    *[
        ("ANSWER", text, (left, 200, left + 60, 230))
        for text, left in (("Nuts", 100), ("7", 310), ("9.50", 510))
    ],
]
GOODS_LINKS = [(place % 3, place, 0.9) for place in range(3, 9)]


@pytest.mark.parametrize("changes", [{"fields": FIELDS}, {"table_cells": True}])
def test_cells_of_tables_are_rows(tmp_path, changes):
    fields = changes.pop("fields", None)
    wanted = from_values(FieldOptions, {"fields": "mine" if fields else None} | changes)
    found = given()
    found["results"][0] = pages.result("form.jpg", form=GOODS, links=GOODS_LINKS)
    summary = run(tmp_path, found, fields=fields, records=wanted)
    rows = table(tmp_path, "table_cells")
    assert summary["tables"]["table_cells"]["rows"] == len(rows) == 9
    body = rows[~rows["is_header"]].sort_values("cell_id")
    assert list(body["header"]) == ["Item", "Qty", "Sum"] * 2
    assert list(body["text"]) == ["Bolts", "12", "3.00", "Nuts", "7", "9.50"]
    assert set(rows["uri"]) == {"gs://scans/form.jpg"}
