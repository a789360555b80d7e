"""The optimiser of a run: how fast each part of a network learns, and how that changes over the steps."""

from __future__ import annotations

import math
import re
from typing import Any

import torch
from torch import nn

from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.layoutxlm.network.token_layout import LAYOUT_WEIGHTS
from beam_kie.training.settings import Settings

_LAYER = re.compile(r"^encoder\.layer\.(\d+)\.")
_HEADS = ("classifier.", "line_classifier.", "relations.", "extractor.", "grouping.")


def create_optimizer(network: LayoutXLM, settings: Settings) -> torch.optim.AdamW:
    """AdamW over the parts that learn; the others (rate 0) are frozen.

    Args:
        network: to train; parameters that do not learn no longer ask for gradients.
        settings: of the run.
    """
    for name, value in network.named_parameters():
        value.requires_grad_(_rate_of(name, network, settings) > 0)
    return torch.optim.AdamW(parameter_groups(network, settings), lr=1.0, fused=True)


def parameter_groups(network: LayoutXLM, settings: Settings) -> list[dict[str, Any]]:
    """Parameters by how fast they learn, relative to the learning rate, and by their weight decay.

    Vectors (biases, norms) have no weight decay. Layer-wise rates: Howard and Ruder, arXiv 1801.06146,
    section 3.2.

    Args:
        network: to train.
        settings: of the run.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, value in network.named_parameters():
        rate = _rate_of(name, network, settings)
        decay = settings.weight_decay if value.ndim > 1 else 0.0
        if rate:
            groups.setdefault((rate, decay), []).append(value)
    return [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]


def _rate_of(name: str, network: LayoutXLM, settings: Settings) -> float:
    layers = network.config.architecture.num_hidden_layers
    if name.startswith("strips."):
        return settings.strip_rate
    if name.startswith(LAYOUT_WEIGHTS):
        return settings.rates.get("layout", 1.0)
    if name.startswith(_HEADS):
        return settings.rates.get("heads", 1.0)
    layer = _LAYER.match(name)
    depth = layers - 1 - int(layer[1]) if layer else layers
    if name.startswith("encoder.") and not layer:
        depth = 0  # attention biases serve all layers, and the last norm follows them
    part = "visual" if name.startswith("visual") else "encoder"
    if name == "embeddings.word_embeddings.weight":
        part = "words"
    return settings.rates.get(part, 1.0) * settings.layer_decay**depth


def learning_rate(settings: Settings, step: int) -> float:
    """The learning rate of a step.

    Args:
        settings: of the run.
        step: from 0.
    """
    if step < settings.warmup:
        return settings.learning_rate * (step + 1) / settings.warmup
    done = min((step - settings.warmup) / max(settings.steps - settings.warmup, 1), 1)
    shares = {"cosine": 0.5 + 0.5 * math.cos(math.pi * done), "linear": 1 - done, "constant": 1.0}
    return settings.learning_rate * shares[settings.schedule]
