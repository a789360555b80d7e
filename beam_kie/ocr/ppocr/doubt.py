"""Which lines the tiny recogniser may not be trusted with.

Of the lines that it alone misreads, most lack a character, such as a box to tick, and are certain of the
others: what stands in the gap shows in the probability that nothing does. What Chinese lines have to reach
was chosen on every second page of the training forms of XFUND Chinese and checked on the others. English
lines have to be nearly certain; that was chosen on pages 101 to 120 of FUNSD's training forms. A long line
takes as long to read again as many short ones, which hold more errors together: so it is asked for less.
In other scripts it often leaves out the space behind a colon, a full stop or a comma, and is certain of that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from beam_kie.ocr.pages import Reading

SAMPLE = 8
"""So many lines of a page say whether the tiny recogniser should read the others at all."""

_GAP = 0.7
_HAN, _HAN_CHARACTER = 0.94, 0.5
_OTHER = ((200, 0.99), (600, 0.985))  # lines up to so many pixels wide, at a height of 48
_LONG = 0.975
# A mark with a letter right behind it, or a colon between a letter and a digit.
_NO_SPACE = re.compile(r"[:.,;?)](?=[^\W\d_])|(?<=[^\W\d_]):(?=\d)")
_MOST_DOUBTFUL = 0.5  # of the width of the sample


def is_hard(lines: Sequence[np.ndarray], readings: Sequence[Reading]) -> bool:
    """Whether a page is so hard for the tiny recogniser that the small one should read all of it.

    Where most of the text has to be read again, reading it twice saves nothing, and what the tiny recogniser
    is certain of is less often right.

    Args:
        lines: a sample of the page's lines, 48 x w x 3 uint8 each.
        readings: what the tiny recogniser made of them.
    """
    widths = [line.shape[1] for line in lines]
    again = [is_doubtful(line, reading) for line, reading in zip(lines, readings, strict=True)]
    return any(again) and float(np.dot(again, widths)) >= _MOST_DOUBTFUL * sum(widths)


def sample_of(count: int) -> list[int]:
    """The indices of at most SAMPLE lines from all over a page.

    Args:
        count: lines of the page.
    """
    if count <= SAMPLE:
        return list(range(count))
    return [round(index * (count - 1) / (SAMPLE - 1)) for index in range(SAMPLE)]


def is_doubtful(line: np.ndarray, reading: Reading) -> bool:
    """Whether the small recogniser should read a line (48 x w x 3) that the tiny one read so.

    Args:
        line: the picture that was read, 48 x w x 3 uint8.
        reading: what the tiny recogniser made of it.
    """
    if reading.gap is not None and reading.gap < _GAP:
        return True
    if any(_is_han(character) for character in reading.text):
        guessed = reading.weakest is not None and reading.weakest < _HAN_CHARACTER
        return guessed or reading.confidence < _HAN
    if _NO_SPACE.search(reading.text):
        return True
    width = line.shape[1]
    return reading.confidence < next((least for limit, least in _OTHER if width < limit), _LONG)


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"
