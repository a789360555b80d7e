"""Token scores to entities: their pieces, texts, polygons and confidences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from beam_kie.document import CharSpans, Entity, LineSpan, PageText, Polygon, TextLine
from beam_kie.geometry import box_polygon, split_polygon, union_box
from beam_kie.layoutxlm.decoding.tags import Decoder, Piece
from beam_kie.layoutxlm.inputs.features import PageTokens
from beam_kie.text_width import char_width, character_edges


@dataclass(frozen=True)
class DecodedEntity:
    """An entity and the tokens that it is made of."""

    entity: Entity
    tokens: np.ndarray


def decode_entities(
    page: PageText,
    tokens: PageTokens,
    log_probs: np.ndarray,
    decoder: Decoder,
    join: Callable[[list[Piece]], list[list[Piece]]] | None = None,
) -> list[DecodedEntity]:
    """Entities of one page, in reading order of their first token.

    Args:
        page: the page.
        tokens: its T tokens.
        log_probs: T x tags natural logarithms of probabilities.
        decoder: the way from scores to pieces.
        join: puts the pieces of lines together to entities; None: as the decoder does it by itself.

    Returns:
        Entities whose text is not blank, with the indices of their tokens.

    An entity's confidence is the mean over its tokens of the probability of its label, B- and I- together,
    times the probabilities that its pieces belong where they were put.
    Runs of nothing but white space are no entities.
    """
    if not len(tokens):
        return []
    probabilities = np.exp(log_probs)
    groups = decoder.groups(log_probs, tokens) if join is None else join(decoder.pieces(log_probs, tokens))
    found = [_entity(page, tokens, probabilities, group, decoder.tags) for group in groups]
    return [item for item in found if item.entity.text]


def _entity(
    page: PageText, tokens: PageTokens, probabilities: np.ndarray, pieces: list[Piece], tags: Sequence[str]
) -> DecodedEntity:
    label = pieces[0].label
    indices = np.concatenate([np.arange(piece.start, piece.end) for piece in pieces])
    columns = [column for column, tag in enumerate(tags) if tag[2:] == label]
    labelled = float(np.clip(probabilities[indices[:, None], columns].sum(1).mean(), 0, 1))
    confidence = labelled * math.prod(piece.place_probability for piece in pieces)
    spans = tuple(
        LineSpan(piece.line, int(tokens.starts[piece.start]), int(tokens.ends[piece.end - 1]))
        for piece in pieces
    )
    return DecodedEntity(entity_from_spans(page, label, spans, confidence), indices)


def tokens_of(entity: Entity, tokens: PageTokens) -> np.ndarray:
    """Indices of the tokens that an entity's spans touch; a token without characters counts as one wide.

    Args:
        entity: of the page.
        tokens: of the page, T of them.
    """
    chosen = np.zeros(len(tokens), dtype=bool)
    ends = np.maximum(tokens.ends, tokens.starts + 1)
    for span in entity.spans:
        chosen |= (tokens.lines == span.line) & (tokens.starts < span.end) & (ends > span.start)
    return np.flatnonzero(chosen)


def entity_from_spans(page: PageText, label: str, spans: tuple[LineSpan, ...], confidence: float) -> Entity:
    """An entity with its text and polygon cut out of the page's lines.

    Args:
        page: its lines.
        label: of the entity.
        spans: parts of lines, at least one, in reading order.
        confidence: of the entity, in [0, 1].
    """
    texts = [page.lines[span.line].text[span.start : span.end].strip() for span in spans]
    polygons = [span_polygon(page.lines[span.line], span) for span in spans]
    polygon = polygons[0]
    if len(polygons) > 1:
        polygon = box_polygon(union_box(TextLine("", part).box for part in polygons))
    return Entity(label, join_texts(texts), polygon, confidence, spans)


def span_polygon(line: TextLine, span: LineSpan) -> Polygon:
    """The part of a line's polygon that its characters take: as measured, or by their usual widths.

    Args:
        line: of the page.
        span: the part of it.
    """
    if line.char_spans is None:
        first, last = span_shares(line.text, span.start, span.end)
    else:
        first, last = _measured_shares(line.text, line.char_spans, span)
    return line.polygon if (first, last) == (0, 1) else split_polygon(line.polygon, first, last)


def _measured_shares(text: str, char_spans: CharSpans, span: LineSpan) -> tuple[float, float]:
    """As of ``span_shares``, from where the characters were seen."""
    inked = [index for index in range(span.start, span.end) if not text[index].isspace()]
    if not inked:
        return span_shares(text, span.start, span.end)
    first = 0.0 if not text[: inked[0]].strip() else min(char_spans[index][0] for index in inked)
    last = 1.0 if not text[inked[-1] + 1 :].strip() else max(char_spans[index][1] for index in inked)
    return min(first, last), last


def span_shares(text: str, start: int, end: int) -> tuple[float, float]:
    """Where characters ``start`` to ``end`` begin and end on their line: shares of its width, 0 to 1.

    White space around the text belongs to the piece beside it.

    Args:
        text: of the line.
        start: the first character, from 0.
        end: after the last one.
    """
    edges = character_edges(text)
    first = 0.0 if start <= len(text) - len(text.lstrip()) else float(edges[start])
    last = 1.0 if end >= len(text.rstrip()) else float(edges[end])
    return first, last


def join_texts(texts: Sequence[str]) -> str:
    """Joins the lines of one entity: with a space, but none between ideographs.

    Args:
        texts: in reading order.
    """
    joined = ""
    for text in texts:
        if joined and text and not (char_width(joined[-1]) == 2 and char_width(text[0]) == 2):
            joined += " "
        joined += text
    return joined
