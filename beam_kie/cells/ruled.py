"""Tables by their rules: rows of ruled cells with the same columns, below a row of headers.

The ruled cells of a page that touch each other are a grid, with columns and rows of its own. A table is a run
of rows that are divided in the same way; a row of headers begins it, or stands above it, where headers may
be merged over several columns or rows. Forms are grids as well: a row with a key behind its first column is
not a row of a table.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from statistics import median

from beam_kie.cells.cell_texts import CellText, is_header, texts_in_cells
from beam_kie.cells.grids import Grid, Placed, find_grids
from beam_kie.cells.tables import Cell, PageTable
from beam_kie.document import Box, PageText, Straightening, TextLine
from beam_kie.geometry import map_box, map_polygon
from beam_kie.text_width import char_width

LEAST_COLUMNS = 3
_LEAST_ROWS = 2
_MOST_HEADER_ROWS = 3
_NUMERIC = 0.5
_SAME = 0.6
"""Columns of two parts of a table differ by less than this, in heights of a line."""


@dataclass(slots=True)
class _Part:
    """Rows of one grid that are divided in the same way: the left and right edge of every column."""

    columns: list[tuple[float, float]]
    rows: list[list[Placed]]
    headers: list[list[Placed]]

    @property
    def top(self) -> float:
        return self.rows[0][0].box[1]


def ruled_tables(page: PageText, keys: Collection[int] = ()) -> tuple[list[PageTable], set[int]]:
    """The tables of a page that its ruled cells make.

    Args:
        page: its lines and ruled cells, in pixels of the upright page.
        keys: indices of lines that are keys or belong to one. A row that has one behind its first column
            belongs to no table.

    Returns:
        The tables from top to bottom, and the indices of the lines in them.
    """
    if len(page.cells) < LEAST_COLUMNS * _LEAST_ROWS or not page.lines:
        return [], set()
    how = page.straightening
    boxes = [cell.box if how is None else map_box(cell.box, how.matrix) for cell in page.cells]
    lines = [line if how is None else _straight(line, how) for line in page.lines]
    height = median(max(line.box[3] - line.box[1], 1.0) for line in lines)
    texts = texts_in_cells(page.lines, lines, boxes)
    parts = [part for grid in find_grids(boxes, height) for part in _parts(grid, texts, set(keys))]
    parts.sort(key=lambda part: (part.top, part.columns[0][0]))
    tables: list[list[_Part]] = []
    for part in parts:
        before = next((table for table in reversed(tables) if _goes_on(table, part, height)), None)
        if before is not None:
            before.append(part)
        elif part.headers or (len(part.rows) >= _LEAST_ROWS and _has_numbers(part, texts)):
            tables.append([part])
    found = [_finished(table, page, texts) for table in tables]
    covered = {
        text.line
        for table in tables
        for part in table
        for row in (*part.headers, *part.rows)
        for cell in row
        for text in texts[cell.index]
    }
    return found, covered


def _straight(line: TextLine, how: Straightening) -> TextLine:
    return replace(line, polygon=map_polygon(line.polygon, how.matrix))


def _parts(grid: Grid, texts: Sequence[Sequence[CellText]], keys: set[int]) -> list[_Part]:
    """The runs of equally divided rows of a grid that are tables, or go on with one."""
    found = []
    start = 0
    rows = grid.rows
    while start < len(rows):
        end = start + 1
        while end < len(rows) and _edges(rows[end]) == _edges(rows[start]):
            if _begins_again(rows[end], rows[start], texts):
                break
            end += 1
        if len(rows[start]) >= LEAST_COLUMNS:
            part = _part(grid, start, end, texts, keys)
            if part is not None:
                found.append(part)
        start = end
    return found


def _begins_again(
    row: Sequence[Placed], first: Sequence[Placed], texts: Sequence[Sequence[CellText]]
) -> bool:
    """Whether a row begins the next table: headers of which the first is that of the table before."""
    own, other = texts[row[0].index], texts[first[0].index]
    same = bool(own) and [text.text for text in own] == [text.text for text in other]
    return same and is_header([texts[cell.index] for cell in row])


def _edges(row: Sequence[Placed]) -> list[tuple[int, int]]:
    return [(cell.left, cell.right) for cell in row]


def _part(
    grid: Grid, start: int, end: int, texts: Sequence[Sequence[CellText]], keys: set[int]
) -> _Part | None:
    rows = grid.rows[start:end]
    headers: list[list[Placed]] = []
    if is_header([texts[cell.index] for cell in rows[0]]):
        headers = [*_parents(grid, start, rows[0], texts), rows[0]]
        rows = rows[1:]
    else:
        headers = _headers_above(grid, start, rows[0], texts)
    room = len(rows)
    while rows and not any(texts[cell.index] for cell in rows[-1]):
        rows = rows[:-1]
    # Boxes with their names above them are no table; a table with one row filled in has room for more.
    if not rows or (headers and room < _LEAST_ROWS):
        return None
    lines = [[{text.line for text in texts[cell.index]} for cell in row] for row in rows]
    if any(found & keys for row in lines for found in row[1:]):
        return None
    return _Part([(cell.box[0], cell.box[2]) for cell in rows[0]], rows, headers)


def _parents(
    grid: Grid, start: int, row: Sequence[Placed], texts: Sequence[Sequence[CellText]]
) -> list[list[Placed]]:
    """The row above headers, where it groups them: its cells are as wide as several of theirs together."""
    if start == 0:
        return []
    above = [cell for cell in grid.cells if cell.bottom == start and _within(cell, row)]
    tiles = (
        above
        and above[0].left == row[0].left
        and sum(cell.right - cell.left for cell in above) == (row[-1].right - row[0].left)
    )
    grouping = 1 < len(above) < len(row)
    if not tiles or not grouping or not is_header([texts[cell.index] for cell in above]):
        return []
    return [sorted(above, key=lambda cell: cell.left)]


def _headers_above(
    grid: Grid, start: int, row: Sequence[Placed], texts: Sequence[Sequence[CellText]]
) -> list[list[Placed]]:
    """Headers in up to three rows above a table, so that each of its columns has one."""
    covered: set[int] = set()
    headers: list[list[Placed]] = []
    columns = {edge for cell in row for edge in range(cell.left, cell.right)}
    for depth in range(1, _MOST_HEADER_ROWS + 1):
        top = start - depth
        if top < 0:
            return []
        own = [cell for cell in grid.cells if cell.top == top and cell.bottom <= start and _within(cell, row)]
        if own and not is_header([texts[cell.index] for cell in own]):
            return []
        if own:
            headers.insert(0, sorted(own, key=lambda cell: cell.left))
        for cell in own:
            covered |= set(range(cell.left, cell.right))
        if columns <= covered and sum(len(each) for each in headers) >= LEAST_COLUMNS:
            touching = {edge for cell in own if cell.bottom == start for edge in range(cell.left, cell.right)}
            complete = touching == columns or len(headers) > 1
            return headers if complete else []
    return []


def _within(cell: Placed, row: Sequence[Placed]) -> bool:
    lefts, rights = {each.left for each in row}, {each.right for each in row}
    return cell.left in lefts and cell.right in rights


def _has_numbers(part: _Part, texts: Sequence[Sequence[CellText]]) -> bool:
    """Whether one column without headers is of numbers: then it is a table that began on the page before."""
    for column in range(len(part.columns)):
        cells = [row[column] for row in part.rows if texts[row[column].index]]
        numeric = sum(any(text.is_numeric for text in texts[cell.index]) for cell in cells)
        if len(cells) >= _LEAST_ROWS and numeric >= max(_NUMERIC * len(cells), _LEAST_ROWS):
            return True
    return False


def _goes_on(table: Sequence[_Part], part: _Part, height: float) -> bool:
    """Whether rows without headers have the columns of a table above them."""
    columns = table[0].columns
    if part.headers or len(part.columns) != len(columns) or part.top < table[-1].rows[-1][0].box[3] - height:
        return False
    return all(
        abs(own[side] - other[side]) <= _SAME * height
        for own, other in zip(part.columns, columns, strict=True)
        for side in (0, 1)
    )


def _finished(parts: Sequence[_Part], page: PageText, texts: Sequence[Sequence[CellText]]) -> PageTable:
    first = parts[0]
    headers = tuple(_header_of(column, first, texts) for column in range(len(first.columns)))
    cells: list[Cell] = []
    for column, header in enumerate(headers):
        own = [
            text for row in first.headers for cell in _above(row, column, first) for text in texts[cell.index]
        ]
        if header:
            cells.append(_cell(page, 0, column, header, header, own, is_header=True))
    rows = [row for part in parts for row in part.rows]
    for number, row in enumerate(rows, 1):
        for column, placed in enumerate(row):
            if own := texts[placed.index]:
                cells.append(_cell(page, number, column, headers[column], _joined(own), own))
    return PageTable("ruled", headers, tuple(cells))


def _above(row: Sequence[Placed], column: int, part: _Part) -> list[Placed]:
    own = part.rows[0][column]
    return [cell for cell in row if cell.left <= own.left and cell.right >= own.right]


def _header_of(column: int, part: _Part, texts: Sequence[Sequence[CellText]]) -> str:
    found = [_joined(texts[cell.index]) for row in part.headers for cell in _above(row, column, part)]
    return _together([text for text in found if text])


def _joined(texts: Sequence[CellText]) -> str:
    return _together([text.text for text in texts])


def _together(texts: Sequence[str]) -> str:
    joined = ""
    for text in texts:
        close = joined and text and char_width(joined[-1]) == 2 and char_width(text[0]) == 2
        joined += text if not joined or close else f" {text}"
    return joined


def _cell(
    page: PageText,
    row: int,
    column: int,
    header: str,
    text: str,
    texts: Sequence[CellText],
    is_header: bool = False,
) -> Cell:
    known = [value for each in texts if (value := page.lines[each.line].confidence) is not None]
    # A line that was read across a rule was cut by the places of its characters.
    sure = min((0.9 if each.is_cut else 1.0 for each in texts), default=1.0)
    return Cell(
        row=row,
        column=column,
        header=header,
        text=text,
        box=_around([each.box for each in texts]),
        confidence=min(known, default=1.0) * sure,
        is_header=is_header,
    )


def _around(boxes: Sequence[Box]) -> Box:
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
