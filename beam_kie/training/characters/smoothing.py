"""From counts of n-grams to a model of a given size.

Probabilities are interpolated as Witten and Bell did (1991, "The zero-frequency problem"): a context that was
followed by many different characters leaves more to shorter contexts. Then the n-grams go that say least
beyond shorter ones (Seymore and Rosenfeld 1996, "Scalable backoff language models").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from beam_kie.ocr.ppocr.language_model.ngrams import BITS, MOST, SCALE, NGrams
from beam_kie.training.characters.counting import Counts

_Table = tuple[np.ndarray, np.ndarray]  # keys and probabilities

_SHIFT = np.uint64(BITS)
_SMALLEST = 1e-9


def model_of(counts: Sequence[Counts], most: int) -> list[NGrams]:
    """N-grams with their costs.

    Args:
        counts: of n-grams of length 1, 2, ...; all those of length 1 and 2 are kept.
        most: about so many of the longer ones are kept.
    """
    probabilities = _interpolated(counts)
    kept = _kept(counts, probabilities, most)
    orders: list[NGrams] = []
    tables = [
        (keys[keep], found[keep]) for (keys, _), found, keep in zip(counts, probabilities, kept, strict=True)
    ]
    tables[0] = (np.arange(1 << BITS, dtype=np.uint64), _single(counts[0]))
    for order, (keys, found) in enumerate(tables):
        following = tables[order + 1] if order + 1 < len(tables) else None
        backoffs = (
            np.zeros(len(keys)) if following is None else _backoffs(keys, following, tables[: order + 1])
        )
        orders.append(NGrams(keys, _costs(found), _costs(np.exp(backoffs))))
    return orders


def _single(counts: Counts) -> np.ndarray:
    """The probability of every code, those that do not occur included."""
    found = np.ones(1 << BITS)
    found[counts[0].astype(int)] += counts[1]
    return found / found.sum()


def _interpolated(counts: Sequence[Counts]) -> list[np.ndarray]:
    found = [_single(counts[0])[counts[0][0].astype(int)]]
    for order in range(1, len(counts)):
        keys, occurs = counts[order]
        starts, sizes = _contexts(keys)
        total = np.repeat(np.add.reduceat(occurs, starts), sizes)
        different = np.repeat(sizes, sizes)
        shorter = found[-1][np.searchsorted(counts[order - 1][0], _tails(keys, order))]
        found.append((occurs + different * shorter) / (total + different))
    return found


def _kept(counts: Sequence[Counts], probabilities: list[np.ndarray], most: int) -> list[np.ndarray]:
    """Of each length, which n-grams are kept."""
    gains = [
        np.full(len(counts[0][0]), np.inf),
        *(_gains(counts, probabilities, order) for order in range(1, len(counts))),
    ]
    gains[1][:] = np.inf
    longer = np.concatenate(gains[2:]) if len(gains) > 2 else np.zeros(0)
    least = np.partition(longer, -most)[-most] if most < len(longer) else -np.inf
    kept = [gain >= least for gain in gains]
    # What a kept n-gram begins with is kept, too: its weight is there.
    for order in range(len(counts) - 1, 1, -1):
        contexts = np.unique(counts[order][0][kept[order]] >> _SHIFT)
        kept[order - 1][np.searchsorted(counts[order - 1][0], contexts)] = True
    return kept


def _gains(counts: Sequence[Counts], probabilities: list[np.ndarray], order: int) -> np.ndarray:
    """What n-grams save over shorter ones, in the whole text."""
    keys, occurs = counts[order]
    shorter = probabilities[order - 1][np.searchsorted(counts[order - 1][0], _tails(keys, order))]
    starts, sizes = _contexts(keys)
    rest = sizes / (np.add.reduceat(occurs, starts) + sizes)
    return occurs * (np.log(probabilities[order]) - np.log(shorter * np.repeat(rest, sizes)))


def _backoffs(
    contexts: np.ndarray,
    following: tuple[np.ndarray, np.ndarray],
    shorter: Sequence[tuple[np.ndarray, np.ndarray]],
) -> np.ndarray:
    """Logarithms of what contexts leave to shorter ones; 0 where nothing follows them."""
    keys, found = following
    weights = np.zeros(len(contexts))
    starts, _ = _contexts(keys)
    places = np.searchsorted(contexts, keys[starts] >> _SHIFT)
    left = 1 - np.add.reduceat(found, starts)
    shared = 1 - np.add.reduceat(_shorter(_tails(keys, len(shorter)), shorter), starts)
    weights[places] = np.log(np.maximum(left, _SMALLEST) / np.maximum(shared, _SMALLEST))
    return weights


def _shorter(keys: np.ndarray, tables: Sequence[_Table]) -> np.ndarray:
    """The probabilities of n-grams; those that are not kept have those of the longest end that is."""
    known, found = tables[-1]
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    hit = known[places] == keys
    if hit.all() or len(tables) == 1:
        return found[places]
    return np.where(hit, found[places], _shorter(_tails(keys, len(tables) - 1), tables[:-1]))


def _contexts(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where n-grams with another context begin, and how many these are."""
    contexts = keys >> _SHIFT
    starts = np.flatnonzero(np.concatenate([[True], contexts[1:] != contexts[:-1]]))
    return starts, np.diff(np.append(starts, len(keys)))


def _tails(keys: np.ndarray, length: int) -> np.ndarray:
    return keys & np.uint64((1 << BITS * length) - 1)


def _costs(probabilities: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(-SCALE * np.log(probabilities)), 0, MOST).astype(np.uint8)
