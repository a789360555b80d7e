"""Tables as a typewriter sets them: no lines between the cells, rows at the pitch of running text."""

from __future__ import annotations

from collections.abc import Sequence

from beam_kie.forms import fonts
from beam_kie.forms.matrix import Matrix
from beam_kie.forms.model import ANSWER
from beam_kie.forms.sheet import HEADING, KEY, Sheet
from beam_kie.forms.tables import Table
from beam_kie.forms.theme import Style, baseline, spaced
from beam_kie.forms.typed_lines import Manner, underline


def typed_matrix(sheet: Sheet, matrix: Matrix, x0: float, x1: float, manner: Manner) -> bool:
    """A table with keys on two sides from ``sheet.y``; False, and nothing drawn, where it does not fit.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        matrix: that is drawn; ``ruled`` is not looked at.
        x0: the left edge, in points.
        x1: the right edge, in points.
        manner: how it is typed; with the leader "rule" there is a line under every value.
    """
    rng, mark = sheet.rng, sheet.mark()
    style, body = spaced(sheet.theme.key, manner.pitch), spaced(sheet.theme.value, manner.pitch)
    indent = style.size * rng.choice((0.0, 1.2, 2.4)) if matrix.groups else 0.0
    first = max(fonts.width(name, style.face, style.size) for name in matrix.rows) + 2.4 * style.size
    first = min(first + indent, 0.42 * (x1 - x0))
    unit = (x1 - x0 - first) / len(matrix.columns)
    if rng.random() < 0.5:
        unit = min(unit, style.size * rng.uniform(6, 11))
    gap = 1.2 * style.size
    longest = max(fonts.longest_word(text, style.face, style.size) for text in matrix.columns)
    filled = [text for row in matrix.cells for text in row if text]
    widest = max((fonts.width(text, body.face, body.size) for text in filled), default=0.0)
    if max(longest, widest) + gap > unit:
        return False
    edges = [x0 + first + unit * number for number in range(len(matrix.columns) + 1)]
    corner, keys = _heads(sheet, matrix, (x0, edges, gap), style, manner)
    align = rng.choice(("centre", "centre", "right"))
    for index, (name, row) in enumerate(zip(matrix.rows, matrix.cells, strict=True)):
        if not _group(sheet, matrix.groups.get(index, ""), x0, style, manner):
            sheet.rollback(mark)
            return False
        lines = fonts.wrap(name, style.face, style.size, first - indent - gap)
        if sheet.y + len(lines) * manner.pitch > sheet.bottom:
            sheet.rollback(mark)
            return False
        named = corner is not None and matrix.links == "column"
        pieces = sheet.paragraph(lines, x0 + indent, sheet.y, 0, style)
        own = sheet.entry(ANSWER if named else KEY, pieces, corner if named else None)
        line = sheet.y + (len(lines) - 1) * manner.pitch
        for place, text in enumerate(row):
            heads = ([keys[place]] if matrix.links != "row" else []) + (
                [own] if matrix.links != "column" else []
            )
            _cell(sheet, text, (edges[place], line, unit - gap), body, align, heads)
            if manner.leader == "rule":
                base = baseline(body, line) + 2
                sheet.rule(edges[place], base, edges[place] + unit - gap, base, 0.6)
        sheet.y = line + manner.apart * manner.pitch
    return True


def _group(sheet: Sheet, text: str, x0: float, style: Style, manner: Manner) -> bool:
    if not text:
        return True
    sheet.y += sheet.rng.choice((0.0, 0.5, 1.0)) * manner.pitch
    if sheet.y + manner.pitch > sheet.bottom:
        return False
    sheet.parent = None
    text = text.upper() if sheet.theme.upper_heads else text
    pieces = sheet.paragraph([text + sheet.theme.heading_colon], x0, sheet.y, 0, style)
    sheet.entry(HEADING, pieces)
    if sheet.rng.random() < 0.5:
        underline(sheet, pieces[:1], 0.6)
    sheet.y += manner.pitch
    return True


def _cell(
    sheet: Sheet,
    text: str | None,
    place: tuple[float, float, float],
    style: Style,
    align: str,
    heads: Sequence[int],
) -> None:
    """A value at ``place``: its left edge, its top and the width that it is aligned in."""
    if not text:
        return
    x, y, width = place
    value = sheet.entry(ANSWER, sheet.paragraph([text], x, y, width, style, align))
    for key in heads:
        sheet.link(key, value)


def _heads(
    sheet: Sheet, matrix: Matrix, place: tuple[float, list[float], float], style: Style, manner: Manner
) -> tuple[int | None, list[int]]:
    """Draws the heads over the columns and over several of them; the corner's entry and those of columns."""
    x0, edges, gap = place
    unit = edges[1] - edges[0] - gap
    underlined = sheet.rng.random() < 0.65
    wrapped = [fonts.wrap(text, style.face, style.size, unit) for text in matrix.columns]
    parents: list[int | None] = []
    column = 0
    sheet.parent = None
    for text, count in matrix.spans:
        left, right = edges[column], edges[column + count] - gap
        lines = fonts.wrap(text, style.face, style.size, right - left)[:1]
        pieces = sheet.paragraph(lines, left, sheet.y, right - left, style, "centre")
        parents += [sheet.entry(HEADING, pieces)] * count
        if underlined:
            base = pieces[0][1][3]
            sheet.rule(left, base, right, base, 0.7)
        column += count
    sheet.y += manner.pitch * (1.0 if matrix.spans else 0.0)
    deep = max(len(lines) for lines in wrapped)
    bottom = sheet.y + deep * manner.pitch
    corner = None
    if matrix.corner:
        lines = fonts.wrap(matrix.corner, style.face, style.size, edges[0] - x0 - gap)[:deep]
        pieces = sheet.paragraph(lines, x0, bottom - len(lines) * manner.pitch, 0, style)
        corner = sheet.entry(KEY, pieces)
    keys = []
    for index, lines in enumerate(wrapped):
        sheet.parent = parents[index] if parents else None
        top = bottom - len(lines) * manner.pitch
        pieces = sheet.paragraph(lines, edges[index], top, unit, style, "centre")
        keys.append(sheet.entry(KEY, pieces))
        if underlined:
            underline(sheet, pieces[-1:])
    sheet.parent = None
    sheet.y = bottom + sheet.rng.choice((0.0, 0.0, 0.4, 1.0)) * manner.pitch
    return corner, keys


def typed_columns(sheet: Sheet, table: Table, x0: float, x1: float, manner: Manner) -> bool:
    """Columns of values under their keys from ``sheet.y``; a cell goes on below where it is long.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        table: that is drawn, without its totals.
        x0: the left edge, in points.
        x1: the right edge, in points.
        manner: how it is typed; with the leader "rule" there is a line under every value.

    Returns:
        Whether it fitted with two rows at least.
    """
    mark, pitch = sheet.mark(), manner.pitch
    style, body = spaced(sheet.theme.key, pitch), spaced(sheet.theme.value, pitch)
    unit, gap = (x1 - x0) / len(table.heads), 1.2 * style.size
    if max(fonts.longest_word(text, style.face, style.size) for text in table.heads) + gap > unit:
        return False
    whole = Matrix("", [], table.heads, [], [])
    edges = [x0 + unit * number for number in range(len(table.heads) + 1)]
    _, keys = _heads(sheet, whole, (x0, edges, gap), style, manner)
    done = 0
    for row in table.rows:
        cells = [fonts.wrap(t, body.face, body.size, unit - gap) if t else [] for t in row]
        height = max(1, *(len(lines) for lines in cells)) * pitch
        if sheet.y + height > sheet.bottom:
            break
        for place, lines in enumerate(cells):
            x = edges[place]
            if lines:
                pieces = sheet.paragraph(lines, x, sheet.y, unit - gap, body, table.aligns[place])
                sheet.entry(ANSWER, pieces, keys[place])
            if manner.leader == "rule":
                base = baseline(body, sheet.y + height - pitch) + 2
                sheet.rule(x, base, x + unit - gap, base, 0.6)
        sheet.y += height + (manner.apart - 1.0) * pitch
        done += 1
    if done < 2:
        sheet.rollback(mark)
    return done >= 2
