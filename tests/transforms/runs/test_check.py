import json
from datetime import UTC, datetime, timedelta

import pytest

from transforms.runs import check
from transforms.runs.check import problems

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SUMMARY = {
    "run_id": "night",
    "finished_at": "2026-03-02T02:00:00Z",
    "documents": {"in": 100, "failure": 4, "skipped": 20, "counts_add_up": True, "failure_ratio": 0.05},
}


def changed(**documents) -> dict:
    return SUMMARY | {"documents": SUMMARY["documents"] | documents}


def test_good_run_has_no_problem():
    assert problems(SUMMARY, now=NOW) == []
    limits = {"max_age": timedelta(hours=11), "max_failure_ratio": 0.05, "min_documents": 100}
    assert problems(SUMMARY, now=NOW, **limits) == []


@pytest.mark.parametrize(
    ("summary", "limits", "says"),
    [
        (SUMMARY, {"max_age": timedelta(hours=9)}, "10 hours ago"),
        (changed(counts_add_up=False), {}, "not accounted for"),
        (SUMMARY, {"max_failure_ratio": 0.04}, "4 of 80 documents failed"),
        (SUMMARY, {"min_documents": 101}, "it had 100 documents"),
    ],
)
def test_each_problem_is_told(summary, limits, says):
    (found,) = problems(summary, now=NOW, **limits)
    assert says in found


@pytest.fixture
def output(tmp_path):
    folder = tmp_path / "runs" / "run_id=night"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps(SUMMARY))
    return tmp_path


def test_exit_codes(output, capsys):
    assert check.main([str(output)]) == check.GOOD
    assert "100 documents, 4 failed, 20 skipped" in capsys.readouterr().out
    assert check.main([str(output), "--run_id=night", "--max_failure_ratio=0.01"]) == check.BAD
    assert check.main([str(output), "--max_age_hours=1"]) == check.BAD
    assert check.main([str(output), "--run_id=other"]) == check.BAD
    assert check.main([str(output / "nowhere")]) == check.BAD
    printed = capsys.readouterr()
    assert printed.out == "" and len(printed.err.splitlines()) == 4


@pytest.mark.parametrize("text", ["{}", "no json", '{"run_id": "night", "documents": {}}'])
def test_summary_that_is_none_is_bad(output, text, capsys):
    (output / "runs" / "run_id=night" / "summary.json").write_text(text)
    assert check.main([str(output)]) == check.BAD
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("flag", ["--max_failure_ratio=2", "--max_age_hours=0", "--min_documents=x"])
def test_arguments_are_checked(output, flag, capsys):
    with pytest.raises(SystemExit) as ended:
        check.main([str(output), flag])
    assert ended.value.code == check.WRONG_ARGUMENTS and flag.split("=")[0] in capsys.readouterr().err
