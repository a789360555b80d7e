"""Token scores to entities.

An entity is a run of tokens: within a line the best path through the B/I tags, across lines a run that
begins with I- continues an entity above it. PaddleOCR instead takes one majority vote per line, so a
line that holds a key and its value comes out as one of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beam_kie.document import Entity, LineSpan, PageText, Polygon, TextLine
from beam_kie.geometry import box_polygon, split_polygon, union_box
from beam_kie.layoutxlm.features import PageTokens

FORBIDDEN = -1e9
CONTINUATION_GAP = 1.5  # a continued line starts at most this many line heights below the one before


@dataclass(frozen=True)
class Piece:
    """Tokens ``start`` to ``end`` (exclusive), all on one line, with one label."""

    label: str
    line: int
    start: int
    end: int
    continues: bool


@dataclass(frozen=True)
class DecodedEntity:
    """An entity and the tokens that it is made of."""

    entity: Entity
    tokens: np.ndarray


class TagDecoder:
    """Best tag paths for one set of tags; ``switch_penalty`` (nats) holds lines together."""

    def __init__(self, tags: Sequence[str], switch_penalty: float = 0.0):
        self.tags = tuple(tags)
        size = len(self.tags)
        self.transitions = np.zeros((size, size))
        for i, before in enumerate(self.tags):
            for j, after in enumerate(self.tags):
                if after.startswith("I-") and before[1:] != after[1:]:
                    self.transitions[i, j] = FORBIDDEN
                elif not (after.startswith("I-") or before == after == "O"):
                    self.transitions[i, j] = -switch_penalty

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
        borders = np.flatnonzero(np.diff(lines)) + 1
        for start, end in zip([0, *borders], [*borders, len(lines)], strict=True):
            if end > start:
                found += self._line_pieces(log_probs[start:end], int(lines[start]), int(start))
        return found

    def _line_pieces(self, log_probs: np.ndarray, line: int, offset: int) -> list[Piece]:
        runs: list[list] = []
        for index, tag in enumerate(self.tags[i] for i in self.best_path(log_probs)):
            if tag.startswith("B-") or (tag.startswith("I-") and index == 0):
                runs.append([tag[2:], offset + index, offset + index + 1, tag.startswith("I-")])
            elif tag.startswith("I-"):
                runs[-1][2] = offset + index + 1
        return [Piece(label, line, start, end, continues) for label, start, end, continues in runs]


def join_pieces(pieces: Sequence[Piece], line_boxes: np.ndarray) -> list[list[Piece]]:
    """Groups the pieces of each entity: one that continues goes to the nearest fitting entity above it."""
    entities: list[list[Piece]] = []
    for piece in pieces:
        above = _continued(piece, entities, line_boxes) if piece.continues else None
        if above is None:
            entities.append([piece])
        else:
            above.append(piece)
    return entities


def _continued(piece: Piece, entities: list[list[Piece]], boxes: np.ndarray) -> list[Piece] | None:
    best, best_gap = None, CONTINUATION_GAP
    x0, y0, x1, y1 = boxes[piece.line]
    height = max(y1 - y0, 1)
    for entity in entities:
        last = entity[-1]
        if last.label != piece.label or last.line == piece.line:
            continue
        lx0, ly0, lx1, ly1 = boxes[last.line]
        overlap = min(x1, lx1) - max(x0, lx0)
        gap = (y0 - ly1) / height
        if overlap > 0 and -0.5 <= gap < best_gap and ly0 < y0:
            best, best_gap = entity, gap
    return best


def decode_entities(
    page: PageText, tokens: PageTokens, log_probs: np.ndarray, decoder: TagDecoder
) -> list[DecodedEntity]:
    """Entities of one page, in reading order of their first token."""
    probabilities = np.exp(log_probs)
    groups = join_pieces(decoder.pieces(log_probs, tokens.lines), tokens.line_boxes)
    return [_entity(page, tokens, probabilities, group, decoder.tags) for group in groups]


def _entity(
    page: PageText, tokens: PageTokens, probabilities: np.ndarray, pieces: list[Piece], tags: Sequence[str]
) -> DecodedEntity:
    label = pieces[0].label
    indices = np.concatenate([np.arange(piece.start, piece.end) for piece in pieces])
    columns = [tags.index(f"B-{label}"), tags.index(f"I-{label}")]
    confidence = float(np.clip(probabilities[np.ix_(indices, columns)].sum(1).mean(), 0, 1))
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
    if span.start <= 0 and span.end >= len(line.text.rstrip()):
        return line.polygon
    widths = np.cumsum([0, *(_width(character) for character in line.text)])
    return split_polygon(line.polygon, widths[span.start] / widths[-1], widths[span.end] / widths[-1])


def join_texts(texts: Sequence[str]) -> str:
    """Joins the lines of one entity: with a space, but none between ideographs."""
    joined = ""
    for text in texts:
        if joined and text and not (_width(joined[-1]) == 2 and _width(text[0]) == 2):
            joined += " "
        joined += text
    return joined


def _width(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
