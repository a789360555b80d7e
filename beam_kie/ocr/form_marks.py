"""Check boxes and radio buttons of fillable forms as text: their states are known, and need not be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from beam_kie.document import Box, TextLine
from beam_kie.geometry import box_polygon, polygon_box, union_box
from beam_kie.page_parts import FormField

TICK, TICKED, EMPTY = "✔", "☑", "☐"
"""A ticked button that stands alone; one before the text of its option; one that is not ticked."""

# In heights of a button: the text of its option begins no further to its right.
_GAP = 1.5
# A line of which more than this lies within a button is the picture of its mark.
_INSIDE = 0.6


def with_marks(lines: Iterable[TextLine], fields: Sequence[FormField]) -> list[TextLine]:
    """The lines of a page with the states of its buttons.

    A mark stands before the text of the option on its right; alone where there is none.

    Args:
        lines: of the page, with or without what was read of the buttons' pictures.
        fields: of the page.
    """
    buttons = [(polygon_box(each.polygon), each.selected) for each in fields if each.selected is not None]
    found = [line for line in lines if not any(_share(line.box, box) > _INSIDE for box, _ in buttons)]
    options: dict[int, tuple[Box, bool]] = {}
    alone = []
    for box, selected in buttons:
        place = _option(box, found, taken=options)
        if place is None:
            alone.append(TextLine(TICK if selected else EMPTY, box_polygon(box)))
        else:
            options[place] = (box, bool(selected))
    for place, (box, selected) in options.items():
        line = found[place]
        text = f"{TICKED if selected else EMPTY} {line.text}"
        polygon = box_polygon(union_box((box, line.box)))
        found[place] = replace(line, text=text, polygon=polygon, char_spans=None)
    return [*found, *alone]


def _share(box: Box, other: Box) -> float:
    """The share of a box that lies within another."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return max(0.0, width) * max(0.0, height) / area if area > 0 else 0.0


def _option(box: Box, lines: Sequence[TextLine], taken: Iterable[int]) -> int | None:
    """The line that begins right beside a button, unless that one is the next field's label."""
    height = box[3] - box[1]
    best = None
    for place, line in enumerate(lines):
        x0, y0, _, y1 = line.box
        shared = min(box[3], y1) - max(box[1], y0)
        gap = x0 - box[2]
        if place in taken or shared < 0.5 * min(height, y1 - y0) or not -0.2 * height <= gap <= _GAP * height:
            continue
        if line.text.rstrip().endswith((":", "：")):
            continue
        if best is None or gap < lines[best].box[0] - box[2]:
            best = place
    return best
