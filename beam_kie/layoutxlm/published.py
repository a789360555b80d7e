"""Configurations of published checkpoints, as Hugging Face and PaddleNLP write them, to ours.

Sizes that follow from the weights are taken from them, because the files disagree: PaddleNLP 2.5 leaves
out ``use_visual_backbone`` and means true, PaddleNLP 2.6 and later mean false, and neither writes the
sizes of the backbone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from beam_kie.layoutxlm.checkpoints import plain_name
from beam_kie.layoutxlm.config import ConfigError, LayoutXLMConfig

Shapes = Mapping[str, Sequence[int]]

PADDLEOCR_LABELS = ("QUESTION", "ANSWER", "HEADER")
"""Classes of PaddleOCR's class_list_xfun.txt in its order; B- and I- of each follow "O"."""

RELATION_LABELS = ("HEADER", "QUESTION", "ANSWER")
"""Rows of the label embedding of every published relation head."""

_SHARED_FIELDS = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "layer_norm_eps", "hidden_dropout_prob", "attention_probs_dropout_prob", "max_position_embeddings",
    "max_2d_position_embeddings",
    "coordinate_size", "shape_size", "type_vocab_size", "pad_token_id", "bos_token_id", "eos_token_id",
    "has_relative_attention_bias", "rel_pos_bins", "max_rel_pos", "has_spatial_attention_bias",
    "rel_2d_pos_bins", "max_rel_2d_pos", "has_visual_segment_embedding", "image_feature_pool_shape",
)  # fmt: skip
_OUTSIDE = ("O", "OTHER", "OTHERS", "IGNORE")
_PREFIXES = {"B-": "B-", "S-": "B-", "I-": "I-", "E-": "I-"}


def config_from_hugging_face(
    values: Mapping[str, Any], shapes: Shapes, tags: Sequence[str] | None = None, **changes: Any
) -> LayoutXLMConfig:
    """The configuration of a Hugging Face LayoutLMv2 or LayoutXLM checkpoint.

    Args:
        values: its ``config.json``.
        shapes: the shape of every tensor by its Hugging Face name.
        tags: the classes in their order ("O", "B-QUESTION", ...) where ``id2label`` does not name them.
        changes: fields of the result, by their names in the file.

    Raises:
        ConfigError: where file and weights do not fit, or the classes have no names.
    """
    shapes = _plain(shapes)
    if "classifier.weight" in shapes and tags is None:
        tags = _tags_of(values.get("id2label") or {})
    switches = {"special_tokens": "hf", "image_normalisation": "hf", "decoding": "runs"}
    return _build(values, shapes, tags, {**switches, **changes})


def config_from_paddlenlp(
    values: Mapping[str, Any], shapes: Shapes, tags: Sequence[str] | None = None, **changes: Any
) -> LayoutXLMConfig:
    """The configuration of a LayoutXLM checkpoint trained with PaddleOCR.

    Args:
        values: ``model_config.json`` (PaddleNLP 2.5: nested ``init_args``) or ``config.json`` (later: flat);
            may be empty: an exported model has none.
        shapes: those of the tensors, after their names and layouts were turned into Hugging Face's.
        tags: the classes in their order; None: those of PaddleOCR's class_list_xfun.txt.
        changes: fields of the result, by their names in the file.

    Raises:
        ConfigError: where file and weights do not fit.
    """
    while values.get("init_args"):
        values = values["init_args"][0]
    shapes = _plain(shapes)
    if tags is None and "classifier.weight" in shapes:
        tags = ["O", *(f"{prefix}-{label}" for label in PADDLEOCR_LABELS for prefix in "BI")]
    switches = {"special_tokens": "none", "image_normalisation": "paddleocr", "decoding": "line_vote"}
    return _build(values, shapes, tags, {**switches, **changes})


def standard_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Class names as this project writes them: upper case, O, B-label and I-label.

    S- counts as B-, E- as I-, a label without prefix as I-, PaddleOCR's OTHER and IGNORE as O.

    Args:
        tags: the classes of a checkpoint, in order.
    """
    standard = []
    for tag in (tag.upper() for tag in tags):
        prefix = _PREFIXES.get(tag[:2])
        if tag in _OUTSIDE:
            standard.append("O")
        elif prefix:
            standard.append(prefix + tag[2:])
        else:
            standard.append(f"I-{tag}")
    return tuple(standard)


def _build(
    values: Mapping[str, Any], shapes: Shapes, tags: Sequence[str] | None, changes: dict[str, Any]
) -> LayoutXLMConfig:
    if values.get("hidden_act", "gelu") != "gelu":
        raise ConfigError(f"hidden_act {str(values['hidden_act'])[:40]!r} is not supported, only gelu")
    fields = {name: values[name] for name in _SHARED_FIELDS if values.get(name) is not None}
    fields.update(_sizes(shapes))
    fields.update(_heads(shapes, tags))
    fields.update(changes)
    config = LayoutXLMConfig.from_fields(**fields)
    classes = shapes.get("classifier.weight", [len(config.tags)])[0]
    if classes != len(config.tags):
        raise ConfigError(
            f"the classifier has {classes} classes, but {len(config.tags)} are named: "
            + ", ".join(config.tags)
        )
    return config


def _plain(shapes: Shapes) -> dict[str, tuple[int, ...]]:
    return {plain_name(name): tuple(int(size) for size in shape) for name, shape in shapes.items()}


def _sizes(shapes: Shapes) -> dict[str, Any]:
    """Fields that follow from the weights."""
    if "embeddings.word_embeddings.weight" not in shapes:
        raise ConfigError("these are no LayoutXLM weights: embeddings.word_embeddings.weight is missing")
    vocabulary, hidden = shapes["embeddings.word_embeddings.weight"]
    fields: dict[str, Any] = {"vocab_size": vocabulary, "hidden_size": hidden}
    for field, name, axis in (
        ("max_position_embeddings", "embeddings.position_embeddings.weight", 0),
        ("max_2d_position_embeddings", "embeddings.x_position_embeddings.weight", 0),
        ("coordinate_size", "embeddings.x_position_embeddings.weight", 1),
        ("shape_size", "embeddings.h_position_embeddings.weight", 1),
        ("type_vocab_size", "embeddings.token_type_embeddings.weight", 0),
        ("intermediate_size", "encoder.layer.0.intermediate.dense.weight", 0),
    ):
        if name in shapes:
            fields[field] = shapes[name][axis]
    fields["num_hidden_layers"] = _count(shapes, "encoder.layer.{}.output.dense.weight")
    fields["has_visual_segment_embedding"] = "visual_segment_embedding" in shapes
    fields["window_tokens"] = min(512, fields.get("max_position_embeddings", 512))
    return {**fields, **_visual_sizes(shapes)}


def _visual_sizes(shapes: Shapes) -> dict[str, Any]:
    body = "visual.backbone.bottom_up."
    middle = shapes.get(f"{body}res2.0.conv2.weight")
    if middle is None:
        return {"use_visual_backbone": False}
    groups = middle[0] // middle[1]
    return {
        "use_visual_backbone": True,
        "visual_blocks": tuple(_count(shapes, f"{body}res{n}.{{}}.conv2.weight") for n in (2, 3, 4, 5)),
        "visual_groups": groups,
        "visual_width_per_group": middle[0] // groups,
        "visual_stem_channels": shapes[f"{body}stem.conv1.weight"][0],
        "visual_res2_channels": shapes[f"{body}res2.0.conv3.weight"][0],
    }


def _heads(shapes: Shapes, tags: Sequence[str] | None) -> dict[str, Any]:
    fields: dict[str, Any] = {"token_classifier": "classifier.weight" in shapes}
    labels = PADDLEOCR_LABELS
    if tags is not None:
        fields["tag_names"] = standard_tags(tags)
        labels = tuple(dict.fromkeys(tag[2:] for tag in fields["tag_names"] if tag != "O"))
    fields["labels"] = labels
    fields["head_labels"] = tuple(label for label in ("QUESTION",) if label in labels)
    fields["tail_labels"] = tuple(label for label in ("ANSWER",) if label in labels)
    if "extractor.entity_emb.weight" in shapes:
        rows = shapes["extractor.entity_emb.weight"][0]
        fields["relation_head"] = "biaffine"
        fields["relation_size"] = shapes["extractor.ffnn_head.3.weight"][0]
        fields["relation_labels"] = RELATION_LABELS if set(labels) == set(RELATION_LABELS) else labels
        if rows != len(fields["relation_labels"]):
            raise ConfigError(f"the relation head knows {rows} labels, but {len(labels)} are named")
    return fields


def _count(shapes: Shapes, pattern: str) -> int:
    number = 0
    while pattern.format(number) in shapes:
        number += 1
    return number


def _tags_of(id2label: Mapping[Any, str]) -> list[str]:
    tags = [label for _, label in sorted(id2label.items(), key=lambda item: int(item[0]))]
    if not tags or any(tag.startswith("LABEL_") for tag in tags):
        raise ConfigError(
            "the checkpoint does not name its classes (id2label); give their names in their order with "
            "--classes, for example --classes O,B-QUESTION,I-QUESTION,B-ANSWER,I-ANSWER,B-HEADER,I-HEADER"
        )
    return tags
