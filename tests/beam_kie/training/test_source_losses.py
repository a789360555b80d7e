"""Losses, gradients and steps against the sources: PaddleNLP's numbers, finite differences, transformers."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from beam_kie.layoutxlm.checkpoints import load_weights
from beam_kie.layoutxlm.inputs.batches import Batch
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.layoutxlm.network.visual import normalise_images
from beam_kie.layoutxlm.published import RELATION_LABELS
from beam_kie.training.data.examples import UNMASKED
from beam_kie.training.losses import biaffine_loss, tag_loss
from beam_kie.training.settings import Settings
from beam_kie.training.weights.optimising import create_optimizer
from model_store.paddle import paddle_config, to_hugging_face
from model_store.pickles import read_arrays
from tests.small_networks import BIASED_KIND, PUBLISHED_KIND, VISUAL_KIND, small_network

TOLERANCE = 1e-4


def paddle_network(reference, name, head):
    facts = json.loads((reference / f"{name}.json").read_text())
    values = {**facts["config"], "use_visual_backbone": facts["use_visual_backbone"]}
    tensors = to_hugging_face(read_arrays(reference / f"{name}.{head}.model_state.pdparams"))
    config = paddle_config(values, tensors, None)
    with torch.device("meta"):
        network = LayoutXLM(config)
    load_weights(network, tensors)
    return network.eval()


def hidden_of(network, arrays):
    ids, boxes, mask = (
        torch.from_numpy(arrays[f"in_{name}"]) for name in ("input_ids", "bbox", "attention_mask")
    )
    visual = None
    if network.visual is not None:
        visual = network.visual_states(torch.from_numpy(arrays["in_raw_rgb"]))
    places = torch.arange(ids.shape[1]).expand_as(ids)
    batch = Batch(ids, places, places, mask.bool(), boxes, torch.ones_like(mask, dtype=torch.bool), visual)
    return network.encode(batch), batch


def log_softmax(scores):
    scores = scores.astype(np.float64)
    return scores - np.log(np.exp(scores).sum(-1, keepdims=True))


@pytest.mark.parametrize("name", ["tiny_visual", "tiny_vi"])
@torch.no_grad()
def test_the_loss_of_relations_is_that_of_paddlenlp(reference, name):
    arrays = np.load(reference / f"{name}.npz")
    network = paddle_network(reference, name, "re")
    hidden, _ = hidden_of(network, arrays)
    scores, linked = [], []
    for document in range(3):
        count = arrays["in_entities"][document, 0, 0]
        starts, _, rows = arrays["in_entities"][document, 1 : count + 1].T
        labels = torch.tensor([network.config.labels.index(RELATION_LABELS[row]) for row in rows])
        pairs = torch.from_numpy(arrays[f"out_re_pairs_{document}"].T.copy())
        heads, tails = pairs[0].unique(), pairs[1].unique()
        scores.append(network.extractor(hidden[document, starts], labels, None, heads, tails))
        target = torch.zeros(len(tails), len(heads), dtype=torch.long)
        target[torch.searchsorted(tails, pairs[1]), torch.searchsorted(heads, pairs[0])] = pairs[2]
        linked.append(target)
    assert biaffine_loss(scores, linked).item() == pytest.approx(arrays["out_re_loss"].item(), abs=TOLERANCE)
    # How it follows from the logits: the mean over the pairs of a page, summed over the pages.
    by_hand = 0.0
    for document in range(3):
        labels = arrays[f"out_re_pairs_{document}"][:, 2]
        by_hand -= log_softmax(arrays[f"out_re_logits_{document}"])[np.arange(len(labels)), labels].mean()
    assert by_hand == pytest.approx(arrays["out_re_loss"].item(), abs=TOLERANCE)


@pytest.mark.parametrize("name", ["tiny_visual", "tiny_vi"])
@torch.no_grad()
def test_the_loss_of_entities_follows_from_the_source_logits(reference, name):
    arrays = np.load(reference / f"{name}.npz")
    network = paddle_network(reference, name, "ser")
    hidden, batch = hidden_of(network, arrays)
    seen = arrays["in_attention_mask"].astype(bool)
    tags = np.random.default_rng(0).integers(0, 7, seen.shape)
    by_hand = -np.take_along_axis(log_softmax(arrays["out_ser_logits"]), tags[..., None], -1)[seen].mean()
    targets = {
        "tags": torch.from_numpy(np.where(seen, tags, UNMASKED)),
        "weights": torch.from_numpy(seen.astype(np.float32)),
    }
    loss = tag_loss(network.classify(hidden, batch), targets, label_smoothing=0.0)
    assert loss.item() == pytest.approx(by_hand, abs=TOLERANCE)


def test_the_loss_of_entities_is_that_of_the_cases_of_the_metric(reference):
    arrays = np.load(reference / "metrics.npz")
    for case in range(6):
        logits, labels = arrays[f"ser{case}_logits"], arrays[f"ser{case}_labels"]
        known = labels != UNMASKED
        scores = log_softmax(logits)
        by_hand = -np.take_along_axis(scores, np.where(known, labels, 0)[..., None], -1)[known].mean()
        targets = {
            "tags": torch.from_numpy(labels.astype(np.int64)),
            "weights": torch.from_numpy(known.astype(np.float32)),
        }
        found = tag_loss(torch.from_numpy(logits), targets, 0.0).item()
        assert found == pytest.approx(by_hand, abs=TOLERANCE)


def tiny_inputs(network):
    """One window of six tokens on three lines, one of four, and pictures where the network reads them."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(3, network.config.architecture.vocab_size, (2, 6), generator=generator)
    lines = torch.tensor([[0, 0, 1, 1, 2, 2]] * 2)
    boxes = torch.tensor([[[10, 20, 200, 40], [300, 20, 500, 40], [10, 60, 400, 80]]] * 2)
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    batch = Batch(ids, torch.arange(6).expand(2, 6), lines, mask, boxes, torch.ones(2, 3, dtype=torch.bool))
    pictures = torch.randint(0, 256, (2, 32, 32, 3), generator=generator, dtype=torch.uint8)
    return batch, pictures


def both_losses(network, batch, pictures):
    if network.visual is not None:
        batch.visual = network.visual_states(pictures)
    hidden = network.encode(batch)
    targets = {
        "tags": torch.tensor([[1, 2, 3, 4, 0, 0], [1, 2, 3, 4, UNMASKED, UNMASKED]]),
        "weights": batch.mask.double(),
    }
    labels, pairs = torch.tensor([0, 1]), (torch.tensor([0]), torch.tensor([1]))
    scores = [network.extractor(hidden[row, [0, 2]], labels, None, *pairs) for row in range(2)]
    linked = [torch.tensor([[1]]), torch.tensor([[0]])]
    return tag_loss_in_double(network.classify(hidden, batch), targets) + biaffine_loss(scores, linked)


def tag_loss_in_double(logits, targets):
    """``tag_loss`` computes in float32, which finite differences cannot follow."""
    return nn.functional.cross_entropy(logits.flatten(0, 1), targets["tags"].flatten(), ignore_index=UNMASKED)


@pytest.mark.parametrize("kind", [PUBLISHED_KIND, BIASED_KIND, VISUAL_KIND])
@pytest.mark.parametrize("recompute", [False, True])
def test_gradients_are_those_of_finite_differences(kind, recompute):
    network = small_network(**kind, hidden_dropout_prob=0.0, vocab_size=30).double().train()
    if recompute:
        network.recompute_activations()
    in_double(network)
    batch, pictures = tiny_inputs(network)
    both_losses(network, batch, pictures).backward()
    generator = torch.Generator().manual_seed(1)
    checked = 0
    for name, value in network.named_parameters():
        if value.grad is None or not value.grad.abs().max():
            continue
        direction = torch.randn(value.shape, generator=generator, dtype=torch.float64)
        step = 1e-6
        with torch.no_grad():
            value += step * direction
            above = both_losses(network, batch, pictures)
            value -= 2 * step * direction
            below = both_losses(network, batch, pictures)
            value += step * direction
        numeric, found = ((above - below) / (2 * step)).item(), (value.grad * direction).sum().item()
        # Maxima of pooling and rectifiers have kinks: a step over one shows in the difference.
        assert found == pytest.approx(numeric, rel=2e-3, abs=1e-6), name
        checked += 1
    assert checked > 40


def in_double(network):
    """The backbone computes in float32 around its convolutions; here it must not."""
    if network.visual is None:
        return
    backbone = network.visual.backbone

    def forward(images):
        maps = backbone.bottom_up(normalise_images(images, network.visual.normalisation).double())
        merged = backbone._lateral(5, maps)
        for stage in (4, 3, 2):
            side = backbone._lateral(stage, maps)
            merged = side + nn.functional.interpolate(merged, size=side.shape[-2:], mode="nearest")
        pooled = nn.functional.adaptive_avg_pool2d(backbone.fpn_output2(merged), backbone.cells)
        return pooled.flatten(2).transpose(1, 2)

    network.visual.forward = forward


class TransformersNetwork(nn.Module):
    """LayoutLMv2's text and layout part, from transformers' own layers: its model asks for detectron2."""

    def __init__(self, config, classes):
        super().__init__()
        from transformers.models.layoutlmv2.modeling_layoutlmv2 import LayoutLMv2Embeddings, LayoutLMv2Encoder

        self.embeddings = LayoutLMv2Embeddings(config)
        self.encoder = LayoutLMv2Encoder(config)
        self.classifier = nn.Linear(config.hidden_size, classes)

    def forward(self, ids, boxes, mask):
        embeddings = self.embeddings
        total = (
            embeddings.word_embeddings(ids)
            + embeddings.position_embeddings(torch.arange(ids.shape[1]))
            + embeddings._calc_spatial_position_embeddings(boxes)
            + embeddings.token_type_embeddings(torch.zeros_like(ids))
        )
        hidden = embeddings.LayerNorm(total)
        bias = torch.where(mask, 0.0, torch.finfo(torch.float32).min)[:, None, None, :]
        found = self.encoder(hidden, bias, bbox=boxes, position_ids=torch.arange(ids.shape[1]).expand_as(ids))
        return self.classifier(found.last_hidden_state)


@pytest.mark.parametrize("biased", [False, True])
def test_a_step_is_that_of_transformers_layers_and_torchs_optimiser(biased):
    transformers = pytest.importorskip("transformers")
    kind = BIASED_KIND if biased else PUBLISHED_KIND
    changes = {"hidden_dropout_prob": 0.0, "vocab_size": 30, "relation_head": "none", "pad_token_id": 1}
    network = small_network(**{**kind, **changes})
    sizes = network.config.architecture
    config = transformers.LayoutLMv2Config(
        vocab_size=30, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        coordinate_size=8, shape_size=8, pad_token_id=1, type_vocab_size=1, layer_norm_eps=1e-5,
        max_position_embeddings=sizes.max_position_embeddings, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, has_relative_attention_bias=biased,
        has_spatial_attention_bias=biased, fast_qkv=False,
    )  # fmt: skip
    theirs = TransformersNetwork(config, len(network.config.tags))
    theirs.load_state_dict(network.state_dict())
    batch, _ = tiny_inputs(network)
    boxes = batch.line_boxes.gather(1, batch.lines.unsqueeze(-1).expand(-1, -1, 4))
    targets = {
        "tags": torch.tensor([[1, 2, 3, 4, 0, 0], [1, 2, 3, 4, UNMASKED, UNMASKED]]),
        "weights": batch.mask.float(),
    }
    settings = Settings(output="", learning_rate=1e-3, weight_decay=0.1)

    network.train()
    optimizer = create_optimizer(network, settings)
    for group in optimizer.param_groups:
        group["lr"] *= settings.learning_rate
    loss = tag_loss(network.classify(network.encode(batch), batch), targets, 0.0)
    loss.backward()
    optimizer.step()

    decayed = [value for value in theirs.parameters() if value.ndim > 1]
    rest = [value for value in theirs.parameters() if value.ndim <= 1]
    other = torch.optim.AdamW(
        [{"params": decayed}, {"params": rest, "weight_decay": 0.0}], 1e-3, weight_decay=0.1
    )
    logits = theirs.train()(batch.ids, boxes, batch.mask)
    their_loss = nn.CrossEntropyLoss()(logits.flatten(0, 1), targets["tags"].flatten())
    their_loss.backward()
    other.step()

    assert loss.item() == pytest.approx(their_loss.item(), abs=1e-6)
    ours, wanted = network.state_dict(), theirs.state_dict()
    for name, value in wanted.items():
        gradient = dict(theirs.named_parameters())[name].grad
        if gradient is None:
            assert name.startswith("encoder.rel_pos_")  # transformers looks these up without a gradient
            continue
        # Adam's first step is the sign of the gradient: of rounding where there is none (the keys' bias).
        firm = gradient.abs() > 1e-6
        assert torch.allclose(ours[name][firm], value[firm], atol=1e-6), name
    before = small_network(**{**kind, **changes}).classifier.weight
    assert (ours["classifier.weight"] - before).abs().max() > 5e-4
