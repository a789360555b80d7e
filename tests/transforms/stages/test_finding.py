"""Which files a run finds, each once; long listings are divided and read as they come."""

import os
from functools import partial
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from PIL import Image

from beam_kie.document import SourceFile
from beam_kie.options import from_values
from transforms.config import JobConfig
from transforms.progress import read_counts
from transforms.ptransform import outputs_of
from transforms.stages import finding
from transforms.stages.finding import FindSources, match_pattern, most_informed, overlap
from transforms.stages.inputs import normalise_inputs
from transforms.storage import files, listings, s3


def config(tmp_path, **changes):
    return from_values(JobConfig, {"output": str(tmp_path / "out"), "run_id": "test", **changes})


def write_page(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (60, 40), "white").save(path)
    return str(path)


def uri_of(found):
    assert isinstance(found, SourceFile)
    return found.uri


def test_a_pattern_gives_files_with_size_and_time(tmp_path):
    path = write_page(tmp_path / "scans" / "a.png")
    (source,) = match_pattern(str(tmp_path / "scans" / "*.png"))
    assert source == SourceFile(path, os.path.getsize(path), os.path.getmtime(path))


def test_a_pattern_passes_over_system_files_that_were_not_named(tmp_path):
    for name in ("a.png", ".hidden.png", "Thumbs.db", "deep/b.png"):
        write_page(tmp_path / "scans" / "x.png")
        (tmp_path / "scans" / name).parent.mkdir(exist_ok=True)
        os.link(tmp_path / "scans" / "x.png", tmp_path / "scans" / name)
    found = [uri_of(source) for source in match_pattern(str(tmp_path / "scans" / "**"))]
    names = sorted(os.path.relpath(uri, tmp_path / "scans") for uri in found)
    assert names == ["a.png", "deep/b.png", "x.png"]
    hidden = str(tmp_path / "scans" / ".hidden.png")
    assert [uri_of(source) for source in match_pattern(hidden)] == [hidden]


def test_a_single_file_that_is_gone_is_still_a_source(tmp_path):
    gone = str(tmp_path / "gone.png")
    assert list(match_pattern(gone)) == [SourceFile(gone)]
    assert list(match_pattern(str(tmp_path / "*.png"))) == []


def test_the_mention_that_knows_most_stays_whatever_the_order():
    bare, full = SourceFile("a"), SourceFile("a", 10, 5.0)
    assert most_informed([bare, full]) == most_informed([full, bare]) == full


@pytest.mark.parametrize("runner", ["FnApiRunner", "DirectRunner"])
def test_every_file_is_found_once(tmp_path, runner):
    paths = [write_page(tmp_path / "scans" / name) for name in ("a.png", "b.png", "deep/c.png")]
    missing = str(tmp_path / "missing.png")
    manifest = tmp_path / "manifest.txt"
    manifest.write_text("\n".join([paths[0], missing, missing, paths[0]]))
    patterns = normalise_inputs([str(tmp_path / "scans"), str(tmp_path / "scans" / "*.png"), paths[2]])
    settings = config(tmp_path, input=patterns, manifest=str(manifest))
    expected = [SourceFile(path, os.path.getsize(path), os.path.getmtime(path)) for path in paths]
    with beam.Pipeline(runner=runner) as pipeline:
        found = outputs_of(pipeline | FindSources(settings))
        assert_that(found.sources, equal_to([*expected, SourceFile(missing)]))


def test_files_that_are_no_documents_are_told_apart(tmp_path):
    folder = tmp_path / "scans"
    scan, text = write_page(folder / "a.png"), str(folder / "notes.TXT")
    for name in (text, folder / "labels.json", folder / "archive.zip"):
        Path(name).write_text("no scan")
    both = normalise_inputs([str(folder), str(folder / "*")])
    with beam.Pipeline() as pipeline:
        found = outputs_of(pipeline | FindSources(config(tmp_path, input=both)))
        sources = found.sources | beam.Map(lambda source: source.uri)
        # An archive may hold documents: that it is not read is a failure.
        assert_that(sources, equal_to([scan, str(folder / "archive.zip")]), label="sources")
        assert_that(found.passed_over, equal_to([text, str(folder / "labels.json")]), label="passed over")
    # Named one by one, or by an ending of the pattern, a file is read.
    for pattern in (text, str(folder / "*.TXT")):
        assert [uri_of(source) for source in match_pattern(pattern)] == [text]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (("gs://b/a/**",), False),
        (("gs://b/a/**", "gs://b/c/**"), False),
        (("gs://b/a/**", "gs://b/c/**", "gs://b/a/x/*.png"), True),
        (("gs://b/*/x", "gs://b/y/*"), True),
        (("/scans/a.png", "/scans/a.png"), True),
        ((), False),
    ],
)
def test_patterns_overlap_where_one_begins_as_the_other(patterns, expected):
    assert overlap(patterns) is expected


@pytest.fixture
def long_listing(s3_bucket, monkeypatch):
    """A bucket with 24 files, of which four make a long listing."""
    monkeypatch.setattr(listings, "_PAGE_FILES", 3)
    monkeypatch.setattr(finding, "match_in_parts", partial(listings.match_in_parts, enough=4))
    names = [f"scans/{folder}/{number}.png" for folder in "abcdef" for number in range(4)]
    for name in (*names, "scans/notes.txt", "scans/.hidden"):
        files.write_bytes(f"{s3_bucket}/{name}", b"x")
    return s3_bucket, [f"{s3_bucket}/{name}" for name in names]


@pytest.mark.parametrize("more", [(), ("scans/a/*",)], ids=["streamed", "without duplicates"])
def test_a_long_listing_gives_every_file_once(tmp_path, long_listing, more):
    bucket, uris = long_listing
    patterns = [f"{bucket}/{name}" for name in ("scans/**", *more)]
    with beam.Pipeline("FnApiRunner") as pipeline:
        found = outputs_of(pipeline | FindSources(config(tmp_path, input=patterns)))
        found_uris = found.sources | beam.Map(uri_of)
        assert_that(found_uris, equal_to(uris), label="sources")
        assert_that(found.passed_over, equal_to([f"{bucket}/scans/notes.txt"]), label="passed over")


def test_files_are_handed_on_before_the_listing_ends(tmp_path, long_listing, monkeypatch):
    bucket, uris = long_listing
    events, list_page = tmp_path / "events", s3.list_page

    def noted(prefix, *arguments):
        with events.open("a") as file:
            print("listed", file=file)
        return list_page(prefix, *arguments)

    def read(source):
        with events.open("a") as file:
            print("read", file=file)
        return source

    monkeypatch.setattr(s3, "list_page", noted)
    options = PipelineOptions(["--direct_num_workers=1"])
    with beam.Pipeline("FnApiRunner", options=options) as pipeline:
        found = outputs_of(pipeline | FindSources(config(tmp_path, input=[f"{bucket}/scans/**"])))
        _ = found.sources | beam.Map(read)
    order = events.read_text().split()
    assert order.count("read") == len(uris)
    assert "listed" in order[order.index("read") :], "the listing goes on when files are read"


@pytest.mark.parametrize(("page_files", "counted"), [(3, 0), (100, 24)], ids=["long", "short"])
def test_files_are_counted_where_their_number_is_known_before_they_are_read(
    tmp_path, long_listing, monkeypatch, page_files, counted
):
    monkeypatch.setattr(listings, "_PAGE_FILES", page_files)
    settings = config(tmp_path, input=[f"{long_listing[0]}/scans/**"], scratch=str(tmp_path))
    assert [part for pattern in settings.input for part in finding.MatchFn(settings).process(pattern)]
    assert read_counts(str(tmp_path)).found == counted
