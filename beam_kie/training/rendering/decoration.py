"""Lines, boxes and fillers around the words of a labelled page, so that its picture looks like a form."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from beam_kie.document import Box
from beam_kie.forms.model import Area, Shape, Stroke
from beam_kie.geometry import polygon_box
from beam_kie.labelled.formats import LabelledEntry, LabelledPage

Colour = tuple[int, int, int]

GREYS = ((0, 0, 0), (40, 40, 40), (110, 110, 110), (60, 80, 140))
FIELDS = ("underline", "dots", "dashes", "box", "none")
FIELD_WEIGHTS = (4, 2, 1, 3, 2)


class _Words(NamedTuple):
    """All words (whole segments where there are none): their boxes, n x 4, and their segments' ids."""

    boxes: np.ndarray
    owners: np.ndarray


def decorate(page: LabelledPage, rng: random.Random) -> list[Shape]:
    """Lines, boxes and areas of a form around its words; none crosses a word, areas lie behind some.

    Args:
        page: as it is labelled.
        rng: the random generator.
    """
    words = _word_boxes(page.entries)
    colour = rng.choice(GREYS)
    width = max(1.0, rng.choice((0.6, 1.0, 1.0, 1.8)) * page.width_px / 1240)
    shapes: list[Shape] = []
    field = rng.choices(FIELDS, FIELD_WEIGHTS)[0]
    for entry in page.entries:
        if entry.label == "ANSWER" and rng.random() < 0.8:
            shapes += _field(entry, field, page, words, colour, width)
    if rng.random() < 0.5:
        shapes += _rules(page, words, colour, width, rng)
    if rng.random() < 0.4:
        shapes += _bands(page, words, rng)
    return shapes


def is_dark(shape: Shape) -> bool:
    """Whether text on the shape must be light.

    Args:
        shape: of a layout.
    """
    return isinstance(shape, Area) and max(shape.colour) < 128


def _word_boxes(entries: Sequence[LabelledEntry]) -> _Words:
    boxes, owners = [], []
    for entry in entries:
        if entry.text.strip():
            own = [word.box for word in entry.words] or [polygon_box(entry.polygon)]
            boxes += own
            owners += [entry.id] * len(own)
    return _Words(np.asarray(boxes, dtype=float).reshape(-1, 4), np.asarray(owners, dtype=int))


def _crosses(words: _Words, box: Box, own: LabelledEntry | None = None) -> bool:
    """Whether the box meets any word but those of its own segment."""
    x0, y0, x1, y1 = box
    left, top, right, bottom = words.boxes.T
    met = (left < x1) & (right > x0) & (top < y1) & (bottom > y0)
    return bool((met & (words.owners != own.id)).any() if own else met.any())


def _field(
    entry: LabelledEntry, kind: str, page: LabelledPage, words: _Words, colour: Colour, width: float
) -> list[Shape]:
    """The blank of a field: a line or a box, up to the next words on the right."""
    x0, y0, x1, y1 = polygon_box(entry.polygon)
    gap = max(2.0, 0.12 * min(y1 - y0, 60))
    left, right = x0 - 2 * gap, _room_right(words, (x0, y0, x1, y1), page.width_px) - 2 * gap
    if kind == "none" or right < x1:
        return []
    if kind == "box":
        box = (left, y0 - gap, right, y1 + gap)
        if _crosses(words, box, entry):
            return []
        return [_outline(box, colour, width)]
    # Letters rarely reach the lower edge of their box: a line right at it would look too low.
    y = y1 + 0.3 * gap
    if _crosses(words, (left, y - 0.5, right, y + width)):
        return []
    dash = {"underline": 0.0, "dots": max(1.0, width), "dashes": 5.0}[kind]
    return [Stroke(((left, y), (right, y)), width, colour, dash)]


def _room_right(words: _Words, box: Box, page_width: float) -> float:
    """Where the next words on the same line start; the right margin if there are none."""
    x0, y0, x1, y1 = box
    level = (words.boxes[:, 1] < y1) & (words.boxes[:, 3] > y0) & (words.boxes[:, 0] >= x1)
    margin = max(x1 + 8.0, min(page_width * 0.95, x1 + (x1 - x0) + page_width * 0.15))
    return float(min(words.boxes[level, 0].min(initial=margin), margin))


def _outline(box: Box, colour: Colour, width: float) -> Stroke:
    x0, y0, x1, y1 = box
    return Stroke(((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)), width, colour)


def _rules(
    page: LabelledPage, words: _Words, colour: Colour, width: float, rng: random.Random
) -> list[Shape]:
    """Lines across the page between its rows of words, closed to a table by lines down its sides."""
    left, right = words.boxes[:, 0].min(initial=page.width_px) - 8, words.boxes[:, 2].max(initial=0) + 8
    rows = _free_rows(words, page.height_px)
    drawn = [y for y in rows if rng.random() < 0.6]
    shapes: list[Shape] = [Stroke(((left, y), (right, y)), width, colour) for y in drawn]
    if len(drawn) > 1 and rng.random() < 0.6:
        shapes += [Stroke(((x, drawn[0]), (x, drawn[-1])), width, colour) for x in (left, right)]
    return shapes


def _free_rows(words: _Words, height: int) -> list[float]:
    """The middles of the gaps between rows of words, top to bottom."""
    taken = np.zeros(height + 1, dtype=bool)
    for y0, y1 in words.boxes[:, (1, 3)].round().astype(int):
        taken[max(y0, 0) : max(y1, 0) + 1] = True
    edges = np.flatnonzero(np.diff(taken.astype(int)))
    gaps = zip(edges[1::2], edges[2::2], strict=False)
    return [(start + end) / 2 for start, end in gaps if end - start > 3]


def _bands(page: LabelledPage, words: _Words, rng: random.Random) -> list[Shape]:
    """Filled bands behind headings, light ones or dark ones."""
    colour = rng.choice(((225, 225, 225), (210, 220, 235), (200, 200, 200), (50, 60, 90), (70, 70, 70)))
    shapes: list[Shape] = []
    for entry in page.entries:
        if entry.label != "HEADER":
            continue
        x0, y0, x1, y1 = polygon_box(entry.polygon)
        gap = 0.1 * (y1 - y0)
        box = (x0 - 3 * gap, y0 - gap, x1 + 3 * gap, y1 + gap)
        if not _crosses(words, box, entry):
            shapes.append(Area(box, colour))
    return shapes
