"""Boxes and rings to tick on a page, and what was done with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from beam_kie.document import PageText
from beam_kie.imaging.crossed_boxes import find_crossed_boxes
from beam_kie.imaging.decode import upright
from beam_kie.imaging.ruling import Ink, find_cells, find_ink, find_straight_cells
from beam_kie.imaging.squares import APART, find_pieces, free_sides, squares_of
from beam_kie.page_parts import Mark, MarkState, Outside

MOST_MARKS = 1_000

_LEAST_SIDE, _MOST_SIDE = 12, 46  # pixels of a page at 150 dpi
_SQUARE = 1.2  # times longer than wide at most
_STROKE = 9  # pixels that straight strokes are long at least; those of a tick are not
_LEAST_SIDES = 0.85  # of every side of a box is inked
_LEAST_ROUND = 0.9  # of a ring is inked
_LEAST_RING = 15  # pixels; smaller ones are letters
_RING_APART = 0.45  # the same as APART, of rings
_ONE_SIDE = 0.6  # what free space on one side only leaves of the certainty: the character 口 looks alike
_RING_NEAR = 0.65  # what letters that stand close to a ring leave of the certainty: the letter O looks alike
_TICKED, _FILLED, _DIAGONAL = 0.05, 0.72, 0.75  # inked shares of what is inside, and of either diagonal
_TEXT = 8  # sides of a ring: so far the text beside it is looked at
_LEAST_STROKES = 8  # runs of ink in that text
_STROKE_SHARE = 0.4  # of the runs are shorter than a stroke: slanted and flat ones are longer
_SAME = 0.4  # of the sides of two marks are in the same place
_MARGIN = 0.14  # of a side
_ANGLES = np.linspace(0, 2 * np.pi, 48, endpoint=False)


def with_ruling(page: PageText, pixels: np.ndarray) -> PageText:
    """The page with its ruled cells and its marks.

    Args:
        page: its text.
        pixels: of the page as it lies in its file, H x W x 3 uint8 RGB.
    """
    pixels = upright(pixels, page.rotation_deg)
    ink, how = find_ink(pixels), page.straightening
    cells = find_cells(ink) if how is None else find_straight_cells(pixels, how)
    return replace(page, cells=cells, marks=find_marks(ink))


def find_marks(ink: Ink) -> tuple[Mark, ...]:
    """Boxes and rings to tick, from the top, at most MOST_MARKS.

    Args:
        ink: of the upright page.
    """
    pieces = find_pieces(ink.mask)
    marks = _with_crossed(
        [*_boxes(ink.mask)[:MOST_MARKS], *_rings(ink.mask, pieces)[:MOST_MARKS]],
        find_crossed_boxes(ink.mask, pieces),
    )
    marks.sort(key=lambda mark: (mark.box[1], mark.box[0]))
    scaled = []
    for mark in marks[:MOST_MARKS]:
        x0, y0, x1, y1 = (side * ink.scale for side in mark.box)
        scaled.append(replace(mark, box=(x0, y0, x1, y1)))
    return tuple(scaled)


def _with_crossed(marks: Sequence[Mark], crossed: Sequence[Mark]) -> list[Mark]:
    """Marks of both kinds. A box that seemed empty may be one that is crossed at its side."""
    ticked = [mark for mark in crossed if mark.state is not MarkState.EMPTY]
    beyond = [mark for mark in ticked if mark.outside is Outside.BEYOND]
    kept = []
    for mark, is_again, is_beyond in zip(
        marks, _in_same_places(marks, ticked), _in_same_places(marks, beyond), strict=True
    ):
        if not (is_again and mark.state is MarkState.EMPTY):
            kept.append(replace(mark, outside=Outside.BEYOND) if is_beyond else mark)
    known = _in_same_places(crossed, kept)
    return kept + [mark for mark, is_known in zip(crossed, known, strict=True) if not is_known]


def _in_same_places(marks: Sequence[Mark], others: Sequence[Mark]) -> list[bool]:
    """Of each mark, whether it shares much of its width and its height with one of the others."""
    if not (marks and others):
        return [False] * len(marks)
    x0, y0, x1, y1 = np.array([mark.box for mark in marks]).T[:, :, np.newaxis]
    left, top, right, bottom = np.array([mark.box for mark in others]).T
    width, height = np.minimum(x1, right) - np.maximum(x0, left), np.minimum(y1, bottom) - np.maximum(y0, top)
    same = (width > _SAME * (x1 - x0)) & (height > _SAME * (y1 - y0))
    return same.any(axis=1).tolist()


def _boxes(mask: np.ndarray) -> list[Mark]:
    strokes = np.zeros_like(mask)
    for size in ((1, _STROKE), (_STROKE, 1)):
        strokes |= cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones(size, np.uint8))
    found = []
    for x, y, w, h in squares_of(find_pieces(strokes), _LEAST_SIDE, _MOST_SIDE, _SQUARE):
        part = strokes[y : y + h, x : x + w] > 0
        sides = _inked_sides(part)
        if sides < _LEAST_SIDES or not (free := free_sides(mask, (x, y, w, h), APART)):
            continue
        state, certainty = _state(mask[y : y + h, x : x + w] > 0, _inset(part))
        confidence = sides * certainty * (1.0 if free == 2 else _ONE_SIDE)
        found.append(Mark((x, y, x + w, y + h), False, state, round(confidence, 3), round(certainty, 3)))
    return found


def _inked_sides(part: np.ndarray) -> float:
    """The inked share of the side of a box that is inked least; 0 where one is plainly not."""
    band = max(round(0.08 * min(part.shape)), 2)
    least = 1.0
    # Hundreds of letters are looked at for every box, and most have no upper side.
    for side, axis in ((part[:band], 0), (part[-band:], 0), (part[:, :band], 1), (part[:, -band:], 1)):
        edge = side.any(axis)
        least = min(least, int(np.count_nonzero(edge)) / edge.size)
        if least < _LEAST_SIDES:
            return 0.0
    return least


def _rings(mask: np.ndarray, pieces: np.ndarray) -> list[Mark]:
    found = []
    for x, y, w, h in squares_of(pieces, _LEAST_SIDE, _MOST_SIDE, _SQUARE):
        part = mask[y : y + h, x : x + w] > 0
        if min(w, h) < _LEAST_RING or part[[0, 0, -1, -1], [0, -1, 0, -1]].any():
            continue
        if free_sides(mask, (x, y, w, h), APART) < 2:
            continue
        around = [_on_ellipse(part, inset) for inset in (0.0, 0.5, 1.0, 1.5, 2.5)]
        outline = float(np.mean(np.any(around, axis=0)))
        outside = float(_on_ellipse(part, -0.12 * min(w, h)).mean())
        if outline < _LEAST_ROUND or outside > 0.1:
            continue
        inset = round(0.28 * min(w, h))
        state, certainty = _state(part, inset)
        is_apart = free_sides(mask, (x, y, w, h), _RING_APART) == 2
        confidence = outline * certainty * (1.0 if is_apart else _RING_NEAR)
        thickness = _thickness(mask, (x, y, w, h))
        found.append(
            Mark((x, y, x + w, y + h), True, state, round(confidence, 3), round(certainty, 3), thickness)
        )
    return found


def _thickness(mask: np.ndarray, box: tuple[int, int, int, int]) -> float | None:
    """How thick the line of a ring is, in strokes of the text on its right, else on its left."""
    x, y, w, h = box
    middle, text = (slice(y + round(part * h), y + h - round(part * h)) for part in (0.35, 0.2))
    own = mask[middle, x : x + w] > 0
    sides = np.concatenate([own, own[:, ::-1]])[:, : w // 2]
    thick = [np.append(row[row.argmax() :], False).argmin() for row in sides]
    reach = _TEXT * w
    for beside in (mask[text, x + w : x + w + reach], mask[text, max(x - reach, 0) : x]):
        strokes = _runs(beside > 0)
        strokes = strokes[strokes <= w // 2]
        if len(strokes) >= _LEAST_STROKES:
            return round(float(np.mean(thick) / np.quantile(strokes, _STROKE_SHARE)), 3)
    return None


def _runs(part: np.ndarray) -> np.ndarray:
    """How many pixels each run of ink in the rows of a part is long."""
    edges = np.diff(np.pad(part, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    return np.nonzero(edges < 0)[1] - np.nonzero(edges > 0)[1]


def _inset(part: np.ndarray) -> int:
    """Pixels from the outside of a box to what is inside its strokes."""
    middle = part.shape[0] // 2, part.shape[1] // 2
    runs = [line[: len(line) // 2] for line in (part[middle[0]], part[middle[0]][::-1])]
    thick = [int(np.argmin(run)) if not run.all() else 2 for run in runs]
    return min(max(*thick, 1) + 1, min(part.shape) // 4)


def _state(part: np.ndarray, inset: int) -> tuple[MarkState, float]:
    """What was done with a mark of that ink, and how certain that is."""
    inside = part[inset:-inset, inset:-inset]
    # A box that is askew reaches further into its bounding box than its strokes are thick.
    margin = max(inset, min(round(_MARGIN * min(part.shape)) + 1, min(part.shape) // 4))
    core = float(part[margin:-margin, margin:-margin].mean())
    if core < _TICKED:
        return MarkState.EMPTY, 1 - core / _TICKED / 2
    share = float(inside.mean())
    if share > _FILLED:
        return MarkState.FILLED, min(0.8 + (share - _FILLED), 1.0)
    certainty = min(0.5 + (share - _TICKED) * 5, 1.0)
    near = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8))
    square = cv2.resize(near, (24, 24), interpolation=cv2.INTER_NEAREST)
    diagonals = min(np.diag(square).mean(), np.diag(square[:, ::-1]).mean())
    return (MarkState.CROSSED if diagonals >= _DIAGONAL else MarkState.TICKED), certainty


def _on_ellipse(part: np.ndarray, inset: float) -> np.ndarray:
    """Whether there is ink in 48 places around, so many pixels inside of the box."""
    height, width = part.shape
    xs = np.round((width - 1) / 2 + ((width - 1) / 2 - inset) * np.cos(_ANGLES)).astype(int)
    ys = np.round((height - 1) / 2 + ((height - 1) / 2 - inset) * np.sin(_ANGLES)).astype(int)
    on = (xs >= 0) & (xs < width) & (ys >= 0) & (ys < height)
    found = np.zeros(len(xs), bool)
    found[on] = part[ys[on], xs[on]]
    return found
