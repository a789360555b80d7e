"""Features of tokens from the strips of their text lines."""

import numpy as np
import torch

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.inputs.strips import HEIGHT, MARGIN, TokenPlaces
from beam_kie.layoutxlm.network.strip_reader import StripReader

CONFIG = LayoutXLMConfig.from_fields(
    hidden_size=24, num_attention_heads=2, coordinate_size=4, shape_size=4, strip_channels=(4, 6, 8)
)


def reader() -> StripReader:
    torch.manual_seed(0)
    return StripReader(CONFIG).eval()


def places(*spans: tuple[int, float, float]) -> TokenPlaces:
    lines, first, last = zip(*spans, strict=True)
    return TokenPlaces(np.array(lines), np.array(first), np.array(last))


def strip(width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, width + 2 * MARGIN), dtype=np.uint8)


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
    features = reader()([None, strip(50)], places((0, 0.0, 1.0), (1, 0.0, 1.0)))
    assert features.shape == (2, CONFIG.architecture.hidden_size)
    assert features[0].abs().max() == 0 < features[1].abs().max()
    assert reader()([None], places((0, 0.0, 1.0))).abs().max() == 0
