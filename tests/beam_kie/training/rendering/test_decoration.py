"""Lines and boxes around the words of a labelled page."""

import random

import pytest

from beam_kie.forms.model import Area, Stroke
from beam_kie.geometry import box_polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage
from beam_kie.training.rendering.decoration import decorate, is_dark


def entry(number, label, box):
    return LabelledEntry(number, "text", label, box_polygon(box))


def form(rows):
    """A heading, and rows of a key and a value."""
    entries = [entry(0, "HEADER", (300, 50, 700, 90))]
    for row in range(rows):
        y = 150 + 60 * row
        entries.append(entry(2 * row + 1, "QUESTION", (100, y, 250, y + 30)))
        entries.append(entry(2 * row + 2, "ANSWER", (300, y, 450, y + 30)))
    return LabelledPage("p.png", 1000, 1400, tuple(entries))


def segments(stroke):
    return [(*a, *b) for a, b in zip(stroke.points, stroke.points[1:], strict=False)]


def crosses(line, box):
    """Whether a level or upright line enters the box."""
    x0, y0, x1, y1 = min(line[0::2]), min(line[1::2]), max(line[0::2]), max(line[1::2])
    return x0 < box[2] and x1 > box[0] and y0 < box[3] and y1 > box[1]


@pytest.mark.parametrize("seed", range(30))
def test_no_line_crosses_a_word(seed):
    page = form(8)
    shapes = decorate(page, random.Random(seed))
    lines = [line for shape in shapes if isinstance(shape, Stroke) for line in segments(shape)]
    words = [(*e.polygon[0:2], *e.polygon[4:6]) for e in page.entries]
    assert not [(line, word) for line in lines for word in words if crosses(line, word)]


def test_pages_get_all_kinds_of_decoration():
    found = [decorate(form(6), random.Random(seed)) for seed in range(40)]
    strokes = [shape for shapes in found for shape in shapes if isinstance(shape, Stroke)]
    assert any(stroke.dash for stroke in strokes)
    assert any(len(stroke.points) == 5 for stroke in strokes)  # boxes
    assert any(stroke.points[1][0] - stroke.points[0][0] > 350 for stroke in strokes)  # rules
    areas = [shape for shapes in found for shape in shapes if isinstance(shape, Area)]
    assert {is_dark(area) for area in areas} == {True, False}
    assert not any(is_dark(stroke) for stroke in strokes)


def test_field_that_would_cut_another_segment_is_left_out():
    crowded = LabelledPage(
        "p.png",
        1000,
        1400,
        (entry(1, "ANSWER", (100, 100, 300, 130)), entry(2, "OTHER", (90, 126, 310, 156))),
    )
    for seed in range(30):
        shapes = decorate(crowded, random.Random(seed))
        assert not [s for s in shapes if isinstance(s, Stroke) and s.points[0][1] < 156]


def test_page_without_words_stays_empty():
    assert decorate(LabelledPage("p.png", 1000, 1400, ()), random.Random(1)) == []
