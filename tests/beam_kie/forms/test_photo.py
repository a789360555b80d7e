import numpy as np
import pytest
from PIL import Image

from beam_kie.forms import Form, generate_domain_layout, generate_form, photograph, render
from beam_kie.forms.model import Entry, Layout, Piece


def marked(width=400, height=560):
    """A white sheet with four black squares, each the box of an entry."""
    image = np.full((height, width, 3), 255, np.uint8)
    entries = []
    for number, (x, y) in enumerate(((60, 80), (300, 90), (80, 440), (290, 430))):
        image[y : y + 40, x : x + 40] = 0
        box = (x, y, x + 40, y, x + 40, y + 40, x, y + 40)
        entries.append(Entry(number, "x", "OTHER", box, (Piece("x", box),)))
    return Form(Image.fromarray(image), Layout("en", "made", 0, width, height, 72, tuple(entries)))


@pytest.mark.parametrize("seed", range(4))
def test_labels_move_with_what_they_name(seed):
    taken = photograph(marked(), seed)
    grey = np.asarray(taken.image.convert("L")).astype(float)
    for entry in taken.entries:
        xs, ys = entry.polygon[0::2], entry.polygon[1::2]
        inner = grey[int(min(ys)) + 8 : int(max(ys)) - 8, int(min(xs)) + 8 : int(max(xs)) - 8]
        outside = grey[int(min(ys)) - 10, int(sum(xs) / 4)], grey[int(max(ys)) + 10, int(sum(xs) / 4)]
        assert inner.mean() < 60 < min(outside)


def test_the_sheet_lies_at_an_angle_and_is_whole():
    shapes = set()
    for seed in range(6):
        layout = photograph(marked(), seed).layout
        (a, b, c, d) = (entry.polygon[:2] for entry in layout.entries)
        shapes.add(round((b[0] - a[0]) / (d[0] - c[0]), 2))
        for entry in layout.entries:
            assert min(entry.polygon) > 0 and max(entry.polygon[0::2]) < layout.width_px
    assert len(shapes) > 3


def test_the_same_seed_gives_the_same_photograph():
    layout = generate_domain_layout("de", 3, "tax", dpi=40)
    form = Form(render(layout), layout)
    first, second, other = (photograph(form, seed) for seed in (5, 5, 6))
    assert first.layout == second.layout != other.layout
    assert first.image.tobytes() == second.image.tobytes()
    assert generate_form("de", 5, "domain:tax", dpi=40, scan="photo").image.size == first.image.size
