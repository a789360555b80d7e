"""Line grouping: joins pieces of text lines to whole entities.

A label's run of tokens never leaves its text line. Where a key or value takes several lines, every piece
chooses the piece that it continues, or none: line grouping as in PEneo (arXiv 2401.03472, section 3.2),
with the head that also finds relations.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from beam_kie.document import Box, PageText
from beam_kie.geometry import union_box
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.cell_joins import CellJoins
from beam_kie.layoutxlm.decoding.entities import span_shares
from beam_kie.layoutxlm.decoding.linking import MOST_COMPARED, PAIRS_AT_ONCE
from beam_kie.layoutxlm.decoding.page_prior import page_prior, script_changes
from beam_kie.layoutxlm.decoding.tags import Piece
from beam_kie.layoutxlm.inputs.cells import BoxRelations, cell_boxes_1000
from beam_kie.layoutxlm.inputs.features import PageTokens
from beam_kie.layoutxlm.network.pooling import group_means
from beam_kie.layoutxlm.network.relations import SoftmaxRelationHead
from beam_kie.reading_order import reading_order

# On pages with more pieces than MOST_COMPARED: how many choose at once, and among how many before and behind.
_BLOCK = 64
_NEAR = 96


def group_pieces(
    heads: Sequence[tuple[SoftmaxRelationHead, Tensor]],
    config: LayoutXLMConfig,
    page: PageText,
    tokens: PageTokens,
    pieces: Sequence[Piece],
) -> list[list[Piece]]:
    """The pieces of every entity in reading order, each with the probability of its place.

    Args:
        heads: grouping heads, each with the T x H hidden states that its network made of the page's tokens,
            on its device; the mean of their scores counts.
        config: labels and costs (``decoding``).
        page: the page.
        tokens: its T tokens.
        pieces: runs of one label, in token order.

    Returns:
        Groups of pieces, ordered by their first piece.
    """
    if len(pieces) < 2:
        return [[piece] for piece in pieces]
    known = {label: index for index, label in enumerate(config.labels)}
    device = heads[0][1].device
    labels = torch.tensor([known[piece.label] for piece in pieces], device=device)
    places = [np.arange(piece.start, piece.end) for piece in pieces]
    vectors = [(head, group_means(hidden, places)) for head, hidden in heads]
    boxes = piece_boxes([line.text for line in page.lines], tokens, pieces)
    between = None if tokens.cell_boxes is None else BoxRelations(boxes, tokens.cell_boxes)
    keys = [piece.label in config.head_labels for piece in pieces]
    joins = None
    if config.decoding.sees_cells and page.cells:
        joins = CellJoins(boxes, keys, cell_boxes_1000(page), config.decoding)
    boxes = torch.tensor(boxes, device=device)
    best = _best_joins(vectors, labels, boxes, config.decoding.join_penalty, between, joins)
    texts = [_text(page, tokens, piece) for piece in pieces]
    continued, probabilities = _decided(
        best, _page_prior(best, texts, keys, config.decoding.page_prior_weight)
    )
    pieces = [
        dataclasses.replace(piece, place_probability=each)
        for piece, each in zip(pieces, probabilities, strict=True)
    ]
    groups = [[pieces[index] for index in group] for group in _connected(continued)]
    return sorted((_ordered(group, page, tokens) for group in groups), key=lambda group: group[0].start)


def grouping_scores(
    head: SoftmaxRelationHead,
    vectors: Tensor,
    labels: Tensor,
    boxes: Tensor,
    part: Tensor,
    cell_relations: Tensor | None = None,
) -> Tensor:
    """Scores that a piece continues another one; a piece continues neither itself nor one of another label.

    Args:
        head: the grouping head.
        vectors: P x H, a state of each piece.
        labels: P int64, of each piece.
        boxes: P x 4 int64 on the 0..1000 grid.
        part: V indices of the pieces to score.
        cell_relations: V x P int64, of CellRelation; None: not known.

    Returns:
        V x (P + 1); the last column is the score of beginning an entity.
    """
    everything = torch.arange(len(labels), device=labels.device)
    ends = (vectors, labels, boxes, everything, part)
    scores = (head(*ends) if cell_relations is None else head(*ends, cell_relations)).float()
    other = (labels[part][:, None] != labels[None]) | (part[:, None] == everything[None])
    return scores.masked_fill(torch.nn.functional.pad(other, (0, 1)), -torch.inf)


def piece_boxes(
    texts: Sequence[str], tokens: PageTokens, pieces: Sequence[Piece]
) -> list[tuple[int, int, int, int]]:
    """The boxes of pieces on the 0..1000 grid: their share of the line's box.

    Args:
        texts: of all lines of the page.
        tokens: of the page.
        pieces: of the page.
    """
    cut = [_cut(tokens.line_boxes[piece.line].tolist(), texts[piece.line], tokens, piece) for piece in pieces]
    return [(round(x0), int(y0), round(x1), int(y1)) for x0, y0, x1, y1 in cut]


def _cut(box: Sequence[float], text: str, tokens: PageTokens, piece: Piece) -> Box:
    """A piece's share of its line's box."""
    x0, y0, x1, y1 = box
    first, last = span_shares(text, int(tokens.starts[piece.start]), int(tokens.ends[piece.end - 1]))
    if tokens.places is not None and (first, last) != (0, 1):
        places = tokens.places
        first = first and float(places.first[piece.start])
        last = last if last == 1 else max(float(places.last[piece.end - 1]), first)
    return (x0 + (x1 - x0) * first, y0, x0 + (x1 - x0) * last, y1)


def _text(page: PageText, tokens: PageTokens, piece: Piece) -> str:
    start, end = int(tokens.starts[piece.start]), int(tokens.ends[piece.end - 1])
    return page.lines[piece.line].text[start:end]


class _Joins(NamedTuple):
    """Of every piece the one that it most likely continues, and log odds against being a start: of that one,
    and of all that it may continue together. P numbers each."""

    before: np.ndarray
    odds: np.ndarray
    odds_of_any: np.ndarray


def _best_joins(
    heads: Sequence[tuple[SoftmaxRelationHead, Tensor]],
    labels: Tensor,
    boxes: Tensor,
    join_penalty: float,
    between: BoxRelations | None = None,
    joins: CellJoins | None = None,
) -> _Joins:
    """``heads``: heads with their vectors of the P pieces, P x H. ``join_penalty``: nats that are added to
    the score of being a start. ``between``: how the cells of the pieces stand to each other, for the heads;
    ``joins``: what they add to the odds."""
    count = len(labels)
    found = _Joins(np.zeros(count, np.int64), np.zeros(count, np.float32), np.zeros(count, np.float32))
    for candidates, part in _blocks(labels.tolist()):
        chosen = torch.tensor(candidates, device=labels.device)
        of_part = torch.tensor(part, device=labels.device)
        cells = between and between([candidates[index] for index in part], candidates).to(labels.device)
        scores = torch.stack(
            [
                grouping_scores(head, vectors[chosen], labels[chosen], boxes[chosen], of_part, cells)
                for head, vectors in heads
            ]
        ).mean(0)
        odds = scores[:, :-1] - scores[:, -1:] - join_penalty
        if joins is not None:
            added = joins.odds([candidates[index] for index in part], candidates)
            odds += torch.from_numpy(added).to(odds.device)
        best, before = odds.max(1)
        places = np.array(candidates)[part]
        found.before[places] = chosen[before].cpu().numpy()
        found.odds[places] = best.cpu().numpy()
        found.odds_of_any[places] = odds.logsumexp(1).cpu().numpy()
    return found


def _blocks(labels: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Which pieces are scored together: candidates, and the indices among them of those that choose.

    On a page with very many pieces, a piece chooses among the nearest of its label in reading order alone:
    otherwise time would grow with the square of their number.
    """
    count = len(labels)
    if count <= MOST_COMPARED:
        everything, step = list(range(count)), max(1, PAIRS_AT_ONCE // count)
        for start in range(0, count, step):
            yield everything, list(range(start, min(start + step, count)))
        return
    of_label: dict[int, list[int]] = {}
    for index, label in enumerate(labels):
        of_label.setdefault(label, []).append(index)
    for indices in of_label.values():
        for start in range(0, len(indices), _BLOCK):
            first = max(0, start - _NEAR)
            candidates = indices[first : start + _BLOCK + _NEAR]
            yield candidates, list(range(start - first, min(start + _BLOCK, len(indices)) - first))


def _page_prior(joins: _Joins, texts: Sequence[str], keys: Sequence[bool], weight: float) -> np.ndarray:
    """What the page prior adds to the log odds of its keys; see page_prior.py."""
    if not weight:
        return np.zeros(len(texts))
    changes = script_changes(texts, joins.before.tolist())
    of_keys = [change if key else None for change, key in zip(changes, keys, strict=True)]
    return page_prior(joins.odds, of_keys, weight)


def _decided(joins: _Joins, added: np.ndarray) -> tuple[list[int], list[float]]:
    """For every piece the one that it continues, itself where it is a start; and how likely that is."""
    odds = joins.odds + added
    joined = odds > 0
    logs = np.where(joined, odds, 0) - np.logaddexp(joins.odds_of_any + added, 0)
    return np.where(joined, joins.before, np.arange(len(odds))).tolist(), np.exp(logs).tolist()


def _connected(continued: Sequence[int]) -> list[list[int]]:
    root = list(range(len(continued)))

    def find(index: int) -> int:
        while root[index] != index:
            root[index] = root[root[index]]
            index = root[index]
        return index

    for index, before in enumerate(continued):
        root[find(index)] = find(before)
    groups: dict[int, list[int]] = {}
    for index in range(len(continued)):
        groups.setdefault(find(index), []).append(index)
    return list(groups.values())


def _ordered(group: list[Piece], page: PageText, tokens: PageTokens) -> list[Piece]:
    """Reading order within the entity: that of the page may be wrong between columns."""
    if len(group) == 1:
        return group
    lines = [page.lines[piece.line] for piece in group]
    boxes = [_cut(line.box, line.text, tokens, piece) for line, piece in zip(lines, group, strict=True)]
    order = reading_order(boxes)
    return [group[index] for index in order]


def entity_box(boxes: Sequence[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    """The box around the pieces of an entity, on the 0..1000 grid.

    Args:
        boxes: of its pieces, at least one.
    """
    x0, y0, x1, y1 = union_box(boxes)
    return int(x0), int(y0), int(x1), int(y1)
