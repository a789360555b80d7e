"""Five ways to find lines, with the real engine."""

import pytest

from beam_kie.document import TextLine
from beam_kie.ocr import Engine, OcrOptions, create_engine_of
from beam_kie.ocr.box_geometry import shrunk


def heights(engine, page):
    (text,) = engine.read([page])
    return {line.text: line.box[3] - line.box[1] for line in text.lines}


@pytest.mark.parametrize("engine", [Engine.RAPIDOCR, Engine.PPOCR])
def test_geometries_draw_boxes_more_or_less_tightly(form, as_page, engine):
    page = as_page(form)
    usual, tight, fine = (
        heights(create_engine_of(name, OcrOptions(engine=engine, threads=1)), page)
        for name in ("default", "tight", "fine")
    )
    for other in (tight, fine):
        same = usual.keys() & other.keys()
        assert len(same) > len(usual) / 2
        assert all(other[text] < usual[text] for text in same)


def test_places_of_characters_stay_on_the_page_when_a_box_shrinks():
    line = TextLine("ab", (0.0, 0.0, 100.0, 0.0, 100.0, 20.0, 0.0, 20.0), 0.9, ((0.0, 0.3), (0.5, 0.9)))
    smaller = shrunk(line, 0.2)
    assert smaller.polygon == (2.0, 2.0, 98.0, 2.0, 98.0, 18.0, 2.0, 18.0)
    # A line that begins at 0 does so still, 50 of 100 px are 48 of 96.
    assert smaller.char_spans == (
        (0.0, pytest.approx(28 / 96, abs=1e-4)),
        (0.5, pytest.approx(88 / 96, abs=1e-4)),
    )


def test_unknown_geometries_and_other_engines_are_refused():
    with pytest.raises(ValueError, match="default, tight, wide"):
        create_engine_of("round")
    with pytest.raises(ValueError, match="choose ppocr or rapidocr"):
        create_engine_of("tight", OcrOptions(engine=Engine.NONE))
