"""Which lines the tiny recogniser may not be trusted with.

The confidences were chosen on 20 pages each of the training forms of XFUND Chinese and FUNSD, pages 101 to
120 of the label files, with 1,340 and 1,151 lines; the small recogniser read the lines in doubt. Chinese
lines lose next to nothing above 0.96 where no character is a mere guess, and English ones had to be nearly
certain. A long line takes as long to read again as many short ones, which hold more errors together: so it is
asked for less.
"""

from __future__ import annotations

import numpy as np

from beam_kie.ocr.pages import Reading

_HAN, _HAN_CHARACTER = 0.96, 0.5
_OTHER = ((200, 0.99), (600, 0.985))  # lines up to so many pixels wide, at a height of 48
_LONG = 0.975


def is_doubtful(line: np.ndarray, reading: Reading) -> bool:
    """Whether the small recogniser should read a line (48 x w x 3) that the tiny one read so.

    Args:
        line: the picture that was read, 48 x w x 3 uint8.
        reading: what the tiny recogniser made of it.
    """
    if any(_is_han(character) for character in reading.text):
        guessed = reading.weakest is not None and reading.weakest < _HAN_CHARACTER
        return guessed or reading.confidence < _HAN
    width = line.shape[1]
    return reading.confidence < next((least for limit, least in _OTHER if width < limit), _LONG)


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"
