"""Model folders: what is loaded, and what is refused."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from beam_kie.layoutxlm.checkpoints import load_network
from beam_kie.layoutxlm.folders import ModelError, file_revision
from beam_kie.layoutxlm.model import KieModel
from tests.beam_kie.layoutxlm.test_model import KINDS, model, pages, seen_by
from tests.small_networks import (
    BUNDLED_KIND,
    character_tokenizer,
    edit_config,
    form,
    same_results,
    save_model,
    small_network,
)


def test_a_saved_model_is_the_same_model(tmp_path):
    folder = save_model(tmp_path / "model", small_network(**BUNDLED_KIND))
    loaded = KieModel.load(folder, device="cpu", dtype="float32")
    assert same_results(loaded.predict(pages(6, 2)), model().predict(pages(6, 2)))
    assert loaded.revision == file_revision(folder / "model.safetensors")
    assert (loaded.name, loaded.labels) == ("small", ["QUESTION", "ANSWER", "HEADER"])
    assert loaded.size_bytes == sum(4 * value.numel() for value in small_network(**BUNDLED_KIND).parameters())


def test_half_precision_files_are_used_in_full(tmp_path):
    folder = save_model(tmp_path / "model", small_network(**BUNDLED_KIND))
    weights = {name: value.half() for name, value in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors")
    network = load_network(folder)
    assert network.embeddings.word_embeddings.weight.dtype == torch.float16  # read where needed
    others = [v for name, v in network.state_dict().items() if "word_embeddings" not in name]
    assert {value.dtype for value in others} == {torch.float32}
    loaded = KieModel.load(folder, device="cpu", dtype="float32")
    reference = small_network(**BUNDLED_KIND)
    reference.load_state_dict({name: value.float() for name, value in weights.items()})
    assert same_results(
        loaded.predict(pages(6)), KieModel(reference, character_tokenizer()).predict(pages(6))
    )


@pytest.mark.parametrize("short_type", ["bfloat16", "float16"])
@pytest.mark.parametrize("kind", KINDS)
def test_short_numbers_find_nearly_the_same(tmp_path, kind, short_type):
    folder = save_model(tmp_path / "model", small_network(**KINDS[kind]))
    text = seen_by(KINDS[kind], form(9))
    full, short = (KieModel.load(folder, device="cpu", dtype=dtype) for dtype in ("float32", short_type))
    tags = [
        np.array([tag for tags in loaded.token_predictions([text])[0] for tag in tags])
        for loaded in (full, short)
    ]
    assert (tags[0] == tags[1]).mean() > 0.9
    assert short.size_bytes < full.size_bytes


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_incomplete_folders_are_refused(tmp_path, missing):
    folder = save_model(tmp_path / "model", small_network(**BUNDLED_KIND))
    (folder / missing).unlink()
    with pytest.raises(ModelError, match=missing):
        KieModel.load(folder)


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    folder = save_model(tmp_path / "model", small_network(**BUNDLED_KIND))
    for changes, told in (
        ({"num_hidden_layers": 3}, r"missing: encoder\.layer\.2"),
        ({"vocab_size": 50}, "instead of"),
        ({"hidden_size": 50}, "num_attention_heads"),
        ({"line_classifier": False}, r"unexpected: line_classifier"),
    ):
        before = (folder / "config.json").read_text()
        edit_config(folder, **changes)
        with pytest.raises(ModelError, match=told):
            KieModel.load(folder)
        (folder / "config.json").write_text(before)


def test_tokenizer_of_another_model_is_refused(tmp_path):
    tokenizer = character_tokenizer()
    tokenizer.add_tokens(["another", "word"])
    folder = save_model(tmp_path / "model", small_network(**BUNDLED_KIND), tokenizer)
    with pytest.raises(ModelError, match="do not belong together"):
        KieModel.load(folder)


@pytest.mark.parametrize("damage", [b"", b"\x00" * 100, b"half"])
def test_damaged_weights_are_refused(tmp_path, damage):
    folder = save_model(tmp_path / "model", small_network(**BUNDLED_KIND))
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000] if damage == b"half" else damage)
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        KieModel.load(folder)
