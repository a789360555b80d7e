"""Long files are streamed page by page: memory does not depend on the number of pages."""

import gc
import io
import json
import subprocess
import sys
import tracemalloc
import weakref
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pyarrow.parquet as pq
import pypdfium2
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import execution
from PIL import Image

from beam_kie.document import PageImage, PageResult, PageText
from beam_kie.imaging.decode import DecodeLimits, decode_pages
from beam_kie.imaging.page_ranges import RangeOptions
from beam_kie.ocr import OcrOptions
from benchmarks.memory import write_manifest
from transforms.config import JobConfig
from transforms.pipeline import build
from transforms.runs.paths import table_folder
from transforms.stages import reading
from transforms.stages.kie import batch_weight

MIB = 1024 * 1024
SIZE = (300, 420)
PAGE_MIB = 3 * SIZE[0] * SIZE[1] / MIB
PAGES = {"tiff": 500, "pdf": 2000}

# Decodes a file and prints by how many MiB the process grew after its first pages.
DECODE = """
import re, sys
from beam_kie.imaging.decode import DecodeLimits, decode_pages
from beam_kie.imaging.page_source import PdfTextLayer
def peak():
    # Not ru_maxrss: a process inherits that from the one that started it.
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
with open(sys.argv[1], "rb") as file:
    limits, layer = DecodeLimits(), PdfTextLayer.ALWAYS
    pages = decode_pages(file.read(), "id", "uri", limits, pdf_dpi=72, pdf_text_layer=layer)
for number, page in enumerate(pages, 1):
    assert page.pixels.shape == (420, 300, 3), page
    if number == 20:
        before = peak()
    del page
print(number, peak() - before)
"""


def long_file(file_format: str, pages: int) -> bytes:
    """Pages with a black frame on white; compressed, so that the file is small."""
    image = Image.new("1", SIZE, 1)
    image.paste(0, (20, 20, 280, 30))
    options = {"tiff": {"compression": "group4"}, "pdf": {"resolution": 72.0}}[file_format]
    data = io.BytesIO()
    image.save(data, file_format, save_all=True, append_images=[image] * (pages - 1), **options)
    return data.getvalue()


@pytest.fixture(scope="module", params=PAGES)
def scan(request, tmp_path_factory):
    """A long file, and how many pages it has."""
    path = tmp_path_factory.mktemp("long") / f"long.{request.param}"
    path.write_bytes(long_file(request.param, PAGES[request.param]))
    return path, PAGES[request.param]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_decoding_takes_the_memory_of_a_few_pages(scan):
    path, pages = scan
    done = subprocess.run([sys.executable, "-c", DECODE, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    number, grown_mib = done.stdout.split()
    assert int(number) == pages
    assert float(grown_mib) < 20 < pages * PAGE_MIB / 5


def test_format_and_number_of_pages_are_known_before_any_is_decoded(scan, monkeypatch):
    path, pages = scan
    data = path.read_bytes() + bytes(20 * MIB)  # as large as scans are; what lies behind the end is not read

    def decoded(*_):
        raise AssertionError("a page was opened")

    monkeypatch.setattr(Image, "open", decoded)
    monkeypatch.setattr(pypdfium2.PdfDocument, "get_page", decoded)
    monkeypatch.setattr(pypdfium2.PdfDocument, "__getitem__", decoded)
    tracemalloc.start()
    try:
        opened = decode_pages(data, "id", "uri", DecodeLimits())
        assert (opened.file_format, opened.page_count) == (path.suffix[1:], pages)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MIB


@pytest.mark.parametrize("file_format", PAGES)
def test_job_lets_go_of_every_page(file_format, tmp_path, monkeypatch):
    """From decoding to the tables: pixels live one page at a time, texts for two of the model's batches."""
    path, pages = tmp_path / f"long.{file_format}", 400
    path.write_bytes(long_file(file_format, pages))
    living, most_pixels, most_texts = set(), [0], [0]
    decode = reading.decode_pages

    def counted(decoded):
        for number, page in enumerate(decoded, 1):
            living.add(number)
            weakref.finalize(page.pixels, living.discard, number)
            most_pixels[0] = max(most_pixels[0], len(living))
            if number % (pages // 5) == 0:
                most_texts[0] = max(most_texts[0], living_texts(path))
            yield page
            del page

    def counting(*arguments, **options):
        opened = decode(*arguments, **options)
        return replace(opened, pages=counted(opened.pages))

    monkeypatch.setattr(reading, "decode_pages", counting)
    lines = tmp_path / "lines.jsonl"
    blank = [{"uri": str(path), "page": page + 1, "lines": []} for page in range(pages)]
    lines.write_text("\n".join(map(json.dumps, blank)))
    config = JobConfig(
        output=str(tmp_path / "out"),
        run_id="r",
        input=(str(path),),
        ocr=OcrOptions(engine="none"),
        ocr_lines=str(lines),
        pdf_dpi=72,
        overlays="none",
        device="cpu",
        batch_tokens=1024,
        ranges=RangeOptions(range_pages=0),  # all pages go through one bundle
        page_isolation="off",  # this process can look into itself only
    )
    pipeline = beam.Pipeline(runner="FnApiRunner", options=PipelineOptions([]))
    build(pipeline, config)
    pipeline.run().wait_until_finish()

    table = pq.read_table(table_folder(config.output, "pages", "r"))
    assert table["page"].to_pylist() == list(range(1, pages + 1))
    assert 1 <= most_pixels[0] <= 2 + config.ocr_batch_size
    empty = PageText("id", "uri", 1, 1, 1)
    batch = config.batch_tokens // batch_weight(empty, config.batch_tokens)
    # One batch is filled while the one before it is let go.
    assert 0 < most_texts[0] <= 2 * batch + 2 < pages / 5
    gc.collect()
    assert not living


def living_texts(path: Path) -> int:
    """How many pages of the file are in memory as text or results; other tests' pages do not count."""
    gc.collect()
    living = [each for each in gc.get_objects() if isinstance(each, PageText | PageResult | PageImage)]
    pages = [each.page if isinstance(each, PageResult) else each for each in living]
    return len({page.page for page in pages if page.uri == str(path)})


@pytest.mark.parametrize(("kept_on_disk", "least", "most"), [(True, 0, 2048), (False, 4096, 65_536)])
def test_what_the_runner_holds_of_a_document_is_small(tmp_path, monkeypatch, kept_on_disk, least, most):
    """Bytes that cross the job's shuffles: the runner keeps them in memory, at several times their size.

    Rows cross them only where the workers share no disk.
    """
    held = [0]
    for buffer in (execution.ListBuffer, execution.GroupingBuffer):

        def counted(self, data, append=buffer.append):
            held[0] += len(data)
            append(self, data)

        monkeypatch.setattr(buffer, "append", counted)
    shuffled = []
    for documents in (5, 25):
        place = tmp_path / str(documents)
        scratch = place / "scratch"
        scratch.mkdir(parents=True)
        config = JobConfig(
            output=str(place / "out"),
            run_id="r",
            manifest=str(write_manifest(place, documents, missing=False)),
            ocr=OcrOptions(engine="none"),
            pdf_text_layer="always",
            pdf_dpi=36,
            device="cpu",
            scratch=str(scratch) if kept_on_disk else None,
        )
        held[0] = 0
        pipeline = beam.Pipeline(runner="FnApiRunner", options=PipelineOptions([]))
        build(pipeline, config)
        pipeline.run().wait_until_finish()
        assert pq.read_table(table_folder(config.output, "lines", "r")).num_rows == 40 * documents
        shuffled.append(held[0])
    # One run less the other: what does not depend on the number of documents is no matter.
    assert least < (shuffled[1] - shuffled[0]) / 20 < most
