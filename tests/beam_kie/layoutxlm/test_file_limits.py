"""Limits on the files of a model folder. Each malicious file is a small one that would take gigabytes or
hours."""

import json
import struct

import pytest

from beam_kie.layoutxlm.file_limits import (
    ModelFileError,
    check_settings,
    check_tokenizer,
    check_weights,
    read_settings,
)
from model_store import resolve

BUNDLED = resolve("bundled")


def test_the_bundled_model_is_within_all_limits():
    check_settings(read_settings(BUNDLED / "config.json"))
    check_weights(BUNDLED / "model.safetensors")
    check_tokenizer(BUNDLED / "tokenizer.json")


@pytest.mark.parametrize(
    "settings",
    [
        {"num_hidden_layers": 10**9},
        {"num_hidden_layers": -5},
        {"num_attention_heads": 0},
        {"vocab_size": 10**15},
        {"ensemble_size": 10**9},
        {"max_2d_position_embeddings": 10**15},
        {"window_tokens": 10**12, "window_overlap_tokens": 10**12 - 1},
        {"window_tokens": 512, "window_overlap_tokens": 511},
        {"entity_temperature": 0.0},
        {"switch_penalty": float("nan")},
        {"join_penalty": float("inf")},
        {"labels": [f"L{number}" for number in range(1_000_000)]},
        {"visual_blocks": [3, 10**9, 23, 3]},
        {"strip_channels": [4, 6, 10**9]},
        {"image_feature_pool_shape": [7, -7, 256]},
        {"labels": ["\x1b[31mred"]},
        {"name": "\x1b[31mred\n"},
        {"name": "\u202egnp"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_absurd_settings_are_refused(settings):
    with pytest.raises(ModelFileError, match=next(iter(settings)).partition("_tokens")[0]):
        check_settings(settings)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"vocab_size":' + "9" * 5000 + "}", "[]", '{"a"'])
def test_settings_that_cannot_be_read_are_refused(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(ModelFileError, match=r"config\.json"):
        read_settings(path)


def test_a_list_of_tensors_without_end_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    entries = ",".join(
        f'"tensor{number}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for number in range(200_000)
    )
    head = ("{" + entries + "}").encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head)
    with pytest.raises(ModelFileError, match="list of tensors"):
        check_weights(path)
    path.write_bytes(struct.pack("<Q", 2**63) + b"{}")
    with pytest.raises(ModelFileError, match="list of tensors"):
        check_weights(path)


def nested(depth: int) -> dict:
    step = {"type": "NFC"}
    for _ in range(depth):
        step = {"type": "Sequence", "normalizers": [step]}
    return step


def replace(pattern: dict, content: str) -> dict:
    return {"type": "Replace", "pattern": pattern, "content": content}


@pytest.mark.parametrize(
    "normalizer",
    [
        replace({"Regex": r"(\w+\w+\w+)+$#"}, "x"),
        replace({"Regex": r"\w+\w+$#"}, "x"),
        replace({"String": "a"}, "a" * 1000),
        {"type": "Sequence", "normalizers": [replace({"String": "a"}, "aa")] * 40},
        {"type": "Prepend", "prepend": "x" * 1000},
        {"type": "NewKind"},
        {"type": ["NFC"]},
        nested(450),
    ],
)
def test_a_normaliser_that_may_take_long_is_refused(tmp_path, normalizer):
    tokenizer = json.loads((BUNDLED / "tokenizer.json").read_text("utf-8"))
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(tokenizer | {"normalizer": normalizer}))
    with pytest.raises(ModelFileError, match=r"tokenizer\.json"):
        check_tokenizer(path)


def test_a_tokenizer_nested_without_end_is_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text("[" * 1_000_000)
    with pytest.raises(ModelFileError, match=r"tokenizer\.json"):
        check_tokenizer(path)
