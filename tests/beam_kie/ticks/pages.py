"""Pages with lines and marks, for tests."""

from beam_kie.document import PageText, TextLine
from beam_kie.geometry import box_polygon
from beam_kie.page_parts import Mark, MarkState


def line(text, x, y, spans=None, width=None, height=20):
    """A line of that text: letters 10 pixels wide, ideographs 20, from its top left corner."""
    width = width or sum(20 if char >= "\u2e80" else 10 for char in text)
    return TextLine(text, box_polygon((x, y, x + width, y + height)), 0.98, spans)


def mark(x, y, state=MarkState.EMPTY, confidence=1.0, is_ring=False, side=16):
    """A box of the detector, from its top left corner."""
    return Mark((x, y, x + side, y + side), is_ring, state, confidence)


def page(lines, marks=(), **others):
    """A page in the order given."""
    return PageText("d" * 32, "a.png", 1, 1000, 1000, lines=tuple(lines), marks=tuple(marks), **others)
