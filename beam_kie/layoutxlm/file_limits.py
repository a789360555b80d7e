"""Limits on the files of a model folder, checked before anything is built or loaded.

A model folder is data from elsewhere: its numbers decide how much memory is taken, and its tokenizer runs on
every page. Each check reads little and raises ``ModelFileError`` with one line.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MAX_SETTINGS_BYTES = 4 * 1024 * 1024
MAX_TOKENIZER_BYTES = 64 * 1024 * 1024
MAX_WEIGHTS_HEADER_BYTES = 8 * 1024 * 1024
"""LayoutXLM-base has some 400 tensors and a header of 60 kB."""

_MOST = {
    "vocab_size": 2_000_000,
    "num_hidden_layers": 256,
    "hidden_size": 16_384,
    "num_attention_heads": 256,
    "intermediate_size": 65_536,
    "max_position_embeddings": 65_536,
    "max_2d_position_embeddings": 65_536,
    "window_tokens": 65_536,
    "ensemble_size": 16,
    "type_vocab_size": 1_024,
    "visual_blocks": 256,
    "visual_groups": 1_024,
    "visual_width_per_group": 1_024,
    "visual_stem_channels": 16_384,
    "visual_res2_channels": 16_384,
    "image_feature_pool_shape": 16_384,
    "strip_channels": 16_384,
}
"""The largest value of each setting that the size of the network, or its work on a page, depends on.

Of a list, the largest of its items.
"""

_MOST_OF_OTHERS = 1_000_000
_ABOVE_ZERO = frozenset({"entity_temperature", "relation_temperature", "layer_norm_eps"})
_MOST_ITEMS = 1_000
_LONGEST_TEXT = 200
_MOST_PENALTY = 1_000.0

# Normalisers of tokenizer.json that neither lengthen a text by much nor take long.
_NORMALIZERS = frozenset(
    {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Strip", "StripAccents", "Nmt", "Precompiled"}
    | {"BertNormalizer", "Replace", "Prepend", "Sequence"}
)
_LONGEST_INSERTION = 8
_MOST_NORMALIZERS = 32
_DEEPEST = 8
_LONGEST_PATTERN = 64
_CHARACTER_CLASS = re.compile(r"\[[^\]]*\]|\\.")
_QUANTIFIER = re.compile(r"[*+?]|\{\d*,?\d*\}")


class ModelFileError(ValueError):
    """A file of a model folder that exceeds a limit; the message names the file and the value."""


def read_settings(path: str | Path) -> dict[str, Any]:
    """The JSON object in a ``config.json``.

    Args:
        path: of the file.

    Raises:
        ModelFileError: it cannot be read, is too large or nested too deeply, or is no object.
    """
    return _read_object(Path(path), MAX_SETTINGS_BYTES, "the model's configuration")


def check_settings(values: Mapping[str, Any]) -> None:
    """Checks that the numbers of a configuration are within those of any LayoutXLM.

    Args:
        values: the configuration's fields by name.

    Raises:
        ModelFileError: a number is not finite or out of range, or a list is too long.
    """
    for name, value in values.items():
        if isinstance(value, bool):
            continue
        if isinstance(value, int):
            _check_range(name, value, 1 if name in _MOST else 0)
        elif isinstance(value, float):
            _check_float(name, value)
        elif isinstance(value, list | tuple):
            _check_items(name, value)
        elif isinstance(value, str):
            _check_text(name, value)
    window, overlap = values.get("window_tokens"), values.get("window_overlap_tokens")
    if isinstance(window, int) and isinstance(overlap, int) and overlap > window // 2:
        raise ModelFileError("window_overlap_tokens must be at most half of window_tokens")


def check_weights(path: str | Path) -> None:
    """Checks the header of a safetensors file.

    Args:
        path: of the file.

    Raises:
        ModelFileError: its list of tensors is longer than that of any LayoutXLM.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(8)
    size = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
    if size > MAX_WEIGHTS_HEADER_BYTES:
        raise ModelFileError(f"{path}: its list of tensors claims {size:,} bytes; no LayoutXLM has as many")


def check_tokenizer(path: str | Path) -> None:
    """Checks a ``tokenizer.json`` for steps that could make tokenizing a line take long.

    Args:
        path: of the file.

    Raises:
        ModelFileError: it is too large, nested too deeply, or its normaliser may blow a text up.
    """
    found = _read_object(Path(path), MAX_TOKENIZER_BYTES, "the tokenizer")
    names = [name for kind in ("normalizer", "pre_tokenizer") for name in _flat(found.get(kind), path)]
    if len(names) > _MOST_NORMALIZERS:
        raise ModelFileError(f"{path}: its normaliser has more than {_MOST_NORMALIZERS} steps")
    for step in _flat(found.get("normalizer"), path):
        kind = step.get("type")
        if not isinstance(kind, str) or kind not in _NORMALIZERS:
            raise ModelFileError(f"{path}: its normaliser has a forbidden step {str(kind)[:40]!r}")
        inserted = str(step.get("content") or step.get("prepend") or "")
        if len(inserted) > _LONGEST_INSERTION:
            raise ModelFileError(f"{path}: its normaliser inserts more than {_LONGEST_INSERTION} characters")
    for step in names:
        pattern = step.get("pattern")
        if isinstance(pattern, dict) and not _is_fast(str(pattern.get("Regex", ""))):
            raise ModelFileError(f"{path}: it searches with a pattern that may take too long")


def _read_object(path: Path, most_bytes: int, what: str) -> dict[str, Any]:
    try:
        size = path.stat().st_size
        if size > most_bytes:
            raise ModelFileError(f"{path}: {what} has {size:,} bytes; at most {most_bytes:,} are read")
        found = json.loads(path.read_text("utf-8"))
    except ModelFileError:
        raise
    except RecursionError:
        raise ModelFileError(f"{path}: {what} is nested too deeply") from None
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path}: cannot read {what}: {str(error)[:200]}") from error
    if not isinstance(found, dict):
        raise ModelFileError(f"{path}: {what} must be a JSON object")
    return found


def _check_range(name: str, value: int, least: int) -> None:
    most = _MOST.get(name, _MOST_OF_OTHERS)
    if not least <= value <= most:
        raise ModelFileError(f"{name} must be from {least:,} to {most:,}, not {str(value)[:20]}")


def _check_items(name: str, values: Sequence[Any]) -> None:
    if len(values) > _MOST_ITEMS:
        raise ModelFileError(f"{name} holds {len(values):,} values; at most {_MOST_ITEMS:,} are read")
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool):
            _check_range(name, value, 1)
        elif isinstance(value, str):
            _check_text(name, value)


def _check_text(name: str, value: str) -> None:
    if not (value.isprintable() and len(value) <= _LONGEST_TEXT):
        raise ModelFileError(f"{name} must be printable text of at most {_LONGEST_TEXT} characters")


def _check_float(name: str, value: float) -> None:
    if not math.isfinite(value) or abs(value) > _MOST_PENALTY:
        raise ModelFileError(f"{name} must be a number up to {_MOST_PENALTY:g}, not {value}")
    if name in _ABOVE_ZERO and value <= 0:
        raise ModelFileError(f"{name} must be more than 0, not {value}")


def _is_fast(pattern: str) -> bool:
    """Whether a regular expression takes linear time: no groups, and no more than one repetition."""
    plain = _CHARACTER_CLASS.sub("x", pattern)
    return len(pattern) <= _LONGEST_PATTERN and "(" not in plain and len(_QUANTIFIER.findall(plain)) <= 1


def _flat(step: Any, path: str | Path, depth: int = 0) -> list[dict[str, Any]]:
    """A normaliser or pre-tokenizer and the steps within it, but for the sequences themselves."""
    if not isinstance(step, dict):
        return []
    inner = step.get("normalizers") or step.get("pretokenizers")
    if not isinstance(inner, list):
        return [step]
    if depth > _DEEPEST:
        raise ModelFileError(f"{path}: the tokenizer is nested too deeply")
    return [found for each in inner for found in _flat(each, path, depth + 1)]
