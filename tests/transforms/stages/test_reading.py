import hashlib
import os
from dataclasses import replace

import apache_beam as beam
import pypdfium2
import pytest
from apache_beam.pvalue import TaggedOutput
from apache_beam.testing.util import assert_that, equal_to
from PIL import Image

from beam_kie.document import Category, PageImage, SourceFile, Stage, document_id
from beam_kie.options import from_values
from transforms.config import JobConfig
from transforms.progress import read_counts
from transforms.ptransform import outputs_of
from transforms.stages import reading
from transforms.stages.reading import DecodeFn, DecodeRangesFn, DecodeSources


def config(tmp_path, **changes):
    return from_values(JobConfig, {"output": str(tmp_path / "out"), "run_id": "test", **changes})


def write_page(path, colour="white"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (60, 40), colour).save(path)
    return str(path)


def write_tiff(path, frames):
    first, *others = [Image.new("L", (50, 30), 10 * n) for n in range(frames)]
    first.save(path, save_all=True, append_images=others)
    return str(path)


def decode(path, settings):
    """Run the DoFn by hand: its outputs by tag, pages under "pages"."""
    return by_tag(DecodeFn(settings).process(SourceFile(uri=str(path))))


def decode_range(part, settings):
    """Run the DoFn of ranges by hand, likewise."""
    return by_tag(DecodeRangesFn(settings).process(part))


def by_tag(elements):
    outputs = {"pages": [], "documents": [], "failures": [], "times": [], "ranges": []}
    for element in elements:
        if isinstance(element, TaggedOutput):
            outputs[element.tag].append(element.value)
        else:
            outputs["pages"].append(element)
    return outputs


def test_all_frames_of_a_file_become_pages_of_one_document(tmp_path):
    path = write_tiff(tmp_path / "scan.tif", 3)
    outputs = decode(path, config(tmp_path))
    assert [page.page for page in outputs["pages"]] == [1, 2, 3]
    assert [page.pixels[0, 0, 0] for page in outputs["pages"]] == [0, 10, 20]
    (document,) = outputs["documents"]
    with open(path, "rb") as file:
        sha256 = hashlib.sha256(file.read()).hexdigest()
    assert document.content_sha256 == sha256
    assert document.document_id == document_id(path, sha256)
    assert (document.format, document.page_count, document.size_bytes) == ("tiff", 3, os.path.getsize(path))
    assert {page.document_id for page in outputs["pages"]} == {document.document_id}
    assert outputs["failures"] == []
    assert [time.stage for time in outputs["times"]] == ["read", "decode", "decode", "decode"]


def test_ranges_of_a_long_file_are_decoded_as_the_whole_is(tmp_path):
    path = write_tiff(tmp_path / "scan.tif", 4)
    whole = decode(path, config(tmp_path, range_pages=0, max_pages=3))
    settings = config(tmp_path, range_pages=2, max_pages=3)
    opened = decode(path, settings)
    assert (opened["pages"], opened["documents"], opened["failures"]) == ([], [], [])
    outputs = [decode_range(part, settings) for part in opened["ranges"]]
    assert [output["ranges"] for output in outputs] == [[part] for part in opened["ranges"]]
    assert {part.document for part in opened["ranges"]} == set(whole["documents"])
    for name in ("pages", "failures"):
        assert [value for output in outputs for value in output[name]] == whole[name]
    Image.new("L", (50, 30)).save(path)
    changed = decode_range(opened["ranges"][0], settings)
    assert [(failure.page, failure.retryable) for failure in changed["failures"]] == [(1, True)]


def test_a_defect_of_a_decoder_costs_the_rest_of_a_range(tmp_path, monkeypatch):
    original = reading.decode_pages

    def broken(pages):
        yield next(pages)
        raise KeyError("what stood on the page")

    path = write_tiff(tmp_path / "scan.tif", 4)
    settings = config(tmp_path, range_pages=3)
    (_, part) = decode(path, settings)["ranges"]
    monkeypatch.setattr(
        reading,
        "decode_pages",
        lambda *given, **options: replace(opened := original(*given, **options), pages=broken(opened.pages)),
    )
    outputs = decode_range(part, settings)
    assert [page.page for page in outputs["pages"]] == [3]
    assert [(failure.page, failure.category) for failure in outputs["failures"]] == [
        (4, Category.FILE_CORRUPT)
    ]


def test_pages_are_decoded_one_at_a_time(tmp_path, monkeypatch):
    decoded = []
    original = reading.decode_pages

    def noticed(pages):
        for page in pages:
            decoded.append(page.page)
            yield page

    def noticing(*arguments, **options):
        opened = original(*arguments, **options)
        return replace(opened, pages=noticed(opened.pages))

    monkeypatch.setattr(reading, "decode_pages", noticing)
    path = write_tiff(tmp_path / "scan.tif", 3)
    for element in DecodeFn(config(tmp_path)).process(SourceFile(path)):
        if isinstance(element, PageImage):
            assert decoded == list(range(1, element.page + 1))
    assert decoded == [1, 2, 3]


def test_a_file_is_opened_once(tmp_path, monkeypatch):
    path = tmp_path / "scan.pdf"
    Image.new("RGB", (60, 40), "white").save(path)
    opened = []
    original = pypdfium2.PdfDocument.__init__

    def noticing(self, *arguments, **options):
        if isinstance(arguments[0], bytes):  # else it is a new document, for a single page
            opened.append(1)
        original(self, *arguments, **options)

    monkeypatch.setattr(pypdfium2.PdfDocument, "__init__", noticing)
    outputs = decode(str(path), config(tmp_path))
    (document,) = outputs["documents"]
    assert (document.format, document.page_count, len(outputs["pages"])) == ("pdf", 1, 1)
    assert opened == [1]


def test_a_file_that_is_gone_is_a_failure_and_a_document(tmp_path):
    path = str(tmp_path / "gone.png")
    outputs = decode(path, config(tmp_path))
    (failure,), (document,) = outputs["failures"], outputs["documents"]
    assert (failure.stage, failure.category, failure.page) == (Stage.READ, Category.SOURCE_UNAVAILABLE, None)
    assert failure.document_id == document.document_id == document_id(path, None)
    assert (document.uri, document.content_sha256, document.page_count) == (path, None, None)
    assert outputs["pages"] == []


@pytest.mark.parametrize(
    ("content", "changes", "category"),
    [
        (b"", {}, Category.FILE_EMPTY),
        (b"no image at all", {}, Category.FORMAT_UNSUPPORTED),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, {}, Category.FILE_CORRUPT),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, {"max_file_bytes": 47}, Category.FILE_TOO_LARGE),
    ],
)
def test_bad_file_is_a_failure_of_its_document(tmp_path, content, changes, category):
    path = tmp_path / "scan.png"
    path.write_bytes(content)
    outputs = decode(path, config(tmp_path, **changes))
    (failure,), (document,) = outputs["failures"], outputs["documents"]
    assert (failure.category, failure.page, failure.retryable) == (category, None, False)
    known = "png" if category is Category.FILE_CORRUPT else None
    assert (document.format, document.page_count) == (known, None)
    assert failure.document_id == document.document_id
    assert outputs["pages"] == []


def test_a_bad_page_is_a_failure_of_its_own_and_is_counted(tmp_path):
    path = write_tiff(tmp_path / "scan.tif", 3)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    outputs = decode(path, config(tmp_path, max_pages=2, scratch=str(scratch)))
    assert [page.page for page in outputs["pages"]] == [1, 2]
    assert [(f.category, f.page) for f in outputs["failures"]] == [(Category.TOO_MANY_PAGES, 3)]
    assert outputs["documents"][0].page_count == 3
    assert read_counts(str(scratch)).failed == 1


def test_a_defect_of_a_decoder_costs_one_document_and_is_not_quoted(tmp_path, monkeypatch):
    original = reading.decode_pages

    def broken(pages):
        yield next(pages)
        raise KeyError("what stood on the page")

    def breaking(*arguments, **options):
        opened = original(*arguments, **options)
        return replace(opened, pages=broken(opened.pages))

    monkeypatch.setattr(reading, "decode_pages", breaking)
    outputs = decode(write_tiff(tmp_path / "scan.tif", 3), config(tmp_path))
    assert [page.page for page in outputs["pages"]] == [1]
    (failure,) = outputs["failures"]
    assert (failure.stage, failure.category, failure.page) == (Stage.DECODE, Category.FILE_CORRUPT, None)
    assert "KeyError" in failure.message
    assert "what stood" not in failure.message


@pytest.mark.parametrize("runner", ["FnApiRunner", "DirectRunner", "BundleBasedDirectRunner"])
def test_good_and_bad_files_go_to_their_outputs(tmp_path, runner):
    good = write_tiff(tmp_path / "scan.tif", 2)
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    with beam.Pipeline(runner=runner) as pipeline:
        sources = pipeline | beam.Create([SourceFile(good), SourceFile(str(bad))])
        decoded = outputs_of(sources | DecodeSources(config(tmp_path)))
        pages = decoded.pages | beam.Map(lambda page: (page.uri, page.page, page.pixels.shape))
        assert_that(pages, equal_to([(good, 1, (30, 50, 3)), (good, 2, (30, 50, 3))]), label="pages")
        documents = decoded.documents | "uri" >> beam.Map(lambda document: document.uri)
        assert_that(documents, equal_to([good, str(bad)]), label="documents")
        failures = decoded.failures | "category" >> beam.Map(lambda failure: failure.category)
        assert_that(failures, equal_to([Category.FILE_EMPTY]), label="failures")
        times = decoded.times | "stage" >> beam.Map(lambda time: time.stage)
        assert_that(times, equal_to(["read", "read", "decode", "decode"]), label="times")
