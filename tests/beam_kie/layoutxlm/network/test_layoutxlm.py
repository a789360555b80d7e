import dataclasses

import pytest
import torch

from beam_kie.layoutxlm.inputs.batches import Window, collate
from beam_kie.layoutxlm.inputs.features import page_tokens
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM, line_means
from tests.small_networks import (
    BIASED_KIND,
    BUNDLED_KIND,
    PUBLISHED_KIND,
    VISUAL_KIND,
    character_tokenizer,
    form,
    small_config,
    small_network,
)

HF_KIND = {**PUBLISHED_KIND, "special_tokens": "hf", "bos_token_id": 2}
KINDS = {
    "bundled": BUNDLED_KIND,
    "published": PUBLISHED_KIND,
    "visual": VISUAL_KIND,
    "biased": BIASED_KIND,
    "special": HF_KIND,
}


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


def batch_of(config, *rows):
    tokens = [page_tokens(form(count, seed=count), character_tokenizer()) for count in rows]
    windows = [Window(index, 0, len(page)) for index, page in enumerate(tokens)]
    return collate(windows, tokens, config)


@torch.inference_mode()
def outputs(network, batch, images=None):
    if images is not None:
        batch = dataclasses.replace(batch, visual=network.visual_states(images))
    hidden = network.encode(batch)
    return hidden, network.classify(hidden, batch)


def pictures(network, count):
    if network.visual is None:
        return None
    return torch.randint(0, 256, (count, 224, 224, 3), generator=torch.manual_seed(3)).to(torch.uint8)


def test_padding_changes_nothing(kind):
    network = small_network(**kind)
    images = pictures(network, 3)
    rows = (3, 9, 5)
    together = outputs(network, batch_of(network.config, *rows), images)
    for index, count in enumerate(rows):
        alone = outputs(
            network, batch_of(network.config, count), None if images is None else images[index : index + 1]
        )
        length = alone[0].shape[1]
        for found, wanted in zip(together, alone, strict=True):
            assert torch.allclose(found[index, :length], wanted[0], atol=1e-4), index
    assert together[1].std() > 0.1


def test_padding_changes_little_in_bfloat16(kind):
    network = small_network(**kind)
    network.prepare(torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        alone = outputs(network, batch_of(network.config, 2))[1]
        padded = outputs(network, batch_of(network.config, 2, 30))[1][:1, : alone.shape[1]]
        other = outputs(network, batch_of(network.config, 30))[1][:, : alone.shape[1]]
    assert (padded - alone).abs().mean() < 0.2 * (other - alone).abs().mean()


def test_every_input_counts(kind):
    network = small_network(**kind)
    batch = batch_of(network.config, 6)
    base = outputs(network, batch, pictures(network, 1))[1]
    fields = ["ids", "positions", "line_boxes"]
    for field in fields:
        value = getattr(batch, field).clone()
        value[:, 2] = value[:, 2] // 2 if field == "line_boxes" else value[:, 2] + 1
        changed = outputs(network, dataclasses.replace(batch, **{field: value}), pictures(network, 1))[1]
        assert (changed - base).abs().max() > 1e-3, field
    if network.visual is not None:
        other = outputs(network, batch, 255 - pictures(network, 1))[1]
        assert (other - base).abs().max() > 1e-3


def test_network_without_pictures_equals_one_with_masked_visual_tokens():
    """VI-LayoutXLM masks its visual tokens everywhere; leaving them out must give the same."""
    network = small_network(**VISUAL_KIND)
    batch = batch_of(network.config, 5)
    text_only = outputs(network, batch)[1]
    weights = {k: v for k, v in network.state_dict().items() if not k.startswith("visual")}
    without = LayoutXLM(small_config(**PUBLISHED_KIND)).eval()
    without.load_state_dict(weights)
    assert torch.equal(outputs(without, batch)[1], text_only)


def test_visual_tokens_stand_behind_the_text():
    network = small_network(**VISUAL_KIND)
    batch = batch_of(network.config, 4, 2)
    batch = dataclasses.replace(batch, visual=network.visual_states(pictures(network, 2)))
    everything = network.encode_all(batch)
    assert everything.shape == (2, batch.ids.shape[1] + 49, 48)
    assert torch.equal(network.encode(batch), everything[:, : batch.ids.shape[1]])


@torch.no_grad()
def test_a_visual_token_is_features_position_and_place():
    network = small_network(**VISUAL_KIND)
    images = pictures(network, 2)
    embeddings, table = network.embeddings, network.embeddings.state_dict()
    x0, y0, x1, y1 = 285, 142, 428, 285  # the tenth cell of 7 x 7
    place = [
        table["x_position_embeddings.weight"][x0],
        table["y_position_embeddings.weight"][y0],
        table["x_position_embeddings.weight"][x1],
        table["y_position_embeddings.weight"][y1],
        table["h_position_embeddings.weight"][y1 - y0],
        table["w_position_embeddings.weight"][x1 - x0],
    ]
    wanted = network.visual_LayerNorm(
        network.visual_proj(network.visual(images)[:, 9])
        + embeddings.position_embeddings.weight[9]
        + torch.cat(place)
        + network.visual_segment_embedding
    )
    assert network.visual_segment_embedding.abs().max() > 0
    assert torch.allclose(network.visual_states(images)[:, 9], wanted, atol=1e-4)


def test_tags_of_a_line_depend_on_all_its_tokens():
    network = small_network(**BUNDLED_KIND)
    batch = batch_of(network.config, 3)
    hidden = torch.randn(1, batch.ids.shape[1], 48)
    means = line_means(hidden, batch)
    for index in range(6):
        assert torch.allclose(means[0, index], hidden[0, batch.lines[0] == index].mean(0), atol=1e-6)
    with torch.inference_mode():
        logits = network.classify(hidden, batch)
        wanted = network.classifier(hidden) + network.line_classifier(means)[0, batch.lines[0]]
    assert torch.allclose(logits, wanted, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_preparing_is_what_autocast_does_at_every_call(kind, dtype):
    network = small_network(**kind)
    batch = batch_of(network.config, 6, 3)

    def run():
        with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
            return outputs(network, batch)

    before = run()
    network.prepare(dtype)
    for found, wanted in zip(run(), before, strict=True):
        assert torch.equal(found, wanted)
    assert network.classifier.weight.dtype == dtype
    assert network.embeddings.word_embeddings.weight.dtype == torch.float32
    assert next(network.relation_head.parameters()).dtype == torch.float32


def test_names_of_the_bundled_kind_stay_as_they_are():
    names = set(small_network(**BUNDLED_KIND).state_dict())
    assert {name.split(".")[0] for name in names} == {
        "embeddings", "encoder", "classifier", "line_classifier", "relations"
    }  # fmt: skip
    for name in (
        "encoder.line_bias.tables.5.weight", "encoder.final_norm.weight", "relations.none.bias",
        "encoder.layer.1.attention.self.query.weight", "relations.label_embeddings.weight",
    ):  # fmt: skip
        assert name in names


def test_published_names():
    names = set(small_network(**VISUAL_KIND, has_relative_attention_bias=True).state_dict())
    for name in (
        "extractor.entity_emb.weight", "extractor.ffnn_head.3.bias", "extractor.rel_classifier.linear.weight",
        "extractor.rel_classifier.bilinear.weight", "visual_segment_embedding", "visual_proj.weight",
        "visual.backbone.bottom_up.res4.1.conv2.norm.running_var", "visual.backbone.fpn_lateral5.bias",
        "visual.backbone.fpn_output2.weight", "encoder.rel_pos_bias.weight", "visual_LayerNorm.bias",
    ):  # fmt: skip
        assert name in names
