"""Marks as the picture or the form shows them, and how they stand to each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from beam_kie.document import Box

_COMB = 1.5
"""Boxes for single characters stand closer together than this, in sides."""
_LEAST_COMB = 3
_ALIKE = 0.3
"""Difference in size of two marks of one kind, as a share."""


@dataclass(slots=True)
class Seen:
    """A mark of the detector, or a form's button, with where it is in the text."""

    box: Box
    is_ring: bool
    probability: float  # that it is ticked
    confidence: float  # that it is a mark
    declared: bool = False
    line: int | None = None
    glyph: int | None = None
    start: int = 0
    end: int = 0
    is_misread: bool = False
    is_filled: bool = False
    is_crossed: bool = False  # its outline is crossed or touched by other ink
    reaches_out: bool = False  # a tick goes on above or below it
    is_trusted: bool = False  # there are others of its size that are plainly marks
    in_grid: bool = False
    plain: float = 1.0  # its shape is that of a mark, whatever is inside
    thickness: float | None = None

    @property
    def is_scribbled(self) -> bool:
        """Whether something stands in it that does not fill it."""
        return self.probability > 0.5 and not self.is_filled

    @property
    def side(self) -> float:
        """Its height in pixels."""
        return self.box[3] - self.box[1]

    def is_beside(self, other: Seen) -> bool:
        """Whether they are in one row.

        Args:
            other: of the same page.
        """
        return abs(self.box[1] - other.box[1]) < self.side

    def is_below(self, other: Seen) -> bool:
        """Whether they are in one column, in either order.

        Args:
            other: of the same page.
        """
        return abs(self.box[0] - other.box[0]) < self.box[2] - self.box[0]

    def is_like(self, other: Seen, difference: float = _ALIKE) -> bool:
        """Whether they are of one kind and size.

        Args:
            other: of the same page.
            difference: in height at most, as a share of the higher one.
        """
        return self.is_ring == other.is_ring and _is_as_high(self, other, difference)


def without_combs(marks: Iterable[Seen]) -> list[Seen]:
    """Without boxes for single characters: three or more side by side with nothing in between.

    Args:
        marks: of one page.
    """
    rows: list[list[Seen]] = []
    for mark in sorted(marks, key=lambda mark: mark.box[0]):
        row = next((row for row in rows if _continues(row[-1], mark)), None)
        if row is None:
            rows.append([mark])
        else:
            row.append(mark)
    return [mark for row in rows if len(row) < _LEAST_COMB for mark in row]


def _continues(mark: Seen, other: Seen) -> bool:
    aside = other.box[0] - mark.box[2]
    aligned = abs(mark.box[1] - other.box[1]) < 0.5 * mark.side
    may_be_comb = not (mark.declared or mark.is_ring) and _is_as_high(mark, other, _ALIKE)
    return aligned and may_be_comb and aside <= _COMB * mark.side


def _is_as_high(mark: Seen, other: Seen, difference: float) -> bool:
    return abs(mark.side - other.side) <= difference * max(mark.side, other.side)
