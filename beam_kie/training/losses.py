"""Losses: of token tags, relations, line grouping and masked tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.grouping import grouping_scores
from beam_kie.layoutxlm.inputs.cells import BoxRelations
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.layoutxlm.network.pooling import group_means
from beam_kie.layoutxlm.network.relations import (
    BiaffineRelationHead,
    SoftmaxRelationHead,
    allowed_pairs,
)
from beam_kie.training.data.examples import UNMASKED, Example


def tag_loss(logits: Tensor, targets: dict, label_smoothing: float) -> Tensor:
    """Cross entropy of tags; tokens may be weighted, so that long lines do not dominate.

    With equal weights and without smoothing it is the loss of PaddleOCR's SER (``VQASerTokenLayoutLMLoss``)
    and of LayoutLMv2ForTokenClassification: the mean of -log softmax(logits)[label] over the tokens that are
    no padding.

    Args:
        logits: B x T x tags.
        targets: "tags", B x T int64 (UNMASKED: not counted), and "weights", B x T.
        label_smoothing: 0 to 1.
    """
    losses = functional.cross_entropy(
        logits.flatten(0, 1).float(),
        targets["tags"].flatten(),
        ignore_index=UNMASKED,
        reduction="none",
        label_smoothing=label_smoothing,
    )
    weights = targets["weights"].flatten()
    return (losses * weights).sum() / weights.sum().clamp(min=1)


def relation_scores(network: LayoutXLM, hidden: Tensor, examples: Sequence[Example]) -> list[Tensor]:
    """The scores of every labelled page with values: of a softmax head V x (K + 1), the last column "no key";
    of a biaffine head V x K x 2, and only of pages with keys.

    Args:
        network: that is trained.
        hidden: its B x T x H states of the text of the batch.
        examples: the B examples of the batch.
    """
    if network.relation_head is None:
        return []
    return [
        _page_relation_scores(network, network.relation_head, hidden[row], example)
        for row, example in enumerate(examples)
        if _has_pairs(example, network.config)
    ]


def relation_loss(scores: Sequence[Tensor], examples: Sequence[Example], config: LayoutXLMConfig) -> Tensor:
    """The loss of a relation head.

    Softmax head: the mean over all values of -log of the probability of their key (or of "no key"). Of a
    value with several keys, the mean over its keys, so that every one gets its share.

    Biaffine head, as in its source (unilm, ``layoutxlm/modeling/decoder/re.py``; PaddleNLP's ``REDecoder``;
    arXiv 2104.08836, section 3.3): the cross entropy of "linked" and "not linked", its mean over all pairs of
    a key and a value of a page, summed over the pages. The source gives pages without such pairs one made-up
    pair; here they have no loss.

    Args:
        scores: as of ``relation_scores``.
        examples: the B examples of the batch.
        config: of the network.
    """
    pages = [example for example in examples if _has_pairs(example, config)]
    if not scores:
        return torch.zeros(())
    if config.architecture.relation_head == "biaffine":
        targets = [
            _linked(example, config).to(page.device) for page, example in zip(scores, pages, strict=True)
        ]
        return biaffine_loss(scores, targets)
    losses = [
        _softmax_losses(page, _right_keys(page, example, config))
        for page, example in zip(scores, pages, strict=True)
    ]
    return torch.cat(losses).mean()


def _softmax_losses(scores: Tensor, right: Tensor) -> Tensor:
    """V losses of V x (K + 1) scores, of which one or more of every row are right."""
    log_probabilities = scores.log_softmax(-1).masked_fill(~right, 0)
    return -log_probabilities.sum(-1) / right.sum(-1)


def biaffine_loss(scores: Sequence[Tensor], linked: Sequence[Tensor]) -> Tensor:
    """The sum over pages of the mean cross entropy of their pairs.

    Args:
        scores: of every page ... x 2 ("not linked", "linked").
        linked: of every page ... int64, 1 for linked pairs, else 0; UNMASKED for pairs that do not count.
    """
    return torch.stack(
        [
            functional.cross_entropy(page.flatten(0, -2), target.flatten(), ignore_index=UNMASKED)
            for page, target in zip(scores, linked, strict=True)
        ]
    ).sum()


def grouping_scores_of(network: LayoutXLM, hidden: Tensor, examples: Sequence[Example]) -> list[Tensor]:
    """The P x (P + 1) scores of every labelled page with pieces to join.

    The last column is "begins an entity".

    Args:
        network: that is trained.
        hidden: its B x T x H states of the batch.
        examples: the B examples of the batch.
    """
    return [
        _page_grouping_scores(network, hidden[row], example)
        for row, example in enumerate(examples)
        if network.grouping is not None and _has_pieces(example)
    ]


def grouping_loss(scores: Sequence[Tensor], examples: Sequence[Example]) -> Tensor:
    """Mean over all pieces of -log of the probability of the piece that they continue.

    For a piece that continues none, the probability of "begins an entity".

    Args:
        scores: as of ``grouping_scores_of``.
        examples: the B examples of the batch.
    """
    losses = []
    for page, example in zip(scores, filter(_has_pieces, examples), strict=bool(scores)):
        start = page.shape[1] - 1
        before = [start if piece.continues is None else piece.continues for piece in example.pieces]
        target = torch.tensor(before, device=page.device)
        losses.append(functional.cross_entropy(page, target, reduction="none"))
    return torch.cat(losses).mean() if losses else torch.zeros(())


def _has_pairs(example: Example, config: LayoutXLMConfig) -> bool:
    if not example.supervised or not example.tails:
        return False
    return config.architecture.relation_head != "biaffine" or bool(_allowed(example, config).any())


def _has_pieces(example: Example) -> bool:
    return example.supervised and len(example.pieces) > 1


def _heads(example: Example, config: LayoutXLMConfig) -> list[int]:
    """Indices of the entities that may be keys."""
    head_ids = [config.labels.index(label) for label in config.head_labels]
    return [index for index, label in enumerate(example.entity_labels) if label in head_ids]


def _allowed(example: Example, config: LayoutXLMConfig) -> Tensor:
    """V x K bool: which keys the labels of the values allow."""
    labels = [config.labels[label] for label in example.entity_labels]
    heads, tails = _heads(example, config), [tail for tail, _ in example.tails]
    return allowed_pairs(config, [labels[head] for head in heads], [labels[tail] for tail in tails])


def _linked(example: Example, config: LayoutXLMConfig) -> Tensor:
    """V x K int64: 1 for the keys of every value, UNMASKED (not counted) where labels allow no link."""
    place = {head: column for column, head in enumerate(_heads(example, config))}
    linked = torch.zeros(len(example.tails), len(place), dtype=torch.long)
    for row, (_, keys) in enumerate(example.tails):
        linked[row, [place[key] for key in keys if key in place]] = 1
    return linked.masked_fill(~_allowed(example, config), UNMASKED)


def _right_keys(scores: Tensor, example: Example, config: LayoutXLMConfig) -> Tensor:
    """V x (K + 1) bool: the keys of every value, the last column where it has none."""
    place = {head: column for column, head in enumerate(_heads(example, config))}
    right = torch.zeros_like(scores, dtype=torch.bool)
    for row, (_, keys) in enumerate(example.tails):
        columns = [place[key] for key in keys if key in place]
        right[row, columns] = True
    right &= scores > -torch.inf  # labels may exclude a link
    right[:, -1] = ~right.any(1)
    return right


def _page_relation_scores(
    network: LayoutXLM, head: SoftmaxRelationHead | BiaffineRelationHead, hidden: Tensor, example: Example
) -> Tensor:
    first_only = head.first_token_only
    vectors = group_means(hidden, [x[:1] if first_only else x for x in example.entity_tokens])
    labels = torch.tensor(example.entity_labels, device=hidden.device)
    boxes = torch.tensor(example.entity_boxes, device=hidden.device)
    keys, values = _heads(example, network.config), [tail for tail, _ in example.tails]
    cells = example.tokens.cell_boxes
    between = None if cells is None else BoxRelations(example.entity_boxes, cells)(values, keys)
    heads, tails = torch.tensor(keys, dtype=torch.long), torch.tensor(values)
    scores = head(vectors, labels, boxes, heads, tails, _on(hidden.device, between)).float()
    if network.config.links and isinstance(head, SoftmaxRelationHead):
        excluded = functional.pad(~_allowed(example, network.config), (0, 1))
        scores = scores.masked_fill(excluded.to(scores.device), -torch.inf)
    return scores


def _page_grouping_scores(network: LayoutXLM, hidden: Tensor, example: Example) -> Tensor:
    pieces = example.pieces
    vectors = group_means(hidden, [np.arange(piece.start, piece.end) for piece in pieces])
    labels = torch.tensor([piece.label for piece in pieces], device=hidden.device)
    boxes = torch.tensor([piece.box for piece in pieces], device=hidden.device)
    everything = torch.arange(len(pieces), device=hidden.device)
    assert network.grouping is not None, "only networks with a grouping head get here"
    cells, places = example.tokens.cell_boxes, range(len(pieces))
    between = None if cells is None else BoxRelations([p.box for p in pieces], cells)(places, places)
    return grouping_scores(network.grouping, vectors, labels, boxes, everything, _on(hidden.device, between))


def _on(device: torch.device, values: Tensor | None) -> Tensor | None:
    return None if values is None else values.to(device)


def masked_loss(network: LayoutXLM, hidden: Tensor, masked: Tensor) -> Tensor:
    """Cross entropy of the masked tokens' own ids: BERT's masked language model.

    arXiv 1810.04805, section 3.1.

    Args:
        network: that is trained.
        hidden: its B x T x H states of the batch.
        masked: B x T ids; UNMASKED where a token is not masked.
    """
    places = masked != UNMASKED
    if not places.any():
        return hidden.sum() * 0
    logits = hidden[places] @ network.embeddings.word_embeddings.weight.T.to(hidden.dtype)
    return functional.cross_entropy(logits.float(), masked[places])
