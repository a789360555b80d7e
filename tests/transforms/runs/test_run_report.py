import json
import sys
from pathlib import Path

import pytest

from tests import small_runs
from transforms.runs.run_report import main

RUN = small_runs.RUN_ID


def set_summary(output, run_id, **values):
    path = output / "runs" / f"run_id={run_id}" / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.fixture
def output(tmp_path):
    folder = tmp_path / "out"
    for run_id, day in (("later", 3), ("before", 1), (RUN, 2)):
        small_runs.write_run(folder, shards=2, run_id=run_id)
        set_summary(folder, run_id, started_at=f"2026-01-0{day}T10:00:00Z", mean_confidence={"pairs": 0.5})
    return folder


def report_of(output, run_id=RUN):
    return (output / "review" / f"run_id={run_id}" / "report.html").read_text(encoding="utf-8")


def test_tables_are_counted_and_earlier_runs_shown(output, capsys):
    assert main([str(output), "--run_id", RUN]) == 0
    assert capsys.readouterr().out.strip() == str(output / "review" / f"run_id={RUN}" / "report.html")
    report = report_of(output)
    assert "7 pairs" not in report
    assert "of 8 pairs are below 0.5" in report  # nine rows, one of them without a value
    assert "of 4 pages have no pair" in report
    assert ">before<" in report and ">later<" not in report


def test_the_newest_run_is_taken_and_pictures_written(output, capsys):
    assert main([str(output), "--png"]) == 0
    page, *pictures = capsys.readouterr().out.split()
    assert f"run_id={RUN}" in page
    assert {path.rsplit("/", 1)[-1] for path in pictures} >= {"pair_confidence.png", "run_confidence.png"}
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_a_damaged_summary_of_another_run_is_left_out(output):
    (output / "runs" / "run_id=before" / "summary.json").write_text("{")
    assert main([str(output), "--run_id", RUN]) == 0
    assert ">before<" not in report_of(output)


def test_tables_without_rows_have_a_report(output):
    for table in ("key_values", "lines", "pages"):
        for path in (output / table / f"run_id={RUN}").iterdir():
            path.unlink()
    assert main([str(output), "--run_id", RUN]) == 0
    assert "pairs per page" in report_of(output)


@pytest.mark.parametrize("run_id", ["gone", "../x"])
def test_a_run_that_is_not_there_is_one_line(output, run_id, capsys):
    assert main([str(output), "--run_id", run_id]) == 2
    error = capsys.readouterr().err
    assert "no finished run" in error and error.count("\n") == 1


def test_damaged_tables_are_named(output, capsys):
    path = next((output / "pages" / f"run_id={RUN}").iterdir())
    path.write_bytes(b"PAR1")
    assert main([str(output), "--run_id", RUN]) == 2
    assert path.name in capsys.readouterr().err


def test_without_matplotlib_nothing_is_written(output, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib")
    monkeypatch.setattr("sys.path", [])
    monkeypatch.setattr("sys.path_importer_cache", {})
    assert main([str(output), "--png"]) == 2
    error = capsys.readouterr().err
    assert "beam-kie[report]" in error and error.count("\n") == 1
    assert not list(output.rglob("report.html"))
