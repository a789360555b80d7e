"""Weights into a network: nothing missing, nothing left over, legacy names known."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

_PREFIX = re.compile(r"^(layoutlmv2|layoutxlm)\.")

# What published files hold and this network has no use for. Output convolutions and the pooler feed
# tasks other than these; constants are in the code; heads of pre-training end in nothing.
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


def plain_name(name: str) -> str:
    """A tensor's name in this network: Hugging Face's without ``layoutlmv2.`` (PaddleNLP: ``layoutxlm.``)."""
    return _PREFIX.sub("", name)


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Puts Hugging Face-named tensors into a LayoutXLM network, which may be on the meta device.

    The tensors become the network's own, in the type and place that they have: no copy is made. Legacy
    keys are ignored by name; LayoutLMv2's fused ``qkv_linear`` is split. Raises WeightsError where
    anything is missing, unexpected or of another shape.
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
    told = [f"{kind}: {_listed(names)}" for kind, names in problems.items() if names]
    if told:
        raise WeightsError("the weights do not fit the configuration; " + "; ".join(told))
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
