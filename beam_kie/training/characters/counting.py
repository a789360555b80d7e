"""From plain text to counts of n-grams."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from beam_kie.ocr.ppocr.language_model.ngrams import BITS, CODES, SPACE

Counts = tuple[np.ndarray, np.ndarray]
"""Keys (uint64, rising) and how often each occurs (int64)."""

# Forms have more capitals than books: so many of twenty lines are also counted in capitals, and with every
# word beginning with one.
_OF = 20
_UPPER, _TITLE = 7, 3


def with_capitals(lines: Iterable[str]) -> list[str]:
    """Lines, and some of them once more in capitals.

    Args:
        lines: of text.
    """
    found = []
    for number, line in enumerate(lines):
        found.append(line)
        if number % _OF < _UPPER:
            found.append(line.upper())
        elif number % _OF < _UPPER + _TITLE:
            found.append(line.title())
    return found


def encoded(lines: Sequence[str]) -> np.ndarray:
    """Codes of the characters of lines, two spaces between them.

    Args:
        lines: of text.
    """
    table = np.zeros(0x110000, np.uint8)
    for text, code in CODES.items():
        table[ord(text)] = code
    table[ord("\n")] = SPACE
    text = unicodedata.normalize("NFC", "\n\n".join(" ".join(line.split()) for line in lines))
    return table[np.frombuffer(text.encode("utf-32-le"), np.uint32)]


def counted(codes: np.ndarray, length: int, least: int) -> Counts:
    """The n-grams of a length that occur often enough.

    Args:
        codes: of a text.
        length: 1 or more.
        least: rarer ones are left out.
    """
    keys = np.zeros(max(len(codes) - length + 1, 0), np.uint64)
    for place in range(length):
        keys <<= np.uint64(BITS)
        keys |= codes[place : place + len(keys)]
    keys.sort()
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    counts = np.diff(np.append(first, len(keys)))
    often = counts >= least
    return keys[first][often], counts[often]
