from pathlib import Path

import noto_cjk_sans_otc
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from beam_kie.document import PageImage
from beam_kie.ocr import OcrOptions, create_engine

_FONT = Path(noto_cjk_sans_otc.__file__).parent / "NotoSansCJK-Regular.ttc"


@pytest.fixture(scope="session")
def form_lines():
    """Text, left and top of the form's lines, in reading order: two columns, four languages."""
    return [
        ("Application for registration of residence", 80, 60),
        ("姓名：李雷", 80, 160),
        ("出生日期：1990年5月17日", 500, 160),
        ("Straße und Hausnummer", 80, 260),
        ("Lindenallee 42", 560, 260),
        ("住所：東京都千代田区丸の内", 80, 360),
    ]


@pytest.fixture(scope="session")
def draw_form():
    """A function that draws lines on white paper: RGB pixels."""

    def draw(lines, size_px=(900, 480)):
        image = Image.new("RGB", size_px, "white")
        font = ImageFont.truetype(str(_FONT), 32, index=2)
        for text, left, top in lines:
            ImageDraw.Draw(image).text((left, top), text, fill="black", font=font)
        return np.array(image)

    return draw


@pytest.fixture(scope="session")
def form(draw_form, form_lines):
    return draw_form(form_lines)


@pytest.fixture(scope="session")
def as_page():
    def page(pixels, page=1):
        return PageImage("id", "scans/form.png", page, np.ascontiguousarray(pixels))

    return page


@pytest.fixture(scope="session")
def turned():
    """A function that stores a page so that it has to be turned clockwise by that much to stand upright."""
    return lambda pixels, needed_deg: np.rot90(pixels, needed_deg // 90)


@pytest.fixture(scope="session")
def rapid():
    return create_engine(OcrOptions(engine="rapidocr", device="cpu", threads=2))


@pytest.fixture(scope="session")
def paddle(paddle_package):
    return create_engine(OcrOptions(engine="paddleocr", device="cpu"))
