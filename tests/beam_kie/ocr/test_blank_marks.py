from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from beam_kie.document import PageImage, TextLine
from beam_kie.geometry import box_polygon
from beam_kie.ocr import OcrOptions, create_engine
from beam_kie.ocr.blank_marks import without_blank_marks

SIZE = 30
SAMPLES = Path(__file__).parents[3] / "samples"


def page(shown, read, ink="black", paper="white"):
    """A page with one line that shows the texts of one list and was read as those of the other.

    What stands at the same place has the same width; " " leaves paper, and □ is drawn, since fonts lack it.
    """
    font = ImageFont.load_default(SIZE)
    image = Image.new("RGB", (700, 80), paper)
    pen = ImageDraw.Draw(image)
    x, edges = 30.0, []
    for text, other in zip(shown, read, strict=True):
        width = max(pen.textlength(text, font=font) if text != "□" else 0, SIZE)
        if text == "□":
            pen.rectangle((x + 4, 26, x + 22, 44), outline=ink, width=2)
        else:
            pen.text((x, 20), text, fill=ink, font=font)
        step = width / max(len(other), 1)
        edges += [(x + step * place, x + step * (place + 1)) for place in range(len(other))]
        x += width
    left, right = 26.0, x + 4
    spans = tuple(((a - left) / (right - left), (b - left) / (right - left)) for a, b in edges)
    line = TextLine("".join(read), box_polygon((left, 16, right, 54)), 0.9, spans)
    return np.asarray(image), line


@pytest.mark.parametrize("mark", "☑☒□●√")
def test_a_mark_on_bare_paper_is_left_out(mark):
    pixels, line = page(["□", "Passport", " ", "□", "Visa"], ["□", "Passport", mark, "□", "Visa"])
    (found,) = without_blank_marks(pixels, [line])
    assert found.text == "□Passport□Visa"
    assert found.polygon == line.polygon
    assert found.char_spans == (*line.char_spans[:9], *line.char_spans[10:])


@pytest.mark.parametrize(("ink", "paper"), [("black", "white"), ("white", "black"), ("#c8c8c8", "#f0f0f0")])
def test_marks_that_are_printed_stay(ink, paper):
    pixels, line = page(["□", "Passport", "x", "Visa"], ["□", "Passport", "☑", "Visa"], ink, paper)
    assert without_blank_marks(pixels, [line]) == (line,)


def test_no_two_spaces_are_left_where_a_mark_was():
    pixels, line = page(
        ["Single", " ", " ", " ", "Sum", " ", " "], ["Single", " ", "☑", " ", "Sum", " ", "☑"]
    )
    assert without_blank_marks(pixels, [line])[0].text == "Single Sum"


def test_brackets_letters_and_marks_that_only_tell_what_to_do_stay():
    shown = ["Yes", " ", " ", " ", "No", "Tick"]
    pixels, line = page(shown, ["Yes", "[", " ", "]", "No", '"√"'])
    assert without_blank_marks(pixels, [line]) == (line,)


def test_a_line_of_which_nothing_else_is_known_stays():
    pixels, line = page([" ", " "], ["☑", " "])
    unknown = TextLine("☑", line.polygon, 0.9)
    assert without_blank_marks(pixels, [line, unknown]) == (line, unknown)
    assert without_blank_marks(pixels, []) == ()


def test_no_box_is_ticked_on_a_scan_with_wide_gaps_between_empty_ones():
    pixels = np.asarray(Image.open(SAMPLES / "zh_application.jpg").convert("RGB"))
    (read,) = create_engine(OcrOptions()).read([PageImage("zh", "zh.jpg", 1, pixels)])
    assert not any("☑" in line.text for line in read.lines)
    assert any("身份证□护照" in line.text for line in read.lines)
