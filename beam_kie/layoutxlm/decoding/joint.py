"""Labels and links decided together.

A label is chosen line by line, before any link. Where it is uncertain, the links know more: a value that
hesitates among keys is often none, and a line that a value would rather have as its key than all others is
mostly one. So labels are changed one at a time, always the one that raises the sum of the log probabilities
of labels and links most, until none does (iterated conditional modes, Besag 1986).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from beam_kie.document import LineSpan, PageText
from beam_kie.geometry import normalise_box_1000
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.entities import DecodedEntity, entity_from_spans
from beam_kie.layoutxlm.decoding.tags import line_borders
from beam_kie.layoutxlm.inputs.cells import BoxRelations, cell_boxes_1000
from beam_kie.layoutxlm.inputs.features import PageTokens
from beam_kie.layoutxlm.network.pooling import group_means
from beam_kie.layoutxlm.network.relations import BiaffineRelationHead, SoftmaxRelationHead

RelationHead = SoftmaxRelationHead | BiaffineRelationHead

MOST = 512
"""Entities and unlabelled runs of a page up to which links take part; time grows with their square."""

_LEAST = np.log(0.05)  # less likely labels are not asked for
_FLOOR = 1e-4
_TOKENS = 9  # tokens of one entity are alike: the evidence of more of them counts no more
_NEVER = -1e9


class Evidence(NamedTuple):
    """What is known of N entities that may have L labels, the last one meaning "no entity".

    ``labels``: N x L, weighted log probabilities. ``links``: N x (N + 1), scores of each as the value of each
    other as the key, and of having no key. ``allowed``: N x L bool, labels that are asked for.
    """

    labels: np.ndarray
    links: np.ndarray
    allowed: np.ndarray


def decide_together(
    heads: Sequence[tuple[RelationHead, Tensor]],
    config: LayoutXLMConfig,
    page: PageText,
    tokens: PageTokens,
    log_probs: np.ndarray,
    decoded: Sequence[DecodedEntity],
) -> list[DecodedEntity]:
    """The entities of a page with labels that go with their links.

    Args:
        heads: softmax relation heads, each with the T x H states that its network made of the page's tokens.
        config: with one label of keys and one of values; with others nothing is changed.
        page: the page.
        tokens: its T tokens.
        log_probs: T x tags log probabilities.
        decoded: its entities, with the labels that tokens alone give them.

    Returns:
        Entities in reading order of their first token. One that lost its label is left out, a run of tokens
        without label may have got one. The confidence of a changed label is the probability of it against the
        one before, links considered.
    """
    names = [*config.labels, ""]
    probabilities = _label_probabilities(config, np.exp(log_probs), names)
    items, labels = _candidates(page, tokens, probabilities, decoded, names)
    if not 1 < len(items) <= MOST:
        return list(decoded)
    found = _evidence(heads, config, page, items, probabilities)
    key, value = (names.index(of[0]) for of in (config.head_labels, config.tail_labels))
    changed, gains = flip(found, labels, key, value)
    results = []
    for item, before, label, gain in zip(items, labels, changed, gains, strict=True):
        if names[label] and label != before:
            confidence = float(1 / (1 + np.exp(-gain)))
            entity = dataclasses.replace(item.entity, label=names[label], confidence=confidence)
            item = dataclasses.replace(item, entity=entity)
        if names[label]:
            results.append(item)
    return sorted(results, key=lambda item: int(item.tokens[0]))


def flip(evidence: Evidence, labels: np.ndarray, key: int, value: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels that make labels and links likelier together.

    Args:
        evidence: of N entities.
        labels: their N labels.
        key: the label of keys.
        value: the label of values.

    Returns:
        N labels, and what each change of one gained in nats (0 where there was none).
    """
    labels, gains = labels.copy(), np.zeros(len(labels))
    everything = np.arange(len(labels))
    for _ in range(len(labels)):
        gain = evidence.labels - evidence.labels[everything, labels][:, None]
        gain = gain + _link_gains(evidence.links, labels, key, value, evidence.labels.shape[1])
        gain[~evidence.allowed] = -np.inf
        gain[everything, labels] = -np.inf
        entity, label = np.unravel_index(gain.argmax(), gain.shape)
        if gain[entity, label] <= 1e-6:
            break
        gains[entity] += gain[entity, label]
        labels[entity] = label
    return labels, gains


def _link_gains(links: np.ndarray, labels: np.ndarray, key: int, value: int, count: int) -> np.ndarray:
    """N x L: what the log probabilities of the links gain where one entity gets another label.

    Every value has its best link, "no key" included. A key more or less changes what the values compete for.
    """
    scores, none = links[:, :-1], links[:, -1]
    is_key, values = labels == key, np.flatnonzero(labels == value)
    among = np.where(is_key[None], scores, _NEVER)
    most = np.maximum(among.max(1), none)
    mass = np.exp(among - most[:, None]).sum(1) + np.exp(none - most)
    own = -np.log(mass)  # the best link of an entity as a value
    lost, won = np.zeros(len(labels)), np.zeros(len(labels))
    if len(values):
        of_values = scores[values]
        best = among[values].argmax(1)
        second = among[values]
        second[np.arange(len(values)), best] = _NEVER
        runner_up = np.maximum(second.max(1), none[values])
        top, total = most[values][:, None], mass[values][:, None]
        share = np.exp(np.minimum(of_values - top, 50))
        is_best = (best[:, None] == np.arange(len(labels))[None]) & is_key[None]
        without = np.where(is_best, runner_up[:, None], top) - top - np.log(np.maximum(total - share, 1e-12))
        with_it = np.maximum(of_values, top) - top - np.log(total + share)
        lost = (without - own[values][:, None]).sum(0)
        change = with_it - own[values][:, None]
        # A value that becomes a key is no longer asked for its own.
        change[np.arange(len(values)), values] = 0
        won = change.sum(0)
    as_value = labels == value
    gains = np.zeros((len(labels), count))
    gains += np.where(is_key, lost, 0)[:, None] - np.where(as_value, own, 0)[:, None]
    gains[:, key] += won
    gains[:, value] += own
    return gains


def _label_probabilities(
    config: LayoutXLMConfig, probabilities: np.ndarray, names: Sequence[str]
) -> np.ndarray:
    """T x L: the probability of every label, B- and I- together."""
    columns = [[i for i, tag in enumerate(config.tags) if tag[2:] == name] for name in names]
    return np.stack([probabilities[:, of_label].sum(1) for of_label in columns], axis=1)


def _candidates(
    page: PageText,
    tokens: PageTokens,
    probabilities: np.ndarray,
    decoded: Sequence[DecodedEntity],
    names: Sequence[str],
) -> tuple[list[DecodedEntity], np.ndarray]:
    """Entities, and runs of tokens without label that might have one; with their labels."""
    covered = np.zeros(len(tokens), bool)
    for item in decoded:
        covered[item.tokens] = True
    items, labels = list(decoded), [names.index(item.entity.label) for item in decoded]
    for start, end in line_borders(tokens.lines):
        free = np.flatnonzero(~covered[start:end]) + start
        for run in np.split(free, np.flatnonzero(np.diff(free) > 1) + 1):
            if not len(run) or not (probabilities[run].mean(0)[:-1] > np.exp(_LEAST)).any():
                continue
            span = LineSpan(int(tokens.lines[start]), int(tokens.starts[run[0]]), int(tokens.ends[run[-1]]))
            entity = entity_from_spans(page, names[-1], (span,), 0.0)
            if entity.text:
                items.append(DecodedEntity(entity, run))
                labels.append(len(names) - 1)
    return items, np.array(labels, dtype=np.int64)


def _evidence(
    heads: Sequence[tuple[RelationHead, Tensor]],
    config: LayoutXLMConfig,
    page: PageText,
    items: Sequence[DecodedEntity],
    probabilities: np.ndarray,
) -> Evidence:
    logs = np.stack([np.log(probabilities[item.tokens].clip(_FLOOR)).mean(0) for item in items])
    counts = np.array([min(len(item.tokens), _TOKENS) for item in items])
    weights = config.decoding.joint_weight * np.sqrt(counts)
    links = _link_scores(heads, config, page, items)
    links[:, -1] -= config.decoding.none_penalty
    np.fill_diagonal(links, _NEVER)
    return Evidence(logs * weights[:, None], links, logs > _LEAST)


def _link_scores(
    heads: Sequence[tuple[RelationHead, Tensor]],
    config: LayoutXLMConfig,
    page: PageText,
    items: Sequence[DecodedEntity],
) -> np.ndarray:
    """N x (N + 1): the scores of every entity as a value of every other one as a key, and of no key."""
    count, device = len(items), heads[0][1].device
    every = list(range(count))
    boxes = [normalise_box_1000(item.entity.box, page.width_px, page.height_px) for item in items]
    cells = None
    if config.architecture.token_layout:
        cells = BoxRelations(boxes, cell_boxes_1000(page))(every, every).to(device)
    # Each entity twice: as a key, and as a value.
    roles = [config.labels.index(of[0]) for of in (config.head_labels, config.tail_labels)]
    labels = torch.tensor([role for role in roles for _ in every], device=device)
    twice = torch.tensor(boxes * 2, device=device)
    places = [item.tokens for item in items]
    scores = [
        head(
            torch.cat([group_means(hidden, places)] * 2),
            labels,
            twice,
            torch.arange(count, device=device),
            torch.arange(count, 2 * count, device=device),
            cells,
        )
        for head, hidden in heads
    ]
    return torch.stack(scores).mean(0).float().cpu().numpy().astype(np.float64)
