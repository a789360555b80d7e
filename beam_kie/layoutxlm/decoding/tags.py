"""Decoders: from the scores of a page's tokens to pieces of its lines that have one label.

In "runs" decoding an entity is a run of tokens: within a line the best path through the B/I tags, across
lines a run that begins with I- continues an entity above it. In "line_vote" decoding, as in PaddleOCR, the
tokens of a line vote: a line that holds a key and its value comes out as one of them. Lines that are known to
be whole entities get the label that is likeliest for all their tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.inputs.features import CutPlace, PageTokens

FORBIDDEN = -1e9
CONTINUATION_GAP = 1.5  # a continued line starts at most this many line heights below the one before


@dataclass(frozen=True)
class Piece:
    """Tokens ``start`` to ``end`` (exclusive), all on one line, with one label.

    ``place_probability``: that the piece is in the right place, as the start of an entity or behind another
    piece; 1 where it was not computed.
    """

    label: str
    line: int
    start: int
    end: int
    continues: bool
    place_probability: float = 1.0


class Decoder(Protocol):
    """Turns token scores into entities."""

    tags: tuple[str, ...]

    def groups(self, log_probs: np.ndarray, tokens: PageTokens) -> list[list[Piece]]:
        """The pieces of every entity of a page, in reading order.

        Args:
            log_probs: T x tags log probabilities.
            tokens: the T tokens of the page.
        """
        ...

    def pieces(self, log_probs: np.ndarray, tokens: PageTokens) -> list[Piece]:
        """Runs of one label, none longer than its line, in token order.

        Args:
            log_probs: T x tags log probabilities.
            tokens: the T tokens of the page.
        """
        ...

    def token_tags(self, log_probs: np.ndarray, tokens: PageTokens) -> np.ndarray:
        """The tag (index) of every token, as a metric over tokens counts them.

        Args:
            log_probs: T x tags log probabilities.
            tokens: the T tokens of the page.
        """
        ...


def create_decoder(config: LayoutXLMConfig, whole_lines: bool = False) -> Decoder:
    """The decoder that the configuration names.

    Args:
        config: of the model.
        whole_lines: whether each line of the pages is one entity or none.
    """
    if config.decoding.method == "line_vote":
        return LineVoteDecoder(config.tags)
    if whole_lines:
        return WholeLineDecoder(config.tags)
    costs = config.decoding
    return TagDecoder(
        config.tags,
        costs.switch_penalty,
        costs.colon_discount,
        costs.capitals_discount,
        costs.phrase_penalty,
    )


class LineVoteDecoder:
    """One label a line: that of most of its tokens, I- counted as B-, ties to the earlier class.

    Args:
        tags: the classes, in the order of the classifier's outputs.
    """

    def __init__(self, tags: Sequence[str]):
        self.tags = tuple(tags)
        places = [tag[2:] for tag in self.tags]
        self._counted_as = np.array([places.index(place) for place in places])

    def groups(self, log_probs: np.ndarray, tokens: PageTokens) -> list[list[Piece]]:
        """One piece for every line whose tokens do not vote for O.

        Args:
            log_probs: T x tags log probabilities.
            tokens: the T tokens of the page.
        """
        return [[piece] for piece in self.pieces(log_probs, tokens)]

    def pieces(self, log_probs: np.ndarray, tokens: PageTokens) -> list[Piece]:
        """The lines that are entities.

        Args:
            log_probs: T x tags log probabilities.
            tokens: the T tokens of the page.
        """
        votes = self._counted_as[log_probs.argmax(-1)]
        return _labelled_lines(tokens, lambda part: self.tags[np.bincount(votes[part]).argmax()][2:])

    def token_tags(self, log_probs: np.ndarray, tokens: PageTokens) -> np.ndarray:
        """Every token's own most likely tag: PaddleOCR's metric counts these, not the votes.

        Args:
            log_probs: T x tags log probabilities.
            tokens: the T tokens of the page.
        """
        return log_probs.argmax(-1)


class WholeLineDecoder:
    """One label a line: the one that is likeliest for all its tokens together.

    Of B- and I- the likelier one counts: as on the best path, a temperature changes no label.

    Args:
        tags: the classes, in the order of the classifier's outputs.
    """

    def __init__(self, tags: Sequence[str]):
        self.tags = tuple(tags)
        labels = dict.fromkeys(tag[2:] for tag in self.tags)
        order = sorted(range(len(self.tags)), key=lambda index: self.tags[index])  # B- before I-
        self._tags_of = {label: [i for i in order if self.tags[i][2:] == label] for label in labels}

    def groups(self, log_probs: np.ndarray, tokens: PageTokens) -> list[list[Piece]]:
        """One piece for every line that has a label.

        Args:
            log_probs: T x tags log probabilities.
            tokens: the T tokens of the page.
        """
        return [[piece] for piece in self.pieces(log_probs, tokens)]

    def pieces(self, log_probs: np.ndarray, tokens: PageTokens) -> list[Piece]:
        """The lines that are entities.

        Args:
            log_probs: T x tags log probabilities.
            tokens: the T tokens of the page.
        """
        logs = np.stack([log_probs[:, tags].max(1) for tags in self._tags_of.values()], axis=1)
        labels = list(self._tags_of)
        return _labelled_lines(tokens, lambda part: labels[logs[part].sum(0).argmax()])

    def token_tags(self, log_probs: np.ndarray, tokens: PageTokens) -> np.ndarray:
        """O, or the label of the line: its B- tag (if there is one) on the first token, then its I- tag.

        Args:
            log_probs: T x tags log probabilities.
            tokens: the T tokens of the page.
        """
        tags = np.full(len(tokens), self.tags.index("O"))
        for piece in self.pieces(log_probs, tokens):
            own = self._tags_of[piece.label]
            tags[piece.start : piece.end] = own[-1]
            tags[piece.start] = own[0]
        return tags


def _labelled_lines(tokens: PageTokens, label_of: Callable[[slice], str]) -> list[Piece]:
    """A piece for every line to whose tokens ``label_of`` gives a label, not ""."""
    found = []
    for start, end in line_borders(tokens.lines):
        label = label_of(slice(start, end))
        if label:
            found.append(Piece(label, int(tokens.lines[start]), start, end, False))
    return found


class TagDecoder:
    """The best path of tags through each line (Viterbi), with a price on changes of label.

    Where a label has no B- tag, I- begins its entities too, and none continues on another line.

    Args:
        tags: the classes, in the order of the classifier's outputs.
        switch_penalty: what a change of label within a line costs, in nats.
        colon_discount: by how much less it costs right after a colon, in nats.
        capitals_discount: by how much less it costs where words in capitals end, in nats.
        phrase_penalty: by how much more it costs in brackets and beside a comma of ideographs, in nats.
    """

    def __init__(
        self,
        tags: Sequence[str],
        switch_penalty: float = 0.0,
        colon_discount: float = 0.0,
        capitals_discount: float = 0.0,
        phrase_penalty: float = 0.0,
    ):
        self.tags = tuple(tags)
        self.transitions = {
            CutPlace.ANY: self._costs(switch_penalty),
            CutPlace.AFTER_COLON: self._costs(switch_penalty - colon_discount),
            CutPlace.AFTER_CAPITALS: self._costs(switch_penalty - capitals_discount),
            CutPlace.IN_PHRASE: self._costs(switch_penalty + phrase_penalty),
        }

    def _costs(self, switch_penalty: float) -> np.ndarray:
        """Tags x tags: what is added to a path's score where the second follows the first."""
        size = len(self.tags)
        costs = np.zeros((size, size))
        for i, before in enumerate(self.tags):
            for j, after in enumerate(self.tags):
                goes_on = after.startswith("I-") and before[1:] == after[1:]
                if after.startswith("I-") and not goes_on and f"B-{after[2:]}" in self.tags:
                    costs[i, j] = FORBIDDEN
                elif not (goes_on or before == after == "O"):
                    costs[i, j] = -switch_penalty
        return costs

    def groups(self, log_probs: np.ndarray, tokens: PageTokens) -> list[list[Piece]]:
        """Runs of one label, joined over lines.

        Args:
            log_probs: T x tags log probabilities.
            tokens: the T tokens of the page.
        """
        return join_pieces(self.pieces(log_probs, tokens), tokens.line_boxes)

    def token_tags(self, log_probs: np.ndarray, tokens: PageTokens) -> np.ndarray:
        """The best path of every line.

        Args:
            log_probs: T x tags log probabilities.
            tokens: the T tokens of the page.
        """
        paths = [path for _, path in self._paths(log_probs, tokens)]
        return np.concatenate(paths) if paths else np.zeros(0, dtype=np.int64)

    def _paths(self, log_probs: np.ndarray, tokens: PageTokens) -> Iterator[tuple[int, np.ndarray]]:
        """The first token of every line, and the line's best path."""
        for start, end in line_borders(tokens.lines):
            places = None if tokens.cut_places is None else tokens.cut_places[start:end]
            yield start, self.best_path(log_probs[start:end], places)

    def best_path(self, scores: np.ndarray, cut_places: np.ndarray | None = None) -> np.ndarray:
        """The best path through one line. It may begin with I-: it then continues an entity of another line.

        Args:
            scores: T x tags log probabilities, T at least 1.
            cut_places: T int64, of CutPlace; None: ANY.

        Returns:
            T tag indices.
        """
        steps = len(scores)
        back = np.zeros((steps, len(self.tags)), dtype=np.int64)
        total = scores[0].astype(np.float64)
        for step in range(1, steps):
            place = CutPlace.ANY if cut_places is None else CutPlace(cut_places[step])
            candidates = total[:, None] + self.transitions[place]
            back[step] = candidates.argmax(0)
            total = candidates.max(0) + scores[step]
        path = np.empty(steps, dtype=np.int64)
        path[-1] = total.argmax()
        for step in range(steps - 1, 0, -1):
            path[step - 1] = back[step, path[step]]
        return path

    def pieces(self, log_probs: np.ndarray, tokens: PageTokens) -> list[Piece]:
        """Runs of one label, in token order.

        Args:
            log_probs: T x tags log probabilities.
            tokens: the T tokens of the page.
        """
        found: list[Piece] = []
        for start, path in self._paths(log_probs, tokens):
            found += self._line_pieces(path, int(tokens.lines[start]), start)
        return found

    def _line_pieces(self, path: np.ndarray, line: int, offset: int) -> list[Piece]:
        runs: list[list] = []
        before = "O"
        for index, tag in enumerate(self.tags[i] for i in path):
            if tag.startswith("B-") or (tag.startswith("I-") and before[1:] != tag[1:]):
                continues = tag.startswith("I-") and f"B-{tag[2:]}" in self.tags
                runs.append([tag[2:], offset + index, offset + index + 1, continues])
            elif tag != "O":
                runs[-1][2] = offset + index + 1
            before = tag
        return [Piece(label, line, start, end, continues) for label, start, end, continues in runs]


def line_borders(lines: np.ndarray) -> list[tuple[int, int]]:
    """Start and end (exclusive) of the tokens of every line.

    Args:
        lines: T, the line of each token.
    """
    borders = (np.flatnonzero(np.diff(lines)) + 1).tolist()
    return [(a, b) for a, b in zip([0, *borders], [*borders, len(lines)], strict=True) if b > a]


def join_pieces(pieces: Sequence[Piece], line_boxes: np.ndarray) -> list[list[Piece]]:
    """Groups the pieces of each entity: one that continues goes to the nearest fitting entity above it.

    Args:
        pieces: of the page, in token order.
        line_boxes: N x 4, of all lines, on the 0..1000 grid.
    """
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
