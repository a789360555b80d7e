"""Which values of a page stand in the same row of a table, from the places of keys and values.

A value stands in a column where it lies below its key. Keys side by side whose values lie below them are the
headers of one table if one of them has several values, or if values of several of them stand side by side.
Within a table values are put into rows from the left column to the right one, each beside the value that was
put there last, so that rows may run askew over the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from beam_kie.document import Box, KeyValue
from beam_kie.geometry import height_share

_SIDE_BY_SIDE = 0.5
"""Share of the height of the lower box that two boxes of one row have in common."""
_FARTHEST_ASIDE = 2.0
"""How far a value in a column may lie beside its key, in heights of the key: amounts are set to the right."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """A value below a key: the index of its pair, its key's index, and both boxes."""

    index: int
    key_index: int
    key: Box
    box: Box


@dataclass(slots=True)
class _TableRow:
    """Cells side by side, from left to right."""

    cells: list[_Cell] = field(default_factory=list)

    @property
    def middle(self) -> float:
        return sum(cell.box[1] + cell.box[3] for cell in self.cells) / len(self.cells)

    def fit(self, cell: _Cell) -> float:
        """How well a cell goes into the row: 0 to 1; 0 where it does not."""
        last = self.cells[-1].box
        if height_share(last, cell.box) < _SIDE_BY_SIDE:
            return 0.0
        own = (other.box for other in self.cells if other.key_index == cell.key_index)
        if any(height_share(box, cell.box) < _SIDE_BY_SIDE for box in own):
            return 0.0
        return _union_share(last, cell.box)


def table_rows(pairs: Sequence[KeyValue]) -> list[int | None]:
    """The row of a table that each value stands in.

    Args:
        pairs: of one page, boxes in pixels of the upright page.

    Returns:
        One number for each pair: the rows of all tables of the page count from 0, from the topmost table on;
        None where the value stands in no table, or there is no value.
    """
    rows: list[int | None] = [None] * len(pairs)
    number = 0
    for cells in _tables(_cells(pairs)):
        for row in _rows_of(cells):
            for cell in row.cells:
                rows[cell.index] = number
            number += 1
    return rows


def _cells(pairs: Sequence[KeyValue]) -> list[_Cell]:
    return [
        _Cell(index, pair.key_index, pair.key.box, pair.value.box)
        for index, pair in enumerate(pairs)
        if pair.value is not None and _is_below(pair.key.box, pair.value.box)
    ]


def _is_below(key: Box, value: Box) -> bool:
    height = key[3] - key[1]
    aside = max(key[0] - value[2], value[0] - key[2])
    middle = (value[1] + value[3]) / 2
    return middle > key[3] and value[1] >= (key[1] + key[3]) / 2 and aside <= _FARTHEST_ASIDE * height


def _tables(cells: Sequence[_Cell]) -> Iterable[list[_Cell]]:
    """The cells of each table, from the topmost on: those whose keys stand side by side."""
    headers = sorted({cell.key_index: cell.key for cell in cells}.items(), key=lambda item: item[1][0])
    groups: list[list[tuple[int, Box]]] = []
    for header in headers:
        group = next((each for each in groups if height_share(each[-1][1], header[1]) >= _SIDE_BY_SIDE), None)
        if group is None:
            groups.append([header])
        else:
            group.append(header)
    for group in sorted(groups, key=lambda each: (each[0][1][1], each[0][1][0])):
        order = {key_index: place for place, (key_index, _) in enumerate(group)}
        found = [cell for cell in cells if cell.key_index in order]
        yield sorted(found, key=lambda cell: (order[cell.key_index], cell.box[1], cell.box[0], cell.index))


def _rows_of(cells: Sequence[_Cell]) -> list[_TableRow]:
    """The rows of a table; none where cells below keys side by side are no table."""
    rows: list[_TableRow] = []
    for cell in cells:
        best = max(rows, key=lambda row: row.fit(cell), default=None)
        if best is None or best.fit(cell) == 0:
            rows.append(_TableRow([cell]))
        else:
            best.cells.append(cell)
    keys = [cell.key_index for cell in cells]
    if len(set(keys)) == len(keys):  # boxes with their names above them: only what stands side by side counts
        rows = [row for row in rows if len(row.cells) > 1]
    return sorted(rows, key=lambda row: row.middle)


def _union_share(one: Box, other: Box) -> float:
    """The height that two boxes have in common, as a share of what they cover together."""
    common = min(one[3], other[3]) - max(one[1], other[1])
    return common / (max(one[3], other[3]) - min(one[1], other[1])) if common > 0 else 0.0
