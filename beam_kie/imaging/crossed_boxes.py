"""Boxes to tick whose outline is crossed or touched: by a tick that is larger than the box, by a letter.

Whatever is drawn over a box only adds ink, so all four of its sides are still there. Forms have boxes of one
size, most of them empty and apart from everything else. Once their size is known, every place is looked at
where four sides of that size are inked, with free space around and no character's strokes inside.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from beam_kie.imaging.crossings import Outline, crossing_of, has_stroke
from beam_kie.imaging.squares import APART, free_sides, squares_of
from beam_kie.page_parts import Mark, MarkState, Outside

_LEAST_SIDE, _MOST_SIDE = 8, 46  # pixels of a page at 150 dpi
_SQUARE = 1.25  # times longer than wide at most
_OBLONG, _LEAST_OBLONG = 1.6, 16  # the same for larger boxes, of at least so many pixels
_MOST_SIZES = 3
_MOST = 1_000  # boxes of a page that are looked at closely
_LEAST_OF_SIZE, _LEAST_OF_OBLONG = 2, 3
_EMPTY = 0.03  # inked share of what is inside

_CORNERS = 3  # of a box are inked; the fourth may be lost
_SIDES = 0.8  # of every side is inked
_MOST_BESIDE, _BESIDE = 0.6, 1.4  # inked shares of lines right outside: of one, and of all four together
_MOST_INSIDE, _INSIDE = 0.85, 2.2  # the same right inside
_ACROSS = 0.95  # of what is inside: so wide are the strokes of characters, not those of ticks

_CONFIDENCE = 0.6  # parts of characters may look alike
_EMPTY_CONFIDENCE, _STATE_CONFIDENCE = 0.68, 0.95
_TICKED_CONFIDENCE = 0.85  # a stamp looks much like a tick
_TOUCHED_CONFIDENCE = 0.6  # what touches an empty box may be a tick after all
_ONE_SIDE = 0.8  # what free space on one side only leaves of the certainty: the character 口 looks alike


class _Size(NamedTuple):
    width: int
    height: int
    stroke: int


def find_crossed_boxes(mask: np.ndarray, pieces: np.ndarray) -> list[Mark]:
    """Boxes of the sizes that a page has several empty ones of, and these, at most twice 1,000.

    Args:
        mask: of the upright page, H x W uint8, 255 where there is ink.
        pieces: of ink, as of ``find_pieces``.
    """
    ink = mask & np.uint8(1)
    empty = _empty_boxes(ink, pieces)
    sizes = _sizes(empty)
    if not sizes:
        return []
    found = [
        Mark(box.edges, False, MarkState.EMPTY, _empty_confidence(ink, box), _STATE_CONFIDENCE)
        for box in empty
        if any(_is_like(_size_of(box), other) for other in sizes)
    ][:_MOST]
    for box in _without_overlaps(ink.shape, _outlined(ink, sizes), empty)[:_MOST]:
        crossing = crossing_of(ink, box)
        if crossing is not None:
            certainty = _TOUCHED_CONFIDENCE if crossing.state is MarkState.EMPTY else _TICKED_CONFIDENCE
            how = Outside.BEYOND if crossing.reaches_out else Outside.TOUCHED
            found.append(Mark(box.edges, False, crossing.state, _CONFIDENCE, certainty, outside=how))
    return found


def _empty_confidence(ink: np.ndarray, box: Outline) -> float:
    apart = free_sides(ink, (box.left, box.top, box.width, box.height), APART)
    return _EMPTY_CONFIDENCE * (1.0 if apart == 2 else _ONE_SIDE)


def _empty_boxes(ink: np.ndarray, pieces: np.ndarray) -> list[Outline]:
    """Outlines that touch nothing and have nothing inside: squares, and larger ones up to a ratio."""
    found = []
    for x, y, width, height in squares_of(pieces, _LEAST_SIDE, _MOST_SIDE, _OBLONG):
        if min(width, height) < _LEAST_OBLONG and not _is_square(width, height):
            continue
        part = ink[y : y + height, x : x + width]
        margin = max(3, round(0.25 * min(width, height)))
        # Most pieces are letters, with a stroke in the middle.
        inside = part[margin:-margin, margin:-margin]
        if inside.size and np.count_nonzero(inside) <= _EMPTY * inside.size and _is_outline(part):
            box = Outline(x, y, x + width, y + height, _stroke(part))
            if not has_stroke(_inside(ink, box)):
                found.append(box)
    return found


def _has_corners(part: np.ndarray) -> bool:
    """Whether there is ink in the corners of a part: letters such as O and D are round there."""
    corners = part[:2, :2], part[:2, -2:], part[-2:, :2], part[-2:, -2:]
    return sum(bool(corner.any()) for corner in corners) >= _CORNERS


def _is_outline(part: np.ndarray) -> bool:
    """Whether each side of a part is a straight line from corner to corner."""
    if not _has_corners(part):
        return False
    for turned in (part, part[::-1], part.T, part.T[::-1]):
        first = turned[:2]
        if first.any(axis=0).mean() < 0.9 or first.mean(axis=1).max() < _SIDES:
            return False
    return True


def _stroke(part: np.ndarray) -> int:
    """How many pixels the sides of an empty box are thick."""
    across, down = part[part.shape[0] // 2], part[:, part.shape[1] // 2]
    runs = [int(np.argmin(line)) for line in (across, across[::-1], down, down[::-1])]
    return max(1, int(np.median(runs)))


def _size_of(box: Outline) -> _Size:
    return _Size(box.width, box.height, box.stroke)


def _sizes(boxes: Sequence[Outline]) -> list[_Size]:
    """The sizes that several boxes have, the most frequent first."""
    counts = Counter(map(_size_of, boxes))
    alike = {size: sum(n for other, n in counts.items() if _is_like(size, other)) for size in counts}
    sizes: list[_Size] = []
    for size in sorted(counts, key=lambda size: (-alike[size], -counts[size], size)):
        least = _LEAST_OF_SIZE if _is_square(size.width, size.height) else _LEAST_OF_OBLONG
        if alike[size] >= least and not any(_is_like(size, other) for other in sizes):
            sizes.append(size)
    return sizes[:_MOST_SIZES]


def _is_square(width: int, height: int) -> bool:
    return max(width, height) <= _SQUARE * min(width, height)


def _is_like(size: _Size, other: _Size) -> bool:
    return abs(size.width - other.width) <= 1 and abs(size.height - other.height) <= 1


def _outlined(ink: np.ndarray, sizes: Iterable[_Size]) -> list[Outline]:
    """Places with four inked sides, free space around and no stroke across; the plainest first."""
    found = []
    for size in sizes:
        rows, columns = _runs(ink, (size.width, 1)), _runs(ink, (1, size.height))
        inked = _inked_sides(rows, columns, size)
        ys, xs = _peaks(inked, math.ceil(255 * _SIDES))
        beside, inside = _along(ink, ys, xs, size, 2), _along(ink, ys, xs, size, -size.stroke - 1)
        free = (beside.max(axis=0) <= _MOST_BESIDE) & (beside.sum(axis=0) <= _BESIDE)
        free &= (inside.max(axis=0) <= _MOST_INSIDE) & (inside.sum(axis=0) <= _INSIDE)
        plain = inked[ys, xs] / 255 - 0.2 * beside.sum(axis=0) - 0.1 * inside.sum(axis=0)
        for x, y, how in zip(xs[free].tolist(), ys[free].tolist(), plain[free].tolist(), strict=True):
            box = Outline(x, y, x + size.width, y + size.height, size.stroke)
            part = ink[box.top : box.bottom, box.left : box.right]
            if _has_corners(part) and not _has_stroke_across(ink, box):
                found.append((how, box))
    found.sort(key=lambda each: (-each[0], each[1]))
    return [box for _, box in found]


def _peaks(values: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of values of at least ``least`` that no value within two pixels exceeds."""
    found = cv2.findNonZero(cv2.inRange(values, np.array(least), np.array(255)))
    if found is None:
        return np.empty(0, int), np.empty(0, int)
    xs, ys = np.asarray(found, dtype=np.intp).reshape(-1, 2).T
    padded = np.pad(values, 2)
    around = [padded[ys + down, xs + right] for down in range(5) for right in range(5)]
    highest = values[ys, xs] == np.max(around, axis=0)
    return ys[highest], xs[highest]


def _inked_sides(rows: np.ndarray, columns: np.ndarray, size: _Size) -> np.ndarray:
    """H x W uint8: of a box with its upper left corner there, the inked share of the side inked least.

    A side may be a pixel off, as on a page that is a little askew.

    Args:
        rows: as of ``_runs``, of lines across.
        columns: of upright ones.
        size: of the box.
    """
    height, width = rows.shape
    down, right = size.height - 1, size.width - 1
    least = np.zeros((height, width), np.uint8)
    if height <= down or width <= right:
        return least
    rows = cv2.dilate(rows, np.ones((3, 1), np.uint8))
    columns = cv2.dilate(columns, np.ones((1, 3), np.uint8))
    within = slice(0, height - down), slice(0, width - right)
    across = cv2.min(rows[within], rows[down:, : width - right])
    least[within] = cv2.min(across, cv2.min(columns[within], columns[: height - down, right:]))
    return least


def _runs(ink: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """H x W uint8: the inked share, in 255ths, of the line (width, height) that begins at every pixel."""
    return cv2.boxFilter(ink * np.uint8(255), cv2.CV_8U, size, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)


def _along(ink: np.ndarray, ys: np.ndarray, xs: np.ndarray, size: _Size, outside: int) -> np.ndarray:
    """4 x n: inked shares of lines along the sides of boxes, so many pixels outside (below 0: inside).

    Args:
        ink: of the page.
        ys: n, of the upper left corners.
        xs: n.
        size: of the boxes.
        outside: pixels.
    """
    height, width = ink.shape
    inset = max(-outside, 0)
    top, bottom = np.maximum(ys - outside, 0), np.minimum(ys + size.height - 1 + outside, height - 1)
    left, right = np.maximum(xs - outside, 0), np.minimum(xs + size.width - 1 + outside, width - 1)
    across = xs[:, np.newaxis] + np.arange(inset, max(size.width - inset, inset + 1))
    down = ys[:, np.newaxis] + np.arange(inset, max(size.height - inset, inset + 1))
    lines = (
        ink[top[:, np.newaxis], across],
        ink[bottom[:, np.newaxis], across],
        ink[down, left[:, np.newaxis]],
        ink[down, right[:, np.newaxis]],
    )
    return np.stack([line.mean(axis=1) for line in lines])


def _inside(ink: np.ndarray, box: Outline) -> np.ndarray:
    inset = box.stroke + 1
    return ink[box.top + inset : box.bottom - inset, box.left + inset : box.right - inset]


def _has_stroke_across(ink: np.ndarray, box: Outline) -> bool:
    inside = _inside(ink, box)
    return not inside.size or bool((inside.mean(axis=1) >= _ACROSS).any())


def _without_overlaps(
    shape: tuple[int, ...], found: Iterable[Outline], known: Iterable[Outline]
) -> list[Outline]:
    """The boxes that have no more than a border in common with a known one, or with one before them."""
    taken = np.zeros(shape, np.bool_)
    for box in known:
        taken[box.top : box.bottom, box.left : box.right] = True
    kept = []
    for box in found:
        if not taken[box.top + 2 : box.bottom - 2, box.left + 2 : box.right - 2].any():
            taken[box.top : box.bottom, box.left : box.right] = True
            kept.append(box)
    return kept
