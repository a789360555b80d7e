"""What a generated form is made of.

Lengths are pixels of the page and grow right and down, except in ``sheet`` and the blocks, which lay
out in points (1/72 inch) before the page is scaled. Polygons are flat ``(x, y) * 4`` tuples, clockwise
from the top left corner of the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from beam_kie.document import Polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage

LANGUAGES = ("zh", "en", "ja", "de", "fr", "es", "it", "pt")
KINDS = (
    "application",
    "job",
    "invoice",
    "delivery_note",
    "registration",
    "medical",
    "tax",
    "questionnaire",
    "expense",
    "account",
    "order",
)
# Kinds that open with a letterhead, a number and date block and the parties' addresses.
BUSINESS = frozenset({"invoice", "delivery_note", "order"})
QUESTION, ANSWER, HEADER, OTHER = "QUESTION", "ANSWER", "HEADER", "OTHER"


class Piece(NamedTuple):
    """The part of an entry that stands on one visual line."""

    text: str
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Entry:
    """One labelled segment: a key, a value, a header or other text.

    ``pieces`` are its visual lines, top to bottom; ``polygon`` encloses them. ``linking`` holds
    (key id, value id) pairs, on both ends, as XFUND has them. ``parent`` is the id of the section
    heading that the entry stands under, or None.
    """

    id: int
    text: str
    label: str
    polygon: Polygon
    pieces: tuple[Piece, ...]
    linking: tuple[tuple[int, int], ...] = ()
    parent: int | None = None


class Run(NamedTuple):
    """Text in one face on one baseline, drawn from ``x``; ``tracking`` is added after every character.

    ``wobble`` is how far characters leave the baseline at most, as a hand's do, in parts of ``size``.
    """

    text: str
    x: float
    baseline: float
    size: float
    face: str
    colour: tuple[int, int, int]
    tracking: float = 0.0
    bold: bool = False
    wobble: float = 0.0


class Stroke(NamedTuple):
    """A line through ``points``; ``dash`` is the length of dashes and gaps, 0 for a solid line."""

    points: tuple[tuple[float, float], ...]
    width: float
    colour: tuple[int, int, int]
    dash: float = 0.0


class Area(NamedTuple):
    """A filled rectangle."""

    box: tuple[float, float, float, float]
    colour: tuple[int, int, int]


class Stamp(NamedTuple):
    """A rubber stamp: round with a ring of text, or a slanted box. ``angle_deg`` turns it clockwise."""

    x: float
    y: float
    width: float
    height: float
    text: str
    face: str
    colour: tuple[int, int, int]
    round: bool
    angle_deg: float


Shape = Stroke | Area | Stamp


@dataclass(frozen=True, slots=True)
class Layout:
    """A form without its picture: labelled entries, and what a renderer draws.

    Entries are in the order of their ids (0..n-1), which is the order they were laid out in, not
    necessarily the reading order.
    """

    language: str
    kind: str
    seed: int
    width_px: int
    height_px: int
    dpi: float
    entries: tuple[Entry, ...] = field(repr=False)
    runs: tuple[Run, ...] = field(default=(), repr=False)
    shapes: tuple[Shape, ...] = field(default=(), repr=False)

    def labelled_page(self, name: str) -> LabelledPage:
        """The labels as ``beam_kie.labelled.formats`` writes them.

        Args:
            name: the file name of the picture.
        """
        return LabelledPage(
            name, self.width_px, self.height_px, tuple(labelled_entry(e) for e in self.entries)
        )


@dataclass(frozen=True, slots=True)
class Form:
    """A form with its picture. ``layout`` fits ``image``, also after a scan has moved everything."""

    image: Image.Image = field(repr=False, compare=False)
    layout: Layout

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The labelled entries, in pixels of ``image``."""
        return self.layout.entries

    def labelled_page(self, name: str) -> LabelledPage:
        """The labels as ``beam_kie.labelled.formats`` writes them.

        Args:
            name: the file name of the picture.
        """
        return self.layout.labelled_page(name)


def labelled_entry(entry: Entry) -> LabelledEntry:
    """The entry as label files hold it: corners in whole pixels.

    Args:
        entry: of a layout.
    """
    polygon = tuple(float(round(value)) for value in entry.polygon)
    return LabelledEntry(entry.id, entry.text, entry.label, polygon, entry.linking)


def moved(layout: Layout, matrix: np.ndarray, width_px: int, height_px: int) -> Layout:
    """A layout after its picture was transformed. Runs and shapes are dropped: they describe the unscanned
    page.

    Args:
        layout: of the form.
        matrix: a 3 x 3 homography, from old to new pixels.
        width_px: of the new picture.
        height_px: of the new picture.
    """
    flat = [
        p for entry in layout.entries for p in (entry.polygon, *(piece.polygon for piece in entry.pieces))
    ]
    points = np.asarray(flat, dtype=np.float64).reshape(-1, 2)
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ np.asarray(matrix, np.float64).T
    new = homogeneous[:, :2] / homogeneous[:, 2:]
    np.clip(new, 0, [width_px, height_px], out=new)
    polygons = iter(tuple(row) for row in new.reshape(-1, 8).tolist())
    entries = []
    for entry in layout.entries:
        polygon = next(polygons)
        pieces = tuple(Piece(piece.text, next(polygons)) for piece in entry.pieces)
        entries.append(replace(entry, polygon=polygon, pieces=pieces))
    return replace(layout, width_px=width_px, height_px=height_px, entries=tuple(entries), runs=(), shapes=())
