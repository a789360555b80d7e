"""Tables with keys on two sides: over the columns, some of them under a common head, and in every row."""

from __future__ import annotations

from dataclasses import dataclass

from beam_kie.forms import fonts
from beam_kie.forms.model import ANSWER
from beam_kie.forms.sheet import HEADING, KEY, Sheet
from beam_kie.forms.theme import Style, with_size

_PAD, _SIDE = 2.6, 3.4


@dataclass(slots=True)
class Matrix:
    """``spans`` are (head over columns, its number of columns), or empty; ``cells`` has a row for every one
    of ``rows`` and a text or None for every one of ``columns``; ``corner`` is the head over the rows' names.
    """

    corner: str
    spans: list[tuple[str, int]]
    columns: list[str]
    rows: list[str]
    cells: list[list[str | None]]


def draw_matrix(sheet: Sheet, matrix: Matrix, x0: float, x1: float) -> bool:
    """Draws the table from ``sheet.y``; False, and nothing drawn, where it does not fit.

    A value belongs to the head of its column and to the head of its row.

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
    keys = _heads(sheet, matrix, edges, head)
    ends = [sheet.y]
    for name, row in zip(matrix.rows, matrix.cells, strict=True):
        if not _row(sheet, name, row, keys, edges, head, body):
            sheet.rollback(mark)
            return False
        ends.append(sheet.y)
    for end in ends:
        sheet.rule(x0, end, x1, end)
    sheet.frame(x0, top, x1, sheet.y)
    for edge in edges[1:-1]:
        inner = matrix.spans and edge not in _span_edges(matrix, edges)
        sheet.rule(edge, top + (ends[0] - top) / 2 if inner else top, edge, sheet.y)
    return True


def _span_edges(matrix: Matrix, edges: list[float]) -> list[float]:
    found, place = [edges[1]], 1
    for _, count in matrix.spans:
        place += count
        found.append(edges[place])
    return found


def _heads(sheet: Sheet, matrix: Matrix, edges: list[float], style: Style) -> list[int]:
    """Draws the heads, all equally high; returns the entries of those of single columns."""
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
    if matrix.corner:
        corner = _wrapped(matrix.corner, style, edges[0], edges[1])[:lines]
        sheet.entry(KEY, _middle(sheet, corner, edges[0], edges[1], top, levels * height, style))
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
    return keys


def _row(
    sheet: Sheet,
    name: str,
    row: list[str | None],
    keys: list[int],
    edges: list[float],
    head: Style,
    body: Style,
) -> bool:
    lines = _wrapped(name, head, edges[0], edges[1])
    texts = [_wrapped(text, body, edges[i + 1], edges[i + 2]) if text else [] for i, text in enumerate(row)]
    height = max(
        len(lines) * head.size * head.leading, max(len(part) for part in texts) * body.size * body.leading
    )
    height = max(height + 2 * _PAD, head.size * sheet.theme.pitch)
    if sheet.y + height > sheet.bottom:
        return False
    own = sheet.entry(KEY, _middle(sheet, lines, edges[0], edges[1], sheet.y, height, head, "left"))
    for index, part in enumerate(texts):
        if part:
            pieces = _middle(sheet, part, edges[index + 1], edges[index + 2], sheet.y, height, body)
            sheet.link(own, sheet.entry(ANSWER, pieces, keys[index]))
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
