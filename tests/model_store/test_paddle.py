import json
import pickle

import numpy as np
import pytest
import torch

from beam_kie.layoutxlm.checkpoints import load_weights, plain_name
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from model_store import paddle
from model_store.errors import SourceError
from model_store.pickles import read_arrays
from tests.small_networks import PUBLISHED_KIND, VISUAL_KIND, small_network


def paddle_arrays(prefix="", **changes):
    """What Paddle would save of a network: its names, and products as in x outputs."""
    arrays = {}
    for name, value in small_network(vocab_size=120, **changes).state_dict().items():
        kind = name.rpartition(".")[0]
        array = value.numpy()
        if array.ndim == 2 and "embedding" not in name and "entity_emb" not in name:
            array = array.T.copy()
        name = name.replace("running_mean", "_mean").replace("running_var", "_variance")
        arrays[prefix + (name if kind.startswith(("classifier", "extractor")) else f"layoutxlm.{name}")] = (
            array
        )
    return arrays


def test_full_size_names_and_shapes_map_completely(reference):
    listed = json.loads((reference / "paddle_names.json").read_text())
    assert len(listed) == 761
    # The list was made with a vocabulary of eight.
    config = LayoutXLMConfig.from_fields(
        vocab_size=8, use_visual_backbone=True, relation_head="biaffine", relation_size=384
    )
    with torch.device("meta"):
        network = LayoutXLM(config)
    tensors = {}
    for name, (shape, _) in listed.items():
        plain = paddle.hugging_face_name(name)
        transposed = len(shape) == 2 and paddle._TRANSPOSED.search(plain)
        tensors[plain] = torch.empty(shape[::-1] if transposed else shape, device="meta")
    load_weights(network, tensors)  # strictly: nothing missing, unexpected, or of another shape
    used = {plain_name(name) for name in tensors} & set(network.state_dict())
    assert used == set(network.state_dict())
    assert all(tensor.shape == network.state_dict()[plain_name(name)].shape
               for name, tensor in tensors.items() if plain_name(name) in used)  # fmt: skip


@pytest.mark.parametrize("kind", [VISUAL_KIND, PUBLISHED_KIND])
@pytest.mark.parametrize("prefix", ["", "backbone.model.", "Student.backbone.model.", "m."])
def test_arrays_come_back_as_the_network_had_them(kind, prefix):
    tensors = paddle.to_hugging_face(paddle_arrays(prefix, **kind))
    wanted = small_network(vocab_size=120, **kind).state_dict()
    assert {plain_name(name) for name in tensors} == set(wanted)
    assert all(torch.equal(tensor, wanted[plain_name(name)]) for name, tensor in tensors.items())


def test_of_several_networks_the_student_is_taken():
    arrays = paddle_arrays("Student.backbone.model.", **PUBLISHED_KIND)
    wanted = paddle.to_hugging_face(dict(arrays))
    arrays.update(
        {f"Teacher.{name.removeprefix('Student.')}": value + 1 for name, value in dict(arrays).items()}
    )
    found = paddle.to_hugging_face(arrays)
    assert set(found) == set(wanted)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_several_networks_without_a_student_are_refused():
    arrays = paddle_arrays("A.", **PUBLISHED_KIND) | paddle_arrays("B.", **PUBLISHED_KIND)
    with pytest.raises(SourceError, match="several networks"):
        paddle.to_hugging_face(arrays)


def test_other_weights_are_refused():
    with pytest.raises(SourceError, match="no LayoutXLM weights"):
        paddle.to_hugging_face({"conv.weight": np.zeros((2, 2), np.float32)})


def test_bfloat16_and_other_byte_orders():
    values = np.array([[1.0, -2.5], [0.15625, 3.0]], np.float32)
    as_bfloat16 = (values.view(np.uint32) >> 16).astype(np.uint16)
    for array in (as_bfloat16, values.astype(">f4"), values.astype(np.float16)):
        found = paddle.to_hugging_face({f"layoutxlm.{paddle.WORDS}": array})
        assert torch.equal(found[f"layoutlmv2.{paddle.WORDS}"], torch.from_numpy(values))


def nested(**values):
    return {"init_args": [{"num_attention_heads": 4, **values}], "num_classes": 7}


def test_a_backbone_that_is_not_turned_off_must_be_there():
    tensors = paddle.to_hugging_face(paddle_arrays(**PUBLISHED_KIND))
    with pytest.raises(SourceError, match="use_visual_backbone"):
        paddle.paddle_config(nested(), tensors, None)
    with pytest.raises(SourceError, match="use_visual_backbone"):
        paddle.paddle_config({"num_attention_heads": 4, "use_visual_backbone": True}, tensors, None)
    for values in (nested(use_visual_backbone=False), {"num_attention_heads": 4}):
        assert not paddle.paddle_config(values, tensors, None).architecture.use_visual_backbone


def test_an_absent_switch_means_true_and_false_takes_the_backbone_out():
    tensors = paddle.to_hugging_face(paddle_arrays(**VISUAL_KIND))
    config = paddle.paddle_config(nested(), tensors, None)
    assert (config.architecture.use_visual_backbone, config.architecture.image_normalisation) == (
        True,
        "paddleocr",
    )
    config = paddle.paddle_config(nested(use_visual_backbone=False), tensors, None)
    assert not config.architecture.use_visual_backbone
    with torch.device("meta"):
        network = LayoutXLM(config)
    load_weights(network, tensors)


def test_what_does_not_fit_the_weights_is_refused():
    tensors = paddle.to_hugging_face(paddle_arrays(**PUBLISHED_KIND))
    with pytest.raises(SourceError, match="3 layers, but the weights hold 2"):
        paddle.paddle_config({"num_attention_heads": 4, "num_hidden_layers": 3}, tensors, None)
    with pytest.raises(SourceError, match="how many attention heads"):
        paddle.paddle_config({}, tensors, None)


def test_class_list_as_paddleocr_reads_it(reference):
    lines = (reference / "class_list_xfun.txt").read_text().splitlines()
    assert paddle.class_list_tags(lines) == [
        "O", "B-QUESTION", "I-QUESTION", "B-ANSWER", "I-ANSWER", "B-HEADER", "I-HEADER"
    ]  # fmt: skip
    assert paddle.class_list_tags(["shipper", "", "Weight"]) == [
        "O", "B-SHIPPER", "I-SHIPPER", "B-WEIGHT", "I-WEIGHT"
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["", "[1]", "{", "nul", "[" * 100_000])
def test_broken_configurations(tmp_path, content):
    (tmp_path / "model_config.json").write_text(content)
    with pytest.raises(SourceError, match=r"model_config\.json: "):
        paddle.read_paddle_config(tmp_path)


def test_reference_weights_equal_those_in_hugging_face_format(reference):
    found = paddle.to_hugging_face(read_arrays(reference / "tiny_visual.ser.model_state.pdparams"))
    wanted = torch.load(reference / "hf_tiny_visual" / "pytorch_model.bin", weights_only=True)
    assert set(found) <= set(wanted)
    assert all("num_batches_tracked" in name or name in found or "pixel_" in name for name in wanted)
    assert all(torch.equal(found[name], wanted[name]) for name in found)


def test_pickled_arrays_are_read(tmp_path):
    arrays = paddle_arrays(**PUBLISHED_KIND)
    (tmp_path / "x.pdparams").write_bytes(pickle.dumps(arrays, 4))
    found = paddle.to_hugging_face(read_arrays(tmp_path / "x.pdparams"))
    assert len(found) == len(arrays)
