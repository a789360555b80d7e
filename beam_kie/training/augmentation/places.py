"""Places of characters in training: on merged and cut lines, and as if they had been seen on others.

Only OCR says where characters stand. Were labelled lines without places, and merged ones with them, a
network would learn from that alone which ones to cut: a page has places on all of its lines or on none.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from beam_kie.document import Box, CharSpans
from beam_kie.geometry import union_box
from beam_kie.labelled.alignment import TrainingLine
from beam_kie.text_width import character_edges

_JITTER = 0.12  # of a character's width: its usual width is not its own


def places_of(line: TrainingLine) -> np.ndarray:
    """Where the characters of a line begin and end, as shares of its width: N x 2.

    Args:
        line: with or without places of its characters; of N characters.
    """
    if line.char_spans is not None:
        return np.reshape(line.char_spans, (-1, 2)).astype(float)
    edges = character_edges(line.text)
    return np.stack([edges[:-1], edges[1:]], 1)


def joined_places(left: TrainingLine, gap: str, right: TrainingLine) -> CharSpans:
    """Where the characters of two lines stand on the line that holds both.

    Args:
        left: a line.
        gap: the text between them: nothing or one blank, which takes all of the space.
        right: the line on its right.
    """
    x0, _, x1, _ = union_box((left.box, right.box))
    sides = [line.box[0] + places_of(line) * (line.box[2] - line.box[0]) for line in (left, right)]
    between = [[left.box[2], max(right.box[0], left.box[2])]] if gap else np.zeros((0, 2))
    return _spans((np.concatenate([sides[0], between, sides[1]]) - x0) / max(x1 - x0, 1e-6))


def cut_places(spans: CharSpans | None, start: int, end: int, first: float, last: float) -> CharSpans | None:
    """Where characters stand on a part of their line.

    Args:
        spans: of the whole line; None: not known.
        start: the first character of the part.
        end: after its last one.
        first: where the part begins, as a share of the line.
        last: where it ends.
    """
    if spans is None:
        return None
    return _spans((np.reshape(spans[start:end], (-1, 2)) - first) / max(last - first, 1e-6))


def resized_places(line: TrainingLine, box: Box) -> TrainingLine:
    """The line in another box, its characters where they stood on the page.

    Args:
        line: of a page.
        box: the new box, in pixels.
    """
    if line.char_spans is None:
        return replace(line, box=box)
    places = line.box[0] + places_of(line) * (line.box[2] - line.box[0])
    return replace(line, box=box, char_spans=_spans((places - box[0]) / max(box[2] - box[0], 1e-6)))


def with_places(lines: Sequence[TrainingLine], rng: random.Random, known: bool) -> list[TrainingLine]:
    """All lines with places of their characters, or none.

    Args:
        lines: of a page. Those without places get what OCR might have seen.
        rng: the random generator.
        known: whether they shall have them.
    """
    if not known:
        return [replace(line, char_spans=None) for line in lines]
    random_places = np.random.default_rng(rng.randrange(2**32))
    return [line if line.char_spans is not None else _guessed(line, random_places) for line in lines]


def _guessed(line: TrainingLine, rng: np.random.Generator) -> TrainingLine:
    edges = character_edges(line.text)
    inner = edges[1:-1] + rng.normal(0, _JITTER, len(edges) - 2) / len(line.text)
    edges = np.concatenate([[0.0], np.maximum.accumulate(inner.clip(0, 1)), [1.0]])
    return replace(line, char_spans=_spans(np.stack([edges[:-1], edges[1:]], 1)))


def _spans(places: np.ndarray) -> CharSpans:
    return tuple((start, end) for start, end in places.clip(0, 1).tolist())
