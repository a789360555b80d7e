"""Training pages to tensors: token tags, relation targets and masked tokens."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch

from beam_kie.document import PageText, RuledCell, TextLine
from beam_kie.geometry import box_polygon
from beam_kie.labelled.alignment import TrainingPage
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.grouping import entity_box, piece_boxes
from beam_kie.layoutxlm.decoding.tags import Piece
from beam_kie.layoutxlm.inputs.batches import Batch, Window, collate, pad_line_features
from beam_kie.layoutxlm.inputs.features import PageTokens, page_tokens, token_places
from beam_kie.layoutxlm.inputs.layout import with_layout
from beam_kie.layoutxlm.inputs.strips import TokenPlaces
from beam_kie.layoutxlm.inputs.tokenizer import PageTokenizer
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.reading_order import reading_order
from beam_kie.training.data.vocabulary import mask_id

UNMASKED = -100  # cross entropy's "ignore this token"
SHARED_LINE_WEIGHT = 1.5


class PieceTarget(NamedTuple):
    """A piece of an entity: see Example."""

    start: int
    end: int
    label: int
    box: tuple[int, int, int, int]
    continues: int | None


@dataclass(frozen=True)
class Example:
    """One page (or the part of it that fits): tokens with their targets.

    tags and weights: T; entities: for each the token indices, its label's index and box on the grid;
    tails: index of each value with the indices of its keys (none: it has no key on this page); pieces:
    the part of an entity on one line, as tokens (start, end), label, box and the piece that it continues
    (None: the entity begins with it).
    ``masked``: T, the original id where the token was masked, else UNMASKED. ``strips``: the
    images of the page's lines; ``places``: where the tokens stand on them. ``picture``: the page's thumbnail.
    ``line_vectors``: the tokens of the lines whose vectors are learned, each with its row among them.
    Special tokens are not among them: ``text_part`` leaves out theirs.
    """

    tokens: PageTokens
    tags: np.ndarray
    weights: np.ndarray
    masked: np.ndarray
    entity_tokens: list[np.ndarray]
    entity_labels: list[int]
    entity_boxes: list[tuple[int, int, int, int]]
    tails: list[tuple[int, list[int]]]
    pieces: list[PieceTarget]
    supervised: bool = True
    strips: Sequence[np.ndarray | None] = ()
    places: TokenPlaces | None = None
    picture: np.ndarray | None = None
    line_vectors: Sequence[tuple[np.ndarray, int]] = ()


@dataclass(frozen=True)
class ExampleMaker:
    """Turns pages into examples for one tokenizer and one set of labels.

    ``tag_weights``: "lines" (tokens of long lines count less) or "tokens" (every one counts the same).
    ``vector_rows``: which vector the lines with a text learn.
    """

    tokenizer: PageTokenizer
    config: LayoutXLMConfig
    max_tokens: int = 640
    mask_rate: float = 0.08
    line_mask_rate: float = 0.0
    tag_weights: str = "lines"
    vector_rows: Mapping[str, int] = field(default_factory=dict)

    def __call__(self, page: TrainingPage, rng: random.Random, supervised: bool = True) -> Example | None:
        """None where the page has no token."""
        cells = tuple(RuledCell(box, 1.0) for box in page.cells)
        text = PageText("", "", 1, page.width_px, page.height_px, lines=_text_lines(page), cells=cells)
        tokens = page_tokens(text, self.tokenizer, self.config.tokenising.token_boxes)
        if not len(tokens):
            return None
        owners = np.array(
            [_owner(page, line, start) for line, start in zip(tokens.lines, tokens.starts, strict=True)]
        )
        tokens, owners = self._cropped(tokens, owners, rng)
        if self.config.architecture.token_layout:
            tokens = with_layout(tokens, text)
        pieces = self._pieces(page, tokens, owners)
        entities = self._entities(page, owners, pieces)
        ids, masked = self._masked(tokens, rng)
        return Example(
            tokens=replace(tokens, ids=ids),
            tags=self._tags(page, tokens, owners),
            weights=self._weights(tokens, owners),
            masked=masked,
            entity_tokens=[indices for indices, _, _, _ in entities],
            entity_labels=[label for _, label, _, _ in entities],
            entity_boxes=[box for _, _, box, _ in entities],
            tails=self._tails(page, [owner for _, _, _, owner in entities]),
            pieces=[target for target, _ in pieces],
            supervised=supervised,
            strips=[line.strip for line in page.lines],
            places=tokens.places or token_places([line.text for line in page.lines], tokens),
            picture=page.picture,
            line_vectors=self._line_vectors(page, tokens),
        )

    def _line_vectors(self, page: TrainingPage, tokens: PageTokens) -> list[tuple[np.ndarray, int]]:
        if not self.vector_rows:
            return []
        rows = {index: self.vector_rows.get(line.text) for index, line in enumerate(page.lines)}
        return [
            (np.flatnonzero(tokens.lines == index), row)
            for index in np.unique(tokens.lines).tolist()
            if (row := rows[index]) is not None
        ]

    def _weights(self, tokens: PageTokens, owners: np.ndarray) -> np.ndarray:
        if self.tag_weights == "tokens":
            return np.ones(len(tokens), dtype=np.float32)
        return _weights(tokens, owners)

    def _cropped(self, tokens: PageTokens, owners: np.ndarray, rng: random.Random):
        if len(tokens) <= self.max_tokens:
            return tokens, owners
        starts = np.flatnonzero(tokens.positions == 0)
        latest = max(int(np.searchsorted(starts, len(tokens) - self.max_tokens)), 1)
        start = int(starts[rng.randrange(latest + 1)]) if latest < len(starts) else 0
        part = slice(start, start + self.max_tokens)
        names = ("ids", "lines", "starts", "ends", "positions", "words", "cut_places")
        columns = {name: value for name in names if (value := getattr(tokens, name)) is not None}
        return replace(tokens, **{name: value[part] for name, value in columns.items()}), owners[part]

    def _pieces(
        self, page: TrainingPage, tokens: PageTokens, owners: np.ndarray
    ) -> list[tuple[PieceTarget, int]]:
        """The pieces of all entities in token order, each with its owner."""
        found: list[Piece] = []
        whose: list[int] = []
        borders = np.flatnonzero((np.diff(owners) != 0) | (np.diff(tokens.lines) != 0)) + 1
        for start, end in pairwise([0, *borders.tolist(), len(owners)]):
            label = page.labels.get(int(owners[start]))
            if label in self.config.labels:
                found.append(Piece(label, int(tokens.lines[start]), start, end, False))
                whose.append(int(owners[start]))
        boxes = piece_boxes([line.text for line in page.lines], tokens, found)
        before = _pieces_before(whose, boxes)
        return [
            (PieceTarget(piece.start, piece.end, self.config.labels.index(piece.label), box, last), owner)
            for piece, box, last, owner in zip(found, boxes, before, whose, strict=True)
        ]

    def _entities(
        self, page: TrainingPage, owners: np.ndarray, pieces: list[tuple[PieceTarget, int]]
    ) -> list[tuple]:
        if self.config.decoding.method == "line_vote":  # each line is an entity of its own
            return [
                (np.arange(piece.start, piece.end), piece.label, piece.box, owner) for piece, owner in pieces
            ]
        found = []
        for owner in dict.fromkeys(owner for _, owner in pieces):
            box = entity_box([piece.box for piece, whose in pieces if whose == owner])
            label = self.config.labels.index(page.labels[owner])
            found.append((np.flatnonzero(owners == owner), label, box, owner))
        return found

    def _tags(self, page: TrainingPage, tokens: PageTokens, owners: np.ndarray) -> np.ndarray:
        index = {tag: i for i, tag in enumerate(self.config.tags)}
        tags, begun = np.zeros(len(owners), dtype=np.int64), set()
        for place, owner in enumerate(owners.tolist()):
            label = page.labels.get(owner)
            if label not in self.config.labels:
                continue
            same_line = place and tokens.lines[place] == tokens.lines[place - 1]
            if self.config.architecture.grouping_head or self.config.decoding.method == "line_vote":
                goes_on = same_line and owners[place - 1] == owner
            else:
                goes_on = owner in begun and not (same_line and owners[place - 1] != owner)
            tags[place] = index[f"{'I' if goes_on else 'B'}-{label}"]
            begun.add(owner)
        return tags

    def _tails(self, page: TrainingPage, owners: list[int]) -> list[tuple[int, list[int]]]:
        places: dict[int, list[int]] = {}
        for index, owner in enumerate(owners):
            places.setdefault(owner, []).append(index)
        keys: dict[int, list[int]] = {
            index: [] for index, owner in enumerate(owners) if page.labels[owner] in self.config.tail_labels
        }
        for head, tail in page.relations:
            if not self.config.may_link(page.labels.get(head, ""), page.labels.get(tail, "")):
                continue
            for index in places.get(tail, ()):
                if index in keys:
                    keys[index] += places.get(head, ())
        return list(keys.items())

    def _masked(self, tokens: PageTokens, rng: random.Random) -> tuple[np.ndarray, np.ndarray]:
        """Ids with masks, and what stood under them. A whole line cannot be predicted: it is only hidden."""
        chosen = np.array([rng.random() < self.mask_rate for _ in range(len(tokens))], dtype=bool)
        hidden_lines = [line for line in np.unique(tokens.lines) if rng.random() < self.line_mask_rate]
        hidden = np.isin(tokens.lines, hidden_lines)
        wanted = np.where(chosen & ~hidden, tokens.ids, UNMASKED)
        mask = mask_id(self.tokenizer)
        if mask is None:  # then nothing is to be masked: the plan has refused the rest
            return tokens.ids, wanted
        return np.where(chosen | hidden, mask, tokens.ids), wanted


def _weights(tokens: PageTokens, owners: np.ndarray) -> np.ndarray:
    """Weights of tokens: less on long lines, more on the few where an entity ends and another begins."""
    counts = np.bincount(tokens.lines)[tokens.lines]
    borders = np.flatnonzero((np.diff(owners) != 0) & (np.diff(tokens.lines) == 0))
    shared = np.isin(tokens.lines, tokens.lines[borders])
    return (np.where(shared, SHARED_LINE_WEIGHT, 1) / np.sqrt(counts)).astype(np.float32)


def _pieces_before(owners: Sequence[int], boxes: Sequence[tuple[int, int, int, int]]) -> list[int | None]:
    """For every piece the one of the same owner that is read before it."""
    before: list[int | None] = [None] * len(owners)
    for owner in {owner for owner in owners if owners.count(owner) > 1}:
        mine = [index for index, other in enumerate(owners) if other == owner]
        order = [mine[index] for index in reading_order([boxes[index] for index in mine])]
        for first, second in pairwise(order):
            before[second] = first
    return before


def collate_examples(examples: Sequence[Example], config: LayoutXLMConfig) -> tuple[Batch, dict]:
    """A padded batch with its B x T targets: tags (UNMASKED on padding), weights, masked.

    The T tokens of the targets are those of the text: see ``text_part``.

    Args:
        examples: the B examples of the batch.
        config: of the network.
    """
    windows = [Window(index, 0, len(example.tokens)) for index, example in enumerate(examples)]
    batch = collate(windows, [example.tokens for example in examples], config)
    shape = (len(examples), max(map(len, windows)))
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


def text_part(values: torch.Tensor, config: LayoutXLMConfig) -> torch.Tensor:
    """The part of a batch's values that its text has: without the special tokens around each window.

    The </s> of a window that is shorter than others stays; targets leave it out.

    Args:
        values: B x (T + special tokens) x ...
        config: of the network.
    """
    before, around = config.tokenising.special_before, config.tokenising.window_tokens
    behind = around - config.tokenising.text_tokens - before
    return values[:, before : values.shape[1] - behind]


def with_pictures_of(network: LayoutXLM, batch: Batch, examples: Sequence[Example]) -> Batch:
    """The batch with what the network reads beside text: features of line images, or visual tokens.

    Args:
        network: that reads the batch.
        batch: of the examples.
        examples: the B examples of the batch.
    """
    batch = replace(batch, line_features=batch_line_features(network, examples, batch.ids.shape[1]))
    if network.visual is None:
        return batch
    pictures = [example.picture for example in examples if example.picture is not None]
    images = torch.from_numpy(np.stack(pictures)).to(batch.ids.device)
    return replace(batch, visual=network.visual_states(images))


def batch_line_features(network: LayoutXLM, examples: Sequence[Example], width: int) -> torch.Tensor | None:
    """Line features of the examples' tokens, B x ``width`` x H; None where no line has pixels.

    Args:
        network: with a strip reader, or without.
        examples: the B examples of the batch.
        width: tokens of the batch, T.
    """
    if network.strips is None:
        return None
    strips: list[np.ndarray | None] = []
    parts = []
    for example in examples:
        used = set(example.tokens.lines.tolist())
        assert example.places is not None, "examples of pages know where their tokens stand"
        parts.append(example.places._replace(lines=example.tokens.lines + len(strips)))
        strips += [strip if line in used else None for line, strip in enumerate(example.strips)]
    if all(strip is None for strip in strips):
        return None
    places = TokenPlaces(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    features = network.strips(strips, places)
    return pad_line_features(features.split([len(example.tokens) for example in examples]), width)


def _text_lines(page: TrainingPage) -> tuple[TextLine, ...]:
    return tuple(
        TextLine(line.text, box_polygon(line.box), char_spans=line.char_spans) for line in page.lines
    )


def _owner(page: TrainingPage, line: int, start: int) -> int:
    owner = page.lines[line].owners[start]
    return -1 if owner is None else owner
