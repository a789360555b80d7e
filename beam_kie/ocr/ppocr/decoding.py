"""Text from a recogniser's frames, by connectionist temporal classification (CTC, Graves et al. 2006)."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

import numpy as np

from beam_kie.document import CharSpans
from beam_kie.ocr.pages import Reading

BLANK = 0
"""The class of frames that write nothing."""

# By so many frames a character is written behind its middle: measured on word boxes of FUNSD.
_DELAY = 0.5

# Half the width that a character takes at most, in line heights, where its neighbours are further away.
_HALF_WIDE, _HALF_NARROW = 0.55, 0.35
_WIDE = frozenset("WF")  # East Asian widths


def decode(
    classes: np.ndarray,
    probabilities: np.ndarray,
    characters: Sequence[str],
    frames_of_line: float,
    frames_of_height: float,
) -> Reading:
    """What a line says: of frames in a row with the same class the first writes its character.

    Args:
        classes: the best class of each frame, ``BLANK`` or 1 + the index of a character.
        probabilities: that class's, in [0, 1]; 0 of frames that were known to be blank.
        characters: what classes 1, 2, ... write.
        frames_of_line: how many frames the line is wide; frames behind that look at padding.
        frames_of_height: how many frames a line height is wide.

    Returns:
        The text, the mean probability of its characters (0 without any), where they lie, and the least
        probability of a character and of a gap.
    """
    changed = np.ones(len(classes), bool)
    changed[1:] = classes[1:] != classes[:-1]
    starts = np.flatnonzero(changed)
    ends = np.append(starts[1:], len(classes))
    writes = classes[starts] != BLANK
    starts, ends = starts[writes], ends[writes]
    if not len(starts):
        return Reading("", 0.0, (), 0.0)
    written = [characters[int(index) - 1] for index in classes[starts]]
    spans = _spans(written, (starts + ends) / 2 - _DELAY, frames_of_line, frames_of_height)
    certain = probabilities[starts]
    gap = _least_gap(classes, probabilities, math.ceil(frames_of_line))
    return Reading("".join(written), float(certain.mean()), spans, float(certain.min()), gap)


def _least_gap(classes: np.ndarray, probabilities: np.ndarray, frames: int) -> float:
    """The least probability of a blank frame of the line; those beside a character never are certain."""
    writes = np.zeros(min(frames, len(classes)) + 2, bool)
    writes[1:-1] = classes[:frames] != BLANK
    gaps = ~(writes[:-2] | writes[1:-1] | writes[2:]) & (probabilities[:frames] > 0)
    return float(probabilities[:frames][gaps].min(initial=1.0))


def _spans(written: Sequence[str], centres: np.ndarray, line: float, height: float) -> CharSpans:
    """Start and end of each character as fractions of the line, halfway to its neighbours at most.

    A class may write several characters (a letter and its accent): these share its place.
    """
    halves = np.array([_HALF_WIDE if _is_wide(text) else _HALF_NARROW for text in written]) * height
    between = (centres[1:] + centres[:-1]) / 2
    starts = np.maximum(centres - halves, np.concatenate([[0.0], between]))
    ends = np.minimum(centres + halves, np.concatenate([between, [line]]))
    places = np.clip(np.stack([starts, ends], axis=1) / line, 0.0, 1.0).round(4).tolist()
    return tuple((start, end) for text, (start, end) in zip(written, places, strict=True) for _ in text)


def _is_wide(text: str) -> bool:
    return unicodedata.east_asian_width(text[0]) in _WIDE
