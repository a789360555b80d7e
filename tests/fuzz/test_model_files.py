"""Settings and tokenizers of model folders: within the limits, or an error with one line."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given

from beam_kie.layoutxlm.checkpoints import ModelError, load_networks
from beam_kie.layoutxlm.config import ConfigError, LayoutXLMConfig
from beam_kie.layoutxlm.file_limits import ModelFileError, check_tokenizer
from tests.fuzz.mutations import arbitrary, as_json, json_values, mutated, mutated_json
from tests.fuzz.sandbox import target
from tests.small_networks import LOOKING_KIND, VISUAL_KIND, save_model, small_config, small_network

SETTINGS = LayoutXLMConfig().fields()
NETWORK = json.loads(as_json(small_config(**LOOKING_KIND).fields()))
VISUAL = json.loads(as_json(small_config(**VISUAL_KIND).fields()))
TOKENIZER = {
    "version": "1.0",
    "normalizer": {
        "type": "Sequence",
        "normalizers": [
            {"type": "NFKC"},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            {"type": "Prepend", "prepend": "x"},
        ],
    },
    "pre_tokenizer": {
        "type": "Sequence",
        "pretokenizers": [{"type": "Split", "pattern": {"Regex": "[a-z]+"}, "behavior": "Isolated"}],
    },
    "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"},
}


@target()
def load_settings(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.json")
        path.write_bytes(data)
        try:
            config = LayoutXLMConfig.load(path)
        except ConfigError as error:
            assert "\n" not in str(error) and len(str(error)) < 2000
            return
        config.save(path)
        assert LayoutXLMConfig.load(path) == config


@target()
def look_at_tokenizer(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tokenizer.json")
        path.write_bytes(data)
        try:
            check_tokenizer(path)
        except ModelFileError as error:
            assert "\n" not in str(error) and len(str(error)) < 2000


@cache
def weights() -> dict[str, bytes]:
    """Files of a small network; made once, in the child."""
    with tempfile.TemporaryDirectory() as folder:
        saved = save_model(Path(folder, "model"), small_network(**LOOKING_KIND))
        return {path.name: path.read_bytes() for path in saved.iterdir()}


@target(ConfigError, ModelError)
def build(values: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = {**weights(), "config.json": as_json(values)}
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        load_networks(folder)


@given(data=arbitrary(b"", b'{"hidden_size": ') | mutated([as_json(SETTINGS)]))
def test_any_bytes_as_settings(sandbox, data):
    sandbox.check(load_settings, data)


@given(value=json_values() | mutated_json([SETTINGS]))
def test_other_settings(sandbox, value):
    sandbox.check(load_settings, as_json(value))


@given(data=arbitrary(b"", b'{"normalizer": ') | mutated([as_json(TOKENIZER)]))
def test_any_bytes_as_tokenizer(sandbox, data):
    sandbox.check(look_at_tokenizer, data)


@given(value=json_values() | mutated_json([TOKENIZER]))
def test_other_tokenizers(sandbox, value):
    sandbox.check(look_at_tokenizer, as_json(value))


@given(value=mutated_json([NETWORK, VISUAL]))
def test_networks_of_other_settings(sandbox, value):
    sandbox.check(build, value)
