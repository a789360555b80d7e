"""PaddleOCR's lines through real runners, from made-up results and through the whole job."""

import io
import json

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from PIL import Image

from tests import pages
from transforms.config import JobConfig
from transforms.pipeline import build
from transforms.runs import folders, paths
from transforms.sinks.outputs import WriteOutputs
from transforms.storage import files

RESULTS = [
    pages.result("book.pdf", 10),
    pages.result("form.jpg"),
    pages.result("book.pdf", 2),
    pages.result("book.pdf", 1, form=[], links=[]),
]
NAMES = ["book.pdf", "book.pdf#page=2", "book.pdf#page=10", "form.jpg"]


def run(output, results=RESULTS, runner="FnApiRunner", flags=(), labels=None, **changes):
    """Write ``results`` with a real runner; what summary.json says."""
    config = JobConfig(
        **({"output": str(output), "run_id": "r", "overlays": "none", "infer_txt": True} | changes)
    )
    more = {} if labels is None else {"labels": labels}
    with beam.Pipeline(runner, options=PipelineOptions(list(flags))) as pipeline:
        given = {"results": results, "failures": [], "documents": []}
        made = {
            name: pipeline | f"Make {name}" >> beam.Create(values, reshuffle=False)
            for name, values in given.items()
        }
        _ = made | WriteOutputs(config, pages.PROVENANCE, **more)
    return json.loads(files.read_bytes(paths.summary_path(str(output), "r"), 10**6))


def texts(output):
    return {path.name: path.read_bytes() for path in output.glob("infer_txt/run_id=r/*")}


def parsed(output, name):
    lines = texts(output)[name].decode().splitlines()
    return [(line.split("\t")[0], json.loads(line.split("\t")[1])["ocr_info"]) for line in lines]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """One run, and what its summary says."""
    output = tmp_path_factory.mktemp("written")
    return output, run(output)


def test_files_hold_every_page_by_name_and_number(written):
    output, summary = written
    assert set(texts(output)) == {"infer_ser.txt", "infer_ser_re.txt"}
    for name in texts(output):
        assert [uri for uri, _ in parsed(output, name)] == [f"gs://scans/{name}" for name in NAMES]
    assert [len(items) for _, items in parsed(output, "infer_ser.txt")] == [0, 8, 8, 8]
    assert [len(pairs) for _, pairs in parsed(output, "infer_ser_re.txt")] == [0, 3, 3, 3]
    assert summary["infer_txt"] == {"written": 2} and summary["options"]["infer_txt"]


@pytest.mark.parametrize(
    ("runner", "flags"),
    [("DirectRunner", ()), ("BundleBasedDirectRunner", ("--direct_runner_bundle_repeat=2",))],
)
def test_every_runner_writes_the_same_bytes_also_when_it_replays_bundles(written, tmp_path, runner, flags):
    run(tmp_path, RESULTS[::-1], runner, flags)
    assert texts(tmp_path) == texts(written[0])


def test_what_comes_twice_is_written_once_and_a_rerun_replaces(written, tmp_path):
    run(tmp_path, RESULTS[:1])
    run(tmp_path, RESULTS + RESULTS)
    assert texts(tmp_path) == texts(written[0])


def test_nothing_in_gives_empty_files(tmp_path):
    run(tmp_path, [])
    assert texts(tmp_path) == {"infer_ser.txt": b"", "infer_ser_re.txt": b""}


def test_nothing_is_written_unasked(tmp_path):
    summary = run(tmp_path, infer_txt=False)
    assert not (tmp_path / "infer_txt").exists()
    assert summary["infer_txt"] == {"written": 0}


def test_summary_waits_for_the_files(tmp_path, order):
    run(tmp_path)
    assert order[-1] == paths.summary_path(str(tmp_path), "r")
    assert {paths.infer_txt_path(str(tmp_path), "r", name) for name in ("infer_ser", "infer_ser_re")} < set(
        order
    )


def test_overwrite_removes_the_files(tmp_path):
    run(tmp_path)
    folders.clear_run(str(tmp_path), "r")
    assert not list(tmp_path.glob("infer_txt/*/*"))


def test_page_that_the_lines_cannot_hold_is_a_failure_and_others_are_written(tmp_path):
    summary = run(tmp_path, labels=["QUESTION", "ANSWER"])
    assert summary["failures"]["total"] == 0, "HEADER has its number wherever labels are XFUND's"
    summary = run(tmp_path, labels=["WEIGHT"])
    assert summary["failures"]["by_category"] == {"MODEL_FAILED": 3}
    assert [uri for uri, _ in parsed(tmp_path, "infer_ser.txt")] == ["gs://scans/book.pdf"]


def test_text_that_utf8_cannot_hold_costs_one_character(tmp_path):
    run(tmp_path, [pages.result(form=[("ANSWER", "a\ud800b", (0, 0, 9, 9))], links=[])])
    ((_, (item,)),) = parsed(tmp_path, "infer_ser.txt")
    assert item["transcription"] == "a?b"


def test_the_job_writes_lines_with_the_numbers_of_its_model(tmp_path, small_model):
    uri = tmp_path / "scan.png"
    uri.write_bytes(_png())
    given = {"uri": str(uri), "page": 1, "lines": [{"text": "Name: Li", "box": [10, 10, 100, 30]}]}
    (tmp_path / "lines.jsonl").write_text(json.dumps(given))
    config = JobConfig(
        output=str(tmp_path / "out"),
        run_id="r",
        input=(str(uri),),
        ocr_engine="none",
        ocr_lines=str(tmp_path / "lines.jsonl"),
        model=small_model,
        device="cpu",
        dtype="float32",
        overlays="none",
        infer_txt=True,
    )
    with beam.Pipeline("FnApiRunner", options=PipelineOptions([])) as pipeline:
        build(pipeline, config)
    ((name, (item,)),) = parsed(tmp_path / "out", "infer_ser.txt")
    assert name == str(uri)
    assert (item["transcription"], item["bbox"]) == ("Name: Li", [10, 10, 100, 30])
    assert (item["pred_id"], item["pred"]) in [(0, "O"), (1, "QUESTION"), (3, "ANSWER"), (5, "HEADER")]
    assert [page for page, _ in parsed(tmp_path / "out", "infer_ser_re.txt")] == [str(uri)]


def _png():
    stream = io.BytesIO()
    Image.new("RGB", (200, 120), "white").save(stream, "PNG")
    return stream.getvalue()
