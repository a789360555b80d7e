import io
import json
from dataclasses import replace

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from PIL import Image

from beam_kie.document import Category, FailedPage, PageImage, PageText, Stage, StageTime, TextLine
from beam_kie.layoutxlm.inputs.images import thumbnail_pixels
from beam_kie.layoutxlm.inputs.strips import unpack_strips
from beam_kie.options import from_values
from transforms.config import JobConfig
from transforms.stages import coders, ocr
from transforms.stages import pictures as small_pictures
from transforms.stages.ocr import OcrModelHandler, ReadText, open_engine

WIDTH, HEIGHT = 60, 100
LINE = (10.0, 10.0, 50.0, 10.0, 50.0, 20.0, 10.0, 20.0)
POISON = 13


def config(tmp_path, **changes):
    return from_values(JobConfig, {"output": str(tmp_path / "out"), "run_id": "test", **changes})


def image(page, given=None):
    """A page whose upper left pixel is red and tells its number."""
    pixels = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    pixels[:10, :10] = (200, 0, page)
    return PageImage("document", "memory://scan", page, pixels, given_lines=given)


class StubEngine:
    """Reads "page N" on each page, turned by 90 degrees; page POISON makes a whole call raise."""

    name, revision = "stub", "1"

    def __init__(self):
        self.calls = []

    def read(self, images):
        self.calls.append([image.page for image in images])
        if POISON in self.calls[-1]:
            raise KeyError("what stands on the page")
        return [
            PageText(
                i.document_id, i.uri, i.page, HEIGHT, WIDTH, 90, (TextLine(f"page {i.page}", LINE, 0.9),)
            )
            for i in images
        ]


class StubHandler(OcrModelHandler):
    def load_model(self):
        return StubEngine()


def infer(batch, settings, engine, pictures=None):
    yielded = list(OcrModelHandler(settings, pictures).run_inference(batch, engine))
    times = [element for element in yielded if isinstance(element, StageTime)]
    return [element for element in yielded if not isinstance(element, StageTime)], times


def picture(preview):
    return Image.open(io.BytesIO(preview))


def test_a_batch_is_read_in_one_call_and_keeps_its_order(tmp_path):
    engine = StubEngine()
    outcomes, times = infer([image(1), image(2)], config(tmp_path), engine)
    assert engine.calls == [[1, 2]]
    assert [outcome.lines[0].text for outcome in outcomes] == ["page 1", "page 2"]
    assert [(time.stage, time.items) for time in times] == [("ocr", 2), ("preview", 2)]


def test_the_preview_is_the_upright_page_made_smaller(tmp_path):
    page = image(1)
    large = replace(page, pixels=page.pixels.repeat(4, axis=0).repeat(4, axis=1))
    (outcome,), _ = infer([large], config(tmp_path, overlay_max_side=200), StubEngine())
    preview = picture(outcome.preview)
    assert (preview.format, preview.size) == ("JPEG", (200, 120))
    # Turned clockwise, the red corner of the upper left lies in the upper right.
    assert preview.getpixel((188, 8))[1] < 100 < preview.getpixel((8, 8))[1]


@pytest.mark.parametrize("overlays", ["all", "none"])
def test_model_with_a_visual_backbone_gets_the_upright_page(tmp_path, overlays):
    outcomes, _ = infer([image(1)], config(tmp_path, overlays=overlays), StubEngine(), pictures="hf")
    pixels = thumbnail_pixels(outcomes[0].picture)
    assert pixels[10, 213, 1] < 100 < pixels[10, 10, 1]
    assert (outcomes[0].preview is None) == (overlays == "none")


def test_model_with_line_images_gets_a_strip_of_each_line(tmp_path):
    (outcome,), _ = infer([image(1)], config(tmp_path), StubEngine(), pictures="strips")
    strips = unpack_strips(outcome.picture)
    assert len(strips) == len(outcome.lines) > 0


def test_no_thumbnail_is_made_for_a_text_only_model(tmp_path):
    (outcome,), _ = infer([image(1)], config(tmp_path), StubEngine())
    assert outcome.picture is None


def test_no_preview_is_made_where_no_pictures_are_wanted(tmp_path):
    outcomes, _ = infer([image(1), image(POISON)], config(tmp_path, overlays="none"), StubEngine())
    assert [outcomes[0].preview, outcomes[1].page.preview] == [None, None]


def test_the_page_at_fault_fails_alone_with_its_picture_and_is_not_quoted(tmp_path):
    outcomes, _ = infer([image(1), image(POISON), image(3)], config(tmp_path), StubEngine())
    assert [type(outcome) for outcome in outcomes] == [PageText, FailedPage, PageText]
    failure, page = outcomes[1].failure, outcomes[1].page
    assert (failure.page, failure.stage, failure.category) == (POISON, Stage.OCR, Category.OCR_FAILED)
    assert "what stands" not in failure.message
    assert (page.width_px, page.height_px, page.lines) == (WIDTH, HEIGHT, ())
    assert picture(page.preview).size == (WIDTH, HEIGHT)


def test_a_page_without_a_preview_is_still_read(tmp_path, monkeypatch):
    def broken(*_arguments):
        raise OSError("encoder error")

    monkeypatch.setattr(small_pictures, "encode_preview", broken)
    (outcome,), _ = infer([image(1)], config(tmp_path), StubEngine())
    assert (outcome.lines[0].text, outcome.preview) == ("page 1", None)


def test_an_engine_gets_what_the_command_line_says(tmp_path):
    settings = config(
        tmp_path,
        ocr_device="cuda",
        ocr_max_side=777,
        rapidocr_backend="torch",
        ocr_det_model_dir="/det",
        ocr_rec_model_dir="/rec",
        paddle_engine="transformers",
        ocr_detect_rotation=False,
        ocr_min_confidence=0.25,
    )
    options = settings.ocr
    assert (options.device, options.max_side, options.rapidocr_backend) == ("cuda", 777, "torch")
    assert (options.det_model_dir, options.rec_model_dir) == ("/det", "/rec")
    assert (options.paddle_engine, options.detect_rotation) == ("transformers", False)
    assert options.min_confidence == 0.25


def write_lines(path, *records):
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), "utf-8")
    return str(path)


def test_given_lines_go_round_the_engine(tmp_path, monkeypatch):
    engine = StubEngine()
    monkeypatch.setattr(ocr, "create_engine", lambda options: engine)
    lines = {"uri": "memory://scan", "page": 2, "lines": [{"text": "出生日期", "box": [10, 10, 50, 20]}]}
    settings = config(tmp_path, ocr_lines=write_lines(tmp_path / "lines.jsonl", lines))
    reader = open_engine(settings)
    batch = [image(1), image(2), image(3, given=(TextLine("from the PDF", LINE),))]
    outcomes, _ = infer(batch, settings, reader)
    assert [page.text_source for page in outcomes] == ["ocr", "given", "pdf"]
    assert [page.lines[0].text for page in outcomes] == ["page 1", "出生日期", "from the PDF"]
    assert engine.calls == [[1]]
    assert all(page.preview for page in outcomes)


def test_page_without_given_lines_fails_alone_where_there_is_no_engine(tmp_path):
    settings = config(tmp_path, ocr_engine="none")
    batch = [image(1, given=(TextLine("from the PDF", LINE),)), image(2), image(3, given=())]
    outcomes, _ = infer(batch, settings, open_engine(settings))
    assert [type(outcome) for outcome in outcomes] == [PageText, FailedPage, PageText]
    assert outcomes[1].failure.category is Category.OCR_MISSING
    assert outcomes[2].lines == ()


def test_given_lines_may_name_a_local_file_as_it_was_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record = {"uri": "scan.png", "page": 1, "lines": [{"text": "a", "box": [1, 1, 9, 9]}]}
    path = write_lines(tmp_path / "lines.jsonl", record)
    settings = config(tmp_path, ocr_engine="none", ocr_lines=path)
    scan = PageImage("document", str(tmp_path / "scan.png"), 1, image(1).pixels)
    (page,) = open_engine(settings).read([scan])
    assert page.lines[0].text == "a"


@beam.typehints.with_output_types(PageImage)
class MakePages(beam.DoFn):
    def process(self, numbers):
        yield from map(image, numbers)


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize(
    ("runner", "flags"),
    [
        ("FnApiRunner", []),
        ("DirectRunner", []),
        ("BundleBasedDirectRunner", ["--direct_runner_bundle_repeat=2"]),
    ],
    ids=["FnApi", "Direct", "BundleBased"],
)
def test_a_poisoned_batch_costs_one_page_on_every_runner(tmp_path, runner, flags, batch_size):
    coders.register()
    settings = config(tmp_path, ocr_batch_size=batch_size)
    pages = list(range(1, 22))
    with beam.Pipeline(runner=runner, options=PipelineOptions(flags)) as pipeline:
        images = pipeline | beam.Create([pages]) | beam.ParDo(MakePages())
        read = images | ReadText(settings, handler=StubHandler(settings))
        good = read.pages | "good" >> beam.Filter(lambda page: isinstance(page, PageText))
        numbers = good | beam.Map(lambda page: page.page)
        assert_that(numbers, equal_to([page for page in pages if page != POISON]), label="good pages")
        bad = read.pages | "bad" >> beam.Filter(lambda page: isinstance(page, FailedPage))
        categories = bad | beam.Map(lambda failed: (failed.failure.page, failed.failure.category))
        assert_that(categories, equal_to([(POISON, Category.OCR_FAILED)]), label="bad pages")
        timed = read.times | beam.Map(lambda time: time.items) | beam.CombineGlobally(sum)
        assert_that(timed, equal_to([2 * len(pages)]), label="times")
