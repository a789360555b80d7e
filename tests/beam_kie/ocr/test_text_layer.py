import numpy as np
import pytest

from beam_kie.document import PageImage, PageText, TextLine
from beam_kie.geometry import box_polygon, polygon_box
from beam_kie.ocr.text_layer import is_same_text, read_with_layer, with_fields
from beam_kie.page_parts import FieldKind, FormField, PageRemainder

SIZE = (400, 1000)  # height, width


def line(text, x0, y0, x1, y1, confidence=None):
    return TextLine(text, box_polygon((x0, y0, x1, y1)), confidence)


def image(given, box=None, fonts=None):
    pixels = np.full((*SIZE, 3), 255, np.uint8)
    fonts = fonts or tuple(frozenset() for _ in given)
    remainder = PageRemainder(pixels.copy(), box, fonts)
    return PageImage("id", "uri", 1, pixels, given_lines=tuple(given), remainder=remainder)


class Reads:
    """Gives one answer after the other, each made from the picture's size, and notes what it was shown."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.shown = []

    def __call__(self, images):
        (asked,) = images
        self.shown.append(asked)
        lines, rotation = self.answers.pop(0)
        height, width = asked.pixels.shape[:2]
        if rotation % 180:
            height, width = width, height
        return [PageText("id", "uri", 1, width, height, rotation, tuple(lines))]


def test_nothing_is_read_where_nothing_is_left():
    read = Reads()
    page = read_with_layer(image([line("Name:", 10, 10, 60, 30)]), read)
    assert [each.text for each in page.lines] == ["Name:"]
    assert (page.text_source, read.shown) == ("pdf", [])


def test_what_is_left_is_cut_out_and_put_in_its_place():
    read = Reads(([line("Li Lei", 32, 32, 90, 50, 0.9)], 0))
    page = read_with_layer(image([line("Name:", 10, 205, 60, 225)], (300, 200, 380, 230)), read)
    assert [(each.text, each.confidence) for each in page.lines] == [("Name:", None), ("Li Lei", 0.9)]
    assert page.lines[1].box == (300, 200, 358, 218)
    assert page.text_source == "mixed"
    assert read.shown[0].pixels.shape == (94, 144, 3)


def test_a_large_remainder_is_read_as_it_stands():
    read = Reads(([line("a", 100, 200, 150, 230, 0.9)], 0))
    page = read_with_layer(image([line("p. 1", 10, 10, 60, 30)], (0, 0, 1000, 400)), read)
    assert read.shown[0].pixels.shape == (*SIZE, 3)
    assert page.lines[1].box == (100, 200, 150, 230)


def test_sideways_text_of_a_part_stays_where_it_is():
    given = [line("a long line that stands upright on this page", 10, 10, 500, 30)]
    read = Reads(([line("side", 40, 40, 100, 60, 0.8)], 90))
    page = read_with_layer(image(given, (300, 100, 400, 300)), read)
    side = next(each for each in page.lines if each.text == "side")
    # The part is 164 x 264 px with its corner at (268, 68), and was turned clockwise.
    assert side.box == (268 + 40, 68 + 264 - 100, 268 + 60, 68 + 264 - 40)
    assert page.rotation_deg == 0


def test_a_sideways_scan_is_read_as_a_whole():
    scanned = [line("a long line of the scan", 10, 10, 300, 30, 0.9)]
    read = Reads((scanned, 90), ([*scanned, line("p. 1", 350, 10, 390, 30, 0.9)], 90))
    page = read_with_layer(image([line("p. 1", 10, 10, 60, 30)], (0, 0, 1000, 400)), read)
    assert (page.rotation_deg, page.text_source, len(page.lines)) == (90, "ocr", 2)
    assert read.shown[1].given_lines is None and read.shown[1].remainder is None


def test_without_an_engine_the_given_lines_are_all():
    page = read_with_layer(image([line("Name:", 10, 10, 60, 30)], (0, 0, 1000, 400)))
    assert [each.text for each in page.lines] == ["Name:"]


FONTS = (frozenset({1}), frozenset({2}))


def test_a_font_that_reads_as_it_says_is_believed():
    given = [line("Total: 318.40", 10, 10, 200, 30), line("Erfurt", 10, 50, 90, 70)]
    sheet = [line("Total:318.4O", 24, 24, 200, 44, 0.9), line("Erfurt", 24, 74, 100, 94, 0.9)]
    page = read_with_layer(image(given, None, FONTS), Reads((sheet, 0)))
    assert [each.text for each in page.lines] == ["Total: 318.40", "Erfurt"]
    assert page.text_source == "pdf"


def test_lines_in_a_font_that_reads_otherwise_are_read_by_ocr():
    given = [line("Total: 318.40", 10, 10, 200, 30), line("Rgsheg", 10, 150, 90, 170)]
    sheet = [line("Total: 318.40", 24, 24, 200, 44, 0.9), line("Erfurt", 24, 74, 100, 94, 0.9)]
    read = Reads((sheet, 0), ([line("Erfurt", 32, 32, 112, 52, 0.9)], 0))
    page = read_with_layer(image(given, None, FONTS), read)
    assert [each.text for each in page.lines] == ["Total: 318.40", "Erfurt"]
    assert page.lines[1].box == (32, 150, 112, 170)


def test_letters_that_no_engine_may_know_are_not_compared():
    page = read_with_layer(image([line("Всего: 318", 10, 10, 200, 30)], None, FONTS[:1]), Reads())
    assert [each.text for each in page.lines] == ["Всего: 318"]


@pytest.mark.parametrize(
    ("said", "seen", "same"),
    [
        ("Total: EUR 318.40", "TotaI: EUR 318.40", True),
        ("Straße 12", "Strasse 12", True),
        ("氏名 山田太郎", "氏名山田太郎", True),
        ("Invoice", "Hmunhbd", False),
        ("Total: EUR 318.40", "", False),
        ("Customer number and total: 318.40", "Customer number and total: 752.96", False),
    ],
)
def test_the_same_text_but_for_errors_of_ocr(said, seen, same):
    assert is_same_text(said, seen) is same


def test_fields_turn_with_their_page():
    field = FormField("a", None, FieldKind.TEXT, box_polygon((10, 20, 110, 40)))
    scan = PageImage("id", "uri", 1, np.zeros((*SIZE, 3), np.uint8), fields=(field,))
    page = with_fields(scan, PageText("id", "uri", 1, 400, 1000, 90))
    assert polygon_box(page.fields[0].polygon) == (360, 10, 380, 110)
