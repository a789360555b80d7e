"""Pages with more space between their rows, so that keys and values stand further apart.

Drawn and labelled pages are mostly dense. On a page with few rows, or with wide ones, the values of a table
or the options of a list stand much further below their key, and a network that has only seen dense pages says
that they have no key.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from beam_kie.document import Box
from beam_kie.labelled.alignment import TrainingLine, TrainingPage


def stretched(page: TrainingPage, rng: random.Random, most: float) -> TrainingPage:
    """A page whose rows stand further apart; what no longer fits at its foot is left out.

    Lines keep their height, and the lines of an entity the space between them. A page with a thumbnail is
    returned as it is, since its rows cannot move there.

    Args:
        page: that is changed; it is copied.
        rng: the random generator.
        most: by up to which share of it the distance of a row from the top of the page grows: 1 doubles it.
    """
    factor = 1 + rng.random() * most
    if page.picture is not None:
        return page
    moved = [
        replace(line, box=_lowered(line.box, (factor - 1) * top))
        for line, top in zip(page.lines, _tops(page.lines), strict=True)
    ]
    lines = tuple(line for line in moved if line.box[3] <= page.height_px)
    cells = [(x0, y0 * factor, x1, y1 * factor) for x0, y0, x1, y1 in page.cells]
    if not lines:
        return page
    return replace(page, lines=lines, cells=tuple(cell for cell in cells if cell[3] <= page.height_px))


def _lowered(box: Box, by: float) -> Box:
    x0, y0, x1, y1 = box
    return (x0, y0 + by, x1, y1 + by)


def _tops(lines: Sequence[TrainingLine]) -> list[float]:
    """For every line the top of the first line of its entity, or its own where it is of none."""
    first: dict[int, float] = {}
    for line in lines:
        for owner in _owners(line):
            first[owner] = min(line.box[1], first.get(owner, line.box[1]))
    return [min((first[owner] for owner in _owners(line)), default=line.box[1]) for line in lines]


def _owners(line: TrainingLine) -> set[int]:
    return {owner for owner in line.owners if owner is not None}
