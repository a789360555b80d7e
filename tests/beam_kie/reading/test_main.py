import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from beam_kie.reading.__main__ import main

ROOT = Path(__file__).resolve().parents[3]
FORM, BROKEN = str(ROOT / "samples" / "fr_application.jpg"), str(ROOT / "samples" / "broken.jpg")


def test_pairs_are_printed_as_a_table_and_doubtful_ones_are_marked(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([FORM, "--doubtful", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["page", "key", "value", "confidence"]
    pairs = lines[2:-1]
    assert len(pairs) > 5 and all(line.endswith(" ?") for line in pairs)
    assert lines[-1].startswith(f"{len(pairs)} rows of 1 page; {len(pairs)} below 1")
    assert main([FORM, "--doubtful", "0"]) == 0
    assert not [line for line in capsys.readouterr().out.splitlines()[2:-1] if line.endswith("?")]
    assert os.listdir(tmp_path) == []


def test_json_is_one_object_a_file(capsys):
    assert main([FORM, FORM, "--json"]) == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["name"] for document in documents] == [FORM, FORM]
    assert documents[0]["pages"][0]["pairs"]


def test_csv_has_a_row_for_every_pair(capsys):
    assert main([FORM, "--csv", "--doubtful", "0.9"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["file"] for row in rows} == {FORM}
    assert {row["doubtful"] for row in rows} == {"true", "false"}
    assert all((float(row["confidence"]) < 0.9) == (row["doubtful"] == "true") for row in rows)


def test_a_file_that_fails_is_one_line_and_the_others_are_printed(capsys):
    assert main([BROKEN, FORM, "/nowhere.png"]) == 1
    printed = capsys.readouterr()
    assert [line.split(": ")[2] for line in printed.err.splitlines()] == [
        "FILE_CORRUPT",
        "SOURCE_UNAVAILABLE",
    ]
    assert len(printed.out.splitlines()) > 5


@pytest.mark.parametrize("argument", ["--model=nowhere", "--max_pages=0", "--ocr_languages=x"])
def test_wrong_options_are_one_line(argument, capsys):
    assert main([FORM, argument]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and argument[2:].partition("=")[0].rpartition("_")[2] in error


def test_output_that_nobody_reads_any_more_is_no_traceback():
    command = f"{sys.executable} run_pipeline.py read {FORM} --json | true; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (141, "")
