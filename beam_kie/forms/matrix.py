"""Tables with keys on two sides: over the columns, some of them under a common head, and in every row."""

from __future__ import annotations

from dataclasses import dataclass, field

from beam_kie.forms import fonts
from beam_kie.forms.model import ANSWER
from beam_kie.forms.sheet import HEADING, KEY, Sheet
from beam_kie.forms.theme import Style, with_size

_PAD, _SIDE = 2.6, 3.4


@dataclass(slots=True)
class Matrix:
    """``spans`` are (head over columns, its number of columns), or empty; ``cells`` has a row for every one
    of ``rows`` and a text or None for every one of ``columns``; ``corner`` is the head over the rows' names.

    ``groups`` are headings over rows, by the place of the row below. ``links`` says what a value belongs to:
    the heads of its "row", its "column", or "both"; with "column", the rows' names are values of the corner.
    ``ruled``: the cells have lines between them.
    """

    corner: str
    spans: list[tuple[str, int]]
    columns: list[str]
    rows: list[str]
    cells: list[list[str | None]]
    groups: dict[int, str] = field(default_factory=dict)
    links: str = "both"
    ruled: bool = True


def draw_matrix(sheet: Sheet, matrix: Matrix, x0: float, x1: float) -> bool:
    """Draws the table from ``sheet.y``; False, and nothing drawn, where it does not fit.

    A value belongs to the head of its column and to the head of its row, or to one of them.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        matrix: that is drawn.
        x0: the left edge, in points.
        x1: the right edge, in points.
    """
    theme, mark = sheet.theme, sheet.mark()
    head, body = with_size(theme.key, 0.92), theme.value
    body = body if body.size < 10.5 else with_size(body, 10.5 / body.size)
    names = [fonts.width(name, head.face, head.size) for name in matrix.rows]
    first = min(0.34 * (x1 - x0), max(*names, 50.0) + 2 * _SIDE)
    unit = (x1 - x0 - first) / len(matrix.columns)
    longest = max(fonts.longest_word(text, head.face, head.size) for text in matrix.columns)
    if longest + 2 * _SIDE > unit:
        return False
    edges = [x0, *(x0 + first + unit * number for number in range(len(matrix.columns) + 1))]
    top = sheet.y
    corner, keys = _heads(sheet, matrix, edges, head)
    ends = [sheet.y]
    for index in range(len(matrix.rows)):
        drawn = _group(sheet, matrix.groups.get(index, ""), edges, ends)
        if not drawn or not _row(sheet, matrix, index, corner, keys, edges, head, body):
            sheet.rollback(mark)
            return False
        ends.append(sheet.y)
    if matrix.ruled:
        _rules(sheet, matrix, edges, ends, top)
    else:
        sheet.rule(x0, ends[0], x1, ends[0])
    return True


def _rules(sheet: Sheet, matrix: Matrix, edges: list[float], ends: list[float], top: float) -> None:
    x0, x1 = edges[0], edges[-1]
    for end in ends:
        sheet.rule(x0, end, x1, end)
    sheet.frame(x0, top, x1, sheet.y)
    for edge in edges[1:-1]:
        inner = matrix.spans and edge not in _span_edges(matrix, edges)
        sheet.rule(edge, top + (ends[0] - top) / 2 if inner else top, edge, sheet.y)


def _group(sheet: Sheet, text: str, edges: list[float], ends: list[float]) -> bool:
    """Draws a heading over rows, if there is one; False where it does not fit."""
    if not text:
        return True
    style = with_size(sheet.theme.heading, 0.9)
    lines = _wrapped(text, style, edges[0], edges[1])
    height = len(lines) * style.size * style.leading + 2 * _PAD
    sheet.parent = None
    sheet.entry(HEADING, _middle(sheet, lines, edges[0], edges[1], sheet.y, height, style, "left"))
    sheet.y += height
    ends.append(sheet.y)
    return sheet.y < sheet.bottom


def _span_edges(matrix: Matrix, edges: list[float]) -> list[float]:
    found, place = [edges[1]], 1
    for _, count in matrix.spans:
        place += count
        found.append(edges[place])
    return found


def _heads(sheet: Sheet, matrix: Matrix, edges: list[float], style: Style) -> tuple[int | None, list[int]]:
    """Draws the heads, all equally high; returns the entries of the corner and of those of single columns."""
    wrapped = [_wrapped(text, style, edges[i + 1], edges[i + 2]) for i, text in enumerate(matrix.columns)]
    over = []
    place = 1
    for text, count in matrix.spans:
        left, right = edges[place], edges[place + count]
        over.append((text, left, right, _wrapped(text, style, left, right)))
        place += count
    lines = max(len(part) for part in [*wrapped, *(part for *_, part in over)])
    height = lines * style.size * style.leading + 2 * _PAD
    levels = 2 if over else 1
    top = sheet.y
    if sheet.theme.shade:
        sheet.fill(edges[0], top, edges[-1], top + levels * height, sheet.theme.shade)
    corner = None
    if matrix.corner:
        part = _wrapped(matrix.corner, style, edges[0], edges[1])[:lines]
        corner = sheet.entry(KEY, _middle(sheet, part, edges[0], edges[1], top, levels * height, style))
    parents: list[int | None] = [None] * len(matrix.columns)
    column = 0
    for (_, left, right, part), (_, count) in zip(over, matrix.spans, strict=True):
        sheet.parent = None
        number = sheet.entry(HEADING, _middle(sheet, part, left, right, top, height, style))
        parents[column : column + count] = [number] * count
        column += count
    keys = []
    for index, part in enumerate(wrapped):
        sheet.parent = parents[index]
        box = edges[index + 1], edges[index + 2], top + (levels - 1) * height
        keys.append(sheet.entry(KEY, _middle(sheet, part, *box, height, style)))
    sheet.parent = None
    if over:
        sheet.rule(edges[1], top + height, edges[-1], top + height)
    sheet.y = top + levels * height
    return corner, keys


def _row(
    sheet: Sheet,
    matrix: Matrix,
    index: int,
    corner: int | None,
    keys: list[int],
    edges: list[float],
    head: Style,
    body: Style,
) -> bool:
    row = matrix.cells[index]
    lines = _wrapped(matrix.rows[index], head, edges[0], edges[1])
    texts = [_wrapped(text, body, edges[i + 1], edges[i + 2]) if text else [] for i, text in enumerate(row)]
    height = max(
        len(lines) * head.size * head.leading, max(len(part) for part in texts) * body.size * body.leading
    )
    height = max(height + 2 * _PAD, head.size * sheet.theme.pitch * (1.0 if matrix.ruled else 0.75))
    if sheet.y + height > sheet.bottom:
        return False
    named = corner is not None and matrix.links == "column"
    pieces = _middle(sheet, lines, edges[0], edges[1], sheet.y, height, head, "left")
    own = sheet.entry(ANSWER if named else KEY, pieces, corner if named else None)
    for place, part in enumerate(texts):
        if part:
            pieces = _middle(sheet, part, edges[place + 1], edges[place + 2], sheet.y, height, body)
            value = sheet.entry(ANSWER, pieces)
            if matrix.links != "row":
                sheet.link(keys[place], value)
            if matrix.links != "column":
                sheet.link(own, value)
    sheet.y += height
    return True


def _wrapped(text: str, style: Style, left: float, right: float) -> list[str]:
    return fonts.wrap(text, style.face, style.size, right - left - 2 * _SIDE)


def _middle(
    sheet: Sheet,
    lines: list[str],
    left: float,
    right: float,
    top: float,
    height: float,
    style: Style,
    align: str = "centre",
):
    start = top + (height - len(lines) * style.size * style.leading) / 2
    return sheet.paragraph(lines, left + _SIDE, start, right - left - 2 * _SIDE, style, align)
