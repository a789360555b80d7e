"""The whole job in this process: real files, a real network of random weights, text from a file of lines."""

import io
import json
import os
import re
from collections import Counter
from pathlib import Path

import apache_beam as beam
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from PIL import Image, ImageDraw

from beam_kie.ocr import OcrOptions
from beam_kie.options import from_values
from transforms.config import JobConfig
from transforms.metrics import NAMESPACE
from transforms.pipeline import build
from transforms.progress import read_counts
from transforms.runs.paths import TABLES, summary_path, table_folder
from transforms.stages.inputs import normalise_inputs

COUNTERS = Path(__file__).parents[2] / "docs" / "counters.md"

RUNNERS = {
    "FnApi": ("FnApiRunner", []),
    "Direct": ("DirectRunner", []),
    "BundleBased": ("BundleBasedDirectRunner", ["--direct_runner_bundle_repeat=2"]),
    "multi_threading": ("FnApiRunner", ["--direct_num_workers=2", "--direct_running_mode=multi_threading"]),
    "multi_processing": (
        "FnApiRunner",
        ["--direct_num_workers=2", "--direct_running_mode=multi_processing"],
    ),
}

MAX_PIXELS = 90_000
MAX_BYTES = 400_000
MAX_PAGES = 3
LINES = ("Name: Li Lei", "Date", "2024-05-01")


def picture(mode="RGB", size=(200, 120)):
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(LINES):
        draw.text((10, 10 + 30 * number), line, fill="black")
    return image.convert(mode)


def encoded(image_format, mode="RGB", size=(200, 120), frames=1, **options):
    stream = io.BytesIO()
    more = {"save_all": True, "append_images": [picture(mode, size)] * (frames - 1)} if frames > 1 else {}
    picture(mode, size).save(stream, image_format, **more, **options)
    return stream.getvalue()


def broken_frame(tiff, frame):
    """A TIFF of uncompressed frames in which the strip of one frame lies behind the end of the file."""
    image = Image.open(io.BytesIO(tiff))
    image.seek(frame)
    offset = image.tag_v2[273][0]
    entry = tiff.index(offset.to_bytes(4, "little"), tiff.index(b"\x11\x01", image.tag_v2.offset or 8))
    return tiff[:entry] + (len(tiff) + 1000).to_bytes(4, "little") + tiff[entry + 4 :]


PNG, JPEG, PDF, TIFF = encoded("PNG"), encoded("JPEG"), encoded("PDF", frames=2), encoded("TIFF", frames=3)

# Thirty files: their bytes, how their document must end, and how many of its pages come through and fail.
FILES = {
    "ok.png": (PNG, "SUCCESS", 1, 0),
    "ok.jpg": (JPEG, "SUCCESS", 1, 0),
    "ok.bmp": (encoded("BMP"), "SUCCESS", 1, 0),
    "ok.webp": (encoded("WEBP"), "SUCCESS", 1, 0),
    "ok.tif": (TIFF, "SUCCESS", 3, 0),
    "ok.pdf": (PDF, "SUCCESS", 2, 0),
    "fax.tif": (encoded("TIFF", "1", compression="group4"), "SUCCESS", 1, 0),
    "grey.png": (encoded("PNG", "L"), "SUCCESS", 1, 0),
    "palette.png": (encoded("PNG", "P"), "SUCCESS", 1, 0),
    "cmyk.jpg": (encoded("JPEG", "CMYK"), "SUCCESS", 1, 0),
    "alpha.webp": (encoded("WEBP", "RGBA"), "SUCCESS", 1, 0),
    "really-a-png.jpg": (PNG, "SUCCESS", 1, 0),
    "no-extension": (JPEG, "SUCCESS", 1, 0),
    "deep/er/ok.png": (PNG, "SUCCESS", 1, 0),
    "名前 100%.png": (PNG, "SUCCESS", 1, 0),
    "blank.png": (encoded("PNG"), "SUCCESS", 1, 0),
    "four-pages.tif": (encoded("TIFF", frames=4), "PARTIAL", 3, 1),
    "broken-frame.tif": (broken_frame(TIFF, 1), "PARTIAL", 2, 1),
    "unread-page.tif": (TIFF, "PARTIAL", 2, 1),
    "unread.png": (PNG, "FAILURE", 0, 1),
    "too-many-pixels.png": (encoded("PNG", size=(400, 300)), "FAILURE", 0, 1),
    "cut-off.png": (PNG[: len(PNG) // 2], "FAILURE", 0, 1),
    "empty.png": (b"", "FAILURE", 0, 0),
    "text.png": (b"This is no picture at all.\n" * 9, "FAILURE", 0, 0),
    "page.html": (b"<html><img src='scan.png'></html>", "FAILURE", 0, 0),
    "archive.zip": (b"PK\x03\x04" + bytes(60), "FAILURE", 0, 0),
    "cut-off.pdf": (b"%PDF-1.7\n", "FAILURE", 0, 0),
    "header-only.png": (PNG[:8], "FAILURE", 0, 0),
    "header-only.tif": (TIFF[:8], "FAILURE", 0, 0),
    "too-large.png": (PNG + bytes(MAX_BYTES), "FAILURE", 0, 0),
}


def given_lines(uri, page):
    lines = [
        {"text": text, "box": [10, 10 + 30 * n, 150, 22 + 30 * n], "confidence": 0.9}
        for n, text in enumerate(LINES)
    ]
    return {"uri": uri, "page": page, "lines": lines}


@pytest.fixture(scope="module")
def scans(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    records = []
    for name, (data, *_) in FILES.items():
        path = folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        records += [given_lines(str(path), page) for page in (1, 2, 3, 4)]
    unread = {(str(folder / "files" / "unread.png"), 1), (str(folder / "files" / "unread-page.tif"), 2)}
    records = [record for record in records if (record["uri"], record["page"]) not in unread]
    for record in records:
        if record["uri"].endswith("blank.png"):
            record["lines"] = []
    (folder / "lines.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return folder


def config(scans, model, output, **changes):
    settings = {
        "input": normalise_inputs([str(scans / "files")]),
        "ocr_engine": "none",
        "ocr_lines": str(scans / "lines.jsonl"),
        "max_pixels": MAX_PIXELS,
        "max_file_bytes": MAX_BYTES,
        "max_pages": MAX_PAGES,
        "model": model,
        "device": "cpu",
        "dtype": "float32",
        # The smallest batches: what is found must not depend on which pages a worker puts together.
        "batch_tokens": 512,
        "num_shards": 2,
        **changes,
    }
    return from_values(JobConfig, {"output": str(output), "run_id": "test", **settings})


def run(settings, runner="FnApiRunner", flags=()):
    pipeline = beam.Pipeline(runner=runner, options=PipelineOptions(list(flags)))
    build(pipeline, settings)
    result = pipeline.run()
    result.wait_until_finish()
    return result


def table(settings, name):
    return pq.read_table(table_folder(settings.output, name, settings.run_id)).to_pylist()


def read_summary(settings):
    return json.loads(Path(summary_path(settings.output, settings.run_id)).read_text())


def all_files(settings):
    """The bytes of every file that a run leaves, but for the summary: that tells times."""
    folder = Path(settings.output)
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: data for name, data in files.items() if not name.endswith("summary.json")}


@pytest.fixture(scope="module")
def first_run(scans, small_model, tmp_path_factory):
    """A run of the job in this process: its configuration and what the runner says of it."""
    scratch = tmp_path_factory.mktemp("scratch")
    settings = config(scans, small_model, tmp_path_factory.mktemp("out"), scratch=str(scratch))
    return settings, run(settings)


@pytest.fixture(scope="module")
def finished(first_run):
    """The configuration of a run that has ended."""
    return first_run[0]


def test_counts_add_up(finished):
    summary = read_summary(finished)
    expected = Counter(status for _, status, _, _ in FILES.values())
    documents = summary["documents"]
    assert documents["in"] == len(FILES) == 30
    assert {name: documents[name.lower()] for name in expected} == expected
    assert documents["skipped"] == 0
    assert documents["in"] == sum(documents[name] for name in ("success", "partial", "failure", "skipped"))
    assert documents["counts_add_up"] is True
    assert summary["pages"]["ok"] == sum(ok for _, _, ok, _ in FILES.values())
    assert summary["pages"]["failed"] == sum(failed for _, _, _, failed in FILES.values())
    rows = {name: len(table(finished, name)) for name in TABLES}
    assert {name: section["rows"] for name, section in summary["tables"].items()} == rows
    assert rows["documents"] == 30
    assert rows["pages"] == summary["pages"]["ok"]
    assert rows["failures"] == summary["failures"]["total"]
    assert rows["entities"] == summary["found"]["entities"] > 0
    counts = read_counts(finished.scratch)
    assert (counts.done, counts.failed) == (summary["pages"]["ok"], summary["pages"]["failed"])
    assert counts.is_exact and counts.found == counts.opened == 30


@pytest.mark.parametrize("name", FILES)
def test_every_file_ends_as_it_must(finished, scans, name):
    _, status, ok, failed = FILES[name]
    uri = str(scans / "files" / name)
    (document,) = [row for row in table(finished, "documents") if row["uri"] == uri]
    assert document["status"] == status
    pages = [row["page"] for row in table(finished, "pages") if row["uri"] == uri]
    failures = [row for row in table(finished, "failures") if row["uri"] == uri]
    assert len(pages) == ok
    assert len([row for row in failures if row["page"] is not None]) == failed
    assert len([row for row in failures if row["page"] is None]) == (1 if ok + failed == 0 else 0)
    assert {row["document_id"] for row in failures} <= {document["document_id"]}
    assert all(row["message"] for row in failures)


def test_every_page_that_came_through_has_a_picture_and_failed_ones_after_decoding_too(finished, scans):
    expected = {(row["document_id"], row["page"]) for row in table(finished, "pages")}
    expected |= {
        (row["document_id"], row["page"]) for row in table(finished, "failures") if row["stage"] == "OCR"
    }
    pictures = (Path(finished.output) / "overlays" / "run_id=test").glob("*/p*.jpg")
    assert {(path.parent.name, int(path.stem[1:])) for path in pictures} == expected
    assert read_summary(finished)["overlays"]["written"] == len(expected)


def test_all_that_is_measured_is_documented(first_run):
    _, result = first_run
    found = result.metrics().query()
    measured = {
        metric.key.metric.name
        for kind in ("counters", "distributions")
        for metric in found[kind]
        if metric.key.metric.namespace == NAMESPACE
    }
    documented = set(re.findall(r"^\| `(\w+)`", COUNTERS.read_text("utf-8"), re.MULTILINE))
    assert {re.sub("^failures_.*", "failures_CATEGORY", name) for name in measured} == documented


def test_counters_equal_the_summary(first_run):
    settings, result = first_run
    summary, found = read_summary(settings), result.metrics().query()
    # Steps count for themselves; a name's total is the sum over its steps.
    counters = Counter()
    for counter in found["counters"]:
        if counter.key.metric.namespace == NAMESPACE:
            counters[counter.key.metric.name] += counter.committed
    assert counters["documents"] == summary["documents"]["in"]
    assert counters["pages_ok"] == summary["pages"]["ok"]
    assert counters["pages_failed"] == summary["pages"]["failed"]
    assert counters["entities"] == summary["found"]["entities"]
    assert counters["relations"] == summary["found"]["pairs"]
    assert counters["overlays_written"] == summary["overlays"]["written"]
    failures = {
        n.removeprefix("failures_").upper(): c for n, c in counters.items() if n.startswith("failures_")
    }
    assert failures == summary["failures"]["by_category"]
    timed = Counter()
    for distribution in found["distributions"]:
        timed[distribution.key.metric.name] += distribution.committed.count
    for stage in ("read", "decode", "overlay"):
        assert timed[f"{stage}_ms"] == summary["stage_times"][stage]["items"]


def test_every_stage_reports_its_time(finished):
    times = read_summary(finished)["stage_times"]
    decoded = sum(ok + failed for _, _, ok, failed in FILES.values())
    assert times["read"]["items"] == 30
    assert times["decode"]["items"] == decoded
    assert times["ocr"]["items"] == times["preview"]["items"]
    # All pages that came through but the blank one.
    assert times["model"]["items"] == read_summary(finished)["pages"]["ok"] - 1
    assert times["overlay"]["items"] == read_summary(finished)["overlays"]["written"]


@pytest.mark.parametrize("name", RUNNERS)
def test_every_runner_leaves_the_same_files(finished, scans, small_model, tmp_path_factory, name):
    # The run that is compared with kept its rows on disk, and so do others; this one shuffles them.
    scratch = None if name == "FnApi" else str(tmp_path_factory.mktemp("scratch"))
    # There no file was cut; here all long ones are, also where pages are missing or left out.
    cut = {"range_pages": 2 if name == "Direct" else 1}
    settings = config(scans, small_model, tmp_path_factory.mktemp("out"), scratch=scratch, **cut)
    run(settings, *RUNNERS[name])
    assert all_files(settings) == all_files(finished)
    for section in ("documents", "pages", "found", "failures"):
        assert read_summary(settings)[section] == read_summary(finished)[section]


def test_a_job_over_nothing_but_missing_files_ends_well(small_model, tmp_path):
    manifest = tmp_path / "manifest.csv"
    missing = [str(tmp_path / "gone.png"), str(tmp_path / "gone too.pdf")]
    manifest.write_text("uri\n" + "\n".join([*missing, missing[0]]))
    settings = JobConfig(
        output=str(tmp_path / "out"),
        run_id="test",
        manifest=str(manifest),
        ocr=OcrOptions(engine="none"),
        model=small_model,
        device="cpu",
        num_shards=1,
    )
    run(settings)
    failures = table(settings, "failures")
    assert sorted((row["uri"], row["category"]) for row in failures) == [
        (uri, "SOURCE_UNAVAILABLE") for uri in sorted(missing)
    ]
    documents = read_summary(settings)["documents"]
    assert (documents["in"], documents["failure"]) == (2, 2)


def test_scans_and_outputs_may_lie_in_a_bucket(scans, small_model, gcs_bucket, finished):
    from google.cloud import storage

    bucket = storage.Client(project="test").bucket(gcs_bucket.removeprefix("gs://"))
    lines = []
    for name, (data, *_) in FILES.items():
        bucket.blob(f"scans/{name}").upload_from_string(data)
    for row in (scans / "lines.jsonl").read_text("utf-8").splitlines():
        record = json.loads(row)
        name = os.path.relpath(record["uri"], scans / "files")
        lines.append(json.dumps({**record, "uri": f"{gcs_bucket}/scans/{name}"}) + "\n")
    bucket.blob("lines.jsonl").upload_from_string("".join(lines))
    settings = config(
        scans,
        small_model,
        f"{gcs_bucket}/out",
        input=(f"{gcs_bucket}/scans/**",),
        ocr_lines=f"{gcs_bucket}/lines.jsonl",
    )
    run(settings)
    summary = json.loads(bucket.blob("out/runs/run_id=test/summary.json").download_as_bytes())
    local = read_summary(finished)
    for section in ("documents", "pages", "found", "mean_confidence", "failures", "overlays"):
        assert summary[section] == local[section]
    before = {blob.name: blob.md5_hash for blob in bucket.list_blobs(prefix="out/")}
    run(settings)
    after = {blob.name: blob.md5_hash for blob in bucket.list_blobs(prefix="out/")}
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed <= {"out/runs/run_id=test/summary.json"}


@pytest.mark.parametrize(
    ("isolation", "steps"),
    [("off", ["/Decode/", "Run OCR/BeamML_RunInference"]), ("on", ["/Read in children/"])],
)
def test_pages_stay_in_one_stage_from_their_bytes_to_their_rows(
    scans, small_model, tmp_path, isolation, steps
):
    pipeline = beam.Pipeline(runner="FnApiRunner")
    build(pipeline, config(scans, small_model, tmp_path, page_isolation=isolation))
    _, stages = FnApiRunner().create_stages(pipeline.to_runner_api())
    reading = [stage for stage in stages if any(steps[0] in step.unique_name for step in stage.transforms)]
    assert len(reading) == 2, "for whole files, and for ranges of long ones"
    for stage in reading:
        names = "\n".join(step.unique_name for step in stage.transforms)
        for step in (*steps, "Run model/BeamML_RunInference", "Turn into rows", "Draw results"):
            assert step in names


def test_steps_have_names_in_words(scans, small_model, tmp_path):
    pipeline = beam.Pipeline(runner="FnApiRunner")
    build(pipeline, config(scans, small_model, tmp_path))
    top = [part.full_label for part in pipeline.transforms_stack[0].parts]
    assert len(top) > 5
    for name in top:
        # Beam's own names are those of classes and functions: MyTransform, Map(<lambda at ...>).
        assert re.fullmatch("[A-Z][A-Za-z, ]+", name) and " " in name, name


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_missing_model_is_reported_before_anything_runs(scans, small_model, tmp_path, missing):
    for name in {"config.json", "model.safetensors"} - {missing}:
        os.link(Path(small_model) / name, tmp_path / name)
    with pytest.raises(ValueError, match=missing):
        build(beam.Pipeline(runner="FnApiRunner"), config(scans, str(tmp_path), tmp_path / "out"))
