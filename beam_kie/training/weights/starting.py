"""Weights to begin from: those of a model folder in a network that may have other labels and heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from beam_kie.layoutxlm.checkpoints import load_network
from beam_kie.layoutxlm.config import ConfigError, LayoutXLMConfig
from beam_kie.layoutxlm.folders import ModelError
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.layoutxlm.network.token_layout import LAYOUT_WEIGHTS
from beam_kie.training.planning.values import SettingsError

# Parts that may begin with their initial weights, because the folder's network does not have them.
_NEW_PARTS = (
    *("classifier.", "line_classifier.", "relations.", "extractor.", "grouping.", "strips."),
    *LAYOUT_WEIGHTS,
)
_ROWS_OF_TAGS = ("classifier.weight", "classifier.bias", "line_classifier.weight", "line_classifier.bias")
_ROWS_OF_LABELS = ("relations.label_embeddings.weight", "grouping.label_embeddings.weight")
_ROWS_OF_RELATION_LABELS = ("extractor.entity_emb.weight",)


def start_from(network: LayoutXLM, folder: str | Path) -> None:
    """Puts the weights of a model folder into a network, those of labels by their names.

    What concerns a label that the folder does not know stays as it is, and so do heads that it lacks.

    Args:
        network: with its initial weights, which are changed.
        folder: of the model to begin from; of an ensemble the first network.

    Raises:
        SettingsError: the folder is no model, or its network has another shape.
    """
    try:
        start = load_network(folder)
    except (ConfigError, ModelError) as error:
        raise SettingsError(f"start_from: {error}") from error
    own, given = network.state_dict(), start.state_dict()
    misfits = [name for name in own if not name.startswith(_NEW_PARTS) and not _fits(name, own, given)]
    if misfits:
        raise SettingsError(
            f"start_from: of {len(own)} weights, {len(misfits)} do not fit those of {folder}, for example "
            f"{misfits[0]}; leave fields out of network that change its size"
        )
    with torch.no_grad():
        for name, value in own.items():
            if name in given:
                _copy(name, value, given[name], network.config, start.config)


def _fits(name: str, own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> bool:
    return name in given and own[name].shape == given[name].shape


def _copy(name: str, value: Tensor, given: Tensor, config: LayoutXLMConfig, start: LayoutXLMConfig) -> None:
    rows = _rows(name, config), _rows(name, start)
    if rows[0] is None or rows[1] is None:
        if value.shape == given.shape:
            value.copy_(given)
        return
    place = {label: row for row, label in enumerate(rows[1])}
    for row, label in enumerate(rows[0]):
        if label in place and value[row].shape == given[place[label]].shape:
            value[row].copy_(given[place[label]])


def _rows(name: str, config: LayoutXLMConfig) -> Sequence[str] | None:
    """What the rows of a tensor stand for; None: nothing that has a name."""
    if name in _ROWS_OF_TAGS:
        return config.tags
    if name in _ROWS_OF_LABELS:
        return config.labels
    return (config.relation_labels or config.labels) if name in _ROWS_OF_RELATION_LABELS else None
