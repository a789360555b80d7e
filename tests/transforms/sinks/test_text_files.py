"""--csv and --jsonl with real runners; what the files hold is tested in tests/beam_kie/exports."""

import csv
import json

import apache_beam as beam
import duckdb
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from beam_kie.tables.schema import SCHEMAS
from tests import pages
from transforms.config import JobConfig
from transforms.runs import paths
from transforms.sinks.outputs import Streams, WriteOutputs

NAMES = [f"scan{number}.jpg" for number in range(5)]


def run(output, runner="FnApiRunner", flags=(), **changes):
    config = JobConfig(output=str(output), run_id="r", num_shards=3, overlays="none", **changes)
    with beam.Pipeline(runner, options=PipelineOptions(list(flags))) as pipeline:
        made = {
            "results": [pages.result(name) for name in NAMES],
            "failures": [pages.failure("bad.jpg")],
            "documents": [pages.document(name) for name in (*NAMES, "bad.jpg")],
        }
        streams = {
            name: pipeline | f"Make {name}" >> beam.Create(values, reshuffle=False)
            for name, values in made.items()
        }
        _ = Streams(**streams) | "Write outputs" >> WriteOutputs(config, pages.PROVENANCE)
    summary = json.loads((output / "runs" / "run_id=r" / "summary.json").read_text())
    return {path.name: path.read_bytes() for path in (output / "exports").rglob("*.*")}, summary


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    output = tmp_path_factory.mktemp("written")
    return output, *run(output, csv=True, jsonl=True)


def test_every_table_is_a_file_in_both_forms(written):
    output, found, summary = written
    assert set(found) == {f"{table}.{form}" for table in SCHEMAS for form in ("csv", "jsonl")}
    assert summary["exports"] == {"written": len(found)}
    for table in SCHEMAS:
        where = f"{output}/{table}/run_id=r/*.parquet"
        ((count,),) = duckdb.sql(f"SELECT count(*) FROM read_parquet('{where}')").fetchall()
        rows = [json.loads(line) for line in found[f"{table}.jsonl"].splitlines()]
        cells = list(csv.reader(found[f"{table}.csv"].decode("utf-8-sig").splitlines()))
        assert len(rows) == len(cells) - 1 == count == summary["tables"][table]["rows"]


@pytest.mark.parametrize(
    ("runner", "flags"),
    [
        ("BundleBasedDirectRunner", []),
        ("FnApiRunner", ["--direct_num_workers=2", "--direct_running_mode=multi_threading"]),
    ],
)
def test_other_runners_write_the_same(written, runner, flags, tmp_path):
    found, _ = run(tmp_path, runner, flags, csv=True, jsonl=True)
    assert found == written[1]


def test_one_form_alone_and_none_at_all(tmp_path):
    found, summary = run(tmp_path / "a", csv=True)
    assert {name.rsplit(".")[-1] for name in found} == {"csv"}
    found, summary = run(tmp_path / "b")
    assert found == {} and summary["exports"] == {"written": 0}


def test_exports_lie_in_a_folder_that_goes_with_the_run(tmp_path):
    assert paths.export_folder(str(tmp_path), "r") in paths.run_folders(str(tmp_path), "r")
