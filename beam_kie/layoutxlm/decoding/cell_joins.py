"""What ruled cells say about lines that may belong together.

A key or value hardly ever leaves its cell, and where keys stand one below the other in a cell of their own,
they are mostly one key over several lines. Neither is certain: the lines to write on within a form are ruled
too. So both are costs, which what the network sees can outweigh.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from beam_kie.layoutxlm.config import Decoding
from beam_kie.layoutxlm.inputs.cells import NO_CELL, CellRelation, cells_of, relations_between

_FEW = 4  # pieces of a cell that is that of one key
_NEAR, _OVERLAPPING = 0.9, -0.6  # heights between a line and the one that it continues
_BELOW = 0.3  # of the narrower one, that both are above one another
_SAME_OR_UNKNOWN = (CellRelation.UNKNOWN, CellRelation.BOTH_OUTSIDE, CellRelation.SAME_CELL)


class CellJoins:
    """Log odds that cells add to those of pieces continuing each other.

    Args:
        boxes: P boxes of pieces on the 0..1000 grid.
        keys: for each, whether it is a key.
        cells: M x 4 boxes of the page's cells on the grid.
        decoding: costs (``cell_penalty``, ``cell_edge_penalty``, ``cell_bonus``).
    """

    def __init__(
        self, boxes: Sequence[Sequence[int]], keys: Sequence[bool], cells: np.ndarray, decoding: Decoding
    ):
        self._boxes = np.array(boxes, dtype=float).reshape(-1, 4)
        self._keys = np.array(keys, dtype=bool)
        self._cells = cells
        self._own = cells_of(self._boxes, cells)
        self._costs = decoding
        counts = np.bincount(self._own[self._own != NO_CELL], minlength=len(cells) + 1)
        self._few = (counts[self._own] <= _FEW) & (self._own != NO_CELL)

    def odds(self, part: Sequence[int], candidates: Sequence[int]) -> np.ndarray:
        """What is added for each of V pieces to continue each of K others: V x K float32.

        Args:
            part: V indices of pieces.
            candidates: K indices of pieces.
        """
        one, other = np.array(part), np.array(candidates)
        relations = relations_between(self._own[one], self._own[other], self._cells)
        added = np.zeros(relations.shape, np.float32)
        added[~np.isin(relations, _SAME_OR_UNKNOWN)] = -self._costs.cell_penalty
        added[relations == CellRelation.ONE_OUTSIDE] = -self._costs.cell_edge_penalty
        if self._costs.cell_bonus:
            keys = (self._keys & self._few)[one][:, None] & self._keys[other][None]
            stacked = keys & (relations == CellRelation.SAME_CELL) & self._stacked(one, other)
            added[stacked] += self._costs.cell_bonus
        return added

    def _stacked(self, part: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """Where a piece begins right below another one: V x K bool."""
        x0, y0, x1, _ = self._boxes[part].T[:, :, None]
        left, top, right, bottom = self._boxes[candidates].T[:, None]
        gaps = (y0 - bottom) / np.maximum(bottom - top, 1)
        shared = np.minimum(x1, right) - np.maximum(x0, left)
        below = shared > _BELOW * np.minimum(x1 - x0, right - left)
        return below & (top < y0) & (gaps > _OVERLAPPING) & (gaps < _NEAR)
