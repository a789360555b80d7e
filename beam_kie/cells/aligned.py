"""Tables without the help of rules: a row of headers, and below it rows whose texts stand under the headers.

Text lines are put into visual rows from left to right, each beside the one that was put there last, so that
rows may run askew. A row of short texts without digits begins a table; rows below it belong to it as long as
their texts fit its columns, in this order, and fill half of them. Columns become as wide as their texts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import median

from beam_kie.cells.tables import Cell, PageTable
from beam_kie.document import Box, PageText

LEAST_COLUMNS = 3
_LEAST_ROWS = 2
_NUMERIC = 0.75
"""Share of the cells of a column of numbers that have them."""
_SIDE_BY_SIDE = 0.5
"""Share of the height of the lower box that two boxes of one row have in common."""
_FARTHEST_ASIDE = 1.5
"""How far a text may stand beside the header of its column, in heights of a line."""
_FARTHEST_BELOW = 3.0
"""How far a row may stand below the one before it, in heights of a line."""
_WRAPPED_BELOW = 0.7
"""The same for the second line of a cell."""
_LONGEST_HEADER = 40
_LONGEST_ABBREVIATION = 16
_MOST_LINES = 3_000
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]|[#№]")
_BOX = re.compile(r"[☑☒✓✔✅√■☐□▢○●◯]|[\[(]\s*[xX✓√]?\s*[\])]")


@dataclass(slots=True)
class _Text:
    """A text line: its index, box and text."""

    index: int
    text: str
    box: Box

    @property
    def is_numeric(self) -> bool:
        """Whether a good part of it is digits."""
        return 3 * len(_DIGIT.findall(self.text)) >= len(self.text.replace(" ", ""))


@dataclass(slots=True)
class _Row:
    """Texts side by side, from left to right."""

    texts: list[_Text] = field(default_factory=list)

    @property
    def top(self) -> float:
        return sum(text.box[1] for text in self.texts) / len(self.texts)

    @property
    def bottom(self) -> float:
        return sum(text.box[3] for text in self.texts) / len(self.texts)


@dataclass(slots=True)
class _Table:
    """A table that grows: left and right edge of every column, and rows of texts by column."""

    columns: list[tuple[float, float]]
    rows: list[dict[int, list[_Text]]]
    bottom: float

    def columns_of(self, row: _Row, height: float) -> list[int] | None:
        """The column of each text of a row, from left to right; None where they do not fit."""
        if len(row.texts) > len(self.columns):
            return None
        if len(row.texts) == len(self.columns):
            return list(range(len(self.columns))) if self._stand_alone(row) else None
        return _nearest_columns([(text.box[0], text.box[2]) for text in row.texts], self.columns, height)

    def _stand_alone(self, row: _Row) -> bool:
        """Whether no text stands for the most part in the column of another."""
        return all(
            _common((text.box[0], text.box[2]), edges) <= 0.5 * (text.box[2] - text.box[0])
            for place, text in enumerate(row.texts)
            for column, edges in enumerate(self.columns)
            if column != place
        )

    def add(self, found: dict[int, list[_Text]]) -> None:
        """Take a row; its columns become as wide as its texts."""
        self.rows.append(found)
        for column, texts in found.items():
            left, right = self.columns[column]
            self.columns[column] = (
                min(left, *(text.box[0] for text in texts)),
                max(right, *(text.box[2] for text in texts)),
            )


def aligned_tables(page: PageText, keys: Collection[int] = ()) -> list[PageTable]:
    """The tables of a page whose columns are aligned.

    Args:
        page: its lines, in pixels of the upright page.
        keys: indices of lines that are keys or belong to one. A row that has one behind its first column
            belongs to no table.

    Returns:
        From top to bottom; none of a page with more than 3,000 lines, whose rows are nobody's line items.
    """
    texts = [
        _Text(index, line.text.strip(), line.box)
        for index, line in enumerate(page.lines)
        if line.text.strip() and line.box[3] > line.box[1]
    ]
    if len(texts) < LEAST_COLUMNS * _LEAST_ROWS or len(texts) > _MOST_LINES:
        return []
    height = median(text.box[3] - text.box[1] for text in texts)
    rows = _visual_rows(texts)
    found: list[PageTable] = []
    at = 0
    while at < len(rows):
        table, after = _table_from(rows, at, height, keys)
        if table is None:
            at += 1
        else:
            found.append(_finished(table, page))
            at = after
    return found


def _visual_rows(texts: Sequence[_Text]) -> list[_Row]:
    rows: list[_Row] = []
    for text in sorted(texts, key=lambda text: (text.box[0], text.box[1])):
        beside = [(share, row) for row in rows if (share := _beside(row.texts[-1].box, text.box)) > 0]
        if beside:
            max(beside, key=lambda item: item[0])[1].texts.append(text)
        else:
            rows.append(_Row([text]))
    return sorted(rows, key=lambda row: row.top)


def _beside(left: Box, right: Box) -> float:
    """How well a text continues a row to the right, 0 to 1; 0 where it does not."""
    common = min(left[3], right[3]) - max(left[1], right[1])
    lower = min(left[3] - left[1], right[3] - right[1])
    overlap = left[2] - right[0]
    if common < _SIDE_BY_SIDE * lower or overlap > 0.5 * min(left[2] - left[0], right[2] - right[0]):
        return 0.0
    return common / (max(left[3], right[3]) - min(left[1], right[1]))


def _table_from(rows: list[_Row], at: int, height: float, keys: Collection[int]) -> tuple[_Table | None, int]:
    """The table that begins with a row, and the place of the row behind it."""
    head = rows[at]
    if not _is_head(head):
        return None, at
    columns = [(text.box[0], text.box[2]) for text in head.texts]
    table = _Table(columns, [{column: [text] for column, text in enumerate(head.texts)}], head.bottom)
    needed = max(2, (len(columns) + 1) // 2)
    after = at + 1
    while after < len(rows):
        row = rows[after]
        places = table.columns_of(row, height)
        gap = row.top - table.bottom
        if places is None or gap > _FARTHEST_BELOW * height or _has_key(row, places, keys):
            break
        found = {column: [text] for column, text in zip(places, row.texts, strict=True)}
        if len(found) >= needed and not (len(table.rows) == 1 and _is_more_head(found, gap, height)):
            table.add(found)
        elif gap <= _WRAPPED_BELOW * height and not any(_numeric(texts) for texts in found.values()):
            for column, texts in found.items():
                table.rows[-1].setdefault(column, []).extend(texts)
        else:
            break
        table.bottom = max(table.bottom, row.bottom)
        after += 1
    return (table, after) if _is_table(table) else (None, at)


def _has_key(row: _Row, places: list[int], keys: Collection[int]) -> bool:
    """Whether a key stands in it, as in the sums below a table; the first column may name the rows."""
    return any(text.index in keys for text, place in zip(row.texts, places, strict=True) if place)


def _is_head(row: _Row) -> bool:
    return len(row.texts) >= LEAST_COLUMNS and all(
        _LETTER.search(text.text)
        and not _DIGIT.search(text.text)
        and not _BOX.search(text.text)
        and len(text.text) <= _LONGEST_HEADER
        and not text.text.endswith((":", "："))
        and not (text.text.endswith(".") and len(text.text) > _LONGEST_ABBREVIATION)
        for text in row.texts
    )


def _is_more_head(found: dict[int, list[_Text]], gap: float, height: float) -> bool:
    """Whether a row is the second line of headers."""
    words = all(not _DIGIT.search(text.text) for texts in found.values() for text in texts)
    return words and gap <= 0.3 * height


def _numeric(texts: Sequence[_Text]) -> bool:
    return any(text.is_numeric for text in texts)


def _is_table(table: _Table) -> bool:
    """Whether it is no accident: two rows at least, and a column of numbers."""
    body = table.rows[1:]
    if len(body) < _LEAST_ROWS:
        return False
    columns = [[row[column] for row in body if column in row] for column in range(len(table.columns))]
    return any(
        len(cells) >= _LEAST_ROWS and sum(map(_numeric, cells)) >= _NUMERIC * len(cells) for cells in columns
    )


def _nearest_columns(
    texts: Sequence[tuple[float, float]], columns: Sequence[tuple[float, float]], height: float
) -> list[int] | None:
    """Columns for fewer texts, from left to right, so that the distances are least (dynamic programming)."""
    best: list[tuple[float, list[int]]] = [(0.0, [])] + [(inf, [])] * len(columns)
    for text in texts:
        after: list[tuple[float, list[int]]] = [(inf, [])] * (len(columns) + 1)
        for column in range(len(columns)):
            cost, path = min(best[: column + 1], key=lambda item: item[0])
            distance = _distance(text, columns, column, height)
            if cost + distance < inf:
                after[column + 1] = (cost + distance, [*path, column])
        best = after
    cost, path = min(best, key=lambda item: item[0])
    return path if cost < inf else None


def _distance(
    text: tuple[float, float], columns: Sequence[tuple[float, float]], column: int, height: float
) -> float:
    """How far a text stands from a column; infinite where it stands in another one, or in between."""
    left, right = columns[column]
    own = _common(text, columns[column])
    others = (_common(text, edges) for place, edges in enumerate(columns) if place != column)
    if any(other > own and other > 0.3 * (text[1] - text[0]) for other in others):
        return inf
    gap = max(left - text[1], text[0] - right, 0.0)
    beside = columns[column - 1 : column] if text[0] < left else columns[column + 1 : column + 2]
    room = min(
        (abs(edges[1] - left) if text[0] < left else abs(edges[0] - right) for edges in beside), default=0
    )
    return gap if gap <= max(_FARTHEST_ASIDE * height, room / 2) else inf


def _common(one: tuple[float, float], other: tuple[float, float]) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def _finished(table: _Table, page: PageText) -> PageTable:
    body = table.rows[1:]
    # How much of the table is as it should be: filled, and one text a cell.
    filled = sum(map(len, body)) / (len(body) * len(table.columns))
    fit = round(0.5 + 0.5 * filled, 4)
    headers = [_joined(texts) for _, texts in sorted(table.rows[0].items())]
    cells = [
        _cell(page, number, column, texts, headers[column], fit)
        for number, row in enumerate(table.rows)
        for column, texts in sorted(row.items())
    ]
    return PageTable("aligned", tuple(headers), tuple(cells))


def _cell(page: PageText, row: int, column: int, texts: list[_Text], header: str, fit: float) -> Cell:
    confidences = [value for text in texts if (value := page.lines[text.index].confidence) is not None]
    boxes = [text.box for text in texts]
    return Cell(
        row=row,
        column=column,
        header=header,
        text=_joined(texts),
        box=(
            min(box[0] for box in boxes),
            min(box[1] for box in boxes),
            max(box[2] for box in boxes),
            max(box[3] for box in boxes),
        ),
        confidence=min(confidences, default=1.0) * fit,
        is_header=row == 0,
    )


def _joined(texts: Sequence[_Text]) -> str:
    ordered = sorted(texts, key=lambda text: (round(text.box[1] / 8), text.box[0]))
    return " ".join(text.text for text in ordered)
