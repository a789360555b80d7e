"""How likely a letter is after those before it: n-grams of characters, with back-off weights.

The model is a file of some 3 MB. ``beam_kie.training.characters`` makes it. Probabilities are costs in whole
numbers: -16 times their natural logarithm.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

BUNDLED = Path(__file__).parent / "characters.npz"
"""The model that comes with the package."""

LANGUAGES = frozenset({"de", "en", "es", "fr", "it", "pt"})
"""The languages that it is made of."""

SCALE = 16
"""Costs of a factor of e."""

MOST = 255
"""The highest cost."""

BITS = 7
"""Of the code of a character."""

UNKNOWN, SPACE = 0, 1
"""Codes of all characters that the model does not know, and of a space."""

_LETTERS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZäöüßÄÖÜàâçéèêëîïôûùœÀÂÇÉÈÊËÎÏÔÛÙáíóúñÁÍÓÚÑìòÌÒãõÃÕ"
)
_OTHERS = "0.,:;-'\"()/&$%#*!?+_=@"
_SAME = {"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-"}

LETTERS = frozenset(_LETTERS)
"""The letters that the model knows."""

_CODES = {" ": SPACE, **{text: code for code, text in enumerate(_LETTERS + _OTHERS, SPACE + 1)}}
CODES: Mapping[str, int] = {
    **_CODES,
    **{digit: _CODES["0"] for digit in "123456789"},
    **{text: _CODES[same] for text, same in _SAME.items()},
}
"""The codes of characters; all digits have one."""

_PLANES = 6  # bytes of a key that are not 0
_CACHED = 1 << 16


@dataclass(frozen=True)
class NGrams:
    """All n-grams of one length.

    ``keys`` (uint64, rising): the codes of their characters, the last one lowest. ``costs`` (uint8): of the
    last character after the others. ``backoffs`` (uint8): what costs more after the whole n-gram where the
    longer one is not known.
    """

    keys: np.ndarray
    costs: np.ndarray
    backoffs: np.ndarray


class CharacterModel:
    """Costs of characters.

    Args:
        orders: n-grams of length 1, 2, ...; those of length 1 are all codes.
    """

    def __init__(self, orders: list[NGrams]):
        self.length = len(orders)
        self._orders = [(ngrams.keys.data, ngrams.costs.data, ngrams.backoffs.data) for ngrams in orders]
        self._masks = [(1 << BITS * order) - 1 for order in range(1, self.length + 1)]
        self.mask = self._masks[-1]
        self.cost = lru_cache(_CACHED)(self._cost)
        """Of the last of ``length`` characters, whose codes are the bits of the number asked for."""

    def start(self) -> int:
        """The key of a line that nothing was read of."""
        key = 0
        for _ in range(self.length):
            key = key << BITS | SPACE
        return key

    def _cost(self, key: int) -> int:
        cost = 0
        for order in range(self.length - 1, 0, -1):
            keys, costs, _ = self._orders[order]
            tail = key & self._masks[order]
            place = bisect_left(keys, tail)
            if place < len(keys) and keys[place] == tail:
                return cost + costs[place]
            cost += self._backoff(order - 1, tail >> BITS)
        return cost + self._orders[0][1][key & self._masks[0]]

    def _backoff(self, order: int, context: int) -> int:
        keys, _, backoffs = self._orders[order]
        place = bisect_left(keys, context)
        return backoffs[place] if place < len(keys) and keys[place] == context else 0


def load_characters(path: Path = BUNDLED) -> CharacterModel:
    """The model of a file.

    Args:
        path: written by ``save_characters``.
    """
    with np.load(path) as stored:
        orders = []
        for order in range(1, int(stored["length"]) + 1):
            planes = stored[f"steps_{order}"]
            steps = np.zeros((planes.shape[1], 8), np.uint8)
            steps[:, :_PLANES] = planes.T
            keys = np.cumsum(steps.view("<u8").ravel(), dtype=np.uint64)
            orders.append(NGrams(keys, stored[f"costs_{order}"], stored[f"backoffs_{order}"]))
    return CharacterModel(orders)


def save_characters(path: Path, orders: list[NGrams]) -> None:
    """Write a file; the same n-grams make the same bytes.

    Args:
        path: of the file.
        orders: as of CharacterModel.
    """
    parts: dict[str, Any] = {"length": np.array(len(orders))}
    for order, ngrams in enumerate(orders, 1):
        steps = np.diff(ngrams.keys, prepend=np.uint64(0)).astype("<u8")
        # The bytes of one place side by side: most of the high ones are 0.
        parts[f"steps_{order}"] = steps.view(np.uint8).reshape(-1, 8)[:, :_PLANES].T.copy()
        parts[f"costs_{order}"] = ngrams.costs
        parts[f"backoffs_{order}"] = ngrams.backoffs
    np.savez_compressed(path, **parts)
