"""Where the characters of a line stand on the page."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from beam_kie.document import Box, TextLine
from beam_kie.geometry import STANDING_RATIO
from beam_kie.text_width import char_width, character_edges

_TOUCHED = 0.15
"""Characters that have so much of a mark's width in common with it share their room with it."""
_ROOM = 0.6
"""So much of a mark's width the characters at its place are wider than usual if it stands beside them."""
_WIDEST = 1.6
"""Letters such as M are so many times as wide as usual ones."""
_IDEOGRAPH = 0.8
"""An ideograph is about as wide, in heights of the line."""
_OUTSIDE = 0.6
"""How far beside the ends of a line a mark may stand and still be in it, in heights of the line."""


@dataclass(frozen=True, slots=True)
class RowLine:
    """A line that runs from left to right: the middles of its ends, its height, and its characters' extents.

    ``spans`` are shares of the way from the left to the right end, measured or only by ``widths``, the usual
    ones of the characters (2 for ideographs, 0 for blanks).
    """

    left: tuple[float, float]
    right: tuple[float, float]
    height: float
    spans: Sequence[tuple[float, float]]
    widths: Sequence[int]
    is_measured: bool

    @classmethod
    def of(cls, line: TextLine) -> RowLine | None:
        """The line; None for one that stands, or has no extent.

        Args:
            line: of a page.
        """
        x0, y0, x1, y1 = line.box
        polygon = line.polygon if len(line.polygon) == 8 else (x0, y0, x1, y0, x1, y1, x0, y1)
        left = ((polygon[0] + polygon[6]) / 2, (polygon[1] + polygon[7]) / 2)
        right = ((polygon[2] + polygon[4]) / 2, (polygon[3] + polygon[5]) / 2)
        if (
            not line.text
            or right[0] <= left[0]
            or y1 - y0 >= STANDING_RATIO * (x1 - x0) * max(1, len(line.text) / 2)
        ):
            return None
        height = max(abs(polygon[7] - polygon[1]), abs(polygon[5] - polygon[3]), 1.0)
        spans = line.char_spans
        is_measured = spans is not None and len(spans) == len(line.text)
        if spans is None or not is_measured:
            edges = character_edges(line.text).tolist()
            spans = list(itertools.pairwise(edges))
        widths = [0 if char.isspace() else char_width(char) for char in line.text]
        return cls(left, right, height, spans, widths, is_measured)

    def box_of(self, start: int, end: int) -> Box:
        """The box of some characters, at least one.

        Args:
            start: the first of them.
            end: behind the last one.
        """
        first, last = self.spans[start][0], self.spans[end - 1][1]
        x0, x1 = self._x(first), self._x(max(last, first))
        y = self._y((x0 + x1) / 2)
        return (x0, y - self.height / 2, x1, y + self.height / 2)

    def holds(self, box: Box) -> bool:
        """Whether a mark stands in the line, or right at one of its ends.

        Args:
            box: of the mark.
        """
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        reach = _OUTSIDE * self.height
        in_row = abs(y - self._y(x)) < 0.4 * max(self.height, box[3] - box[1])
        return in_row and self.left[0] - reach < x < self.right[0] + reach

    def covered(self, box: Box, least: float) -> tuple[int, int]:
        """The characters that a mark covers; an empty range where it stands between them.

        Args:
            box: of the mark.
            least: the share of the narrower one's width, mark or character, that they have in common.
        """
        covered = []
        for index, (first, last) in enumerate(self.spans):
            x0, x1 = self._x(first), self._x(last)
            common = min(x1, box[2]) - max(x0, box[0])
            if common > 0 and common >= least * min(x1 - x0, box[2] - box[0]):
                covered.append(index)
        if covered:
            return covered[0], covered[-1] + 1
        place = self.place_of(box)
        return place, place

    def has_room(self, box: Box) -> bool:
        """Whether the characters at a mark's place leave room for it, as far as their places were measured.

        A recogniser that drops a mark counts its place to the character beside it, which seems wider then.

        Args:
            box: of the mark.
        """
        if not (self.is_measured and any(self.widths)):
            return False
        width = box[2] - box[0]
        inked = [
            (self._x(first), self._x(last), wide)
            for (first, last), wide in zip(self.spans, self.widths, strict=True)
            if wide
        ]
        units = [(x1 - x0) / wide for x0, x1, wide in inked]
        unit = min(statistics.median(units), _IDEOGRAPH * self.height / 2)
        room = width - sum(max(0.0, min(x1, box[2]) - max(x0, box[0])) for x0, x1, _ in inked)
        for x0, x1, wide in inked:
            if min(x1, box[2]) - max(x0, box[0]) > _TOUCHED * width:
                room += max(0.0, x1 - x0 - unit * (wide if wide > 1 else _WIDEST))
        # Blanks between words are as wide as a letter or two.
        beside = [self.widths[place] for place in self._beside(box)]
        return room >= (1.0 if beside == [1, 1] else _ROOM) * width

    def _beside(self, box: Box) -> list[int]:
        """The characters right before and behind a mark, blanks left out."""
        place = self.place_of(box)
        before = [index for index in range(place) if self.widths[index]][-1:]
        return before + [index for index in range(place, len(self.widths)) if self.widths[index]][:1]

    def place_of(self, box: Box) -> int:
        """How many characters stand before a mark.

        Args:
            box: of the mark.
        """
        middle = (box[0] + box[2]) / 2
        return sum((self._x(first) + self._x(last)) / 2 < middle for first, last in self.spans)

    def share(self, x: float) -> float:
        """Where a place is on the way from the left to the right end; outside of [0, 1] beyond them.

        Args:
            x: in pixels.
        """
        return (x - self.left[0]) / (self.right[0] - self.left[0])

    def _x(self, share: float) -> float:
        return self.left[0] + share * (self.right[0] - self.left[0])

    def _y(self, x: float) -> float:
        share = min(max(self.share(x), 0.0), 1.0)
        return self.left[1] + share * (self.right[1] - self.left[1])
