import subprocess
import sys

import pytest

from beam_kie.ocr import OcrEngine, OcrOptions, create_engine


def test_unknown_engines_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'tesseract'.*rapidocr, ppocr, paddleocr, none"):
        create_engine(OcrOptions(engine="tesseract"))


def test_every_engine_is_one(rapid, paddle):
    for engine in (rapid, paddle, create_engine(OcrOptions(engine="none"))):
        assert isinstance(engine, OcrEngine)
        assert engine.name
        assert engine.revision


def test_small_letters_that_look_like_capitals_are_small(rapid, paddle, draw_form, as_page):
    names = ["Mr. J. R. Ave", "Mr. T. L. Achey", "Dr. S. T. Jones"]
    lines = [("cc:", 80, 60), ("CC:", 80, 160)]
    lines += [(name, 300, 60 + 100 * row) for row, name in enumerate(names)]
    page = as_page(draw_form(lines))
    for engine in (rapid, paddle, create_engine(OcrOptions(engine="ppocr", device="cpu"))):
        (text,) = engine.read([page])
        keys = [line.text for line in text.lines if line.box[0] < 200]
        assert keys == ["cc:", "CC:"], engine.name


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"min_confidence": 1.5}, "min_confidence"),
        ({"max_side": 8}, "max_side"),
        ({"threads": -1}, "threads"),
    ],
)
def test_impossible_options_are_refused(options, named):
    with pytest.raises(ValueError, match=named):
        OcrOptions(**options)


def test_options_cost_no_engine():
    """The command line needs the options; the engines take seconds to import."""
    heavy = {"rapidocr", "paddleocr", "cv2", "torch"}
    code = f"import sys, beam_kie.ocr.given; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
