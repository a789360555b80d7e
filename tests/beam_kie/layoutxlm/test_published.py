import pytest

from beam_kie.layoutxlm.config import ConfigError, LayoutXLMConfig
from beam_kie.layoutxlm.published import (
    RELATION_LABELS,
    config_from_hugging_face,
    config_from_paddlenlp,
    standard_tags,
)
from tests.small_networks import BIASED_KIND, PUBLISHED_KIND, VISUAL_KIND, small_network

TAGS = ["O", "B-QUESTION", "I-QUESTION", "B-ANSWER", "I-ANSWER", "B-HEADER", "I-HEADER"]


def shapes(prefix="layoutlmv2.", **changes):
    """Names and shapes as in Hugging Face files, of a network with these settings."""
    heads = ("classifier.", "extractor.")
    return {
        (name if name.startswith(heads) else prefix + name): tuple(value.shape)
        for name, value in small_network(**changes).state_dict().items()
    }


HF_VALUES = {
    "model_type": "layoutlmv2",
    "num_attention_heads": 4,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
    "id2label": {str(i): tag for i, tag in enumerate(TAGS)},
}


def test_sizes_come_from_the_weights():
    config = config_from_hugging_face({**HF_VALUES, "vocab_size": 9, "hidden_size": 9}, shapes(**VISUAL_KIND))
    real = small_network(**VISUAL_KIND).config
    own, theirs = config.fields(), real.fields()
    for field in (
        "vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size", "coordinate_size",
        "shape_size", "max_position_embeddings", "visual_blocks", "visual_groups", "visual_width_per_group",
        "visual_stem_channels", "visual_res2_channels", "use_visual_backbone", "relation_size",
    ):  # fmt: skip
        assert own[field] == theirs[field], field


def test_what_only_the_file_knows_comes_from_it():
    values = {**HF_VALUES, "has_relative_attention_bias": True, "max_rel_pos": 64, "rel_pos_bins": 32}
    config = config_from_hugging_face(values, shapes(**BIASED_KIND))
    assert (config.architecture.layer_norm_eps, config.architecture.max_rel_pos) == (1e-12, 64)
    assert config.architecture.has_relative_attention_bias
    assert not config.architecture.has_spatial_attention_bias


def test_hugging_face_and_paddle_ways_differ():
    hugging_face = config_from_hugging_face(HF_VALUES, shapes())
    paddle = config_from_paddlenlp(HF_VALUES, shapes("layoutxlm."))
    for config, wanted in (
        (hugging_face, ("hf", "hf", "runs")),
        (paddle, ("none", "paddleocr", "line_vote")),
    ):
        found = config.fields()
        assert (found["special_tokens"], found["image_normalisation"], found["decoding"]) == wanted


def test_changes_have_the_last_word():
    config = config_from_hugging_face(HF_VALUES, shapes(), token_boxes="word", name="mine")
    assert (config.tokenising.token_boxes, config.name) == ("word", "mine")
    with pytest.raises(ConfigError, match="colour"):
        config_from_hugging_face(HF_VALUES, shapes(), colour="red")


def test_nested_paddle_configurations_are_opened():
    inner = {"num_attention_heads": 4, "layer_norm_eps": 1e-3, "init_class": "LayoutXLMModel"}
    values = {"num_classes": 7, "init_args": [inner], "init_class": "LayoutXLMForTokenClassification"}
    assert config_from_paddlenlp(values, shapes("layoutxlm.")).architecture.layer_norm_eps == 1e-3


def test_an_exported_model_has_no_configuration_but_sizes():
    config = config_from_paddlenlp({}, shapes("layoutxlm.", num_attention_heads=12))
    assert config.architecture.num_attention_heads == LayoutXLMConfig().architecture.num_attention_heads
    assert config.tags == tuple(TAGS)


def test_paddle_configurations_without_a_visual_backbone_switch_follow_the_weights():
    assert config_from_paddlenlp(
        {"num_attention_heads": 4}, shapes(**VISUAL_KIND)
    ).architecture.use_visual_backbone
    values = {"num_attention_heads": 4, "use_visual_backbone": True}
    assert not config_from_paddlenlp(values, shapes()).architecture.use_visual_backbone


def test_weights_that_only_relate_have_no_classifier():
    names = {name: shape for name, shape in shapes(**PUBLISHED_KIND).items() if "classifier." not in name}
    names |= {name: shape for name, shape in shapes(**PUBLISHED_KIND).items() if "rel_classifier" in name}
    config = config_from_paddlenlp({"num_attention_heads": 4}, names)
    assert not config.architecture.token_classifier
    assert (config.architecture.relation_head, config.relation_labels) == ("biaffine", RELATION_LABELS)
    assert (config.head_labels, config.tail_labels) == (("QUESTION",), ("ANSWER",))


def test_weights_that_only_find_have_no_relation_head():
    config = config_from_paddlenlp({"num_attention_heads": 4}, shapes())
    assert (config.architecture.token_classifier, config.architecture.relation_head) == (True, "none")


def test_labels_of_ones_own():
    tags = ["O", "B-shipper", "I-shipper", "B-weight", "I-weight"]
    config = config_from_hugging_face(
        {"num_attention_heads": 4, "id2label": dict(enumerate(tags))},
        shapes(labels=("A", "B"), head_labels=(), tail_labels=(), relation_head="biaffine"),
        head_labels=["SHIPPER"],
        tail_labels=["WEIGHT"],
    )
    assert config.labels == config.relation_labels == ("SHIPPER", "WEIGHT")
    assert config.tags == ("O", "B-SHIPPER", "I-SHIPPER", "B-WEIGHT", "I-WEIGHT")
    assert (config.head_labels, config.tail_labels) == (("SHIPPER",), ("WEIGHT",))


def test_classes_keep_the_order_of_the_file():
    tags = ["O", "B-QUESTION", "B-ANSWER", "B-HEADER", "I-ANSWER", "I-QUESTION", "I-HEADER"]
    values = {"num_attention_heads": 4, "id2label": {i: tags[i] for i in reversed(range(7))}}
    assert config_from_hugging_face(values, shapes()).tags == tuple(tags)


def test_classes_without_names_have_to_be_named():
    values = {**HF_VALUES, "id2label": {i: f"LABEL_{i}" for i in range(7)}}
    with pytest.raises(ConfigError, match="id2label"):
        config_from_hugging_face(values, shapes())
    assert config_from_hugging_face(values, shapes(), tags=TAGS).tags == tuple(TAGS)


def test_a_wrong_number_of_names_is_an_error():
    with pytest.raises(ConfigError, match="7 classes, but 5"):
        config_from_paddlenlp({"num_attention_heads": 4}, shapes(), tags=TAGS[:5])
    with pytest.raises(ConfigError, match="knows 3 labels, but 2"):
        config_from_paddlenlp(
            {"num_attention_heads": 4}, shapes(**PUBLISHED_KIND), tags=["O", "B-A", "I-A", "B-B", "I-B"]
        )


def test_other_activations_and_other_weights_are_refused():
    with pytest.raises(ConfigError, match="relu"):
        config_from_hugging_face({**HF_VALUES, "hidden_act": "relu"}, shapes())
    with pytest.raises(ConfigError, match="no LayoutXLM weights"):
        config_from_hugging_face(HF_VALUES, {"bert.embeddings.word_embeddings.weight": (9, 9)}, tags=TAGS)


def test_names_of_classes_become_standard():
    assert standard_tags(["O", "OTHER", "B-Key", "E-KEY", "S-KEY", "value"]) == (
        "O", "O", "B-KEY", "I-KEY", "B-KEY", "I-VALUE"
    )  # fmt: skip
