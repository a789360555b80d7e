"""Relations of a page: candidate pairs, their scores, and which of them are links."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence

import torch
from torch import Tensor

from beam_kie.document import PageText, Relation
from beam_kie.geometry import normalise_box_1000
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.certain_values import with_keys_of_certain_values
from beam_kie.layoutxlm.decoding.entities import DecodedEntity
from beam_kie.layoutxlm.decoding.second_keys import with_second_keys
from beam_kie.layoutxlm.inputs.cells import BoxRelations, cell_boxes_1000
from beam_kie.layoutxlm.network.pooling import group_means
from beam_kie.layoutxlm.network.relations import (
    BiaffineRelationHead,
    SoftmaxRelationHead,
    allowed_pairs,
)

PAIRS_AT_ONCE = 200_000  # a page with thousands of keys and values must not need gigabytes

MOST_COMPARED = 1_024
"""A value chooses among all keys of a page, and a piece among all pieces, up to this many of them."""

# On pages with more keys: how many values choose at once, and among how many keys.
_BLOCK = 64
_NEAR = 128
_FIRST = 64


def find_relations(
    heads: Sequence[tuple[SoftmaxRelationHead | BiaffineRelationHead, Tensor]],
    config: LayoutXLMConfig,
    page: PageText,
    decoded: Sequence[DecodedEntity],
    certain: Collection[int] = (),
) -> tuple[Relation, ...]:
    """Links between the entities of one page, in the order of their values.

    Args:
        heads: relation heads of one kind, each with the T x H hidden states that its network made of the
            page's tokens, on its device; the mean of their scores counts.
        config: which labels are keys and values, and the costs (``decoding``).
        page: the page.
        decoded: its entities; those without tokens, or with a label that the configuration does not name,
            take part in no relation.
        certain: indices of the entities whose labels are known to be right.

    Returns:
        Relations whose ends are indices into ``decoded``, with their link's probability as confidence.
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
    between = BoxRelations(boxes, cell_boxes_1000(page)) if config.architecture.token_layout else None
    boxes = torch.tensor(boxes, device=device)
    relations: list[Relation] = []
    for near, part_of_values in _blocks(keys, values):
        key_index = torch.tensor(near, device=device)
        part = torch.tensor(part_of_values, device=device)
        known = () if between is None else (between(part_of_values, near).to(device),)
        scores = [
            head(of_head, labels, boxes, key_index, part, *known)
            for (head, _), of_head in zip(heads, vectors, strict=True)
        ]
        mean = torch.stack(scores).mean(0)
        if config.decoding.none_penalty:
            mean[:, -1] -= config.decoding.none_penalty
        allowed = _allowed(config, decoded, near, part_of_values).to(device)
        if isinstance(heads[0][0], SoftmaxRelationHead):
            mean[:, :-1].masked_fill_(~allowed, -torch.inf)
        probabilities, threshold = heads[0][0].probabilities(mean, config.calibration.relation_temperature)
        probabilities = probabilities.masked_fill((part[:, None] == key_index[None]) | ~allowed, 0)
        if certain and config.decoding.certain_value_share:
            known_values = torch.tensor([value in certain for value in part_of_values], device=device)
            probabilities, threshold = with_keys_of_certain_values(
                probabilities, threshold, known_values, config.decoding.certain_value_share
            )
        linked = _linked(probabilities, threshold, config.decoding.relation_choice)
        if config.decoding.second_key:
            linked, probabilities = with_second_keys(
                probabilities, linked, boxes[key_index], boxes[part], config.decoding.second_key
            )
        rows, columns = linked.nonzero(as_tuple=True)
        found = zip(rows.tolist(), columns.tolist(), probabilities[rows, columns].tolist(), strict=True)
        relations += [Relation(near[column], part_of_values[row], sure) for row, column, sure in found]
    return tuple(relations)


def _allowed(
    config: LayoutXLMConfig, decoded: Sequence[DecodedEntity], keys: list[int], values: list[int]
) -> Tensor:
    if not config.links:
        return torch.ones(len(values), len(keys), dtype=torch.bool)
    labels = [item.entity.label for item in decoded]
    return allowed_pairs(config, [labels[key] for key in keys], [labels[value] for value in values])


def _blocks(keys: list[int], values: list[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Which keys and values are scored together; both are indices of entities in reading order.

    On a page with very many keys, a value chooses among those nearest to it in reading order and the first
    of the page, where the headers of a long table stand: otherwise time would grow with their product.
    """
    if len(keys) <= MOST_COMPARED:
        step = max(1, PAIRS_AT_ONCE // len(keys))
        for start in range(0, len(values), step):
            yield keys, values[start : start + step]
        return
    for start in range(0, len(values), _BLOCK):
        part = values[start : start + _BLOCK]
        first = max(0, bisect_left(keys, part[0]) - _NEAR)
        last = bisect_left(keys, part[-1]) + _NEAR
        yield keys[: min(_FIRST, first)] + keys[first:last], part


def _linked(probabilities: Tensor, threshold: Tensor, choice: str) -> Tensor:
    """Which of V x K probabilities exceed their row's threshold: the best of a row, or every one."""
    linked = probabilities > threshold
    if choice == "best":
        best = torch.zeros_like(linked).scatter_(1, probabilities.argmax(1, keepdim=True), True)
        linked &= best
    return linked


def _candidates(decoded: Sequence[DecodedEntity], labels: Sequence[str]) -> list[int]:
    return [i for i, item in enumerate(decoded) if item.entity.label in labels and len(item.tokens)]


def _vectors(decoded: Sequence[DecodedEntity], hidden: Tensor, first_token_only: bool) -> Tensor:
    tokens = [item.tokens[:1] if first_token_only else item.tokens for item in decoded]
    return group_means(hidden, tokens)
