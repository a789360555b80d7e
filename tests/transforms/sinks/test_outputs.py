import hashlib
import json
import logging
from pathlib import Path

import apache_beam as beam
import duckdb
import pandas
import polars
import pytest
from apache_beam import coders
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import TaggedOutput

from beam_kie.document import Category, Document, Entity, FailedPage, PageResult, Stage, StageTime
from beam_kie.tables.conventions import ValueOptions
from beam_kie.tables.key_values import KEY_LABELS
from beam_kie.tables.schema import SCHEMAS
from tests import pages
from transforms.config import JobConfig
from transforms.runs import folders, paths
from transforms.sinks import overlays
from transforms.sinks.outputs import Streams, WriteOutputs
from transforms.storage import files

# form is well; of book, page 2 failed in the model and 3 is empty; bad was not decoded and gone not read.
NAMES = ("form.jpg", "book.pdf", "bad.jpg", "gone.jpg")


def streams():
    model_failure = pages.failure("book.pdf", 2, Stage.MODEL, Category.OUT_OF_MEMORY)
    return {
        "results": [
            pages.result("form.jpg"),
            pages.result("book.pdf", 1),
            pages.result("book.pdf", 3, form=[], links=[]),
        ],
        "failures": [
            pages.failure("bad.jpg"),
            pages.failure("gone.jpg", None, Stage.READ, Category.SOURCE_UNAVAILABLE),
            model_failure,
        ],
        "documents": [
            pages.document("form.jpg"),
            pages.document("book.pdf", 3),
            pages.document("bad.jpg", None),
        ],
        "failed_pages": [FailedPage(model_failure, pages.page_text("book.pdf", 2))],
        "sources": [pages.source(name) for name in NAMES],
        "times": [StageTime("ocr", 0.5), StageTime("ocr", 0.25), StageTime("read", 0.125)],
    }


def run(output, given=None, runner="FnApiRunner", flags=(), key_labels=KEY_LABELS, fields=None, **changes):
    """Write ``given`` (by stream) with a real runner; what summary.json says."""
    config = JobConfig(**({"output": str(output), "run_id": "r", "num_shards": 2} | changes))
    with beam.Pipeline(runner, options=PipelineOptions(list(flags))) as pipeline:
        made = {
            name: pipeline | f"Make {name}" >> beam.Create(values, reshuffle=False)
            for name, values in (given or streams()).items()
        }
        write = WriteOutputs(config, pages.PROVENANCE, key_labels=key_labels, fields=fields)
        _ = Streams(**made) | "Write outputs" >> write
    return json.loads(files.read_bytes(paths.summary_path(config.output, config.run_id), 10**6))


def written_files(output) -> dict[str, str]:
    """Every file of a run but its summary, which holds times, with the hash of its bytes."""
    found = {path: files.read_bytes(path, 10**7) for path in files.list_files(str(output))}
    prefix = f"{output}/"
    return {
        path.removeprefix(prefix): hashlib.sha256(data).hexdigest()
        for path, data in found.items()
        if not path.endswith("summary.json")
    }


def table(output, name):
    path = f"{output}/{name}/run_id=r/*.parquet"
    return duckdb.sql(f"SELECT * FROM read_parquet('{path}') ORDER BY 1").df()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """One run, and what its summary says."""
    output = tmp_path_factory.mktemp("written")
    return output, run(output)


def test_every_file_is_where_the_layout_says(written):
    output, _ = written
    tables = {f"{name}/run_id=r/part-{shard:05d}-of-00002.parquet" for name in SCHEMAS for shard in range(2)}
    form, book = (pages.document(name).document_id for name in ("form.jpg", "book.pdf"))
    pictures = {f"overlays/run_id=r/{form}/p0001.jpg"}
    pictures |= {f"overlays/run_id=r/{book}/p000{page}.jpg" for page in (1, 2, 3)}
    assert set(written_files(output)) == tables | pictures


def test_documents_end_as_they_should(written):
    documents = table(written[0], "documents").set_index("uri")
    assert documents["status"].to_dict() == {
        "gs://scans/form.jpg": "SUCCESS",
        "gs://scans/book.pdf": "PARTIAL",
        "gs://scans/bad.jpg": "FAILURE",
        "gs://scans/gone.jpg": "FAILURE",
    }
    book = documents.loc["gs://scans/book.pdf"]
    assert (book["page_count"], book["pages_ok"], book["pages_failed"], book["failure_count"]) == (3, 2, 1, 1)


def test_summary_is_what_the_tables_hold(written):
    output, summary = written
    assert summary["documents"] == {
        "in": 4,
        "success": 1,
        "partial": 1,
        "failure": 2,
        "skipped": 0,
        "counts_add_up": True,
        "failure_ratio": 0.5,
    }
    rows = {name: len(table(output, name)) for name in SCHEMAS}
    assert {name: entry["rows"] for name, entry in summary["tables"].items()} == rows
    assert summary["pages"]["ok"] == rows["pages"] == 3
    assert summary["pages"]["failed"] == 1
    assert summary["found"]["lines"] == rows["lines"] == 16
    assert summary["found"]["entities"] == rows["entities"]
    assert summary["found"]["pairs"] + summary["found"]["keys_without_value"] == rows["key_values"]
    assert summary["failures"]["total"] == rows["failures"] == 3
    mean = table(output, "lines")["confidence"].mean()
    assert summary["mean_confidence"]["lines"] == pytest.approx(mean, abs=1e-4)
    assert summary["overlays"] == {"written": 4}


def test_summary_says_what_ran_and_how_long(written):
    _, summary = written
    assert summary["provenance"]["model_revision"] == pages.PROVENANCE.model_revision
    assert summary["options"]["num_shards"] == 2
    assert "scratch" not in summary["options"]
    assert summary["stage_times"]["ocr"] == {"seconds": 0.75, "items": 2}
    assert summary["stage_times"]["overlay"]["items"] == 4
    assert summary["started_at"] <= summary["finished_at"]


def test_summary_is_written_last(tmp_path, order):
    run(tmp_path)
    assert order[-1] == paths.summary_path(str(tmp_path), "r")
    assert len(order) == 2 * len(SCHEMAS) + 4 + 1


RUNNERS = [
    ("DirectRunner", ()),
    ("FnApiRunner", ()),
    ("BundleBasedDirectRunner", ("--direct_runner_bundle_repeat=2",)),
    pytest.param(
        "FnApiRunner",
        ("--direct_running_mode=multi_processing", "--direct_num_workers=2"),
        marks=pytest.mark.slow,
    ),
]


@pytest.mark.parametrize("kept_on_disk", [False, True])
@pytest.mark.parametrize(("runner", "flags"), RUNNERS)
def test_every_runner_writes_the_same_bytes_also_when_it_replays_bundles(
    written, tmp_path, tmp_path_factory, monkeypatch, runner, flags, kept_on_disk
):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    scratch = tmp_path_factory.mktemp("scratch")
    summary = run(tmp_path, runner=runner, flags=flags, scratch=str(scratch) if kept_on_disk else None)
    assert any(scratch.iterdir()) == kept_on_disk
    assert written_files(tmp_path) == written_files(written[0])
    for key in ("documents", "pages", "found", "mean_confidence", "failures", "tables", "overlays"):
        assert summary[key] == written[1][key]


def test_order_of_arrival_does_not_change_a_byte(written, tmp_path):
    run(tmp_path, {name: values[::-1] for name, values in streams().items()})
    assert written_files(tmp_path) == written_files(written[0])


def test_pages_that_come_twice_count_once(written, tmp_path):
    # As those of a file that an attempt had begun, and the next one did again.
    summary = run(tmp_path, streams() | {"results": 2 * streams()["results"]})
    assert written_files(tmp_path) == written_files(written[0])
    for key in ("documents", "pages", "found", "tables", "overlays"):
        assert summary[key] == written[1][key]


def test_rerun_replaces_every_file(tmp_path):
    run(tmp_path)
    first = written_files(tmp_path)
    run(tmp_path)
    assert written_files(tmp_path) == first


def test_what_comes_twice_is_written_once(written, tmp_path):
    given = streams()
    given["results"] += given["results"]
    given["failures"] += given["failures"]
    given["documents"] += given["documents"]
    summary = run(tmp_path, given, overlays="none")
    tables = {path: hash_ for path, hash_ in written_files(tmp_path).items() if path.endswith(".parquet")}
    assert tables.items() <= written_files(written[0]).items()
    assert summary["documents"] == written[1]["documents"]
    assert summary["found"] == written[1]["found"]


def test_number_of_shards_changes_files_but_not_rows(written, tmp_path):
    run(tmp_path, num_shards=5, overlays="none")
    for name in SCHEMAS:
        assert len(list((tmp_path / name / "run_id=r").iterdir())) == 5
        pandas.testing.assert_frame_equal(table(tmp_path, name), table(written[0], name))


def test_rows_of_a_document_lie_in_one_shard(tmp_path):
    names = [f"scan{number}.jpg" for number in range(20)]
    run(
        tmp_path,
        {"results": [pages.result(n) for n in names], "failures": [], "documents": []},
        overlays="none",
    )
    query = f"SELECT document_id, count(DISTINCT filename) FROM read_parquet('{tmp_path}/lines/*/*.parquet', "
    counts = duckdb.sql(query + "filename=true) GROUP BY 1").fetchall()
    assert {count for _, count in counts} == {1}
    assert len(counts) == 20


def test_ambiguous_values_are_read_as_the_options_say(tmp_path):
    form = [("QUESTION", "Due", (0, 0, 9, 9)), ("ANSWER", "03/04/2021", (20, 0, 90, 9))]
    given = {"results": [pages.result(form=form, links=[(0, 1, 1.0)])], "failures": [], "documents": []}
    run(tmp_path, given, overlays="none", values=ValueOptions(date_order="mdy"))
    assert table(tmp_path, "key_values")["value_normalised"].tolist() == ["2021-03-04"]


def test_nothing_in_gives_all_tables_without_rows(tmp_path):
    summary = run(tmp_path, {"results": [], "failures": [], "documents": [], "sources": []})
    assert summary["documents"]["in"] == 0 and summary["documents"]["counts_add_up"]
    for name, schema in SCHEMAS.items():
        found = table(tmp_path, name)
        assert len(found) == 0 and [c for c in found.columns if c != "run_id"] == schema.names


class StaysCoder(coders.Coder):
    """Of values that must not leave the bundle that made them."""

    def encode(self, value):
        raise TypeError("a page was about to be shuffled")

    decode = encode

    def estimate_size(self, value):
        return 1

    def is_deterministic(self):
        return False


@beam.typehints.with_output_types(PageResult, failed_pages=FailedPage, documents=Document)
class MakePagesFn(beam.DoFn):
    def process(self, name):
        yield pages.result(name)
        failure = pages.failure(name, 2, Stage.MODEL)
        yield TaggedOutput("failed_pages", FailedPage(failure, pages.page_text(name, 2)))
        yield TaggedOutput("documents", pages.document(name, 2))


@pytest.mark.parametrize("runner", ["FnApiRunner", "DirectRunner"])
def test_pages_and_their_pictures_are_never_shuffled(tmp_path, monkeypatch, runner):
    known = dict(coders.registry._coders)
    monkeypatch.setattr(
        coders.registry, "_coders", known | dict.fromkeys((PageResult, FailedPage), StaysCoder)
    )
    config = JobConfig(output=str(tmp_path), run_id="r")
    with beam.Pipeline(runner) as pipeline:
        make = beam.ParDo(MakePagesFn()).with_outputs("failed_pages", "documents", main="results")
        made = pipeline | beam.Create(["a", "b"]) | make
        given = {name: getattr(made, name) for name in ("results", "failed_pages", "documents")}
        given["failures"] = made.failed_pages | beam.Map(lambda failed: failed.failure)
        _ = Streams(**given) | WriteOutputs(config, pages.PROVENANCE)
    assert len(list(tmp_path.glob("overlays/*/*/*.jpg"))) == 4


def test_keys_are_those_of_the_model(tmp_path, monkeypatch):
    """A key of another name that has no value is a row, and a pair in the picture."""
    drawn = []
    draw = overlays.draw_overlay
    monkeypatch.setattr(overlays, "draw_overlay", lambda *asked: drawn.append(asked[2:]) or draw(*asked))
    shipment = [("SHIPPER", "Lee Ltd.", (100, 200, 220, 240)), ("WEIGHT", "3 kg", (260, 200, 360, 240))]
    given = streams() | {"results": [pages.result("form.jpg", form=shipment, links=[])]}
    for keys in (("SHIPPER",), ("WEIGHT", "SHIPPER"), ("QUESTION",)):
        output = tmp_path / keys[0]
        run(output, given, key_labels=keys)
        rows = table(output, "key_values")
        assert set(rows["key_text"]) == {text for label, text, _ in shipment if label in keys}
        assert rows["value_text"].isna().all()
        assert drawn.pop() == (keys,)


@pytest.mark.parametrize(("mode", "pictures"), [("all", 4), ("failures", 1), ("none", 0)])
def test_overlays_option(tmp_path, mode, pictures):
    summary = run(tmp_path, overlays=mode)
    assert summary["overlays"]["written"] == pictures
    written = sorted(path.name for path in tmp_path.glob("overlays/*/*/*.jpg"))
    assert len(written) == pictures
    if mode == "failures":
        assert written == ["p0002.jpg"]


def test_picture_that_cannot_be_drawn_costs_a_failure_row_and_no_more(tmp_path):
    given = streams()
    given["results"][0] = pages.result("form.jpg", preview=None)
    summary = run(tmp_path, given)
    assert (summary["documents"]["success"], summary["documents"]["partial"]) == (0, 2)
    assert summary["failures"]["by_category"]["OVERLAY_FAILED"] == 1
    assert summary["pages"]["ok"] == 3
    assert summary["overlays"]["written"] == 3
    failures = table(tmp_path, "failures").set_index("stage")
    assert failures.loc["OVERLAY"]["uri"] == "gs://scans/form.jpg"
    assert not failures.loc["OVERLAY"]["retryable"]


def test_picture_that_cannot_be_written_is_worth_another_run(tmp_path, monkeypatch):
    write = files.write_bytes

    def full(path, data, *timeout, **where):
        if path.endswith(".jpg"):
            raise OSError("no space left on device")
        write(path, data, *timeout, **where)

    monkeypatch.setattr(files, "write_bytes", full)
    summary = run(tmp_path)
    assert summary["failures"]["by_stage"]["OVERLAY"] == 4
    assert summary["overlays"]["written"] == 0
    failures = table(tmp_path, "failures")
    assert failures[failures["stage"] == "OVERLAY"]["retryable"].all()


def test_page_that_no_table_can_hold_fails_alone(tmp_path):
    given = streams()
    broken = given["results"][1]
    unmeasured = Entity("ANSWER", "secret text", (0, 0, 1, 1, 1, 1), float("nan"), ())
    given["results"][1] = PageResult(broken.page, (unmeasured,))
    summary = run(tmp_path, given, overlays="none")
    assert summary["pages"] == {"ok": 2, "failed": 2, "not_read": 0, "failure_ratio": 0.5}
    failures = table(tmp_path, "failures")
    row = failures[failures["category"] == "MODEL_FAILED"].iloc[0]
    assert (row["stage"], row["page"]) == ("MODEL", 1)
    assert "secret" not in row["message"]


def test_lost_document_is_reported(tmp_path, caplog):
    given = streams()
    given["sources"].append(pages.source("lost.jpg"))
    with caplog.at_level(logging.ERROR):
        summary = run(tmp_path, given, overlays="none")
    assert not summary["documents"]["counts_add_up"]
    assert "5 documents went in, but 4 came out" in caplog.text


def test_skipped_documents_are_counted_as_such(tmp_path):
    given = streams()
    given["skipped"] = [pages.document("known.jpg")]
    given["sources"].append(pages.source("known.jpg"))
    summary = run(tmp_path, given, overlays="none")
    assert summary["documents"]["skipped"] == 1 and summary["documents"]["counts_add_up"]
    assert "SKIPPED" in set(table(tmp_path, "documents")["status"])


def test_pandas_and_polars_read_folders_as_they_are(written):
    output, _ = written
    for name, schema in SCHEMAS.items():
        one = pandas.read_parquet(output / name)
        other = polars.read_parquet(output / name / "**" / "*.parquet", hive_partitioning=True)
        assert len(one) == len(other) == len(table(output, name))
        for columns in (one.columns, other.columns):
            assert [column for column in columns if column != "run_id"] == schema.names
        assert set(one["run_id"]) == {"r"}
    pairs = polars.read_parquet(output / "key_values" / "**" / "*.parquet")
    assert (
        pairs.filter(polars.col("value_type") == "date")["value_normalised"].to_list() == ["2001-02-03"] * 2
    )
    assert pairs["key_polygon"].dtype == polars.List(polars.Float32)


def test_bucket_gets_the_same_bytes_and_a_rerun_the_same_again(written, gcs_bucket):
    output = f"{gcs_bucket}/kie"
    summary = run(output, flags=["--project=test"])
    assert written_files(output) == written_files(written[0])
    assert summary["output"] == output
    assert folders.run_exists(output, "r")
    run(output, flags=["--project=test"])
    assert written_files(output) == written_files(written[0])
    assert folders.clear_run(output, "r") == len(written_files(written[0])) + 1
    assert files.list_files(gcs_bucket) == []


def test_pages_of_a_document_that_was_never_described_are_not_lost(tmp_path):
    given = streams() | {"documents": []}
    summary = run(tmp_path, given, overlays="none")
    assert summary["documents"]["in"] == 4 and summary["documents"]["counts_add_up"]
    assert set(table(tmp_path, "documents")["uri"]) == {pages.source(name).uri for name in NAMES}
