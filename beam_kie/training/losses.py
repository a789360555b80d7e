"""What training minimises: token tags, relations, masked tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from beam_kie.layoutxlm.grouping import grouping_scores
from beam_kie.layoutxlm.network import LayoutXLM
from beam_kie.training.examples import UNMASKED, Example


def tag_loss(logits: Tensor, targets: dict, label_smoothing: float) -> Tensor:
    """Cross entropy of B x T x tags logits; tokens count by their weight, so that long lines do not rule."""
    losses = functional.cross_entropy(
        logits.flatten(0, 1).float(),
        targets["tags"].flatten(),
        ignore_index=UNMASKED,
        reduction="none",
        label_smoothing=label_smoothing,
    )
    weights = targets["weights"].flatten()
    return (losses * weights).sum() / weights.sum().clamp(min=1)


def relation_loss(network: LayoutXLM, hidden: Tensor, examples: Sequence[Example]) -> Tensor:
    """Mean over all values of -log of the probability of their keys (or of "no key")."""
    losses = [
        loss
        for row, example in enumerate(examples)
        if example.supervised and example.tails
        for loss in [_page_relation_losses(network, hidden[row], example)]
    ]
    if not losses:
        return hidden.sum() * 0
    return torch.cat(losses).mean()


def _page_relation_losses(network: LayoutXLM, hidden: Tensor, example: Example) -> Tensor:
    config = network.config
    vectors = _means(hidden, example.entity_tokens)
    labels = torch.tensor(example.entity_labels, device=hidden.device)
    boxes = torch.tensor(example.entity_boxes, device=hidden.device)
    head_ids = [config.labels.index(label) for label in config.head_labels]
    heads = [index for index, label in enumerate(example.entity_labels) if label in head_ids]
    tails = [tail for tail, _ in example.tails]
    scores = network.relations(
        vectors, labels, boxes, torch.tensor(heads, dtype=torch.long), torch.tensor(tails)
    ).float()
    place = {head: column for column, head in enumerate(heads)}
    right = torch.zeros_like(scores, dtype=torch.bool)
    for row, (_, keys) in enumerate(example.tails):
        columns = [place[key] for key in keys if key in place]
        right[row, columns or [len(heads)]] = True
    return scores.logsumexp(-1) - scores.masked_fill(~right, -torch.inf).logsumexp(-1)


def grouping_loss(network: LayoutXLM, hidden: Tensor, examples: Sequence[Example]) -> Tensor:
    """Mean over all pieces of -log of the probability of the piece that they continue (or of "a start")."""
    losses = []
    for row, example in enumerate(examples):
        if network.grouping is None or not example.supervised or len(example.pieces) < 2:
            continue
        scores = _page_grouping_scores(network, hidden[row], example)
        start = scores.shape[1] - 1
        before = [start if piece.continues is None else piece.continues for piece in example.pieces]
        target = torch.tensor(before, device=hidden.device)
        losses.append(functional.cross_entropy(scores, target, reduction="none"))
    return torch.cat(losses).mean() if losses else hidden.sum() * 0


def _page_grouping_scores(network: LayoutXLM, hidden: Tensor, example: Example) -> Tensor:
    pieces = example.pieces
    vectors = _means(hidden, [np.arange(piece.start, piece.end) for piece in pieces])
    labels = torch.tensor([piece.label for piece in pieces], device=hidden.device)
    boxes = torch.tensor([piece.box for piece in pieces], device=hidden.device)
    everything = torch.arange(len(pieces), device=hidden.device)
    return grouping_scores(network.grouping, vectors, labels, boxes, everything)


def _means(hidden: Tensor, groups: Sequence[np.ndarray]) -> Tensor:
    """Mean state of each group of tokens: indices into T x H states to groups x H, as one product."""
    member = torch.zeros(len(groups), hidden.shape[0])
    for row, indices in enumerate(groups):
        member[row, indices] = 1 / len(indices)
    return member.to(hidden) @ hidden


def masked_loss(network: LayoutXLM, hidden: Tensor, masked: Tensor) -> Tensor:
    """Cross entropy of the masked tokens' own ids, against the word embeddings (BERT's objective)."""
    places = masked != UNMASKED
    if not places.any():
        return hidden.sum() * 0
    logits = hidden[places] @ network.embeddings.word_embeddings.weight.T.to(hidden.dtype)
    return functional.cross_entropy(logits.float(), masked[places])
