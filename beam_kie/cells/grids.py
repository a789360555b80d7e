"""Ruled cells that touch each other, with the columns and rows that their edges make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from beam_kie.document import Box

_TOUCH = 0.45
"""Edges of neighbours are no farther apart than this, in heights of a line: the rule is between them."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A cell: its index, its box, and the edges of the grid that it lies between, from 0."""

    index: int
    box: Box
    left: int
    right: int
    top: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of one grid; ``rows`` are for each row its cells of this one row alone, from left to right."""

    cells: list[Placed]
    rows: list[list[Placed]]


def find_grids(boxes: Sequence[Box], height: float) -> list[Grid]:
    """The grids that boxes make.

    Args:
        boxes: of ruled cells, in pixels.
        height: of a line of text, in pixels.
    """
    reach = _TOUCH * height
    return [_grid([(index, boxes[index]) for index in group], reach) for group in _touching(boxes, reach)]


def _touching(boxes: Sequence[Box], reach: float) -> list[list[int]]:
    """Indices of boxes that touch each other, over any number of others."""
    group_of = list(range(len(boxes)))

    def first(index: int) -> int:
        while group_of[index] != index:
            group_of[index] = index = group_of[group_of[index]]
        return index

    order = sorted(range(len(boxes)), key=lambda index: boxes[index][1])
    open_: list[int] = []
    for index in order:
        box = boxes[index]
        open_ = [other for other in open_ if boxes[other][3] + reach >= box[1]]
        for other in open_:
            if _touch(box, boxes[other], reach):
                group_of[first(index)] = first(other)
        open_.append(index)
    groups: dict[int, list[int]] = {}
    for index in range(len(boxes)):
        groups.setdefault(first(index), []).append(index)
    return list(groups.values())


def _touch(box: Box, other: Box, reach: float) -> bool:
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    return min(width, height) >= -reach and max(width, height) > reach


def _grid(cells: Sequence[tuple[int, Box]], reach: float) -> Grid:
    xs = _edges([value for _, box in cells for value in (box[0], box[2])], reach)
    ys = _edges([value for _, box in cells for value in (box[1], box[3])], reach)
    placed = [
        Placed(
            *(index, box),
            *(_nearest(xs, box[0]), _nearest(xs, box[2])),
            *(_nearest(ys, box[1]), _nearest(ys, box[3])),
        )
        for index, box in cells
    ]
    placed = [cell for cell in placed if cell.left < cell.right and cell.top < cell.bottom]
    rows = [
        sorted((cell for cell in placed if (cell.top, cell.bottom) == (row, row + 1)), key=lambda c: c.left)
        for row in range(len(ys) - 1)
    ]
    return Grid(placed, rows)


def _edges(values: Sequence[float], reach: float) -> list[float]:
    """The means of values that lie close together, rising."""
    groups: list[list[float]] = []
    for value in sorted(values):
        if groups and value - groups[-1][-1] <= reach:
            groups[-1].append(value)
        else:
            groups.append([value])
    return [sum(group) / len(group) for group in groups]


def _nearest(edges: Sequence[float], value: float) -> int:
    return min(range(len(edges)), key=lambda index: abs(edges[index] - value))
