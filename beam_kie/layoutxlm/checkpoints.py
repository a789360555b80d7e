"""Loads the networks of a model folder, strictly: no weights missing, none left over."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.file_limits import ModelFileError, check_weights
from beam_kie.layoutxlm.folders import WEIGHTS_FILE, ModelError
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM

_WORDS = "embeddings.word_embeddings.weight"
_MEMBERS = "members."
_PREFIX = re.compile(r"^(layoutlmv2|layoutxlm)\.")

# Tensors of published files that this network does not use. Output convolutions and the pooler feed
# tasks other than these; constants are in the code; heads of pre-training have no output here.
_UNUSED = re.compile(
    r"^embeddings\.position_ids$"
    r"|^visual\.pixel_(mean|std)$"
    r"|\.num_batches_tracked$"
    r"|^pooler\.dense\.(weight|bias)$"
    r"|^visual\.backbone\.fpn_output[345]\.(weight|bias)$"
    r"|^cls\."
)
# What a checkpoint trained without pictures (VI-LayoutXLM) still carries.
_VISUAL = re.compile(r"^visual_(segment_embedding|proj\.|LayerNorm\.)")
_SHOWN = 12


class WeightsError(ValueError):
    """Weights that do not fit a network; the message lists what is missing, unexpected or misshapen."""


def load_network(folder: str | Path) -> LayoutXLM:
    """The network of a model folder, of an ensemble the first: see ``load_networks``.

    Args:
        folder: of the model.

    Raises:
        ConfigError: its ``config.json`` is missing or does not fit.
        ModelError: its weights are missing or do not fit.
    """
    return _load_member(Path(folder), LayoutXLMConfig.load(Path(folder) / "config.json"), 1)


def load_networks(folder: str | Path) -> list[LayoutXLM]:
    """The networks of a model folder, in float32, on the CPU: one, or as many as ``ensemble_size`` says.

    Word embeddings, more than half of a published checkpoint, stay in the file and in its type: only the rows
    of words that occur are ever read.

    Args:
        folder: of the model.

    Raises:
        ConfigError: its ``config.json`` is missing or does not fit.
        ModelError: its weights are missing or do not fit.
    """
    config = LayoutXLMConfig.load(Path(folder) / "config.json")
    try:
        check_weights(Path(folder) / WEIGHTS_FILE)
    except (ModelFileError, OSError) as error:
        raise ModelError(str(error)) from error
    return [_load_member(Path(folder), config, number + 1) for number in range(config.ensemble_size)]


def member_prefix(number: int) -> str:
    """The prefix of the names of a network's weights; empty for the first of an ensemble.

    Args:
        number: of the network in its ensemble, from 1.
    """
    return "" if number == 1 else f"{_MEMBERS}{number}."


def _load_member(folder: Path, config: LayoutXLMConfig, number: int) -> LayoutXLM:
    path, prefix = folder / WEIGHTS_FILE, member_prefix(number)
    try:
        # Opened twice: the mapping of the tensors that are copied is closed, that of the word embeddings
        # stays.
        with safe_open(path, "pt") as file:
            names = list(file.keys())
            names = [name for name in names if _is_of(name, prefix)]
            rest = [name for name in names if not name.endswith(_WORDS)]
            tensors = {name: file.get_tensor(name).to(torch.float32, copy=True) for name in rest}
        with safe_open(path, "pt") as file:
            tensors.update({name: file.get_tensor(name) for name in names if name not in tensors})
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
        if number > 1 and not any(name.startswith("strips.") for name in tensors):
            config = config.with_fields(strip_channels=())
        with torch.device("meta"), _Uninitialised():
            network = LayoutXLM(config)
        load_weights(network, tensors)
    except (WeightsError, SafetensorError, OSError) as error:
        raise ModelError(f"{path}: {error}") from error
    return network


class _Uninitialised(TorchFunctionMode):
    """Inside, no weights are drawn: on the meta device PyTorch imports its compiler for that, in a second."""

    def __torch_function__(
        self, func: Callable, types: Sequence[type], args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        values = kwargs or {}
        if func is torch.Tensor.normal_ or getattr(func, "__module__", None) == nn.init.__name__:
            return values["tensor"] if "tensor" in values else args[0]
        return func(*args, **values)


def _is_of(name: str, prefix: str) -> bool:
    return name.startswith(prefix) if prefix else not name.startswith(_MEMBERS)


def plain_name(name: str) -> str:
    """A tensor's name in this network: Hugging Face's without ``layoutlmv2.`` (PaddleNLP: ``layoutxlm.``).

    Args:
        name: of a tensor in a checkpoint.
    """
    return _PREFIX.sub("", name)


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Puts Hugging Face-named tensors into a LayoutXLM network, which may be on the meta device.

    The tensors become the network's own, in the type and place that they have: no copy is made.

    Args:
        network: a LayoutXLM network.
        tensors: by Hugging Face's names. Legacy keys are ignored by name; LayoutLMv2's fused ``qkv_linear``
            is split.

    Raises:
        WeightsError: where anything is missing, unexpected or of another shape.
    """
    tensors = _split_fused({plain_name(name): tensor for name, tensor in tensors.items()})
    expected = network.state_dict()
    visual = any(name.startswith("visual.") for name in expected)
    unexpected = [
        name
        for name in tensors
        if name not in expected and not _UNUSED.search(name) and (visual or not _VISUAL.match(name))
    ]
    problems = {
        "missing": [name for name in expected if name not in tensors],
        "unexpected": unexpected,
        "of another shape": [
            f"{name} {tuple(tensors[name].shape)} instead of {tuple(value.shape)}"
            for name, value in expected.items()
            if name in tensors and tensors[name].shape != value.shape
        ],
    }
    listed = [f"{kind}: {_listed(names)}" for kind, names in problems.items() if names]
    if listed:
        raise WeightsError("the weights do not fit the configuration; " + "; ".join(listed))
    network.load_state_dict({name: tensors[name] for name in expected}, assign=True)


def _split_fused(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """LayoutLMv2's fast_qkv: one product for query, key and value; the key has no bias."""
    for name in [name for name in tensors if name.endswith(".qkv_linear.weight")]:
        stem = name.removesuffix("qkv_linear.weight")
        parts = tensors.pop(name).chunk(3)
        query_bias, value_bias = tensors.pop(f"{stem}q_bias", None), tensors.pop(f"{stem}v_bias", None)
        for part, weight in zip(("query", "key", "value"), parts, strict=True):
            tensors[f"{stem}{part}.weight"] = weight
        if query_bias is not None and value_bias is not None:
            tensors[f"{stem}query.bias"] = query_bias.flatten()
            tensors[f"{stem}key.bias"] = torch.zeros_like(query_bias.flatten())
            tensors[f"{stem}value.bias"] = value_bias.flatten()
    return tensors


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
