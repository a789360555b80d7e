"""Counts and scores: how well entities, relations and key-value pairs were found.

All functions are pure. Scores are micro averages: counts are summed over the pages first, and
precision, recall and F1 come from the sums. A score without any prediction or without any gold is 0.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

SIMILARITY_THRESHOLD = 0.9

TextPair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Score:
    """How many were right, how many were predicted, how many there are. Scores add up."""

    correct: int = 0
    predicted: int = 0
    gold: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.correct + other.correct, self.predicted + other.predicted, self.gold + other.gold)

    @property
    def precision(self) -> float:
        """The right share of the predicted, in [0, 1]."""
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """The found share of the gold, in [0, 1]."""
        return self.correct / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, in [0, 1]."""
        total = self.predicted + self.gold
        return 2 * self.correct / total if total else 0.0

    def as_dict(self) -> dict[str, float]:
        """``{"precision", "recall", "f1"}``, each in [0, 1]."""
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1}


def exact_score(predicted: Iterable[Hashable], gold: Iterable[Hashable]) -> Score:
    """Exact matches of two sets of anything hashable, for one page; what comes twice counts once.

    Args:
        predicted: what was found, anything hashable.
        gold: what is right.
    """
    predicted, gold = set(predicted), set(gold)
    return Score(len(predicted & gold), len(predicted), len(gold))


def token_entities(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """Entities (label, start, end) in a sequence of tags; ``end`` is exclusive.

    Lenient as seqeval's default mode (and conlleval) is: an "I-X" that follows "O" or another label opens an
    entity too.

    Args:
        tags: "O", "B-X" or "I-X" each.
    """
    entities = set()
    start, current = 0, None
    for position, tag in enumerate([*tags, "O"]):
        prefix, _, label = tag.partition("-")
        if current is not None and (prefix != "I" or label != current):
            entities.add((current, start, position))
            current = None
        if current is None and prefix in ("B", "I"):
            start, current = position, label
    return entities


def seqeval_score(predicted_pages: Sequence[Sequence[str]], gold_pages: Sequence[Sequence[str]]) -> Score:
    """SER as PaddleOCR measures it: seqeval's micro average over the tokens' raw labels.

    Args:
        predicted_pages: the tags of each page, cut to its first 512 tokens, without padding.
        gold_pages: the right tags, as many.

    Raises:
        ValueError: a page has not as many tags in both, or there are not as many pages.
    """
    score = Score()
    for predicted, gold in zip(predicted_pages, gold_pages, strict=True):
        if len(predicted) != len(gold):
            raise ValueError(f"a page has {len(predicted)} predicted and {len(gold)} gold tags")
        score += exact_score(token_entities(predicted), token_entities(gold))
    return score


def normalise_text(text: str) -> str:
    """A text as pairs are compared: NFKC, without white space and without trailing colons.

    Args:
        text: of a key or value.
    """
    return "".join(unicodedata.normalize("NFKC", text).split()).rstrip(":")


def edit_similarity(first: str, second: str) -> float:
    """1 - Levenshtein distance / length of the longer text, in [0, 1]; 1 for two empty texts.

    Args:
        first: a text.
        second: a text.
    """
    longest = max(len(first), len(second))
    if not longest:
        return 1.0
    return 1 - Levenshtein.distance(first, second) / longest


def similar(first: str, second: str, threshold: float = SIMILARITY_THRESHOLD) -> bool:
    """Whether ``edit_similarity`` reaches ``threshold``; stops early where it cannot.

    Args:
        first: a text.
        second: a text.
        threshold: in [0, 1].
    """
    if first == second:
        return True
    longest = max(len(first), len(second))
    # The small term keeps 1 - 1/10 >= 0.9 true in floating point.
    allowed = int((1 - threshold) * longest + 1e-9)
    return Levenshtein.distance(first, second, score_cutoff=allowed) <= allowed


def match_pairs(
    predicted: Sequence[TextPair],
    gold: Sequence[TextPair],
    threshold: float = SIMILARITY_THRESHOLD,
) -> list[tuple[int, int]]:
    """Which predicted (key, value) pair is which gold pair of one page: (predicted, gold) indices.

    A pair can match when key and value, each normalised, are both similar. Every pair is used at most
    once, and no other one-to-one choice matches more pairs (an assignment problem, solved exactly).

    Args:
        predicted: (key, value) texts that were found.
        gold: those of the labels.
        threshold: the least ``edit_similarity`` of similar texts, 0 to 1.
    """
    predicted = [(normalise_text(key), normalise_text(value)) for key, value in predicted]
    gold = [(normalise_text(key), normalise_text(value)) for key, value in gold]
    if not predicted or not gold:
        return []
    fits = _similar_table(predicted, gold, 0, threshold) & _similar_table(predicted, gold, 1, threshold)
    rows, columns = linear_sum_assignment(fits, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if fits[row, column]]


def pair_score(
    predicted: Sequence[TextPair],
    gold: Sequence[TextPair],
    threshold: float = SIMILARITY_THRESHOLD,
) -> Score:
    """Key-value pairs by text, for one page. A key with several values is several pairs.

    Args:
        predicted: (key text, value text) that were found.
        gold: the right ones.
        threshold: the least ``edit_similarity`` of two texts that match, in [0, 1].
    """
    return Score(len(match_pairs(predicted, gold, threshold)), len(predicted), len(gold))


def _similar_table(
    predicted: Sequence[TextPair], gold: Sequence[TextPair], part: int, threshold: float
) -> np.ndarray:
    """Bool [predicted, gold]: whether the keys (``part`` 0) or the values (1) are similar."""
    known: dict[TextPair, bool] = {}
    table = np.zeros((len(predicted), len(gold)), dtype=bool)
    for row, first in enumerate(predicted):
        for column, second in enumerate(gold):
            texts = (first[part], second[part])
            if texts not in known:
                known[texts] = similar(*texts, threshold)
            table[row, column] = known[texts]
    return table
