"""How lines are found and how tightly boxes are drawn around them: five ways to read a page.

A model that has seen only one way is thrown off by another. Training draws from several readings of a page,
and the evaluation says how far the figures of a model lie apart (``GEOMETRIES``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from beam_kie.document import CharSpans, PageImage, PageText, Polygon, TextLine


@dataclass(frozen=True, slots=True)
class BoxGeometry:
    """How an engine with a DB detector (``beam_kie.ocr.ppocr.boxes``) finds lines.

    ``max_side``: pixels of the longer side at which a page is searched; None: as the options of OCR say.
    ``unclip_ratio``: by so much of area / circumference a blob is enlarged on each side. ``text_threshold``
    in [0, 1]: probability from which a pixel belongs to a line; ``line_threshold``: mean probability from
    which a rectangle is a line. ``shrink`` in [0, 0.5): share of its height by which a box is made lower
    after it was read; its ends move inwards by as many pixels.
    """

    max_side: int | None = None
    unclip_ratio: float = 1.5
    text_threshold: float = 0.3
    line_threshold: float = 0.5
    shrink: float = 0.0


DEFAULT = "default"
GEOMETRIES = {
    DEFAULT: BoxGeometry(),
    "tight": BoxGeometry(unclip_ratio=1.2),
    "wide": BoxGeometry(unclip_ratio=1.9),
    "coarse": BoxGeometry(max_side=960, text_threshold=0.2),
    "fine": BoxGeometry(max_side=1_760, text_threshold=0.4, line_threshold=0.6, shrink=0.1),
}
"""The readings that training and evaluation use, by name; ``default`` is what the job does."""


class Shrinking:
    """An OcrEngine that reads as another one does, and then makes the boxes of lines smaller.

    Args:
        engine: reads.
        share: of their heights, in (0, 0.5).
    """

    def __init__(self, engine, share: float):
        self._engine = engine
        self._share = share
        self.name, self.revision = engine.name, engine.revision

    def read(self, images: Sequence[PageImage]) -> list[PageText]:
        """See OcrEngine.read.

        Args:
            images: pages as they lie in their files.
        """
        return [
            replace(page, lines=tuple(shrunk(line, self._share) for line in page.lines))
            for page in self._engine.read(images)
        ]


def shrunk(line: TextLine, share: float) -> TextLine:
    """A line in a box that is lower by a share of its height, and shorter by as many pixels.

    Args:
        line: with a quadrilateral.
        share: in [0, 0.5).
    """
    corners = np.reshape(line.polygon, (4, 2)).astype(float)
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    sides = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    if min(sides) <= 0:
        return line
    margin = share / 2 * min(sides)
    right, below = across / sides[0] * margin, down / sides[1] * margin
    inwards = np.array([right + below, below - right, -right - below, right - below])
    polygon: Polygon = tuple((corners + inwards).round(1).ravel().tolist())
    return replace(line, polygon=polygon, char_spans=_moved(line.char_spans, margin / max(sides)))


def _moved(spans: CharSpans | None, margin: float) -> CharSpans | None:
    """Places of characters along a line that lost ``margin`` of its length at both ends."""
    if spans is None:
        return None
    places = ((np.reshape(spans, (-1, 2)) - margin) / (1 - 2 * margin)).clip(0, 1).round(4).tolist()
    return tuple((start, end) for start, end in places)
