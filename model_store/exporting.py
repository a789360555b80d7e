"""Model folders in the formats of others: Hugging Face's LayoutLMv2, and ONNX."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from beam_kie.layoutxlm.checkpoints import load_networks
from beam_kie.layoutxlm.config import ConfigError, LayoutXLMConfig
from beam_kie.layoutxlm.folders import ModelError
from beam_kie.layoutxlm.inputs.tokenizer import SENTENCEPIECE_FILE, TOKENIZER_FILE
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.layoutxlm.published import RELATION_LABELS
from model_store.errors import SourceError
from model_store.importing import publish_folder, temporary_folder
from model_store.model_card import MODEL_CARD
from model_store.onnx_export import write_onnx

_SAME_NAMES = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "layer_norm_eps", "hidden_dropout_prob", "attention_probs_dropout_prob", "max_position_embeddings",
    "max_2d_position_embeddings", "coordinate_size", "shape_size", "type_vocab_size", "pad_token_id",
    "bos_token_id", "eos_token_id", "has_relative_attention_bias", "rel_pos_bins", "max_rel_pos",
    "has_spatial_attention_bias", "rel_2d_pos_bins", "max_rel_2d_pos", "has_visual_segment_embedding",
    "image_feature_pool_shape",
)  # fmt: skip
_HEADS = ("classifier.", "extractor.")


def export_hugging_face(folder: Path, made: Path) -> None:
    """Writes a model as ``LayoutLMv2ForTokenClassification`` of ``transformers`` reads it.

    Tensors of the visual backbone have detectron2's names. A relation head is written with unilm's names,
    which ``transformers`` has no class for. transformers builds a visual backbone in any case: for a network
    without one its weights are missing from the file, and the picture that it is given counts.

    Args:
        folder: of the model.
        made: a folder to write to, which is there.

    Raises:
        SourceError: the model is none that LayoutLMv2 can express.
    """
    network = _network(folder)
    parts = network.config.architecture
    reasons = {
        "line images": bool(parts.strip_channels),
        'spatial_bias "lines"': parts.spatial_bias == "lines",
        "norms before the sublayers": parts.norm_first,
        "a classifier of lines": parts.line_classifier,
        "a grouping head": parts.grouping_head,
        "a softmax relation head": parts.relation_head == "softmax",
        "positions counted by line": network.config.tokenising.position_kind == "line",
    }
    other = [name for name, there in reasons.items() if there]
    if other:
        raise SourceError(f"{folder}: LayoutLMv2 cannot express {', '.join(other)}; use --format onnx")
    (made / "config.json").write_text(
        json.dumps(hugging_face_config(network.config), indent=2) + "\n", "utf-8"
    )
    weights = {
        name if name.startswith(_HEADS) else f"layoutlmv2.{name}": value.float().contiguous()
        for name, value in network.state_dict().items()
    }
    save_file(weights, made / "model.safetensors", metadata={"format": "pt"})
    _copy(folder, made, (SENTENCEPIECE_FILE, TOKENIZER_FILE, MODEL_CARD, "provenance.json"))


def export_onnx(folder: Path, made: Path) -> None:
    """Writes the graphs of a model with its configuration and tokenizer.

    Args:
        folder: of the model.
        made: a folder to write to, which is there.

    Raises:
        SourceError: the folder is no model of one network, or the package onnx is missing.
    """
    write_onnx(_network(folder), made)
    names = ("config.json", SENTENCEPIECE_FILE, TOKENIZER_FILE, MODEL_CARD, "provenance.json")
    _copy(folder, made, names)


FORMATS = {"huggingface": export_hugging_face, "onnx": export_onnx}


def export_model(folder: Path, destination: Path, kind: str) -> None:
    """Writes a model in another format: all of it, or nothing.

    Args:
        folder: of the model.
        destination: the folder to make, which must not exist.
        kind: one of FORMATS.

    Raises:
        SourceError: with a message of one line.
    """
    if destination.exists():
        raise SourceError(f"{destination} exists already; name a new folder or remove it")
    if not destination.parent.is_dir():
        raise SourceError(f"{destination.parent} is no folder; make it first")
    with temporary_folder(destination, "made") as made:
        FORMATS[kind](folder, made)
        publish_folder(made, destination)


def hugging_face_config(config: LayoutXLMConfig) -> dict[str, Any]:
    """``config.json`` of a LayoutLMv2 with the sizes of a network.

    Args:
        config: of the network.
    """
    fields, parts = config.fields(), config.architecture
    values: dict[str, Any] = {name: fields[name] for name in _SAME_NAMES}
    values |= {"model_type": "layoutlmv2", "architectures": ["LayoutLMv2ForTokenClassification"]}
    values |= {"hidden_act": "gelu", "fast_qkv": False, "use_visual_backbone": parts.use_visual_backbone}
    values["id2label"] = {str(number): tag for number, tag in enumerate(config.tags)}
    values["label2id"] = {tag: number for number, tag in enumerate(config.tags)}
    if parts.relation_head == "biaffine":
        values["relation_labels"] = list(config.relation_labels or config.labels or RELATION_LABELS)
    if parts.use_visual_backbone:
        values["detectron2_config_args"] = _detectron_arguments(config)
    return values


def _detectron_arguments(config: LayoutXLMConfig) -> dict[str, Any]:
    parts = config.architecture
    blocks = tuple(parts.visual_blocks)
    depths: dict[tuple[int, ...], int] = {(3, 4, 6, 3): 50, (3, 4, 23, 3): 101, (3, 8, 36, 3): 152}
    return {
        "MODEL.MASK_ON": True,
        "MODEL.PIXEL_STD": [57.375, 57.120, 58.395],
        "MODEL.BACKBONE.NAME": "build_resnet_fpn_backbone",
        "MODEL.FPN.IN_FEATURES": ["res2", "res3", "res4", "res5"],
        "MODEL.FPN.OUT_CHANNELS": parts.image_feature_pool_shape[2],
        "MODEL.RESNETS.OUT_FEATURES": ["res2", "res3", "res4", "res5"],
        "MODEL.RESNETS.DEPTH": depths.get(blocks, 101),
        "MODEL.RESNETS.NUM_GROUPS": parts.visual_groups,
        "MODEL.RESNETS.WIDTH_PER_GROUP": parts.visual_width_per_group,
        "MODEL.RESNETS.STEM_OUT_CHANNELS": parts.visual_stem_channels,
        "MODEL.RESNETS.RES2_OUT_CHANNELS": parts.visual_res2_channels,
        "MODEL.RESNETS.STRIDE_IN_1X1": False,
    }


def _network(folder: Path) -> LayoutXLM:
    try:
        networks = load_networks(folder)
    except (ConfigError, ModelError) as error:
        raise SourceError(str(error)) from error
    if len(networks) > 1:
        raise SourceError(f"{folder}: is an ensemble; export the folders of its members")
    network = networks[0].eval()
    for value in network.parameters():
        value.data = value.data.float()
    return network


def _copy(folder: Path, made: Path, names: tuple[str, ...]) -> None:
    for name in names:
        if (folder / name).is_file():
            (made / name).write_bytes((folder / name).read_bytes())
