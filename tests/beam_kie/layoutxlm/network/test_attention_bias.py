import pytest
import torch
from transformers import LayoutLMv2Config
from transformers.models.layoutlmv2.modeling_layoutlmv2 import LayoutLMv2Encoder

from beam_kie.layoutxlm.inputs.batches import Batch
from beam_kie.layoutxlm.network.attention_bias import LineBias, log_bucket, relative_bucket, token_bias
from beam_kie.layoutxlm.network.encoder import Encoder
from tests.small_networks import BUNDLED_KIND, small_config


def test_buckets_are_exact_near_zero_and_never_leave_the_table():
    distances = torch.arange(-2000, 2001)
    buckets = relative_bucket(distances, 32, 128)
    assert (buckets.min(), buckets.max()) == (0, 31)
    assert relative_bucket(torch.tensor([0, 1, 7, -1, -7]), 32, 128).tolist() == [0, 17, 23, 1, 7]
    assert buckets[0] == 15
    assert buckets[-1] == 31


def test_line_buckets_keep_the_signs_apart():
    assert log_bucket(torch.tensor([0]), 32).item() == 0
    positive, negative = log_bucket(torch.arange(1, 1001), 32), log_bucket(-torch.arange(1, 1001), 32)
    assert torch.equal(positive + 16, negative)
    assert positive.diff().min() >= 0
    assert positive.max() == 15


def test_layoutlmv2_biases_are_those_of_transformers():
    sizes = {
        "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
        "rel_pos_bins": 32, "max_rel_pos": 128, "rel_2d_pos_bins": 64, "max_rel_2d_pos": 256,
        "has_relative_attention_bias": True, "has_spatial_attention_bias": True,
    }  # fmt: skip
    torch.manual_seed(0)
    theirs = LayoutLMv2Encoder(LayoutLMv2Config(**sizes, fast_qkv=False)).eval()
    for value in theirs.parameters():
        torch.nn.init.normal_(value, std=0.3)
    ours = Encoder(small_config(layer_norm_eps=1e-12, **sizes)).eval()
    ours.load_state_dict(theirs.state_dict())

    hidden = torch.randn(2, 60, 48)
    boxes = torch.randint(0, 500, (2, 60, 4)).cumsum(-1).clamp(max=1000)
    positions = torch.randint(0, 512, (2, 60))
    mask = torch.rand(2, 60) > 0.2
    lines = torch.arange(60).expand(2, -1)
    batch = Batch(lines, positions, lines, mask, boxes, torch.ones_like(mask))
    unbiased = Encoder(small_config(layer_norm_eps=1e-12)).eval()
    unbiased.load_state_dict(ours.state_dict(), strict=False)
    with torch.inference_mode():
        masked = torch.where(mask, 0.0, torch.finfo(torch.float32).min)[:, None, None]
        wanted = theirs(hidden, attention_mask=masked, bbox=boxes, position_ids=positions).last_hidden_state
        assert torch.allclose(ours(hidden, batch), wanted, atol=1e-5)
        assert not torch.allclose(unbiased(hidden, batch), wanted, atol=1e-2)


def test_token_bias_is_the_sum_over_positions():
    table = torch.arange(8.0).reshape(2, 4)  # 2 heads, 4 buckets: 0 and nearer ones of either sign
    places = torch.tensor([[0, 0, 1]])
    bias = token_bias([(table, places, 4), (table, torch.zeros(1, 3, dtype=torch.long), 4)])
    assert bias.shape == (1, 2, 3, 3)
    assert bias[0, :, 0, 0].tolist() == [0.0, 8.0]
    assert torch.equal(bias[0, 0, 2], torch.tensor([1.0, 1.0, 0.0]))  # looking back: bucket 1
    assert torch.equal(bias[0, 0, 0], torch.tensor([0.0, 0.0, 3.0]))  # looking forward: bucket 2 + 1


@pytest.fixture
def line_bias():
    torch.manual_seed(0)
    return LineBias(small_config(**BUNDLED_KIND))


def expanded(line_bias, lines, boxes, mask):
    return [
        (bias.query @ bias.key.transpose(-1, -2)) for bias in line_bias(lines, boxes, mask, torch.float32)
    ]


def test_all_tokens_of_two_lines_share_a_bias_and_masked_tokens_get_none(line_bias):
    lines = torch.tensor([[0, 0, 1, 1, 0]])
    boxes = torch.tensor([[[0, 0, 100, 20], [0, 30, 200, 50]]])
    mask = torch.tensor([[True, True, True, True, False]])
    layers = expanded(line_bias, lines, boxes, mask)
    assert len(layers) == 2
    for bias in layers:
        assert bias.shape == (1, 4, 5, 5)
        assert torch.allclose(bias[0, :, 0, 2:4], bias[0, :, 1, 2:4])
        assert (bias[..., 4] < -5e3).all()
        assert not torch.allclose(bias[0, :, 0, 2], bias[0, :, 2, 0])


def test_the_bias_of_lines_depends_on_their_distance_not_on_their_place(line_bias):
    lines, mask = torch.tensor([[0, 1]]), torch.ones(1, 2, dtype=torch.bool)
    boxes = torch.tensor([[[0, 0, 100, 20], [0, 30, 200, 50]]])
    here, moved = expanded(line_bias, lines, boxes, mask), expanded(line_bias, lines, boxes + 300, mask)
    assert all(torch.allclose(a, b) for a, b in zip(here, moved, strict=True))
