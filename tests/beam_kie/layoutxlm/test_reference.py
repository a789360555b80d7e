"""The network against numbers of the reference implementations, on their weights (see the data's README)."""

import json

import numpy as np
import pytest
import torch

from beam_kie.document import PageText, TextLine
from beam_kie.layoutxlm.checkpoints import load_weights
from beam_kie.layoutxlm.decoding.entities import decode_entities
from beam_kie.layoutxlm.decoding.tags import LineVoteDecoder
from beam_kie.layoutxlm.inputs.batches import Batch
from beam_kie.layoutxlm.inputs.features import page_tokens
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.layoutxlm.published import PADDLEOCR_LABELS, RELATION_LABELS, config_from_hugging_face
from model_store.paddle import paddle_config, to_hugging_face
from model_store.pickles import read_arrays

TOLERANCE = 1e-4
TAGS = ("O", *(f"{prefix}-{label}" for label in PADDLEOCR_LABELS for prefix in "BI"))
DOCUMENTS = range(3)


def network_of(config, tensors) -> LayoutXLM:
    with torch.device("meta"):
        network = LayoutXLM(config)
    load_weights(network, tensors)
    return network.eval()


def paddle_network(reference, name, head) -> LayoutXLM:
    facts = json.loads((reference / f"{name}.json").read_text())
    values = {**facts["config"], "use_visual_backbone": facts["use_visual_backbone"]}
    tensors = to_hugging_face(read_arrays(reference / f"{name}.{head}.model_state.pdparams"))
    return network_of(paddle_config(values, tensors, None), tensors)


def batch_of(ids, boxes, mask, visual) -> Batch:
    """Every token is a line of its own, as the boxes of the reference inputs differ from token to token."""
    ids, boxes, mask = (torch.from_numpy(array) for array in (ids, boxes, mask))
    places = torch.arange(ids.shape[1]).expand_as(ids)
    return Batch(ids, places, places, mask.bool(), boxes, torch.ones_like(mask, dtype=torch.bool), visual)


def paddle_batch(network, arrays) -> Batch:
    visual = None
    if network.visual is not None:
        visual = network.visual_states(torch.from_numpy(arrays["in_raw_rgb"]))
    return batch_of(arrays["in_input_ids"], arrays["in_bbox"], arrays["in_attention_mask"], visual)


def assert_near(found: torch.Tensor, wanted: np.ndarray) -> None:
    assert tuple(found.shape) == wanted.shape
    assert np.abs(found.numpy() - wanted).max() < TOLERANCE


@pytest.mark.parametrize("name", ["tiny_visual", "tiny_vi"])
@torch.inference_mode()
def test_paddle_entities(reference, name):
    arrays = np.load(reference / f"{name}.npz")
    network = paddle_network(reference, name, "ser")
    batch = paddle_batch(network, arrays)
    # Without pictures the reference keeps its visual tokens and masks them; here there are none.
    tokens = 512 + network.config.architecture.visual_tokens
    assert tokens == (561 if name == "tiny_visual" else 512)

    assert_near(network.embeddings(batch), arrays["out_embedding_output"][:, :512])
    if network.visual is not None:
        assert_near(network.visual(torch.from_numpy(arrays["in_raw_rgb"])), arrays["out_visual_features"])
        assert_near(batch.visual, arrays["out_embedding_output"][:, 512:])
    assert_near(network.encode_all(batch), arrays["out_encoder_output"][:, :tokens])
    logits = network.classify(network.encode(batch), batch)
    assert_near(logits, arrays["out_ser_logits"])
    assert np.array_equal(logits.argmax(-1).numpy(), arrays["out_ser_logits"].argmax(-1))


@pytest.mark.parametrize("name", ["tiny_visual", "tiny_vi"])
@torch.inference_mode()
def test_paddle_relations(reference, name):
    arrays = np.load(reference / f"{name}.npz")
    network = paddle_network(reference, name, "re")
    assert network.classifier is None
    hidden = network.encode(paddle_batch(network, arrays))
    for document in DOCUMENTS:
        count = arrays["in_entities"][document, 0, 0]
        starts, _, rows = arrays["in_entities"][document, 1 : count + 1].T
        labels = torch.tensor([network.config.labels.index(RELATION_LABELS[row]) for row in rows])
        pairs, wanted = arrays[f"out_re_pairs_{document}"], arrays[f"out_re_logits_{document}"]
        heads, tails = np.unique(pairs[:, 0]), np.unique(pairs[:, 1])
        scores = network.extractor(
            hidden[document, starts], labels, None, torch.from_numpy(heads), torch.from_numpy(tails)
        )
        found = scores[np.searchsorted(tails, pairs[:, 1]), np.searchsorted(heads, pairs[:, 0])]
        assert_near(found, wanted)
        linked = {(int(a), int(b)) for a, b in pairs[wanted.argmax(-1) == 1, :2]}
        probabilities, threshold = network.extractor.probabilities(scores)
        ours = {(int(heads[k]), int(tails[v])) for v, k in (probabilities > threshold).nonzero().tolist()}
        assert ours == linked
        in_result = arrays["out_re_pred_relations"][document]
        assert {(int(row[0, 0]), int(row[3, 0])) for row in in_result[1 : in_result[0, 0, 0] + 1]} == linked


@torch.inference_mode()
def test_hugging_face_entities(reference):
    folder = reference / "hf_tiny_visual"
    tensors = torch.load(folder / "pytorch_model.bin", weights_only=True)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    values = json.loads((folder / "config.json").read_text())
    network = network_of(config_from_hugging_face(values, shapes, tags=TAGS), tensors)
    arrays = np.load(folder / "io.npz")
    images = torch.from_numpy(arrays["image_bgr"]).flip(1).permute(0, 2, 3, 1)

    assert_near(network.visual(images), arrays["visual_features"])
    batch = batch_of(
        arrays["input_ids"], arrays["bbox"], arrays["attention_mask"], network.visual_states(images)
    )
    logits = network.classify(network.encode(batch), batch)
    assert_near(logits, arrays["ser_logits"])
    assert np.array_equal(logits.argmax(-1).numpy(), arrays["ser_logits"].argmax(-1))

    network.prepare(torch.float32)  # folded, as it is used
    assert_near(network.visual(images), arrays["visual_features"])


def test_dropping_padding_is_exact(reference):
    arrays = np.load(reference / "tiny_visual.npz")
    network = paddle_network(reference, "tiny_visual", "ser")
    with torch.inference_mode():
        for document in DOCUMENTS:
            length = int(arrays["in_attention_mask"][document].sum())
            cut = {
                name: arrays[name][document : document + 1, :length]
                for name in ("in_input_ids", "in_bbox", "in_attention_mask")
            }
            cut["in_raw_rgb"] = arrays["in_raw_rgb"][document : document + 1]
            batch = paddle_batch(network, cut)
            logits = network.classify(network.encode(batch), batch)
            assert_near(logits, arrays["out_ser_logits"][document : document + 1, :length])


def test_what_the_relation_head_is_asked_is_what_paddleocr_asks(reference, sentencepiece):
    """Entities of voted lines with their first tokens, and the candidate pairs in the same order."""
    for case in json.loads((reference / "prepost.json").read_text("utf-8")):
        arrays = np.load(reference / f"prepost_{case['name']}.npz")
        lines = tuple(
            TextLine(text, (x0, y0, x1, y0, x1, y1, x0, y1)) for text, (x0, y0, x1, y1) in case["order"]
        )
        page = PageText("d", "u", 1, case["width"], case["height"], lines=lines)
        tokens = page_tokens(page, sentencepiece)
        logits = torch.from_numpy(arrays["logits"][0, : len(tokens)])
        found = decode_entities(page, tokens, logits.log_softmax(-1).numpy(), LineVoteDecoder(TAGS))

        count = arrays["re_entities"][0, 0, 0]
        ours = [
            (item.tokens[0], item.tokens[-1] + 1, RELATION_LABELS.index(item.entity.label)) for item in found
        ]
        assert np.array_equal(ours, arrays["re_entities"][0, 1 : count + 1])
        lines_of = {str(index): item.entity.spans[0].line for index, item in enumerate(found)}
        assert lines_of == case["entity_idx_dict"]
        keys = [index for index, item in enumerate(found) if item.entity.label == "QUESTION"]
        values = [index for index, item in enumerate(found) if item.entity.label == "ANSWER"]
        pairs = arrays["re_relations"][0]
        assert [[key, value] for key in keys for value in values] == pairs[1 : pairs[0, 0] + 1].tolist()
