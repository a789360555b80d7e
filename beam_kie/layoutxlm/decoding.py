"""Token scores to entities.

In "runs" decoding an entity is a run of tokens: within a line the best path through the B/I tags, across
lines a run that begins with I- continues an entity above it. In "line_vote" decoding, PaddleOCR's way, the
tokens of a line vote: a line that holds a key and its value comes out as one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from beam_kie.document import Entity, LineSpan, PageText, Polygon, TextLine
from beam_kie.geometry import box_polygon, split_polygon, union_box
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.features import PageTokens
from beam_kie.text_width import char_width, character_edges

FORBIDDEN = -1e9
CONTINUATION_GAP = 1.5  # a continued line starts at most this many line heights below the one before


@dataclass(frozen=True)
class Piece:
    """Tokens ``start`` to ``end`` (exclusive), all on one line, with one label.

    ``place_chance``: how likely it is that the piece belongs where it was put, as the start of an entity or
    behind another piece, where that was computed.
    """

    label: str
    line: int
    start: int
    end: int
    continues: bool
    place_chance: float = 1.0


@dataclass(frozen=True)
class DecodedEntity:
    """An entity and the tokens that it is made of."""

    entity: Entity
    tokens: np.ndarray


class Decoder(Protocol):
    """A way from token scores to entities."""

    tags: tuple[str, ...]

    def groups(self, log_probs: np.ndarray, tokens: PageTokens) -> list[list[Piece]]:
        """The pieces of every entity of a page, from T x tags log probabilities, in reading order."""

    def pieces(self, log_probs: np.ndarray, lines: np.ndarray) -> list[Piece]:
        """Runs of one label, none longer than its line, in token order."""

    def token_tags(self, log_probs: np.ndarray, lines: np.ndarray) -> np.ndarray:
        """The tag (index) of every token, as a metric over tokens counts them."""


def create_decoder(config: LayoutXLMConfig) -> Decoder:
    """The decoder that the configuration asks for."""
    if config.decoding == "line_vote":
        return LineVoteDecoder(config.tags)
    return TagDecoder(config.tags, config.switch_penalty)


class LineVoteDecoder:
    """One label a line: that of most of its tokens, I- counted as B-, ties to the earlier class."""

    def __init__(self, tags: Sequence[str]):
        self.tags = tuple(tags)
        places = [tag[2:] for tag in self.tags]
        self._counted_as = np.array([places.index(place) for place in places])

    def groups(self, log_probs: np.ndarray, tokens: PageTokens) -> list[list[Piece]]:
        """One piece for every line whose tokens do not vote for O."""
        return [[piece] for piece in self.pieces(log_probs, tokens.lines)]

    def pieces(self, log_probs: np.ndarray, lines: np.ndarray) -> list[Piece]:
        """The lines that are entities."""
        found = []
        votes = self._counted_as[log_probs.argmax(-1)]
        for start, end in _line_borders(lines):
            tag = self.tags[np.bincount(votes[start:end]).argmax()]
            if tag != "O":
                found.append(Piece(tag[2:], int(lines[start]), start, end, False))
        return found

    def token_tags(self, log_probs: np.ndarray, lines: np.ndarray) -> np.ndarray:
        """Every token's own most likely tag: PaddleOCR's metric looks at these, not at the votes."""
        return log_probs.argmax(-1)


class TagDecoder:
    """Best tag paths for one set of tags; ``switch_penalty`` (nats) holds lines together.

    Where a label has no B- tag, I- begins its entities too, and none goes on over lines.
    """

    def __init__(self, tags: Sequence[str], switch_penalty: float = 0.0):
        self.tags = tuple(tags)
        size = len(self.tags)
        self.transitions = np.zeros((size, size))
        for i, before in enumerate(self.tags):
            for j, after in enumerate(self.tags):
                goes_on = after.startswith("I-") and before[1:] == after[1:]
                if after.startswith("I-") and not goes_on and f"B-{after[2:]}" in self.tags:
                    self.transitions[i, j] = FORBIDDEN
                elif not (goes_on or before == after == "O"):
                    self.transitions[i, j] = -switch_penalty

    def groups(self, log_probs: np.ndarray, tokens: PageTokens) -> list[list[Piece]]:
        """Runs of one label, joined over lines."""
        return join_pieces(self.pieces(log_probs, tokens.lines), tokens.line_boxes)

    def token_tags(self, log_probs: np.ndarray, lines: np.ndarray) -> np.ndarray:
        """The best path of every line."""
        paths = [self.best_path(log_probs[start:end]) for start, end in _line_borders(lines)]
        return np.concatenate(paths) if paths else np.zeros(0, dtype=np.int64)

    def best_path(self, scores: np.ndarray) -> np.ndarray:
        """Tag indices (T) of the best path through T x tags log probabilities of one line.

        A line may begin with I-: it continues an entity of another line.
        """
        steps = len(scores)
        back = np.zeros((steps, len(self.tags)), dtype=np.int64)
        total = scores[0].astype(np.float64)
        for step in range(1, steps):
            candidates = total[:, None] + self.transitions
            back[step] = candidates.argmax(0)
            total = candidates.max(0) + scores[step]
        path = np.empty(steps, dtype=np.int64)
        path[-1] = total.argmax()
        for step in range(steps - 1, 0, -1):
            path[step - 1] = back[step, path[step]]
        return path

    def pieces(self, log_probs: np.ndarray, lines: np.ndarray) -> list[Piece]:
        """Runs of one label, in token order, from T x tags log probabilities and the line of each token."""
        found: list[Piece] = []
        for start, end in _line_borders(lines):
            found += self._line_pieces(log_probs[start:end], int(lines[start]), start)
        return found

    def _line_pieces(self, log_probs: np.ndarray, line: int, offset: int) -> list[Piece]:
        runs: list[list] = []
        before = "O"
        for index, tag in enumerate(self.tags[i] for i in self.best_path(log_probs)):
            if tag.startswith("B-") or (tag.startswith("I-") and before[1:] != tag[1:]):
                continues = tag.startswith("I-") and f"B-{tag[2:]}" in self.tags
                runs.append([tag[2:], offset + index, offset + index + 1, continues])
            elif tag != "O":
                runs[-1][2] = offset + index + 1
            before = tag
        return [Piece(label, line, start, end, continues) for label, start, end, continues in runs]


def _line_borders(lines: np.ndarray) -> list[tuple[int, int]]:
    """Start and end (exclusive) of the tokens of every line, from the line of each token."""
    borders = (np.flatnonzero(np.diff(lines)) + 1).tolist()
    return [(a, b) for a, b in zip([0, *borders], [*borders, len(lines)], strict=True) if b > a]


def join_pieces(pieces: Sequence[Piece], line_boxes: np.ndarray) -> list[list[Piece]]:
    """Groups the pieces of each entity: one that continues goes to the nearest fitting entity above it."""
    entities: list[list[Piece]] = []
    last = np.zeros(len(pieces), dtype=np.int64)  # the line that each entity ends on
    for piece in pieces:
        above = None
        if piece.continues:
            fits = np.array([entity[0].label == piece.label for entity in entities], dtype=bool)
            above = _continued(piece.line, last[: len(entities)], fits, line_boxes)
        if above is None:
            above = len(entities)
            entities.append([])
        entities[above].append(piece)
        last[above] = piece.line
    return entities


def _continued(line: int, last: np.ndarray, fits: np.ndarray, boxes: np.ndarray) -> int | None:
    """Which entity, of those that fit, ends right above a line and shares some of its width."""
    x0, y0, x1, y1 = boxes[line].tolist()
    left, top, right, bottom = boxes[last].T
    gap = (y0 - bottom) / max(y1 - y0, 1)
    beside = np.minimum(x1, right) - np.maximum(x0, left) > 0
    fits = fits & beside & (last != line) & (top < y0) & (gap >= -0.5) & (gap < CONTINUATION_GAP)
    if not fits.any():
        return None
    return int(np.where(fits, gap, np.inf).argmin())


def decode_entities(
    page: PageText,
    tokens: PageTokens,
    log_probs: np.ndarray,
    decoder: Decoder,
    join: Callable[[list[Piece]], list[list[Piece]]] | None = None,
) -> list[DecodedEntity]:
    """Entities of one page, in reading order of their first token.

    ``join`` puts the pieces of lines together to entities; None: as the decoder does it by itself.

    An entity's confidence is the mean over its tokens of the probability of its label, B- and I- together,
    times the chances that its pieces belong where they were put.
    Runs of nothing but white space are no entities.
    """
    if not len(tokens):
        return []
    probabilities = np.exp(log_probs)
    if join is None:
        groups = decoder.groups(log_probs, tokens)
    else:
        groups = join(decoder.pieces(log_probs, tokens.lines))
    found = [_entity(page, tokens, probabilities, group, decoder.tags) for group in groups]
    return [item for item in found if item.entity.text]


def _entity(
    page: PageText, tokens: PageTokens, probabilities: np.ndarray, pieces: list[Piece], tags: Sequence[str]
) -> DecodedEntity:
    label = pieces[0].label
    indices = np.concatenate([np.arange(piece.start, piece.end) for piece in pieces])
    columns = [column for column, tag in enumerate(tags) if tag[2:] == label]
    labelled = float(np.clip(probabilities[np.ix_(indices, columns)].sum(1).mean(), 0, 1))
    confidence = labelled * math.prod(piece.place_chance for piece in pieces)
    spans = tuple(
        LineSpan(piece.line, int(tokens.starts[piece.start]), int(tokens.ends[piece.end - 1]))
        for piece in pieces
    )
    return DecodedEntity(entity_from_spans(page, label, spans, confidence), indices)


def entity_from_spans(page: PageText, label: str, spans: tuple[LineSpan, ...], confidence: float) -> Entity:
    """An entity with its text and polygon cut out of the page's lines."""
    texts = [page.lines[span.line].text[span.start : span.end].strip() for span in spans]
    polygons = [span_polygon(page.lines[span.line], span) for span in spans]
    polygon = polygons[0]
    if len(polygons) > 1:
        polygon = box_polygon(union_box(TextLine("", part).box for part in polygons))
    return Entity(label, join_texts(texts), polygon, confidence, spans)


def span_polygon(line: TextLine, span: LineSpan) -> Polygon:
    """The part of a line's polygon that its characters take, in proportion to their usual widths."""
    first, last = span_shares(line.text, span.start, span.end)
    return line.polygon if (first, last) == (0, 1) else split_polygon(line.polygon, first, last)


def span_shares(text: str, start: int, end: int) -> tuple[float, float]:
    """Where characters ``start`` to ``end`` begin and end on their line: shares of its width, 0 to 1.

    White space around the text counts to the piece beside it.
    """
    edges = character_edges(text)
    first = 0.0 if start <= len(text) - len(text.lstrip()) else float(edges[start])
    last = 1.0 if end >= len(text.rstrip()) else float(edges[end])
    return first, last


def join_texts(texts: Sequence[str]) -> str:
    """Joins the lines of one entity: with a space, but none between ideographs."""
    joined = ""
    for text in texts:
        if joined and text and not (char_width(joined[-1]) == 2 and char_width(text[0]) == 2):
            joined += " "
        joined += text
    return joined
