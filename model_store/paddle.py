"""Converts checkpoints of PaddleOCR and PaddleNLP to Hugging Face's names and layouts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.published import config_from_paddlenlp
from model_store.errors import SourceError

WORDS = "embeddings.word_embeddings.weight"
# What stands in front of a tensor's own name when more than the network was saved.
_ANCHOR = re.compile(rf"^(?P<prefix>.*?)(layoutxlm|layoutlmv2)\.{re.escape(WORDS)}$")
_PREFERRED = "Student."
# Paddle keeps a product's weights as in x outputs; PyTorch as out x in.
_TRANSPOSED = re.compile(
    r"(attention\.self\.(query|key|value|qkv_linear)|\.dense|visual_proj|^classifier"
    r"|extractor\.ffnn_(head|tail)\.[03]|rel_classifier\.linear|encoder\.rel_pos(_x|_y)?_bias)\.weight$"
)
_RENAMED = (("norm._mean", "norm.running_mean"), ("norm._variance", "norm.running_var"))
_OUTSIDE = ("O", "OTHER", "OTHERS", "IGNORE")
PUBLISHED_HIDDEN = 768


def to_hugging_face(arrays: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """Paddle's arrays under Hugging Face's names (``layoutlmv2.…``) and in its layouts, float32.

    Names may begin with a prefix of the training (``backbone.model.``, ``Student.``, ``m.``): where several
    networks are in one file, the student is taken.

    Args:
        arrays: by Paddle's names; they are taken out one by one, so that a large checkpoint is not held
            twice.

    Raises:
        SourceError: there is no LayoutXLM among them.
    """
    prefix = _prefix(arrays)
    tensors = {}
    for name in list(arrays):
        array = arrays.pop(name)
        if name.startswith(prefix):
            plain = hugging_face_name(name.removeprefix(prefix))
            tensors[plain] = _tensor(array, transposed=bool(_TRANSPOSED.search(plain)))
    return tensors


def hugging_face_name(name: str) -> str:
    """Hugging Face's name of a Paddle tensor.

    Args:
        name: without a prefix of the training.
    """
    if name.startswith("layoutxlm."):
        name = "layoutlmv2." + name.removeprefix("layoutxlm.")
    for ending, ours in _RENAMED:
        if name.endswith(ending):
            return name.removesuffix(ending) + ours
    return name


def paddle_config(
    values: Mapping[str, Any], tensors: dict[str, Tensor], tags: Sequence[str] | None
) -> LayoutXLMConfig:
    """The configuration for a Paddle checkpoint, with PaddleOCR's settings.

    Args:
        values: of ``model_config.json`` (PaddleNLP 2.5) or ``config.json`` (later); empty where there is
            none.
        tensors: as of ``to_hugging_face``. A backbone that the file turns off is taken out.
        tags: the classes of the classifier; None: not known.

    Raises:
        SourceError: weights and file do not fit.
        ConfigError: a value of the file does not fit.
    """
    nested, inner = bool(values.get("init_args")), _innermost(values)
    has_backbone = any(".visual.backbone." in f".{name}" for name in tensors)
    # PaddleNLP 2.5 leaves the switch out and means true.
    wants_backbone = inner.get("use_visual_backbone", True if nested else None)
    if wants_backbone and not has_backbone:
        raise SourceError(
            "model_config.json does not turn the visual backbone off (use_visual_backbone), but the weights "
            "lack it: they are cut off, or the file belongs to other weights"
        )
    if wants_backbone is False and has_backbone:
        for name in [name for name in tensors if ".visual." in f".{name}"]:
            del tensors[name]
    if not inner.get("num_attention_heads"):
        _check_published_size(tensors)
    _check_layers(inner, tensors)
    return config_from_paddlenlp(values, {name: tensor.shape for name, tensor in tensors.items()}, tags)


def read_paddle_config(folder: Path) -> dict[str, Any]:
    """``model_config.json`` or ``config.json`` of a folder; empty where there is neither.

    Args:
        folder: of the checkpoint.

    Raises:
        SourceError: the file cannot be read.
    """
    for name in ("model_config.json", "config.json"):
        if (folder / name).is_file():
            return read_json(folder / name)
    return {}


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Args:
        path: of the file.

    Raises:
        SourceError: it cannot be read, or holds no object.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(f"{path}: cannot be read as JSON") from error
    if not isinstance(values, dict):
        raise SourceError(f"{path}: must hold a JSON object")
    return values


def class_list_tags(lines: Iterable[str]) -> list[str]:
    """Classes of the classifier from PaddleOCR's class list: O, B-label, I-label, ...

    Args:
        lines: of the list, one label each.
    """
    labels = [line.strip().upper() for line in lines if line.strip()]
    return ["O", *(f"{prefix}-{label}" for label in labels if label not in _OUTSIDE for prefix in "BI")]


def _prefix(arrays: Mapping[str, np.ndarray]) -> str:
    found = [match["prefix"] for match in map(_ANCHOR.match, arrays) if match]
    if not found:
        some = ", ".join(sorted(arrays)[:3])
        raise SourceError(f"these are no LayoutXLM weights: no layoutxlm.{WORDS} among {some}, ...")
    if len(found) == 1:
        return found[0]
    students = [prefix for prefix in found if prefix.startswith(_PREFERRED)]
    if len(students) != 1:
        raise SourceError(f"the file holds several networks ({', '.join(found)}) and none is {_PREFERRED}*")
    return students[0]


def _tensor(array: np.ndarray, transposed: bool) -> Tensor:
    if array.dtype == np.uint16:  # Paddle's bfloat16
        array = (array.astype(np.uint32) << 16).view(np.float32)
    if transposed and array.ndim == 2:
        array = array.T
    # Arrays out of a pickle cannot be written to, and big-endian ones are unknown to PyTorch.
    tensor = torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("="), order="C"))
    return tensor.float() if tensor.is_floating_point() else tensor


def _innermost(values: Mapping[str, Any]) -> Mapping[str, Any]:
    while isinstance(values.get("init_args"), list) and values["init_args"]:
        values = values["init_args"][0]
        if not isinstance(values, dict):
            raise SourceError("model_config.json: init_args must hold objects")
    return values


def _check_published_size(tensors: Mapping[str, Tensor]) -> None:
    """The number of heads does not follow from the weights; that of the published size is known."""
    hidden = tensors[f"layoutlmv2.{WORDS}"].shape[1]
    if hidden != PUBLISHED_HIDDEN:
        raise SourceError(
            f"nothing says how many attention heads these weights (hidden size {hidden}) have; "
            "give the model_config.json or config.json of the training with --config"
        )


def _check_layers(values: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    wanted = values.get("num_hidden_layers")
    layers = {
        match[1] for match in (re.search(r"encoder\.layer\.(\d+)\.", name) for name in tensors) if match
    }
    if wanted is not None and wanted != len(layers):
        raise SourceError(f"the configuration says {wanted} layers, but the weights hold {len(layers)}")
