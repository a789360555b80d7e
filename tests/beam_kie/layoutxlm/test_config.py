import dataclasses
import json

import pytest

from beam_kie.layoutxlm.config import ConfigError, Decoding, LayoutXLMConfig
from model_store import BUNDLED
from tests.small_networks import small_config


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def write(tmp_path, **values):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values))
    return path


def test_a_saved_configuration_comes_back(tmp_path):
    config = small_config(
        labels=("SHIPPER", "WEIGHT"),
        head_labels=("SHIPPER",),
        tail_labels=("WEIGHT",),
        entity_temperature=1.5,
    )
    config.save(tmp_path / "config.json")
    assert LayoutXLMConfig.load(tmp_path / "config.json") == config


def test_what_is_saved_of_the_defaults_comes_back(tmp_path):
    LayoutXLMConfig().save(tmp_path / "config.json")
    assert LayoutXLMConfig.load(tmp_path / "config.json") == LayoutXLMConfig()


def test_a_configuration_written_before_the_newest_fields_loads(tmp_path):
    first_fields = {
        "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
        "layer_norm_eps", "hidden_dropout_prob", "max_position_embeddings", "max_2d_position_embeddings",
        "coordinate_size", "shape_size", "type_vocab_size", "pad_token_id", "position_kind", "spatial_bias",
        "norm_first", "line_classifier", "relation_head", "relation_size", "window_tokens",
        "window_overlap_tokens", "labels", "head_labels", "tail_labels", "name", "entity_temperature",
        "relation_temperature", "switch_penalty",
    }  # fmt: skip
    values = {k: v for k, v in small_config().fields().items() if k in first_fields}
    assert len(values) == len(first_fields)
    assert LayoutXLMConfig.load(write(tmp_path, **values)) == small_config()


def test_fields_of_earlier_versions_keep_their_meaning(tmp_path):
    path = write(tmp_path, habit_weight=2.5, decoding="line_vote", entity_calibration=[[0, 0.1], [1, 1]])
    config = LayoutXLMConfig.load(path)
    assert config.decoding == Decoding(method="line_vote", page_prior_weight=2.5)
    assert config.calibration.entity_calibration == ((0, 0.1), (1, 1))


def test_the_bundled_models_file_loads_and_comes_back():
    path = BUNDLED / "config.json"
    config = LayoutXLMConfig.load(path)
    written = json.loads(path.read_text("utf-8"))
    written["page_prior_weight"] = written.pop("habit_weight", written.get("page_prior_weight"))
    found = json.loads(json.dumps(config.fields()))
    assert {name: found[name] for name in written} == written
    defaults = json.loads(json.dumps(LayoutXLMConfig().fields()))
    assert all(found[name] == defaults[name] for name in found.keys() - written.keys())


def test_fields_can_be_changed_by_their_names_in_the_file():
    config = small_config()
    changed = config.with_fields(
        hidden_dropout_prob=0.3, decoding="line_vote", window_tokens=256, name="other"
    )
    assert changed.architecture == dataclasses.replace(config.architecture, hidden_dropout_prob=0.3)
    assert changed.decoding.method == "line_vote"
    assert (changed.tokenising.window_tokens, changed.name) == (256, "other")
    assert changed.with_fields(**config.fields()) == config


def test_the_defaults_are_layoutxlm_base():
    config = LayoutXLMConfig()
    assert (
        config.architecture.vocab_size,
        config.architecture.hidden_size,
        config.architecture.num_hidden_layers,
    ) == (250002, 768, 12)
    assert config.architecture.visual_blocks == (3, 4, 23, 3)
    assert config.tags == (
        "O", "B-QUESTION", "I-QUESTION", "B-ANSWER", "I-ANSWER", "B-HEADER", "I-HEADER"
    )  # fmt: skip


def test_special_tokens_take_room_from_the_text():
    assert small_config().tokenising.text_tokens == 512
    assert small_config(special_tokens="hf").tokenising.text_tokens == 510


def test_picture_adds_tokens_only_with_a_visual_backbone():
    assert small_config().architecture.visual_tokens == 0
    assert small_config().pictures is None
    with_pictures = small_config(use_visual_backbone=True, image_normalisation="paddleocr")
    assert (with_pictures.architecture.visual_tokens, with_pictures.pictures) == (49, "paddleocr")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"hidden_size": 50}, "num_attention_heads"),
        ({"hidden_size": 64}, "coordinate_size"),
        ({"spatial_bias": "tokens"}, "none, lines"),
        ({"relation_head": "bilinear"}, "none, softmax, biaffine"),
        ({"decoding": "vote"}, "runs, line_vote"),
        ({"visual_blocks": (3, 4, 6)}, "visual_blocks"),
        ({"window_overlap_tokens": 512}, "window_overlap_tokens"),
        ({"window_tokens": 2, "window_overlap_tokens": 0, "special_tokens": "hf"}, "window_overlap_tokens"),
        ({"window_tokens": 515}, "max_position_embeddings"),
        ({"special_tokens": "hf", "position_kind": "line"}, "special_tokens"),
        ({"spatial_bias": "lines", "use_visual_backbone": True}, "visual"),
        ({"spatial_bias": "lines", "has_relative_attention_bias": True}, "spatial_bias"),
        ({"head_labels": ("KEY",)}, "KEY"),
        ({"relation_labels": ("QUESTION", "ANSWER")}, "relation_labels"),
        ({"tag_names": ("O", "B-KEY")}, "KEY"),
        ({"tag_names": ("O", "QUESTION")}, "QUESTION"),
    ],
)
def test_impossible_values_are_named(values, named):
    with pytest.raises(ConfigError, match=named):
        small_config(**values)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"colour": 1}, "unknown fields: colour"),
        ({"hidden_size": "big"}, "hidden_size must be a whole number"),
        ({"hidden_size": True}, "hidden_size must be a whole number"),
        ({"hidden_size": 48.0}, "hidden_size must be a whole number"),
        ({"layer_norm_eps": "small"}, "layer_norm_eps must be a number"),
        ({"norm_first": 1}, "norm_first must be true or false"),
        ({"labels": "QUESTION"}, "labels must be a list"),
        ({"labels": [["QUESTION"]]}, "labels must be a list"),
        ({"name": 3}, "name must be text"),
        ({"decoding": "vote"}, "config.json: decoding"),
    ],
)
def test_a_file_with_wrong_values_is_named_with_its_name(tmp_path, values, named):
    with pytest.raises(ConfigError, match=named) as error:
        LayoutXLMConfig.load(write(tmp_path, **values))
    assert str(tmp_path) in str(error.value)


def test_whole_numbers_serve_as_numbers(tmp_path):
    assert LayoutXLMConfig.load(write(tmp_path, switch_penalty=2)).decoding.switch_penalty == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe"])
def test_a_file_that_is_no_json_object_is_an_error(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"config\.json"):
        LayoutXLMConfig.load(tmp_path / "config.json")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        LayoutXLMConfig.load(tmp_path / "config.json")


@pytest.mark.parametrize(
    "values",
    [
        {"labels": [1, "A"]},
        {"visual_blocks": ["3", "4", "23", "3"]},
        {"image_feature_pool_shape": [7, 7]},
        {"image_feature_pool_shape": [1000, 1000, 256], "use_visual_backbone": True},
        {"a\n\x1b[31m" * 1000: 1},
        {"entity_calibration": nested(400)},
        {"labels": nested(400)},
    ],
)
def test_lists_of_other_things_and_strange_names_are_refused_in_one_line(values):
    with pytest.raises(ConfigError) as caught:
        LayoutXLMConfig.from_fields(**values)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500
