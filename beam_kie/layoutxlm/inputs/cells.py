"""Ruled cells of a page: in which one a place lies, and how two of them stand to each other.

Numbers of cells are indices into the boxes of a page's cells; NO_CELL is a place outside of all of them. On
pages without cells nothing is known: they may be unruled, or may have come without a picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

from beam_kie.document import Box, PageText
from beam_kie.geometry import normalise_box_1000

NO_CELL = -1
_TOLERANCE = 3  # of the 1000 of the grid: how far a place may lie outside of its cell
_TOUCHING = 15  # of the grid: neighbours of a row or column are not farther apart
_POINTS_AT_ONCE = 1_024
_SAME = 0.5  # overlap, as a share of the smaller side, from which cells share a row or a column


class CellRelation(IntEnum):
    """How the cells of two places stand to each other."""

    UNKNOWN = 0
    BOTH_OUTSIDE = 1
    ONE_OUTSIDE = 2
    SAME_CELL = 3
    NEXT_IN_ROW = 4
    SAME_ROW = 5
    NEXT_IN_COLUMN = 6
    SAME_COLUMN = 7
    OTHER = 8


def cell_boxes_1000(page: PageText) -> np.ndarray:
    """The boxes of a page's M cells on the 0..1000 grid, M x 4 int64.

    Args:
        page: with the cells that were found on it, if any.
    """
    return boxes_1000(page, [cell.box for cell in page.cells])


def boxes_1000(page: PageText, boxes: Iterable[Box]) -> np.ndarray:
    """P boxes on the 0..1000 grid, P x 4 int64.

    Args:
        page: that they are on.
        boxes: x0, y0, x1, y1 in its pixels.
    """
    found = [normalise_box_1000(box, page.width_px, page.height_px) for box in boxes]
    return np.array(found, dtype=np.int64).reshape(-1, 4)


def cells_at(xs: np.ndarray, ys: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """The smallest cell in which each of P points lies, P int64; NO_CELL where there is none.

    Args:
        xs: P coordinates on the 0..1000 grid.
        ys: P coordinates.
        cells: M x 4 boxes on the grid.
    """
    if not len(cells) or not len(xs):
        return np.full(len(xs), NO_CELL, dtype=np.int64)
    xs, ys = np.asarray(xs)[:, None], np.asarray(ys)[:, None]
    parts = range(0, len(xs), _POINTS_AT_ONCE)
    return np.concatenate(
        [_cells_at(xs[i : i + _POINTS_AT_ONCE], ys[i : i + _POINTS_AT_ONCE], cells) for i in parts]
    )


def _cells_at(xs: np.ndarray, ys: np.ndarray, cells: np.ndarray) -> np.ndarray:
    x0, y0, x1, y1 = cells.T[:, None]
    inside = (xs >= x0 - _TOLERANCE) & (xs <= x1 + _TOLERANCE)
    inside &= (ys >= y0 - _TOLERANCE) & (ys <= y1 + _TOLERANCE)
    areas = np.where(inside, (x1 - x0 + 1) * (y1 - y0 + 1), np.iinfo(np.int64).max)
    return np.where(inside.any(1), areas.argmin(1), NO_CELL)


def cells_of(boxes: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """The cell in which the middle of each of P boxes lies, P int64.

    Args:
        boxes: P x 4 on the 0..1000 grid.
        cells: M x 4 boxes on the grid.
    """
    boxes = np.asarray(boxes).reshape(-1, 4)
    return cells_at((boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2, cells)


def relations_between(first: np.ndarray, second: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """How the cells of P places stand to those of Q others: P x Q of CellRelation.

    Args:
        first: P cells.
        second: Q cells.
        cells: M x 4 boxes on the 0..1000 grid.
    """
    if not len(cells):
        return np.full((len(first), len(second)), CellRelation.UNKNOWN, dtype=np.int64)
    one, other = cells[first][:, None], cells[second][None]
    row, across = _side_by_side(one, other, along=0, beside=1)
    column, down = _side_by_side(one, other, along=1, beside=0)
    found = np.full(row.shape, CellRelation.OTHER, dtype=np.int64)
    found[column] = CellRelation.SAME_COLUMN
    found[column & (down <= _TOUCHING)] = CellRelation.NEXT_IN_COLUMN
    found[row] = CellRelation.SAME_ROW
    found[row & (across <= _TOUCHING)] = CellRelation.NEXT_IN_ROW
    found[first[:, None] == second[None]] = CellRelation.SAME_CELL
    out = (first == NO_CELL)[:, None], (second == NO_CELL)[None]
    found[out[0] | out[1]] = CellRelation.ONE_OUTSIDE
    found[out[0] & out[1]] = CellRelation.BOTH_OUTSIDE
    return found


class BoxRelations:
    """How the cells of boxes of a page stand to each other.

    Args:
        boxes: P boxes on the 0..1000 grid.
        cells: M x 4 boxes of the page's cells on the grid.
    """

    def __init__(self, boxes: Sequence[Sequence[int]], cells: np.ndarray):
        self._cells = cells
        self._own = cells_of(np.array(boxes), cells)

    def __call__(self, first: Sequence[int], second: Sequence[int]) -> Tensor:
        """Relations of some boxes to others: V x K int64, of CellRelation.

        Args:
            first: V indices of boxes.
            second: K indices.
        """
        own = self._own
        return torch.from_numpy(relations_between(own[list(first)], own[list(second)], self._cells))


def _side_by_side(
    one: np.ndarray, other: np.ndarray, along: int, beside: int
) -> tuple[np.ndarray, np.ndarray]:
    """Whether boxes overlap across an axis (0: x), and how far they lie apart along it."""
    overlap = np.minimum(one[..., beside + 2], other[..., beside + 2]) - np.maximum(
        one[..., beside], other[..., beside]
    )
    sizes = np.minimum(one[..., beside + 2] - one[..., beside], other[..., beside + 2] - other[..., beside])
    apart = np.maximum(one[..., along], other[..., along]) - np.minimum(
        one[..., along + 2], other[..., along + 2]
    )
    return overlap > _SAME * sizes, apart
