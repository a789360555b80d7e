"""Settings and tokenizers of model folders: within the limits, or an error with one line."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given

from beam_kie.layoutxlm.checkpoints import load_networks
from beam_kie.layoutxlm.config import ConfigError, LayoutXLMConfig
from beam_kie.layoutxlm.file_limits import ModelFileError, check_tokenizer
from beam_kie.layoutxlm.folders import ModelError
from beam_kie.ocr.models import read_inference_yml
from model_store.errors import SourceError
from model_store.importing import ImportOptions, import_model
from tests.fuzz.mutations import arbitrary, as_json, json_values, mutated, mutated_json
from tests.fuzz.sandbox import REPOSITORY, target
from tests.small_networks import STRIPS_KIND, VISUAL_KIND, save_model, small_config, small_network

REFERENCE = REPOSITORY / "tests" / "reference"
PUBLISHED = json.loads((REFERENCE / "hf_tiny_visual" / "config.json").read_text())
YML = b"""Global:
  model_name: PP-OCRv6_small_rec
PreProcess: {transform_ops: [{DecodeImage: {img_mode: BGR}}]}
PostProcess:
  name: CTCLabelDecode
  character_dict: &all ['!', "a", 2001-01-01, 0x1f, .inf]
Again: *all
"""
YML_WORDS = (
    b"&a ",
    b"*a",
    b"<<: *all",
    b"!!python/object:os.system ",
    b"!!binary ",
    b"? ",
    b"--- ",
    b"\t",
    b"%YAML 9\n",
)
SETTINGS = LayoutXLMConfig().fields()
NETWORK = json.loads(as_json(small_config(**STRIPS_KIND).fields()))
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
        saved = save_model(Path(folder, "model"), small_network(**STRIPS_KIND))
        return {path.name: path.read_bytes() for path in saved.iterdir()}


@target(ConfigError, ModelError)
def build(values: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = {**weights(), "config.json": as_json(values)}
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        load_networks(folder)


@target(SourceError)
def import_hugging_face(values: Any) -> None:
    """With real weights and a tokenizer; only the configuration is hostile."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source")
        source.mkdir()
        (source / "pytorch_model.bin").symlink_to(REFERENCE / "hf_tiny_visual" / "pytorch_model.bin")
        (source / "config.json").write_bytes(as_json(values))
        options = ImportOptions(tokenizer=REFERENCE / "tiny_sentencepiece.bpe.model")
        try:
            import_model(source, Path(folder, "made"), options)
        except SourceError as error:
            assert "\n" not in str(error) and len(str(error)) < 2000
            raise


@target()
def read_yml(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "inference.yml").write_bytes(data)
        try:
            sections = read_inference_yml(folder)
        except ValueError as error:
            assert "inference.yml" in str(error)
            return
        assert all(isinstance(section, dict) for section in sections.values())


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


@given(value=json_values() | mutated_json([PUBLISHED]))
def test_other_configurations_of_published_networks(sandbox, value):
    sandbox.check(import_hugging_face, value)


@given(data=arbitrary(b"", b"Global:\n  ") | mutated([YML], YML_WORDS))
def test_descriptions_of_ocr_models(sandbox, data):
    sandbox.check(read_yml, data)
