"""Relations of a page: candidate pairs, their scores, and which of them are links."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from beam_kie.document import PageText, Relation
from beam_kie.geometry import normalise_box_1000
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.entities import DecodedEntity
from beam_kie.layoutxlm.network.pooling import group_means
from beam_kie.layoutxlm.network.relations import BiaffineRelationHead, SoftmaxRelationHead

PAIRS_AT_ONCE = 200_000  # a page with thousands of keys and values must not need gigabytes


def find_relations(
    heads: Sequence[tuple[SoftmaxRelationHead | BiaffineRelationHead, Tensor]],
    config: LayoutXLMConfig,
    page: PageText,
    decoded: Sequence[DecodedEntity],
) -> tuple[Relation, ...]:
    """Links between the entities of one page, in the order of their values.

    ``heads``: heads, each with the T x H hidden states that its network made of the page's tokens, on its
    device; the mean of their scores counts. Entities without tokens and labels that the configuration does
    not name take part in none.
    """
    keys = _candidates(decoded, config.head_labels)
    values = _candidates(decoded, config.tail_labels)
    if not keys or not values:
        return ()
    device = heads[0][1].device
    vectors = [_vectors(decoded, hidden, head.first_token_only) for head, hidden in heads]
    known = {label: index for index, label in enumerate(config.labels)}
    labels = torch.tensor([known.get(item.entity.label, 0) for item in decoded], device=device)
    boxes = [normalise_box_1000(item.entity.box, page.width_px, page.height_px) for item in decoded]
    boxes = torch.tensor(boxes, device=device)
    key_index = torch.tensor(keys, device=device)
    relations: list[Relation] = []
    step = max(1, PAIRS_AT_ONCE // len(keys))
    for start in range(0, len(values), step):
        part = torch.tensor(values[start : start + step], device=device)
        scores = [
            head(of_head, labels, boxes, key_index, part)
            for (head, _), of_head in zip(heads, vectors, strict=True)
        ]
        mean = torch.stack(scores).mean(0)
        if config.decoding.none_penalty:
            mean[:, -1] -= config.decoding.none_penalty
        probabilities, threshold = heads[0][0].probabilities(mean, config.calibration.relation_temperature)
        probabilities = probabilities.masked_fill(part[:, None] == key_index[None], 0)
        relations += _links(probabilities, threshold, keys, part.tolist(), config.decoding.relation_choice)
    return tuple(relations)


def _links(
    probabilities: Tensor, threshold: Tensor, keys: list[int], values: list[int], choice: str
) -> list[Relation]:
    """The pairs of V x K probabilities that exceed their row's threshold: the best of a row, or every one."""
    linked = probabilities > threshold
    if choice == "best":
        best = torch.zeros_like(linked).scatter_(1, probabilities.argmax(1, keepdim=True), True)
        linked &= best
    rows, columns = linked.nonzero(as_tuple=True)
    found = zip(rows.tolist(), columns.tolist(), probabilities[rows, columns].tolist(), strict=True)
    return [Relation(keys[column], values[row], probability) for row, column, probability in found]


def _candidates(decoded: Sequence[DecodedEntity], labels: Sequence[str]) -> list[int]:
    return [i for i, item in enumerate(decoded) if item.entity.label in labels and len(item.tokens)]


def _vectors(decoded: Sequence[DecodedEntity], hidden: Tensor, first_token_only: bool) -> Tensor:
    tokens = [item.tokens[:1] if first_token_only else item.tokens for item in decoded]
    return group_means(hidden, tokens)
