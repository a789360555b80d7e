"""The teacher of a network: a trained model, best an ensemble, whose distributions are targets.

Knowledge distillation (Hinton et al., arXiv 1503.02531): the student learns the teacher's distribution over
tags, keys and pieces, softened by a temperature, beside the labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from beam_kie.layoutxlm.checkpoints import load_networks
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.inputs.batches import Batch
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.training.data.examples import UNMASKED, Example, text_part, with_pictures_of
from beam_kie.training.losses import grouping_scores_of, relation_scores

TEMPERATURE = 2.0


class Scores(NamedTuple):
    """The output of a network for a batch: B x T x tags logits of the text (None: it has no token
    classifier), and what ``relation_scores`` and ``grouping_scores_of`` give."""

    tags: Tensor | None
    relations: list[Tensor]
    groups: list[Tensor]


class TeachingLosses(NamedTuple):
    """How far a student is from its teacher: one number each."""

    tags: Tensor
    relations: Tensor
    groups: Tensor


def read_examples(network: LayoutXLM, hidden: Tensor, batch: Batch, examples: Sequence[Example]) -> Scores:
    """All scores of one network.

    Args:
        network: that scores.
        hidden: its B x T x H states of the batch.
        batch: of the examples.
        examples: the B examples of the batch.
    """
    tags = None
    if network.classifier is not None:
        tags = text_part(network.classify(hidden, batch), network.config).float()
    hidden = text_part(hidden, network.config)
    return Scores(
        tags, relation_scores(network, hidden, examples), grouping_scores_of(network, hidden, examples)
    )


class Teacher:
    """The networks of a model folder, in evaluation mode. The student learns from the mean of their outputs.

    Args:
        folder: of the model.
        device: that they are to run on.
    """

    def __init__(self, folder: str | Path, device: torch.device):
        self.networks = [network.eval().requires_grad_(False).to(device) for network in load_networks(folder)]

    @torch.no_grad()
    def __call__(self, batch: Batch, masked: Tensor, examples: Sequence[Example]) -> Scores:
        """The mean of its networks' scores. They see what is under the masks, B x T (UNMASKED: no mask)."""
        ids = batch.ids.clone()
        text = text_part(ids, self.networks[0].config)
        text.copy_(torch.where(masked == UNMASKED, text, masked))
        batch = replace(batch, ids=ids, line_features=None, visual=None)
        found = []
        for network in self.networks:
            seen = with_pictures_of(network, batch, examples)
            found.append(read_examples(network, network.encode(seen), seen, examples))
        tags, relations, groups = zip(*found, strict=True)
        return Scores(
            None if tags[0] is None else torch.stack(tags).mean(0),
            [torch.stack(page).mean(0) for page in zip(*relations, strict=True)],
            [torch.stack(page).mean(0) for page in zip(*groups, strict=True)],
        )


def may_teach(teacher: LayoutXLMConfig, student: LayoutXLMConfig) -> bool:
    """Whether the outputs of a network have the meaning and the shape of those of another one.

    Args:
        teacher: the configuration of the one.
        student: of the other one.
    """
    return _questions(teacher) == _questions(student)


def _questions(config: LayoutXLMConfig) -> tuple:
    """The fields of a configuration that its outputs' meaning depends on."""
    parts = config.architecture
    return (
        config.tags,
        config.head_labels,
        config.links,
        parts.relation_head,
        parts.grouping_head,
        parts.vocab_size,
    )


def teaching_losses(mine: Scores, taught: Scores, weights: Tensor) -> TeachingLosses:
    """How far the student is from its teacher, in tags, relations and groups: one number each.

    The divergence of softened distributions times the temperature's square, by which its gradient is as large
    as that of the labels (Hinton et al., arXiv 1503.02531, section 2.1).

    Args:
        mine: of the student.
        taught: of the teacher.
        weights: B x T, what tokens count.
    """
    tags = weights.new_zeros(())
    if mine.tags is not None and taught.tags is not None:
        tags = (_divergence(mine.tags, taught.tags) * weights).sum() / weights.sum().clamp(min=1)
    relations, groups = (
        torch.cat([_divergence(*page) for page in zip(own, of_teacher, strict=True)]).mean()
        if own
        else tags.new_zeros(())
        for own, of_teacher in ((mine.relations, taught.relations), (mine.groups, taught.groups))
    )
    return TeachingLosses(tags, relations, groups)


def _divergence(scores: Tensor, taught: Tensor) -> Tensor:
    """Kullback-Leibler divergence over the last axis. Classes that are excluded (-inf) are so for both."""
    wanted = (taught / TEMPERATURE).log_softmax(-1)
    found = (scores / TEMPERATURE).log_softmax(-1)
    apart = (wanted - found).masked_fill(taught == -torch.inf, 0)
    return (wanted.exp() * apart).sum(-1) * TEMPERATURE**2
