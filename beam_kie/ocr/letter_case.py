"""Capital or small letter, where only the size tells: the "x" of a tick, "cc:" beside names.

C, O, S, U, V, W, X and Z look the same in both cases. A recogniser sees each line scaled to one height, so a
line of such letters alone has nothing that shows their size, and it mostly answers with capitals. The ink of
the lines around does: a small letter is about seven tenths as tall as the capitals and figures beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import cv2
import numpy as np

from beam_kie.document import TextLine
from beam_kie.imaging.squares import find_pieces
from beam_kie.ocr.crops import crop_line, stands

_SAME_SHAPE = frozenset("CcOoSsUuVvWwXxZz")
_LOWER_THAN_LETTERS = frozenset(":.- ")
_TALL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789bdfhklt")

# Of 89 such lines of FUNSD's training pages whose case the labels say, all 53 up to 0.82 are small letters,
# and all 24 between the other two are capitals. Larger ones are initials, or written by hand.
_SMALL_BELOW = 0.82
_CAPITAL_FROM, _CAPITAL_TO = 0.95, 1.3

_NEIGHBOURS = 7
_FEWEST_NEIGHBOURS = 2
_FEWEST_TALL = 2
_RULE_SHARE = 0.85  # of a line's width: rows with so much ink are a rule below the letters
_DUST = 4  # pixels


def with_letter_case(pixels: np.ndarray, lines: Sequence[TextLine]) -> tuple[TextLine, ...]:
    """Lines whose letters could be of either case, in the case that their size shows; others as they are.

    Where the size leaves a doubt, the line has letters of both cases, or fewer than two lines nearby have
    capitals or figures, it stays as it was read. Lengths of texts do not change.

    Args:
        pixels: of the upright page, H x W x 3 uint8 RGB.
        lines: that were read on it, with polygons in its pixels.
    """
    wanted = [index for index, line in enumerate(lines) if _is_of_either_case(line)]
    if not wanted:
        return tuple(lines)

    @cache
    def heights(index: int) -> list[int]:
        return _ink_heights(pixels, lines[index])

    tall = np.array([index for index, line in enumerate(lines) if _tall_letters(line) >= _FEWEST_TALL], int)
    centres = np.array([_centre(line) for line in lines])
    changed = list(lines)
    for index in wanted:
        size = _relative_size(lines, index, _nearest(centres, index, tall), heights)
        if size is None:
            continue
        if size <= _SMALL_BELOW:
            changed[index] = replace(lines[index], text=lines[index].text.lower())
        elif _CAPITAL_FROM <= size <= _CAPITAL_TO:
            changed[index] = replace(lines[index], text=lines[index].text.upper())
    return tuple(changed)


def _is_of_either_case(line: TextLine) -> bool:
    # A word such as "Zoo" shows both sizes.
    is_of_one_case = line.text in (line.text.lower(), line.text.upper())
    letters = set(line.text) - _LOWER_THAN_LETTERS
    return is_of_one_case and bool(letters) and letters <= _SAME_SHAPE and not stands(line.polygon)


def _tall_letters(line: TextLine) -> int:
    return 0 if stands(line.polygon) else sum(char in _TALL for char in line.text)


def _nearest(centres: np.ndarray, index: int, tall: np.ndarray) -> list[int]:
    """The nearest of other lines, those of its row first."""
    others = tall[tall != index]
    apart = np.abs(centres[others] - centres[index]) @ np.array([1.0, 2.0])
    return others[np.argsort(apart, kind="stable")[:_NEIGHBOURS]].tolist()


def _relative_size(
    lines: Sequence[TextLine], index: int, near: Sequence[int], heights: Callable[[int], list[int]]
) -> float | None:
    """The height of a line's tallest letter, as a share of that of capitals nearby; None: not known."""
    capitals = [
        float(np.median(found[: _tall_letters(lines[other])])) for other in near if (found := heights(other))
    ]
    own = heights(index)
    if not own or len(capitals) < _FEWEST_NEIGHBOURS:
        return None
    return own[0] / float(np.median(capitals))


def _centre(line: TextLine) -> tuple[float, float]:
    left, top, right, bottom = line.box
    return (left + right) / 2, (top + bottom) / 2


def _ink_heights(pixels: np.ndarray, line: TextLine) -> list[int]:
    """The heights of the pieces of ink on a line in pixels, the tallest first."""
    crop = crop_line(pixels, line.polygon)
    if crop is None:
        return []
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    _, ink = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    if ink.mean() > 0.5:  # light letters on a dark ground
        ink = 1 - ink
    ink[ink.mean(axis=1) > _RULE_SHARE] = 0
    pieces = find_pieces(ink)
    heights = pieces[pieces[:, cv2.CC_STAT_AREA] >= _DUST, cv2.CC_STAT_HEIGHT]
    return sorted(heights.tolist(), reverse=True)
