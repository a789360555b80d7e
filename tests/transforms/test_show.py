import csv
import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from beam_kie.tables.schema import SCHEMAS
from tests.parquet_files import write_parquet
from transforms import show
from transforms.runs import paths

ROOT = Path(__file__).resolve().parents[2]


def pair(document: str, index: int, value: str | None, confidence: float = 0.25) -> dict:
    """A row of key_values; columns that are not shown get any value of their type."""
    row = {}
    for field in SCHEMAS["key_values"]:
        plain = {"string": "x", "int32": 1, "float": 0.5}.get(str(field.type), [0.0] * 8)
        row[field.name] = None if field.nullable else plain
    row.update(
        pair_id=f"{document}/{index}",
        document_id=document,
        uri=f"gs://b/{document}.png",
        pair_index=index,
        key_text=f"key {index}",
        value_text=value,
        confidence=confidence,
    )
    return row


def finished_run(output: str, run_id: str, shards: list[list[dict]], finished_at: int) -> None:
    for number, rows in enumerate(shards):
        path = paths.table_path(output, "key_values", run_id, number, len(shards))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(write_parquet("key_values", rows))
    summary = paths.summary_path(output, run_id)
    os.makedirs(os.path.dirname(summary), exist_ok=True)
    with open(summary, "w") as file:
        json.dump({"run_id": run_id}, file)
    os.utime(summary, (finished_at, finished_at))


@pytest.fixture
def output(tmp_path) -> str:
    output = str(tmp_path / "out [1]")
    finished_run(output, "z-first", [[pair("a", 0, "old")]], finished_at=1_000)
    shards = [[pair("b", 0, "v" * 100)], [pair("a", 0, "李雷"), pair("a", 1, None)]]
    finished_run(output, "a-second", shards, finished_at=2_000)
    return output


def test_newest_run_is_shown(output, capsys):
    assert show.main([output]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[2:4]] == [
        ["a.png", "1", "key", "0", "李雷", "0.25"],
        ["a.png", "1", "key", "1", "0.25"],
    ]
    assert "…" in lines[4]
    assert lines[5] == "3 of 3 rows of key_values in run a-second"


def test_run_and_number_of_rows_can_be_chosen(output, capsys):
    assert show.main([output, "--run_id", "z-first"]) == 0
    assert "old" in capsys.readouterr().out
    assert show.main([output, "--limit", "1"]) == 0
    assert capsys.readouterr().out.endswith("1 of 3 rows of key_values in run a-second\n")


def test_unfinished_run_is_not_shown(output, capsys):
    os.remove(paths.summary_path(output, "a-second"))
    assert show.main([output, "--run_id", "a-second"]) == 2
    assert "no finished run a-second" in capsys.readouterr().err


def test_folder_without_runs_is_reported(tmp_path, capsys):
    assert show.main([str(tmp_path)]) == 2
    assert "no finished run" in capsys.readouterr().err


@pytest.fixture
def doubtful(tmp_path) -> str:
    output = str(tmp_path / "doubtful")
    first = [pair("a", 0, "sure", 0.9), pair("a", 1, "unsure", 0.6)]
    finished_run(
        output, "r", [first, [pair("b", 0, "guess", 0.1), pair("b", 1, "=1+1", 0.8)]], finished_at=1_000
    )
    return output


def shown(capsys, *argv: str) -> list[str]:
    """The values that a table shows."""
    assert show.main(list(argv)) == 0
    return [line.split()[4] for line in capsys.readouterr().out.splitlines()[2:-1]]


def test_doubtful_pairs_can_be_chosen_the_least_certain_first(doubtful, capsys):
    assert shown(capsys, doubtful, "--doubtful", "0.7") == ["guess", "unsure"]
    assert show.main([doubtful, "--doubtful", "0.7", "--limit", "1"]) == 0
    assert capsys.readouterr().out.endswith("1 of 2 chosen of 4 rows of key_values in run r\n")
    assert shown(capsys, doubtful, "--doubtful", "0") == []


@pytest.mark.parametrize("name", ["b.png", "gs://b/b.png", "b.*"])
def test_files_can_be_chosen(doubtful, name, capsys):
    assert shown(capsys, doubtful, "--file", name) == ["guess", "=1+1"]


def test_a_part_of_a_name_gets_the_pattern_that_finds_it(doubtful, capsys):
    assert show.main([doubtful, "--file", "png"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert "0 chosen of 4" in last
    assert shown(capsys, doubtful, "--file", last.split("'")[1]) != []


def test_csv_has_all_rows_and_columns_of_the_table(doubtful, capsys):
    assert show.main([doubtful, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["value_text"]: row["confidence"] for row in rows} == {
        "sure": "0.9000",
        "unsure": "0.6000",
        "guess": "0.1000",
        "=1+1": "0.8000",
    }
    assert tuple(rows[0]) == show.CSV_COLUMNS and set(show.CSV_COLUMNS) <= set(SCHEMAS["key_values"].names)
    assert show.main([doubtful, "--csv", "--limit", "3", "--doubtful", "0.7"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize("argv", [["--doubtful", "7"], ["--doubtful", "nan"], ["--limit", "-1"]], ids=str)
def test_impossible_choices_are_refused(doubtful, argv, capsys):
    with pytest.raises(SystemExit) as stop:
        show.main([doubtful, *argv])
    assert stop.value.code == 2 and argv[0] in capsys.readouterr().err


def test_damaged_tables_and_summaries_are_one_line(doubtful, capsys):
    table = paths.table_path(doubtful, "key_values", "r", 1, 2)
    Path(table).write_bytes(b"PAR1 no more")
    for argv in ([doubtful], [doubtful, "--csv"]):
        assert show.main(argv) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "part-" in error
    Path(paths.summary_path(doubtful, "r")).write_text("[")
    assert show.main([doubtful]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("place", ["missing", "a file"])
def test_what_is_no_output_folder_is_one_line(place, tmp_path, capsys):
    (tmp_path / "a file").write_text("x")
    assert show.main([str(tmp_path / place)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and place in error


def test_storage_that_cannot_be_reached_is_one_line():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
        environment = {**os.environ, **keys, "AWS_ENDPOINT_URL_S3": nobody, "AWS_MAX_ATTEMPTS": "1"}
        ran = subprocess.run(
            [sys.executable, "-m", "transforms.show", "s3://bucket/out", "--storage_timeout_s", "1"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
    assert ran.returncode == 1, ran.stderr
    assert ran.stderr.count("\n") == 1 and "s3://bucket/out" in ran.stderr
