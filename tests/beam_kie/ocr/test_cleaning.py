import pytest

from beam_kie.document import TextLine
from beam_kie.geometry import box_polygon
from beam_kie.ocr.cleaning import clean_lines

PAGE = (200, 100)


def clean(*found, min_confidence=0.0):
    texts, polygons, confidences = zip(*found, strict=True)
    return clean_lines(texts, polygons, confidences, PAGE, min_confidence)


def test_lines_come_in_reading_order_and_without_spaces_around_them():
    lines = clean(
        ("b", box_polygon((100, 10, 150, 30)), 0.9),
        ("c", box_polygon((10, 50, 50, 70)), 0.8),
        (" a　", box_polygon((10, 10, 50, 30)), 0.7),
    )
    assert lines == (
        TextLine("a", (10, 10, 50, 10, 50, 30, 10, 30), 0.7),
        TextLine("b", (100, 10, 150, 10, 150, 30, 100, 30), 0.9),
        TextLine("c", (10, 50, 50, 50, 50, 70, 10, 70), 0.8),
    )


@pytest.mark.parametrize("blank", ["", "  ", "　\t\n"])
def test_blank_lines_are_left_out(blank):
    assert clean((blank, box_polygon((10, 10, 50, 30)), 0.9)) == ()


def test_polygons_start_at_the_top_left_and_stay_on_the_page():
    (line,) = clean(("a", (50, 30, -10, 30, -10, 10, 50, 10), 0.9))
    assert line.polygon == (0, 10, 50, 10, 50, 30, 0, 30)


def test_lines_without_area_are_left_out():
    outside, flat = box_polygon((300, 10, 350, 30)), box_polygon((10, 10, 50, 10))
    assert clean(("a", outside, 0.9), ("b", flat, 0.9)) == ()


def test_uncertain_lines_are_left_out_and_confidences_are_ratios():
    box = box_polygon((10, 10, 50, 30))
    lines = clean(
        ("a", box, 0.49), ("b", box, 0.5), ("c", box, 1.00001), ("d", box, None), ("e", box, float("nan")),
        min_confidence=0.5,
    )  # fmt: skip
    assert [(line.text, line.confidence) for line in lines] == [("b", 0.5), ("c", 1.0), ("d", None)]
