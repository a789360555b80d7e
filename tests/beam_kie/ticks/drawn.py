"""A drawn page with rings and boxes to tick, and what OCR would read of it."""

import itertools

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from beam_kie.document import PageText, TextLine
from beam_kie.geometry import box_polygon
from beam_kie.imaging.marks import with_ruling

SIZE = 34
"""Of the letters, in pixels of a page at 150 dpi."""
FONT = ImageFont.load_default(size=SIZE)


class Drawing:
    """A page in the making."""

    def __init__(self):
        self._image = Image.new("L", (1240, 1754), 255)
        self._draw = ImageDraw.Draw(self._image)
        self._lines = []

    def line(self, x, y, *parts, stroke=2, side=26):
        """Words, and marks as (shape, what OCR reads): shapes are ○ ◉ □ ☒ ☑ (a tick that
        is larger than its box), OCR may read nothing."""
        text, edges, left = "", [], x
        for part in parts:
            word = part if isinstance(part, str) else part[1]
            start, end = x, x + (FONT.getlength(part) if isinstance(part, str) else side)
            if isinstance(part, str):
                self._draw.text((x, y), part, fill=0, font=FONT)
                widths = [FONT.getlength(part[:place]) for place in range(len(part) + 1)]
                edges += [(start + a, start + b) for a, b in itertools.pairwise(widths)]
            else:
                self._mark(part[0], x, y + SIZE * 0.68 - side / 2, side, stroke)
                edges += [(start, end)] * len(word)
            text, x = text + word, end
        # OCR finds no place for blanks at the ends of a line.
        first = len(text) - len(text.lstrip())
        edges = edges[first : len(text.rstrip())]
        left, right = (edges[0][0], edges[-1][1]) if edges else (left, x)
        spans = tuple(((a - left) / (right - left), (b - left) / (right - left)) for a, b in edges)
        box = (left, y + 0.15 * SIZE, right, y + 1.1 * SIZE)
        self._lines.append(TextLine(text.strip(), box_polygon(box), 0.95, spans))
        return self

    def page(self):
        """Its text, with the marks that are found in its pixels."""
        pixels = np.asarray(self._image.convert("RGB"))
        return with_ruling(PageText("id", "a.png", 1, 1240, 1754, lines=tuple(self._lines)), pixels)

    def _mark(self, shape, x, y, side, stroke):
        box = (x, y, x + side - 1, y + side - 1)
        if shape in "○◉":
            self._draw.ellipse(box, outline=0, width=stroke)
        else:
            self._draw.rectangle(box, outline=0, width=stroke)
        inset = side * 0.25
        inner = (box[0] + inset, box[1] + inset, box[2] - inset, box[3] - inset)
        if shape == "◉":
            self._draw.ellipse(inner, fill=0)
        elif shape == "☑":
            low = (x + 0.4 * side, y + 0.85 * side)
            ends = (low[0] - 0.5 * side, low[1] - 0.5 * side), (low[0] + 0.7 * side, low[1] - 1.3 * side)
            self._draw.line((ends[0], low, ends[1]), fill=0, width=2)
        elif shape == "☒":
            self._draw.line(inner, fill=0, width=3)
            self._draw.line((inner[0], inner[3], inner[2], inner[1]), fill=0, width=3)
