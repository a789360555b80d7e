"""What crosses or touches a box to tick: a tick, a stamp or a letter beside it, or strokes of a character."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from beam_kie.imaging.squares import find_pieces
from beam_kie.page_parts import MarkState

_WINDOW = 1.5  # heights of a box around it: ticks end within it, stamps and signatures do not
_RULE = 0.85  # of a row or a column of the window is inked
_TICKED = 0.08  # inked share of what is inside, at least
_LONG = 8  # pixels; a stroke as long as this is one in a large box, too
_STROKE = 0.5  # of what is inside, a stroke of a tick is at least as long: specks of dirt are not
_BEYOND = 0.15  # heights above or below that a tick reaches
_LEAST_BEYOND = 2  # pixels
_ASKEW = 0.3  # of the ink has no counterpart on the other side: characters such as 国 and 中 are even


class Crossing(NamedTuple):
    """The state of a box with other ink, and whether a tick reaches above or below it."""

    state: MarkState
    reaches_out: bool


class Outline(NamedTuple):
    """A box in pixels, right and bottom exclusive, and how thick its sides are."""

    left: int
    top: int
    right: int
    bottom: int
    stroke: int

    @property
    def edges(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom."""
        return self[:4]

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top


def crossing_of(ink: np.ndarray, box: Outline) -> Crossing | None:
    """What was done with a box; None where what is inside is a character.

    Args:
        ink: of the page, H x W uint8 of 0 and 1.
        box: on it.
    """
    reach, half, inset = round(_WINDOW * box.height), box.height // 2, box.stroke + 1
    top, bottom = max(box.top - reach, 0), min(box.bottom + reach, ink.shape[0])
    left, right = max(box.left - reach, 0), min(box.right + reach, ink.shape[1])
    x, y = box.left - left, box.top - top
    around = _without_rules(ink[top:bottom, left:right])
    of_box = _hanging_together(around, x, y, box)
    columns = slice(x + inset, x + box.width - inset)
    rows = slice(y + inset, y + box.height - inset)
    within = of_box[:, columns].copy()
    within[rows] |= ink[top:bottom, left:right][rows, columns] > 0
    if not (_reaches_beyond(within, y, box) or has_stroke(within[rows])):
        return Crossing(MarkState.EMPTY, False)
    # Whatever goes on to the rows above or below is no tick; where the page ends, nothing is known.
    if (top and of_box[0].any()) or (bottom < ink.shape[0] and of_box[-1].any()):
        return Crossing(MarkState.EMPTY, False)
    middle = within[max(y - half, 0) : y + box.height + half].copy()
    first = y - max(y - half, 0)
    middle[first : first + inset] = middle[first + box.height - inset : first + box.height] = False
    if _unevenness(middle) < _ASKEW:
        return None
    # The long arm of a tick may leave the box at its side.
    wider = of_box[:, max(x - half, 0) : x + box.width + half]
    return Crossing(MarkState.TICKED, _reaches_beyond(wider, y, box))


def _reaches_beyond(ink: np.ndarray, y: int, box: Outline) -> bool:
    """Whether there is ink above or below a box, of which the upper side is in that row."""
    half = box.height // 2
    beyond = ink[max(y - half, 0) : max(y - 1, 0)], ink[y + box.height + 1 :][:half]
    rows = max(int(part.any(axis=1).sum()) for part in beyond)
    return rows >= max(_LEAST_BEYOND, round(_BEYOND * box.height))


def _without_rules(around: np.ndarray) -> np.ndarray:
    """Ink without the rows and columns that are inked from end to end."""
    kept = around.copy()
    kept[around.mean(axis=1) >= _RULE] = 0
    kept[:, around.mean(axis=0) >= _RULE] = 0
    return kept


def _hanging_together(around: np.ndarray, x: int, y: int, box: Outline) -> np.ndarray:
    """Where there is ink that hangs together with a box, which is whole, whatever rules it touched."""
    own = around[y : y + box.height, x : x + box.width]
    for side in (own[: box.stroke], own[-box.stroke :], own[:, : box.stroke], own[:, -box.stroke :]):
        side[:] = 1
    _, labels = cv2.connectedComponents(around, connectivity=8)
    return labels == labels[y, x]


def has_stroke(inside: np.ndarray) -> bool:
    """Whether there is a piece of ink that is long enough for a tick.

    Args:
        inside: of a box, without its sides: h x w, true or 1 where there is ink.
    """
    if not inside.any():
        return False
    pieces = find_pieces(inside.astype(np.uint8))
    longest = int(pieces[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max())
    return longest >= _STROKE * min(inside.shape) and (longest >= _LONG or bool(inside.mean() >= _TICKED))


def _unevenness(part: np.ndarray) -> float:
    """The share of ink that has no counterpart on the other side; the middle may be a pixel off."""
    wide = np.pad(part, ((0, 0), (1, 1)))
    shares = []
    for shift in (-1, 0, 1):
        mirrored = np.roll(wide[:, ::-1], shift, axis=1)
        either = np.count_nonzero(wide | mirrored)
        shares.append(1 - np.count_nonzero(wide & mirrored) / either if either else 0.0)
    return min(shares)
