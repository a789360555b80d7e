import os

import pytest

from beam_kie.tables.schema import SCHEMAS
from tests.parquet_files import write_parquet
from transforms import show
from transforms.runs import paths


def pair(document: str, index: int, value: str | None) -> dict:
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
        confidence=0.25,
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
        file.write("{}")
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
