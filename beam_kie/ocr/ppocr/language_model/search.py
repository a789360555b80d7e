"""The most likely text of a line, by its frames and a model of letters together.

Prefix beam search (Graves 2012, "Supervised Sequence Labelling with Recurrent Neural Networks", 7.5.3; with a
language model: Hannun et al. 2014, "First-Pass Large Vocabulary Continuous Speech Recognition using
Bi-Directional Recurrent DNNs").
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from beam_kie.ocr.ppocr.decoding import BLANK
from beam_kie.ocr.ppocr.language_model.ngrams import BITS, CODES, SCALE, SPACE, UNKNOWN, CharacterModel

Frame = list[tuple[int, float]]
"""Classes that a frame may be, with the logarithms of their probabilities."""

# Chosen on every second of FUNSD's training pages, see docs/performance.md.
WEIGHT = 0.5
"""Of the model's logarithms beside those of the frames."""
PER_CHARACTER = 1.0
"""What a character adds: each one costs something in the model."""
LEAD = 2.0
"""Another text has to be better by that."""

# So many prefixes are followed, and none that is worse than the best one by more than that.
_BEAM, _FAR = 8, 8.0
_NEVER = -1e30


class _Prefix:
    """A text up to some frame.

    ``blank`` and ``written``: the logarithms of its probability with and without a blank at the end;
    ``next_blank`` and ``next_written``: the same one frame later. ``rating``: what model and length say.
    """

    __slots__ = ("blank", "classes", "history", "longer", "next_blank", "next_written", "rating", "written")

    def __init__(self, classes: tuple[int, ...], history: int, rating: float):
        self.classes = classes
        self.history = history
        self.rating = rating
        self.blank = self.written = self.next_blank = self.next_written = _NEVER
        self.longer: dict[int, _Prefix] = {}

    @property
    def score(self) -> float:
        return _sum(self.blank, self.written) + self.rating


class Search:
    """Looks for better texts.

    Args:
        model: costs of characters.
        characters: what classes 1, 2, ... write.
    """

    def __init__(self, model: CharacterModel, characters: Sequence[str]):
        self._model = model
        self._codes = [[CODES.get(character, UNKNOWN) for character in text] for text in ["", *characters]]

    def better(self, frames: Sequence[Frame], first: tuple[int, ...]) -> tuple[int, ...] | None:
        """The classes of a text that is better than the first one; None where there is none.

        Args:
            frames: of a line.
            first: the classes of the text that the frames say by themselves.
        """
        start = _Prefix((), self._model.start(), 0.0)
        start.blank = 0.0
        beam = [start]
        for frame in _without_repeats(frames):
            beam = self._after(beam, frame)
        scores = {prefix.classes: prefix.score for prefix in beam}
        best = max(scores, key=scores.__getitem__)
        if best == first or scores[best] <= scores.get(first, _NEVER) + LEAD:
            return None
        return best

    def _after(self, beam: list[_Prefix], frame: Frame) -> list[_Prefix]:
        """The best prefixes one frame later."""
        if len(frame) == 1 and frame[0][0] == BLANK:
            for prefix in beam:
                prefix.blank, prefix.written = _sum(prefix.blank, prefix.written) + frame[0][1], _NEVER
            return beam
        live: dict[int, _Prefix] = {}
        for prefix in beam:
            for index, probability in frame:
                for reached in self._reached(prefix, index, probability, must=len(frame) == 1):
                    live[id(reached)] = reached
        for prefix in (*beam, *live.values()):
            prefix.blank = prefix.written = _NEVER
        for prefix in live.values():
            prefix.blank, prefix.written = prefix.next_blank, prefix.next_written
            prefix.next_blank = prefix.next_written = _NEVER
        return _best(list(live.values()))

    def _reached(self, prefix: _Prefix, index: int, probability: float, must: bool) -> Iterator[_Prefix]:
        """The prefixes that a class makes of one; ``must``: the frame can be nothing else."""
        base = _sum(prefix.blank, prefix.written)
        if index == BLANK:
            prefix.next_blank = _sum(prefix.next_blank, base + probability)
            yield prefix
            return
        if prefix.classes and index == prefix.classes[-1]:
            prefix.next_written = _sum(prefix.next_written, prefix.written + probability)
            yield prefix
            base = prefix.blank
        begins_or_spaced = prefix.history & ((1 << BITS) - 1) == SPACE
        if base == _NEVER or (begins_or_spaced and self._codes[index] == [SPACE] and not must):
            return
        longer = prefix.longer.get(index) or self._longer(prefix, index)
        longer.next_written = _sum(longer.next_written, base + probability)
        yield longer

    def _longer(self, prefix: _Prefix, index: int) -> _Prefix:
        history, rating = prefix.history, prefix.rating
        for code in self._codes[index]:
            history = (history << BITS | code) & self._model.mask
            rating += PER_CHARACTER - WEIGHT / SCALE * self._model.cost(history)
        found = prefix.longer[index] = _Prefix((*prefix.classes, index), history, rating)
        return found


def _best(prefixes: list[_Prefix]) -> list[_Prefix]:
    """Those that are followed; the others lose what they had."""
    if len(prefixes) == 1:
        return prefixes
    rated = sorted(((prefix.score, prefix) for prefix in prefixes), key=lambda pair: -pair[0])
    least = rated[0][0] - _FAR
    kept = [prefix for score, prefix in rated[:_BEAM] if score >= least]
    for _, prefix in rated[len(kept) :]:
        prefix.blank = prefix.written = _NEVER
    return kept


def _without_repeats(frames: Sequence[Frame]) -> Iterator[Frame]:
    """Frames but for those that must be what the frame before them must be: all texts fare alike there."""
    before = None
    for frame in frames:
        only = frame[0][0] if len(frame) == 1 else None
        if only is None or only != before:
            yield frame
        before = only


def aligned(frames: Sequence[Frame], classes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Which frame writes what of a text: the most likely way through the frames (Viterbi).

    Args:
        frames: of a line.
        classes: of its text, which the frames can write.

    Returns:
        The class of each frame (int32) and its probability (float32).
    """
    states = np.zeros(2 * len(classes) + 1, np.int32)
    states[1::2] = classes
    # A class may follow another without a blank between them, but not itself.
    skips = np.zeros(len(states), bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    known = np.full((len(frames), len(states)), -np.inf)
    for number, frame in enumerate(frames):
        for index, probability in frame:
            known[number, states == index] = probability
    score = np.full(len(states), -np.inf)
    score[:2] = known[0, :2]
    steps = np.zeros((len(frames), len(states)), np.int8)
    for number in range(1, len(frames)):
        ways = np.full((3, len(states)), -np.inf)
        ways[0], ways[1, 1:] = score, score[:-1]
        ways[2, 2:] = np.where(skips[2:], score[:-2], -np.inf)
        steps[number] = ways.argmax(axis=0)
        score = ways.max(axis=0) + known[number]
    state = len(states) - 1 - int(len(states) > 1 and score[-2] > score[-1])
    path = np.zeros(len(frames), np.intp)
    for number in range(len(frames) - 1, -1, -1):
        path[number] = state
        state -= int(steps[number, state])
    return states[path], np.exp(known[np.arange(len(frames)), path]).astype(np.float32)


def _sum(first: float, second: float) -> float:
    """The logarithm of the sum of two probabilities."""
    low, high = (first, second) if first < second else (second, first)
    return high if low < high - 30 else high + math.log1p(math.exp(low - high))
