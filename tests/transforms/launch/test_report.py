import re
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from beam_kie.document import Category, Document, Failure, Stage
from beam_kie.options import with_values
from beam_kie.tables.summary import RunSummary, to_json
from beam_kie.tables.tallies import DocumentTally, PageCounts
from tests.parquet_files import write_parquet
from transforms.config import JobConfig
from transforms.launch import report
from transforms.runs import paths


def sections(good: int, bad: int, documents_in: int | None = None) -> dict:
    """The counted part of a summary, as the job itself makes it."""
    run = RunSummary()
    counts = PageCounts.of(
        line_confidences=[0.9] * 3,
        entity_confidences=[0.8] * 2,
        pair_confidences=[0.5],
        labels=["QUESTION", "ANSWER"],
        keys_without_value=0,
    )
    for number in range(good):
        tally = DocumentTally()
        tally.add_page(Document(f"good{number}", "u", page_count=1), 1, counts)
        run.add(tally)
    for number in range(bad):
        tally = DocumentTally()
        tally.add_failure(Failure(f"bad{number}", "u", None, Stage.DECODE, Category.FILE_CORRUPT, "m"))
        run.add(tally)
    return run.sections(documents_in)


@pytest.fixture
def config(tmp_path, monkeypatch) -> JobConfig:
    monkeypatch.chdir(tmp_path)
    return JobConfig(output=str(tmp_path / "o'ut"), run_id="r", input=(f"{tmp_path}/scans/**",))


def test_table_says_what_came_out_and_where_it_is(config):
    times = {"stage_times": {"model": {"seconds": 2.04, "items": 9}, "ocr": {"seconds": 70, "items": 9}}}
    text = report.table(sections(good=1200, bad=1) | times, config, elapsed_s=75.4)
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in text.splitlines() if line}
    assert lines["documents"] == "1,201 (success 1,200, failure 1)"
    assert lines["pages"] == "1,200"
    assert lines["found"] == "3,600 lines, 2,400 entities, 1,200 key-value pairs (mean confidence 0.50)"
    assert lines["time"] == "1:15 min, 15.92 pages/s"
    assert lines["stages"] == "ocr 70.0 s, model 2.0 s"
    assert lines["failures"] == "FILE_CORRUPT 1"
    assert lines["tables"] == "o'ut/{documents,pages,lines,entities,key_values,failures}/run_id=r"
    assert lines["pictures"] == "o'ut/overlays/run_id=r"
    assert lines["summary"] == "o'ut/runs/run_id=r/summary.json"


def test_table_says_which_fields_are_missing(config):
    fields = with_values(config, fields="invoice")
    tally = DocumentTally(missing_fields=("total",))
    tally.add_page(Document("d", "u", page_count=1), 1, PageCounts())
    tally.add_failure(Failure("d", "u", None, Stage.FIELDS, Category.FIELD_MISSING, "m"))
    lacking = RunSummary().add(tally).sections()
    text = report.table(lacking, fields, 1)
    lines = {line.split()[0]: line.partition(" ")[2].strip() for line in text.splitlines() if line}
    assert "total 1" in lines["fields"]
    assert lines["documents"] == "1 (success 1)"
    assert "records" in lines["tables"]
    assert "failures" not in lines
    assert "lacks" in report.table(sections(1, 0), fields, 1)


def test_run_of_nothing_can_be_told_too(config):
    text = report.table(sections(good=0, bad=0), config, elapsed_s=0.0)
    assert "documents  0\n" in text and "0 key-value pairs\n" in text


def test_query_that_is_hinted_at_works(config):
    path = Path(paths.table_path(config.output, "key_values", "r", 0, 1))
    path.parent.mkdir(parents=True)
    path.write_bytes(write_parquet("key_values", []))
    text = report.table(sections(good=1, bad=0), config, elapsed_s=1)
    (query,) = re.findall(r'duckdb -c "(.*)"', text)
    assert duckdb.connect().execute(query).fetchdf().columns.to_list() == [
        "uri",
        "page",
        "key_text",
        "value_text",
        "confidence",
    ]


def test_failure_ratio_is_of_documents():
    assert report.failure_ratio(sections(good=3, bad=1)) == 0.25
    assert report.failure_ratio(sections(good=0, bad=0)) == 0.0


def test_lost_document_is_noticed():
    assert report.counts_add_up(sections(good=3, bad=1, documents_in=4))
    assert not report.counts_add_up(sections(good=3, bad=1, documents_in=5))


def test_summary_is_read_back(config):
    with pytest.raises(FileNotFoundError, match=r"left no .*summary\.json"):
        report.read_summary(config)
    path = Path(paths.summary_path(config.output, "r"))
    path.parent.mkdir(parents=True)
    path.write_bytes(to_json(sections(good=1, bad=1)))
    assert report.read_summary(config) == sections(good=1, bad=1)


def test_plan_names_input_model_runner_and_places(config):
    plan = report.plan(config, "FnApiRunner")
    shown = {line[:10].strip(): line[11:] for line in plan.splitlines()[1:]}
    assert shown["would read"] == "scans/**"
    assert {"bundled", "auto"} <= set(shown["model"].split())
    assert shown["OCR"] == config.ocr.engine
    assert shown["runner"] == "FnApiRunner"
    assert shown["summary"] == "o'ut/runs/run_id=r/summary.json"
    assert "GPUs" not in shown


@pytest.mark.parametrize("stage", ["fused", "separate"])
def test_plan_names_the_gpus_that_cost_money(config, stage):
    gpus = {"gpu_type": "nvidia-l4", "gpu_count": 2, "gpu_stage": stage, "gpu_machine_type": "g2-standard-8"}
    plan = report.plan(replace(config, **gpus), "DataflowRunner")
    (line,) = [line for line in plan.splitlines() if line.startswith("GPUs")]
    assert "2 nvidia-l4" in line
    assert ("g2-standard-8" in line) == (stage == "separate")


def test_launched_job_is_named(config):
    path = paths.summary_path(config.output, "r")
    for job_id in ("2026-1", None):
        text = report.launched(config, job_id)
        assert "run r" in text and path in text
        assert ("2026-1" in text) == (job_id is not None) and "None" not in text
