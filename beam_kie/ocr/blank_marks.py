"""Marks that a recogniser writes where nothing is printed: a ☑ in the gap between two options.

A recogniser knows from its training that texts with boxes go on with boxes, and sometimes writes one into a
wide gap. It is as sure of the line as of others; the picture shows bare paper there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import cv2
import numpy as np

from beam_kie.document import TextLine
from beam_kie.ocr.crops import crop_line, stands
from beam_kie.ticks.glyphs import find_glyphs

_HALF_WIDE = 0.35
"""How far to each side of its middle a mark is looked for, in heights of the line."""
# Of 2,875 marks read on the training pages of XFUND Chinese and FUNSD and on drawn forms, two stand where
# nothing is printed: they have 0.03 and 0.04. The palest of the others has 0.16.
_LEAST_INK = 0.08
"""Darkness of a mark, as a share of the difference between the paper and the ink of its line."""
_SHARE = 4
"""Percentage of pixels that may be dust."""


def without_blank_marks(pixels: np.ndarray, lines: Sequence[TextLine]) -> tuple[TextLine, ...]:
    """Lines without the boxes, rings and ticks at whose place the picture shows bare paper.

    Brackets stay, since there may be nothing between them. So do lines that stand, those whose characters'
    places are not known, and a mark that is all that a line says.

    Args:
        pixels: of the upright page, H x W x 3 uint8 RGB.
        lines: that were read on it, with polygons in its pixels.
    """
    return tuple(_without_blank_marks(pixels, line) for line in lines)


def _without_blank_marks(pixels: np.ndarray, line: TextLine) -> TextLine:
    spans = line.char_spans
    places = [glyph.start for glyph in find_glyphs(line.text) if glyph.end == glyph.start + 1]
    if not places or spans is None or len(spans) != len(line.text) or stands(line.polygon):
        return line
    crop = crop_line(pixels, line.polygon)
    if crop is None:
        return line
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    ink, paper, brightest = np.percentile(grey, (2, 90, 95))
    darkest = paper - _LEAST_INK * (brightest - ink)
    blank = {place for place in places if _is_brighter(darkest, grey, sum(spans[place]) / 2)}
    kept = _others(line.text, blank) if blank else []
    if not kept:
        return line
    text = "".join(line.text[place] for place in kept)
    return replace(line, text=text, char_spans=tuple(spans[place] for place in kept))


def _others(text: str, left_out: Collection[int]) -> list[int]:
    """The places of the other characters, without spaces at the ends or beside each other."""
    kept: list[int] = []
    for place, char in enumerate(text):
        if place not in left_out and not (char.isspace() and (not kept or text[kept[-1]].isspace())):
            kept.append(place)
    return kept[:-1] if kept and text[kept[-1]].isspace() else kept


def _is_brighter(darkest: float, grey: np.ndarray, middle: float) -> bool:
    """Whether all but dust is brighter around a place of a line (h x w uint8), a share of its width."""
    height, width = grey.shape
    first, last = middle * width - _HALF_WIDE * height, middle * width + _HALF_WIDE * height
    around = grey[:, max(int(first), 0) : int(last) + 1]
    return bool(around.size and np.percentile(around, _SHARE) > darkest)
