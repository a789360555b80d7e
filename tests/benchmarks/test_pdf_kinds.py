"""Every kind of PDF text: what a viewer shows is what is read, with real OCR."""

import pytest

from beam_kie.imaging.decode import DecodeLimits, PdfTextLayer, decode_pages
from beam_kie.ocr import OcrOptions, create_engine
from beam_kie.ocr.given import GivenLinesEngine
from benchmarks.pdf_kinds import kinds
from benchmarks.pdf_text_layer import wrong_lines

KINDS = {kind.name: kind for kind in kinds()}


@pytest.fixture(scope="module")
def ocr():
    return create_engine(OcrOptions(threads=1))


@pytest.mark.parametrize("name", KINDS)
def test_what_a_viewer_shows_is_what_is_read(name, ocr):
    kind = KINDS[name]
    (image,) = decode_pages(kind.data, "id", "file:///a.pdf", DecodeLimits(), 200, PdfTextLayer.AUTO)
    (page,) = GivenLinesEngine(fallback=ocr).read([image])
    assert [line.text for line in page.lines] == list(kind.lines)
    assert (page.text_source == "pdf") is kind.is_digital
    for line in page.lines:
        x0, y0, x1, y1 = line.box
        assert 0 <= x0 < x1 <= page.width_px and 0 <= y0 < y1 <= page.height_px


def test_plain_fonts_need_no_ocr_at_all():
    class Refusing:
        name = revision = "none"

        def read(self, images):
            raise AssertionError("OCR was asked")

    for name in ("born_digital", "table_on_colours", "full_page", "highlighted", "typed_as_annotation"):
        (image,) = decode_pages(
            KINDS[name].data, "id", "file:///a.pdf", DecodeLimits(), 200, PdfTextLayer.AUTO
        )
        (page,) = GivenLinesEngine(fallback=Refusing()).read([image])
        assert [line.text for line in page.lines] == list(KINDS[name].lines)


def test_wrong_lines_are_counted_both_ways():
    assert wrong_lines(("a", "b"), ["b", "a"]) == 0
    assert wrong_lines(("a", "b"), ["a", "c", "c"]) == 3
