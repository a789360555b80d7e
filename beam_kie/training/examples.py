"""Training pages to tensors: token tags, relation targets and masked tokens."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer

from beam_kie.document import PageText, TextLine
from beam_kie.geometry import box_polygon, union_box
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.features import PageTokens, Window, collate, page_tokens
from beam_kie.layoutxlm.network import Batch
from beam_kie.training.pages import TrainingPage

UNMASKED = -100  # cross entropy's "ignore this token"


@dataclass(frozen=True)
class Example:
    """One page (or the part of it that fits): tokens with their targets.

    tags and weights: T; entities: for each the token indices, its label's index and box on the grid;
    tails: index of each value with the indices of its keys (none: it has no key on this page).
    ``masked``: T, the original id where the token was masked, else UNMASKED.
    """

    tokens: PageTokens
    tags: np.ndarray
    weights: np.ndarray
    masked: np.ndarray
    entity_tokens: list[np.ndarray]
    entity_labels: list[int]
    entity_boxes: list[tuple[int, int, int, int]]
    tails: list[tuple[int, list[int]]]
    supervised: bool = True


@dataclass(frozen=True)
class ExampleMaker:
    """Turns pages into examples for one tokenizer and one set of labels."""

    tokenizer: Tokenizer
    config: LayoutXLMConfig
    max_tokens: int = 640
    mask_rate: float = 0.08

    def __call__(self, page: TrainingPage, rng: random.Random, supervised: bool = True) -> Example | None:
        """None where the page has no token."""
        text = PageText("", "", 1, page.width_px, page.height_px, lines=_text_lines(page))
        tokens = page_tokens(text, self.tokenizer)
        if not len(tokens):
            return None
        owners = np.array(
            [_owner(page, line, start) for line, start in zip(tokens.lines, tokens.starts, strict=True)]
        )
        tokens, owners = self._cropped(tokens, owners, rng)
        entities = self._entities(page, tokens, owners)
        counts = np.bincount(tokens.lines)[tokens.lines]
        ids, masked = self._masked(tokens.ids, rng)
        return Example(
            tokens=PageTokens(
                ids, tokens.lines, tokens.starts, tokens.ends, tokens.positions, tokens.line_boxes
            ),
            tags=self._tags(page, tokens, owners),
            weights=(1 / np.sqrt(counts)).astype(np.float32),
            masked=masked,
            entity_tokens=[indices for indices, _, _, _ in entities],
            entity_labels=[label for _, label, _, _ in entities],
            entity_boxes=[box for _, _, box, _ in entities],
            tails=self._tails(page, [owner for _, _, _, owner in entities]),
            supervised=supervised,
        )

    def _cropped(self, tokens: PageTokens, owners: np.ndarray, rng: random.Random):
        if len(tokens) <= self.max_tokens:
            return tokens, owners
        starts = np.flatnonzero(tokens.positions == 0)
        latest = max(int(np.searchsorted(starts, len(tokens) - self.max_tokens)), 1)
        start = int(starts[rng.randrange(latest + 1)]) if latest < len(starts) else 0
        part = slice(start, start + self.max_tokens)
        columns = (tokens.ids, tokens.lines, tokens.starts, tokens.ends, tokens.positions)
        return PageTokens(*(column[part] for column in columns), tokens.line_boxes), owners[part]

    def _entities(self, page: TrainingPage, tokens: PageTokens, owners: np.ndarray) -> list[tuple]:
        found = []
        for owner in dict.fromkeys(owners.tolist()):
            if owner < 0 or page.labels[owner] not in self.config.labels:
                continue
            indices = np.flatnonzero(owners == owner)
            box = union_box(tokens.line_boxes[line] for line in np.unique(tokens.lines[indices]))
            label = self.config.labels.index(page.labels[owner])
            found.append((indices, label, tuple(int(v) for v in box), owner))
        return found

    def _tags(self, page: TrainingPage, tokens: PageTokens, owners: np.ndarray) -> np.ndarray:
        index = {tag: i for i, tag in enumerate(self.config.tags)}
        tags, begun = np.zeros(len(owners), dtype=np.int64), set()
        for place, owner in enumerate(owners.tolist()):
            label = page.labels.get(owner)
            if label not in self.config.labels:
                continue
            apart = place and tokens.lines[place] == tokens.lines[place - 1] and owners[place - 1] != owner
            prefix = "I" if owner in begun and not apart else "B"
            tags[place] = index[f"{prefix}-{label}"]
            begun.add(owner)
        return tags

    def _tails(self, page: TrainingPage, owners: list[int]) -> list[tuple[int, list[int]]]:
        place = {owner: index for index, owner in enumerate(owners)}
        keys: dict[int, list[int]] = {
            index: [] for owner, index in place.items() if page.labels[owner] in self.config.tail_labels
        }
        for head, tail in page.relations:
            if head in place and tail in place and place[tail] in keys:
                keys[place[tail]].append(place[head])
        return list(keys.items())

    def _masked(self, ids: np.ndarray, rng: random.Random) -> tuple[np.ndarray, np.ndarray]:
        chosen = np.array([rng.random() < self.mask_rate for _ in range(len(ids))], dtype=bool)
        mask_id = self.tokenizer.token_to_id("<mask>")
        return np.where(chosen, mask_id, ids), np.where(chosen, ids, UNMASKED)


def collate_examples(examples: Sequence[Example], config: LayoutXLMConfig) -> tuple[Batch, dict]:
    """A padded batch with its B x T targets: tags (UNMASKED on padding), weights, masked."""
    windows = [Window(index, 0, len(example.tokens)) for index, example in enumerate(examples)]
    batch = collate(windows, [example.tokens for example in examples], config)
    shape = batch.ids.shape
    tags = np.full(shape, UNMASKED, dtype=np.int64)
    masked = np.full(shape, UNMASKED, dtype=np.int64)
    weights = np.zeros(shape, dtype=np.float32)
    for row, example in enumerate(examples):
        size = len(example.tokens)
        masked[row, :size] = example.masked
        if example.supervised:
            tags[row, :size], weights[row, :size] = example.tags, example.weights
    targets = {"tags": tags, "masked": masked, "weights": weights}
    return batch, {name: torch.from_numpy(value) for name, value in targets.items()}


def _text_lines(page: TrainingPage) -> tuple[TextLine, ...]:
    return tuple(TextLine(line.text, box_polygon(line.box)) for line in page.lines)


def _owner(page: TrainingPage, line: int, start: int) -> int:
    owner = page.lines[line].owners[start]
    return -1 if owner is None else owner
