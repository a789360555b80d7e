import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from beam_kie.document import TextLine
from beam_kie.geometry import box_polygon
from beam_kie.ocr.letter_case import with_letter_case

NEIGHBOURS = ["Mr. J. R. Ave", "Mr. T. L. Achey", "Dr. S. T. Jones"]


def drawn(texts, size=30, light=False):
    """A page with texts below each other, and their lines as OCR finds them: with a little space around."""
    font = ImageFont.load_default(size)
    image = Image.new("RGB", (700, 60 * len(texts) + 40), "black" if light else "white")
    pen = ImageDraw.Draw(image)
    lines = []
    for row, text in enumerate(texts):
        place = (40, 20 + 60 * row)
        pen.text(place, text, fill="white" if light else "black", font=font)
        x0, y0, x1, y1 = pen.textbbox(place, text, font=font)
        lines.append(TextLine(text, box_polygon((x0 - 4, y0 - 4, x1 + 4, y1 + 4)), 0.9))
    return np.asarray(image), lines


def read_as(lines, text):
    """The first line as OCR read it."""
    return [TextLine(text, lines[0].polygon, 0.9, lines[0].char_spans), *lines[1:]]


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("shown", ["cc:", "CC:", "x", "X", "vs.", "OSS"])
@pytest.mark.parametrize("read", [str.upper, str.lower])
def test_the_size_beside_other_lines_says_which_case_it_is(shown, read, light):
    pixels, lines = drawn([shown, *NEIGHBOURS], light=light)
    found = with_letter_case(pixels, read_as(lines, read(shown)))
    assert [line.text for line in found] == [shown, *NEIGHBOURS]
    assert [line.polygon for line in found] == [line.polygon for line in lines]


def test_lines_with_other_letters_or_of_both_cases_stay_as_they_were_read():
    pixels, lines = drawn(["Box", "12", "cap", "Zoo", "Co.", *NEIGHBOURS])
    texts = ["BOX", "12", "CAP", "Zoo", "Co.", *NEIGHBOURS]
    as_read = [TextLine(text, line.polygon, 0.9) for text, line in zip(texts, lines, strict=True)]
    assert [line.text for line in with_letter_case(pixels, as_read)] == texts


@pytest.mark.parametrize("others", [[], ["Mr. J. R. Ave"], ["sum", "xoxo", "on us"]])
def test_a_line_without_capitals_around_stays_as_it_was_read(others):
    pixels, lines = drawn(["x", *others])
    assert with_letter_case(pixels, read_as(lines, "X"))[0].text == "X"


def test_a_rule_below_a_letter_is_no_part_of_it():
    pixels, lines = drawn(["x", *NEIGHBOURS])
    x0, _, x1, y1 = lines[0].box
    pixels = pixels.copy()
    pixels[round(y1) - 4 : round(y1) - 2, round(x0) : round(x1)] = 0
    assert with_letter_case(pixels, read_as(lines, "X"))[0].text == "x"


def test_blank_and_outlying_lines_do_no_harm():
    pixels, lines = drawn(["x", *NEIGHBOURS])
    outside = TextLine("X", box_polygon((5000, 5000, 5020, 5020)), 0.9)
    blank = TextLine("X", box_polygon((600, 10, 620, 30)), 0.9)
    assert [line.text for line in with_letter_case(pixels, [outside, blank, *lines[1:]])][:2] == ["X", "X"]
    assert with_letter_case(pixels, []) == ()
