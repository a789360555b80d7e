import numpy as np
import pytest

from beam_kie.forms import poses
from beam_kie.geometry import polygon_box


def dark_share(page, polygon):
    x0, y0, x1, y1 = (round(value) for value in polygon_box(polygon))
    return (page.pixels[y0:y1, x0:x1] < 128).mean()


def ink_outside(page):
    rest = page.pixels.copy()
    for _, polygon in page.lines:
        x0, y0, x1, y1 = (round(value) for value in polygon_box(polygon))
        rest[max(y0 - 2, 0) : y1 + 2, max(x0 - 2, 0) : x1 + 2] = 255
    return (rest < 128).sum()


@pytest.mark.parametrize(
    "page",
    [
        poses.plain_form(3),
        poses.turned(poses.plain_form(3), 90),
        poses.turned(poses.plain_form(3), 270),
        poses.tilted(poses.plain_form(3), -12, 0.03),
        poses.column_page(2),
        poses.receipt(1, rows=20),
    ],
    ids=["plain", "90", "270", "tilted", "columns", "receipt"],
)
def test_the_lines_are_where_the_ink_is(page):
    assert len(page.lines) >= 5
    assert all(dark_share(page, polygon) > 0.01 for _, polygon in page.lines)
    assert ink_outside(page) == 0


def test_keys_and_values_are_lines():
    page = poses.plain_form(4)
    texts = [text for text, _ in page.lines]
    assert page.pairs and all(key in texts and value in texts for key, value in page.pairs)


def test_the_same_seed_gives_the_same_page():
    first, again, other = (poses.plain_form(seed) for seed in (6, 6, 7))
    assert np.array_equal(first.pixels, again.pixels)
    assert first.lines == again.lines
    assert first.lines != other.lines
