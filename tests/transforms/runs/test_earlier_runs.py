"""What earlier runs have done: real tables of real outputs, real joins, on this machine and on gs://."""

import json
import os
import pickle
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import TaggedOutput
from apache_beam.testing.util import assert_that, equal_to

from beam_kie.document import Document, SourceFile, document_id
from beam_kie.options import from_values
from beam_kie.tables.tallies import DocumentTally
from tests.earlier import DAYS, PROVENANCE, failure_of, tally_of, write_run
from tests.ledgers import in_two, parted
from transforms.config import JobConfig
from transforms.ptransform import outputs_of
from transforms.runs import earlier_runs, folders, paths
from transforms.runs.earlier_runs import FailedSources, OnlyNamed
from transforms.runs.finished_runs import UnreadableRunError, find_summary
from transforms.runs.ledger.plan import EarlierRun, make_plan
from transforms.runs.ledger.skipping import (
    OnlyNew,
)
from transforms.stages.finding import look_at
from transforms.stages.reading import describe
from transforms.storage import files


def config(output, **changes) -> JobConfig:
    return from_values(JobConfig, {"output": str(output), "run_id": "now", "list_skipped": True, **changes})


@pytest.fixture
def scans(tmp_path):
    """Three local files, by name."""
    made = {}
    for name in ("a", "b", "c"):
        made[name] = tmp_path / "scans" / f"{name}.png"
        made[name].parent.mkdir(exist_ok=True)
        made[name].write_bytes(f"scan {name}".encode())
    return made


def through_pipeline(settings, sources, flags=()):
    """What ``parted`` says, from a real run of OnlyNew."""
    with tempfile.TemporaryDirectory() as folder:
        with beam.Pipeline("FnApiRunner", options=PipelineOptions(list(flags))) as pipeline:
            made = pipeline | beam.Create(sources, reshuffle=False).with_output_types(SourceFile)
            found = outputs_of(made | OnlyNew(settings, PROVENANCE))
            _ = found["new"] | "Keep new" >> beam.Map(keep, folder)
            _ = found["skipped"] | "Keep skipped" >> beam.Map(
                lambda one: keep(TaggedOutput("skipped", one), folder)
            )
        return in_two(kept(folder))


def keep(one, folder):
    (Path(folder) / uuid.uuid4().hex).write_bytes(pickle.dumps(one))


def kept(folder):
    return [pickle.loads(path.read_bytes()) for path in Path(folder).iterdir()]


def sources_of(paths):
    return [look_at(str(path), 10) for path in paths]


def test_what_is_done_is_skipped_and_named(tmp_path, scans):
    write_run(tmp_path, "mon", [tally_of(scans["a"]), tally_of(scans["b"])])
    new, skipped = parted(config(tmp_path), sources_of(scans.values()))
    assert (new, sorted(skipped)) == (["c"], ["a", "b"])
    done = describe(look_at(str(scans["a"]), 10), b"scan a")
    assert skipped["a"] == replace(done, page_count=1, result_run_id="mon")


@pytest.mark.parametrize(
    "flags", [[], ["--direct_num_workers=2", "--direct_running_mode=multi_threading"]], ids=["one", "two"]
)
def test_runs_are_joined_on_the_workers(tmp_path, scans, flags):
    write_run(tmp_path, "mon", [tally_of(scans["a"]), tally_of(scans["b"])])
    write_run(tmp_path, "tue", [tally_of(scans["a"])])
    settings, sources = config(tmp_path), sources_of(scans.values())
    new, skipped = through_pipeline(settings, sources, flags)
    assert (new, skipped) == parted(settings, sources)
    assert (new, skipped["a"].result_run_id, skipped["b"].result_run_id) == (["c"], "tue", "mon")


def test_without_earlier_runs_all_is_new(tmp_path, scans):
    assert through_pipeline(config(tmp_path), sources_of(scans.values())) == (["a", "b", "c"], {})


def test_other_bytes_of_the_same_size_and_time_are_new(tmp_path, scans):
    write_run(tmp_path, "mon", [tally_of(path) for path in scans.values()])
    before = scans["a"].stat()
    scans["a"].write_bytes(b"scan A")
    os.utime(scans["a"], ns=(before.st_atime_ns, before.st_mtime_ns))
    os.utime(scans["b"])  # another time alone changes nothing
    (source,) = sources_of([scans["a"]])
    assert source == SourceFile(str(scans["a"]), before.st_size, source.updated_at_s)
    assert source.updated_at_s == pytest.approx(before.st_mtime)
    new, skipped = parted(config(tmp_path), sources_of(scans.values()))
    assert (new, sorted(skipped)) == (["a"], ["b", "c"])


def test_the_same_bytes_elsewhere_are_another_document(tmp_path, scans):
    write_run(tmp_path, "mon", [tally_of(scans["a"])])
    scans["b"].write_bytes(scans["a"].read_bytes())
    assert parted(config(tmp_path), sources_of([scans["b"]]))[0] == ["b"]


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"model_revision": "other"},
        {"ocr_engine": "other"},
        {"ocr_revision": "other"},
        {"options_digest": "other"},
        {"options_digest": None},
    ],
)
def test_other_models_or_options_make_all_new(tmp_path, scans, changes):
    write_run(tmp_path, "mon", [tally_of(scans["a"])], provenance=replace(PROVENANCE, **changes))
    assert parted(config(tmp_path), sources_of([scans["a"]]))[0] == ["a"]


def test_a_run_without_summary_does_not_count_nor_does_this_run(tmp_path, scans):
    write_run(tmp_path, "mon", [tally_of(scans["a"])], finished=False)
    write_run(tmp_path, "now", [tally_of(scans["b"])])
    assert parted(config(tmp_path), sources_of(scans.values()))[0] == ["a", "b", "c"]


def test_what_may_succeed_now_is_not_done(tmp_path, scans):
    tallies = [
        tally_of(scans["a"], failures=[True], pages_ok=0),
        tally_of(scans["b"], failures=[False, True], pages_ok=1),
        tally_of(scans["c"], failures=[False], pages_ok=0),
    ]
    write_run(tmp_path, "mon", tallies)
    new, skipped = parted(config(tmp_path), sources_of(scans.values()))
    assert (new, sorted(skipped)) == (["a", "b"], ["c"])


def test_what_failed_for_good_is_tried_again_with_other_limits_or_a_newer_program(tmp_path, scans):
    tallies = [tally_of(scans["a"], failures=[False], pages_ok=0), tally_of(scans["b"])]
    write_run(tmp_path, "mon", tallies, max_pixels=1)
    assert parted(config(tmp_path), sources_of([scans["a"], scans["b"]]))[0] == ["a"]
    assert parted(config(tmp_path, max_pixels=1), sources_of([scans["a"], scans["b"]]))[0] == []
    write_run(tmp_path, "mon", tallies, version="0.0.1")
    assert parted(config(tmp_path), sources_of([scans["a"], scans["b"]]))[0] == ["a"]


def test_a_file_that_was_never_read_is_tried_again(tmp_path, scans):
    tally = DocumentTally()
    tally.add_failure(failure_of(Document(document_id(str(scans["a"]), None), str(scans["a"])), False))
    write_run(tmp_path, "mon", [tally])
    sources = sources_of([scans["a"]])
    assert parted(config(tmp_path), sources)[0] == ["a"]
    scans["a"].unlink()
    assert parted(config(tmp_path), sources)[0] == ["a"], "nor is it done where it still cannot be read"


def test_a_skipped_document_is_named_after_the_run_that_holds_its_rows(tmp_path, scans):
    write_run(tmp_path, "mon", [tally_of(scans["a"])])
    write_run(tmp_path, "tue", [tally_of(scans["a"], skipped="mon")])
    assert parted(config(tmp_path), sources_of([scans["a"]]))[1]["a"].result_run_id == "mon"
    # With that run its rows are gone.
    folders.clear_run(str(tmp_path), "mon")
    assert parted(config(tmp_path), sources_of([scans["a"]]))[0] == ["a"]


def test_of_several_runs_the_newest_with_these_bytes_counts(tmp_path, scans):
    first = tally_of(scans["a"])
    write_run(tmp_path, "tue", [first])
    write_run(tmp_path, "mon", [first])
    scans["a"].write_bytes(b"other scan")
    write_run(tmp_path, "wed", [tally_of(scans["a"])])
    assert parted(config(tmp_path), sources_of([scans["a"]]))[1]["a"].result_run_id == "wed"
    scans["a"].write_bytes(b"scan a")
    assert parted(config(tmp_path), sources_of([scans["a"]]))[1]["a"].result_run_id == "tue"
    write_run(tmp_path, "a-later-one", [first], started_at="2026-02-01T00:00:00Z")
    assert parted(config(tmp_path), sources_of([scans["a"]]))[1]["a"].result_run_id == "a-later-one"


def test_a_file_that_cannot_be_read_now_is_left_to_the_job(tmp_path, scans):
    write_run(tmp_path, "mon", [tally_of(scans["a"])])
    (source,) = sources_of([scans["a"]])
    scans["a"].unlink()
    assert parted(config(tmp_path), [source])[0] == ["a"]


def test_a_damaged_run_ends_the_job_and_says_what_to_do(tmp_path, scans):
    write_run(tmp_path, "mon", [tally_of(scans["a"])])
    table = Path(paths.table_path(str(tmp_path), "documents", "mon", 0, 2))
    table.write_bytes(table.read_bytes()[:-100])
    with pytest.raises(UnreadableRunError, match=r"delete the folders run_id=mon"):
        parted(config(tmp_path), sources_of([scans["a"]]))
    Path(paths.summary_path(str(tmp_path), "mon")).write_text('{"run_id"')
    with pytest.raises(UnreadableRunError, match=r"run_id=mon/summary.json of an earlier run"):
        find_summary(str(tmp_path), "mon", 10)
    assert find_summary(str(tmp_path), "tue", 10) is None


@pytest.mark.parametrize(
    "changes", [{"options": None}, {"started_at": None}, {"finished_at": 7}, {"run_id": []}]
)
def test_a_summary_that_lacks_something_ends_the_job_and_says_what_to_do(tmp_path, scans, changes):
    write_run(tmp_path, "mon", [tally_of(scans["a"])])
    path = paths.summary_path(str(tmp_path), "mon")
    Path(path).write_text(json.dumps(json.loads(Path(path).read_text()) | changes))
    with pytest.raises(UnreadableRunError, match=r"run_id=mon"):
        make_plan(str(tmp_path), "now", 10)


def test_a_summary_that_is_nested_too_deeply_cannot_be_used(tmp_path):
    path = Path(paths.summary_path(str(tmp_path), "mon"))
    path.parent.mkdir(parents=True)
    path.write_text("[" * 100_000)
    with pytest.raises(UnreadableRunError, match=r"run_id=mon"):
        find_summary(str(tmp_path), "mon", 10)


@pytest.mark.parametrize("uri", [[b"\xff"], [None], [[1]]])
def test_a_table_with_other_values_cannot_be_used(tmp_path, uri):
    path = tmp_path / "run_id=mon" / "part.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"uri": uri, "retryable": [True]}), path)
    with pytest.raises(UnreadableRunError, match=r"run_id=mon"):
        list(earlier_runs.read_retryable(str(path), config(tmp_path)))


def test_an_object_of_the_same_generation_is_not_read(gcs_bucket, monkeypatch):
    uri = f"{gcs_bucket}/scans/a.png"
    files.write_bytes(uri, b"scan a")
    files.write_bytes(f"{gcs_bucket}/scans/b.png", b"scan b")
    output = f"{gcs_bucket}/kie"
    write_run(output, "mon", [tally_of(uri), tally_of(f"{gcs_bucket}/scans/b.png")])
    read = []
    original = files.read_bytes
    monkeypatch.setattr(
        files,
        "read_bytes",
        lambda path, *args, **kwargs: (read.append(path), original(path, *args, **kwargs))[1],
    )
    # As a manifest names it: its generation is looked up.
    new, skipped = parted(config(output), [SourceFile(uri)])
    assert (new, list(skipped)) == ([], ["a"])
    assert skipped["a"].source_version and uri not in read
    # The same bytes written again are another generation: they are read and known again.
    files.write_bytes(uri, b"scan a")
    again = look_at(uri, 10)
    assert again.source_version != skipped["a"].source_version
    assert parted(config(output), [again])[1]["a"].source_version == again.source_version
    assert read.count(uri) == 1
    # Other bytes of the same size are new.
    files.write_bytes(uri, b"scan A")
    assert parted(config(output), [look_at(uri, 10), look_at(f"{gcs_bucket}/scans/b.png", 10)])[0] == ["a"]


def known(version, updated_at_s, sha256="ab"):
    run = EarlierRun(DAYS["mon"], DAYS["mon"], "mon", True)
    return earlier_runs.DoneDocument(run, sha256, 6, version, int(updated_at_s), "png", 1)


def test_an_etag_that_came_back_is_not_trusted(tmp_path, monkeypatch):
    """Bytes A listed, B read, A put back: A's ETag is beside B's hash."""
    monkeypatch.setattr(files, "read_bytes", lambda *_args, **_kwargs: b"bytes of A")
    settings = config(tmp_path)
    earlier = [known("etag-of-a", 1000.25)]
    at_once = SourceFile("s3://bucket/a.png", 6, 1000.0, "etag-of-a")
    assert earlier_runs.find_done(at_once, earlier, settings)[1] == earlier[0]
    put_back = replace(at_once, updated_at_s=2000.0)
    assert earlier_runs.find_done(put_back, earlier, settings)[1] is None


def test_retried_are_the_documents_that_may_succeed_now(tmp_path, scans):
    tallies = [
        tally_of(scans["a"], failures=[True, False], pages_ok=0),
        tally_of(scans["b"], failures=[False]),
        tally_of(scans["c"]),
    ]
    write_run(tmp_path, "mon", tallies)
    write_run(tmp_path, "tue", [tally_of(scans["c"], failures=[True])])
    with beam.Pipeline("FnApiRunner") as pipeline:
        found = pipeline | FailedSources(config(tmp_path, retry_failures="mon"))
        assert_that(found, equal_to([SourceFile(str(scans["a"]))]))


def test_of_the_input_only_what_is_named_is_kept():
    def named(*uris):
        return [SourceFile(uri, size_bytes=size) for uri, size in uris]

    with beam.Pipeline("FnApiRunner") as pipeline:
        names = pipeline | "Names" >> beam.Create(named(("a", None), ("b", None)), reshuffle=False)
        sources = pipeline | "Sources" >> beam.Create(named(("b", 1), ("c", 2)), reshuffle=False)
        assert_that((names, sources) | OnlyNamed(), equal_to(named(("b", 1))))
