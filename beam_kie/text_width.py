"""Printed widths of characters: ideographs are about as wide as two letters."""

from __future__ import annotations

import functools
import unicodedata

import numpy as np


def char_width(character: str) -> int:
    """2 for ideographs and other wide characters, else 1.

    Args:
        character: one character.
    """
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


@functools.lru_cache(maxsize=4096)  # every part of a line needs it again
def character_edges(text: str) -> np.ndarray:
    """Where the characters of a line begin and end.

    Args:
        text: a line of N characters, at least one.

    Returns:
        N + 1 rising shares of the line's width, float64, from 0 to 1; not writable.
    """
    widths = np.cumsum([0, *(char_width(character) for character in text)])
    edges = widths / widths[-1]
    edges.setflags(write=False)
    return edges
