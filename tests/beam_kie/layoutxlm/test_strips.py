"""Strips of text lines: what is cut out of a page, how it travels, and what tokens see of it."""

import numpy as np
import pytest
import torch

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.strips import (
    HEIGHT,
    MARGIN,
    MAX_LINE,
    StripReader,
    TokenPlaces,
    cut_strip,
    pack_strips,
    page_strips,
    unpack_strips,
)

CONFIG = LayoutXLMConfig(
    hidden_size=24, num_attention_heads=2, coordinate_size=4, shape_size=4, strip_channels=(4, 6, 8)
)


def page_with_bar() -> np.ndarray:
    """White, with a black bar from 100 to 200 across and 40 to 60 down."""
    grey = np.full((300, 400), 255, np.uint8)
    grey[40:60, 100:200] = 0
    return grey


def reader() -> StripReader:
    torch.manual_seed(0)
    return StripReader(CONFIG).eval()


def places(*spans: tuple[int, float, float]) -> TokenPlaces:
    lines, first, last = zip(*spans, strict=True)
    return TokenPlaces(np.array(lines), np.array(first), np.array(last))


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


def test_a_token_sees_its_own_columns_and_not_those_of_others():
    one = strip(160)
    other = one.copy()
    other[:, MARGIN + 100 :] = 0  # the second token's end
    spans = places((0, 0.0, 0.25), (0, 0.7, 1.0))
    before, after = reader()([one], spans), reader()([other], spans)
    assert torch.allclose(before[0], after[0], atol=1e-6)
    assert not torch.allclose(before[1], after[1], atol=1e-3)


def test_all_tokens_of_a_line_see_what_stands_before_it():
    one, other = strip(160), strip(160)
    other[:, : MARGIN // 2] = 0
    spans = places((0, 0.5, 0.6), (0, 0.8, 1.0))
    before, after = reader()([one], spans), reader()([other], spans)
    assert (before - after).abs().amax(1).min() > 1e-3


def test_lines_are_read_alone_whatever_stands_beside_them_on_the_page():
    spans = places((1, 0.0, 0.5), (1, 0.5, 1.0))
    first = reader()([strip(70, 1), strip(90, 2), strip(30, 3)], spans)
    second = reader()([strip(200, 4), strip(90, 2)], spans)
    assert torch.allclose(first, second, atol=1e-5)


def test_tokens_of_lines_without_pixels_are_zero():
    looks = reader()([None, strip(50)], places((0, 0.0, 1.0), (1, 0.0, 1.0)))
    assert looks.shape == (2, CONFIG.hidden_size)
    assert looks[0].abs().max() == 0 < looks[1].abs().max()
    assert reader()([None], places((0, 0.0, 1.0))).abs().max() == 0
