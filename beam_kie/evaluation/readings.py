"""How far apart scores lie when the same pages are read in several ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from beam_kie.evaluation.metrics import Score
from beam_kie.evaluation.pairs import PairScores, standard_error

Metric = Literal["strict", "lenient"]


def readings_table(read: Mapping[str, PairScores]) -> list[str]:
    """Lines with F1 and its standard error of every reading, in %, strict and lenient, and mean and spread.

    Args:
        read: scores by the name of the box geometry; empty: no lines.
    """
    if not read:
        return []
    lines = ["", f"{'F1 of pairs from the image':<32}{'strict':>10}{'+-':>8}{'lenient':>10}{'+-':>8}"]
    for name, scores in read.items():
        figures = [
            100 * figure
            for pages in (scores.strict, scores.lenient)
            for figure in (sum(pages, Score()).f1, standard_error(pages))
        ]
        lines.append(_row(f"  boxes: {name}", *figures))
    if len(read) > 1:
        strict, lenient = (f1_scores(read, metric) for metric in ("strict", "lenient"))
        lines.append(
            _row("  mean, and largest minus smallest", *(x for f in (strict, lenient) for x in _summary(f)))
        )
    return lines


def f1_scores(read: Mapping[str, PairScores], metric: Metric) -> np.ndarray:
    """F1 of every reading in %.

    Args:
        read: scores by the name of the box geometry.
        metric: which of the scores.
    """
    return np.array([100 * sum(getattr(scores, metric), Score()).f1 for scores in read.values()])


def _summary(f1: np.ndarray) -> tuple[float, float]:
    return float(f1.mean()), float(f1.max() - f1.min())


def _row(name: str, strict: float, strict_error: float, lenient: float, lenient_error: float) -> str:
    return f"{name:<32}{strict:>10.2f}{strict_error:>8.2f}{lenient:>10.2f}{lenient_error:>8.2f}"
