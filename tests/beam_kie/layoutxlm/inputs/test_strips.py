"""Strips of text lines: what is cut out of a page, and how it travels."""

import numpy as np
import pytest

from beam_kie.layoutxlm.inputs.strips import (
    HEIGHT,
    MARGIN,
    MAX_LINE,
    cut_strip,
    pack_strips,
    page_strips,
    unpack_strips,
)


def page_with_bar() -> np.ndarray:
    """White, with a black bar from 100 to 200 across and 40 to 60 down."""
    grey = np.full((300, 400), 255, np.uint8)
    grey[40:60, 100:200] = 0
    return grey


def strip(width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, width + 2 * MARGIN), dtype=np.uint8)


def test_the_line_fills_the_middle_of_its_strip():
    found = cut_strip(page_with_bar(), (100, 40, 200, 60))
    assert found.shape == (HEIGHT, 80 + 2 * MARGIN)
    assert found[6:18, MARGIN + 2 : -MARGIN - 2].max() == 0
    assert found[:3].min() == found[-3:].min() == found[:, : MARGIN - 2].min() == 255


@pytest.mark.parametrize("box", [(-50, -20, 30, 10), (390, 290, 500, 330), (1000, 1000, 1100, 1020)])
def test_what_lies_outside_of_the_page_is_white(box):
    found = cut_strip(np.zeros((300, 400), np.uint8), box)
    assert found.shape[0] == HEIGHT
    assert (found == 255).any()


@pytest.mark.parametrize("box", [(10, 10, 10, 10), (10, 10, 5, 5), (10.2, 10.4, 10.3, 10.5)])
def test_a_line_without_extent_has_a_strip(box):
    assert cut_strip(page_with_bar(), box).shape[1] > 2 * MARGIN


def test_long_lines_are_squeezed():
    assert cut_strip(page_with_bar(), (0, 100, 400, 102)).shape[1] == MAX_LINE + 2 * MARGIN


def test_strips_come_out_as_they_went_in():
    pixels = np.repeat(page_with_bar()[:, :, None], 3, axis=2)
    strips = page_strips(pixels, [(100, 40, 200, 60), (5, 5, 9, 9)])
    for before, after in zip(strips, unpack_strips(pack_strips(strips)), strict=True):
        assert np.array_equal(before, after)
    assert page_strips(pixels, []) == unpack_strips(pack_strips([])) == []


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-3], lambda data: b"\xff\xd8 no strips", lambda _: b""]
)
def test_bytes_that_are_no_strips_are_refused(damage):
    with pytest.raises(ValueError, match="no strips"):
        unpack_strips(damage(pack_strips([strip(40)])))


def test_widths_that_do_not_add_up_are_refused():
    import zlib

    data = zlib.decompress(pack_strips([strip(40)]))
    with pytest.raises(ValueError, match="add up"):
        unpack_strips(zlib.compress(data + b"\0"))
