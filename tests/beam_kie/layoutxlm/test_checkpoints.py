import pytest
import torch

from beam_kie.layoutxlm.checkpoints import WeightsError, load_network, load_weights, plain_name
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from tests.small_networks import (
    BUNDLED_KIND,
    PUBLISHED_KIND,
    VISUAL_KIND,
    save_model,
    small_config,
    small_network,
)


def empty(**changes):
    with torch.device("meta"):
        return LayoutXLM(small_config(**changes)).eval()


def published(**changes):
    """Weights under the names of a Hugging Face file."""
    heads = ("classifier.", "extractor.")
    return {
        (name if name.startswith(heads) else f"layoutlmv2.{name}"): value
        for name, value in small_network(**changes).state_dict().items()
    }


@pytest.mark.parametrize("kind", [BUNDLED_KIND, VISUAL_KIND])
def test_a_network_that_is_loaded_draws_no_weights(kind, tmp_path, monkeypatch):
    """On the meta device, PyTorch would import its compiler for that."""
    folder = save_model(tmp_path / "model", small_network(**kind))

    def refuse(*arguments, **named):
        raise AssertionError("weights were drawn")

    monkeypatch.setattr("torch._refs.normal", refuse)
    with pytest.raises(AssertionError), torch.device("meta"):
        torch.empty(3).normal_()
    network = load_network(folder)
    assert not any(value.is_meta for value in network.parameters())


LEGACY = {
    "layoutlmv2.embeddings.position_ids": torch.arange(514)[None],
    "layoutlmv2.visual.pixel_mean": torch.zeros(3, 1, 1),
    "layoutlmv2.visual.pixel_std": torch.ones(3, 1, 1),
    "layoutlmv2.visual.backbone.bottom_up.stem.conv1.norm.num_batches_tracked": torch.tensor(1),
    "layoutlmv2.visual.backbone.fpn_output5.weight": torch.zeros(6, 6, 3, 3),
    "layoutlmv2.visual.backbone.fpn_output5.bias": torch.zeros(6),
    "layoutlmv2.pooler.dense.weight": torch.zeros(48, 48),
    "layoutlmv2.pooler.dense.bias": torch.zeros(48),
    "cls.predictions.bias": torch.zeros(9),
}


@pytest.mark.parametrize("kind", [BUNDLED_KIND, PUBLISHED_KIND, VISUAL_KIND])
def test_every_weight_arrives_without_a_copy(kind):
    weights = small_network(**kind).state_dict()
    network = empty(**kind)
    load_weights(network, weights)
    for name, value in network.state_dict().items():
        assert value.data_ptr() == weights[name].data_ptr(), name


def test_published_names_and_legacy_keys_are_known():
    network = empty(**VISUAL_KIND)
    load_weights(network, published(**VISUAL_KIND) | LEGACY)
    assert torch.equal(network.visual_proj.weight, small_network(**VISUAL_KIND).visual_proj.weight)


def test_weights_made_without_pictures_may_carry_what_is_left_of_them():
    left = {name: value for name, value in published(**VISUAL_KIND).items() if ".visual_" in name}
    assert len(left) == 5
    load_weights(empty(**PUBLISHED_KIND), published(**PUBLISHED_KIND) | left)


def test_a_whole_backbone_is_unexpected_where_the_configuration_has_none():
    with pytest.raises(WeightsError, match=r"unexpected: visual\.backbone"):
        load_weights(empty(**PUBLISHED_KIND), published(**VISUAL_KIND))


def test_everything_that_does_not_fit_is_listed():
    weights = published(**PUBLISHED_KIND)
    del weights["classifier.bias"]
    weights["classifier.scale"] = torch.zeros(1)
    weights["layoutlmv2.embeddings.LayerNorm.weight"] = torch.zeros(47)
    with pytest.raises(WeightsError) as error:
        load_weights(empty(**PUBLISHED_KIND), weights)
    for told in (
        "missing: classifier.bias",
        "unexpected: classifier.scale",
        "embeddings.LayerNorm.weight (47,) instead of (48,)",
    ):
        assert told in str(error.value)


def test_long_lists_are_cut():
    with pytest.raises(WeightsError, match=r"and \d+ more$"):
        load_weights(empty(**PUBLISHED_KIND), {})


def test_layoutlmv2_fused_projections_are_split():
    weights = published(**PUBLISHED_KIND)
    expected = small_network(**PUBLISHED_KIND).state_dict()
    for layer in range(2):
        stem = f"layoutlmv2.encoder.layer.{layer}.attention.self."
        parts = [weights.pop(f"{stem}{part}.weight") for part in ("query", "key", "value")]
        weights[f"{stem}qkv_linear.weight"] = torch.cat(parts)
        weights[f"{stem}q_bias"] = weights.pop(f"{stem}query.bias")[None, None]
        weights[f"{stem}v_bias"] = weights.pop(f"{stem}value.bias")[None, None]
        del weights[f"{stem}key.bias"]
    network = empty(**PUBLISHED_KIND)
    load_weights(network, weights)
    for name, value in network.state_dict().items():
        wanted = torch.zeros(48) if name.endswith("self.key.bias") else expected[name]
        assert torch.equal(value, wanted), name


def test_names():
    assert plain_name("layoutlmv2.encoder.x") == plain_name("layoutxlm.encoder.x") == "encoder.x"
    assert plain_name("classifier.layoutxlm.x") == "classifier.layoutxlm.x"
