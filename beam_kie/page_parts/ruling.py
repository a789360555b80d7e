"""What is ruled on a page, and what is to be ticked on it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class RuledCell:
    """A rectangle that is ruled on the page: a cell of a table, or a field to write in."""

    box: Box
    confidence: float


class MarkState(StrEnum):
    """What was done with a box or ring to tick."""

    EMPTY = "EMPTY"
    TICKED = "TICKED"
    CROSSED = "CROSSED"
    FILLED = "FILLED"


class Outside(StrEnum):
    """What ink around a box has to do with it."""

    NOTHING = "NOTHING"
    TOUCHED = "TOUCHED"
    """Other ink touches its outline."""
    BEYOND = "BEYOND"
    """A tick goes on above or below it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A box or ring to tick, with its state. ``is_ring``: it is round.

    ``confidence`` is that it is one, in this state; ``state_confidence`` that it is in this state if it
    is one. ``thickness`` of a ring: how thick its line is, in strokes of the text beside it (None: not
    known); 1.0 or so is that of the letter O. ``outside``: whether other ink touches or crosses a box.
    """

    box: Box
    is_ring: bool
    state: MarkState
    confidence: float
    state_confidence: float = 1.0
    thickness: float | None = None
    outside: Outside = Outside.NOTHING
