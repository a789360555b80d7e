"""Keys and values in a ruled table: the usual look of Chinese and Japanese forms, and of many others."""

from __future__ import annotations

from typing import NamedTuple

from beam_kie.forms import fonts
from beam_kie.forms.content import Content, Field
from beam_kie.forms.field_rows import pack
from beam_kie.forms.model import OTHER
from beam_kie.forms.sheet import KEY, Sheet
from beam_kie.forms.theme import Style, baseline
from beam_kie.forms.values import Filled, draw, fill, jitter, key_text

_PAD = 3.0


class _Cell(NamedTuple):
    field: Field
    x: float
    split: float
    right: float
    lines: list[str]
    filled: Filled


def grid(
    sheet: Sheet, content: Content, fields: list[Field], x0: float, x1: float, photo: bool = False
) -> int:
    """Rows of key and value cells.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        fields: in the order in which they are drawn.
        x0: the left edge, in points.
        x1: the right edge, in points.
        photo: whether a box for a photograph is left at the top right.

    Returns:
        How many fields fitted.
    """
    theme = sheet.theme
    columns = theme.columns
    share = key_share(sheet, fields, (x1 - x0) / columns, 2 * _PAD)
    photo_width = min(80.0, (x1 - x0) * 0.17) if photo else 0.0
    photo_top, photo_end = sheet.y, sheet.y + (photo_width * 1.3 if photo else 0.0)
    done = 0
    for row in pack(fields, columns):
        beside = photo and sheet.y < photo_end - 1
        right = x1 - photo_width if beside else x1
        cells, height = _measure(sheet, content, row, x0, right, (right - x0) / columns, share)
        if sheet.y + height > sheet.bottom:
            break
        _draw_row(sheet, cells, height)
        sheet.y += height
        done += len(row)
        if beside and sheet.y >= photo_end - 1:
            _draw_photo(sheet, content, right, photo_top, x1, sheet.y)
            photo = False
    if photo and sheet.y > photo_top + photo_width * 0.8:
        _draw_photo(sheet, content, x1 - photo_width, photo_top, x1, sheet.y)
    return done


def key_share(sheet: Sheet, fields: list[Field], unit: float, pad: float) -> float:
    """The part of a column that keys get: the theme's, or more where a long word needs it, in [0, 1].

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        fields: in the order in which they are drawn.
        unit: the width of a column, in points.
        pad: between the cell's edge and its text, in points.
    """
    theme, style = sheet.theme, sheet.theme.key
    words = [fonts.longest_word(field.key, style.face, style.size) for field in fields]
    needed = (max(words, default=0.0) * (1.12 if theme.upper_keys else 1.0) + pad + style.size) / unit
    return max(theme.key_share * (1.0 if theme.columns <= 2 else 1.12), min(needed, 0.6))


def _measure(
    sheet: Sheet,
    content: Content,
    row: list[tuple[Field, int]],
    x0: float,
    x1: float,
    unit: float,
    share: float,
) -> tuple[list[_Cell], float]:
    theme = sheet.theme
    style = theme.key
    cells, x = [], x0
    height = style.size * theme.pitch
    if theme.uneven and sheet.rng.random() < 0.15:
        height *= sheet.rng.uniform(1.5, 3.5)
    for (field, span), width in zip(row, _widths(sheet, row, unit), strict=True):
        right = x + width
        split = x + (unit * share if width == unit * span else _key_width(sheet, field, width, share))
        text = key_text(sheet, field, content, colon=sheet.rng.random() < 0.06)
        lines = fonts.wrap(text, style.face, style.size, split - x - 2 * _PAD)
        filled = fill(sheet, field, right - split - 2 * _PAD)
        tall = 2.2 if field.long and sheet.rng.random() < 0.4 else 1.0
        height = max(
            height, len(lines) * style.size * style.leading + 2 * _PAD, filled.height * tall + 2 * _PAD
        )
        cells.append(_Cell(field, x, split, right, lines, filled))
        x = right
    return cells, height


def _widths(sheet: Sheet, row: list[tuple[Field, int]], unit: float) -> list[float]:
    """The widths of a row's cells: by their units, or at random between half and twice that."""
    if not sheet.theme.uneven or len(row) == 1:
        return [unit * span for _, span in row]
    parts = [span * sheet.rng.uniform(0.65, 1.5) for _, span in row]
    return [unit * sum(span for _, span in row) * part / sum(parts) for part in parts]


def _key_width(sheet: Sheet, field: Field, width: float, share: float) -> float:
    style = sheet.theme.key
    word = fonts.longest_word(field.key, style.face, style.size) * (1.12 if sheet.theme.upper_keys else 1.0)
    return max(min(word + 2 * _PAD + style.size, 0.7 * width), width * share)


def _draw_row(sheet: Sheet, cells: list[_Cell], height: float) -> None:
    theme = sheet.theme
    top, bottom = sheet.y, sheet.y + height
    for cell in cells:
        if theme.shade:
            sheet.fill(cell.x, top, cell.split, bottom, theme.shade)
        sheet.frame(cell.x, top, cell.right, bottom)
        sheet.rule(cell.split, top, cell.split, bottom)
        key = sheet.entry(KEY, _key_pieces(sheet, cell, top, height))
        room = cell.right - cell.split - 2 * _PAD
        start = cell.split + _PAD
        if theme.value_centred and not cell.field.long:
            start += max(0.0, room - cell.filled.width) / 2
        elif room - cell.filled.width > 12:
            start += sheet.rng.uniform(0, 6)
        spare = height - cell.filled.height
        value_top = top + (spare / 2 if not cell.field.long else min(spare / 2, _PAD))
        if spare > 2 * theme.jitter:
            value_top += jitter(sheet.rng, theme.jitter)
        draw(sheet, cell.filled, key, start, value_top)


def _key_pieces(sheet: Sheet, cell: _Cell, top: float, height: float):
    theme, style = sheet.theme, sheet.theme.key
    lines = cell.lines
    key_top = top + (height - len(lines) * style.size * style.leading) / 2
    width = cell.split - cell.x - 2 * _PAD
    if theme.spread and len(lines) == 1 and 2 <= len(lines[0]) <= 5 and fonts.is_cjk(lines[0][0]):
        return [_spread(sheet, lines[0], cell.x + _PAD, key_top, width, style)]
    return sheet.paragraph(
        lines, cell.x + _PAD, key_top, width, style, "centre" if theme.key_centred else "left"
    )


def _spread(sheet: Sheet, text: str, x: float, top: float, width: float, style: Style):
    """A short key spread over its cell, as CJK forms like it."""
    own = fonts.width(text, style.face, style.size)
    tracking = min(2.2 * style.size, max(0.0, (width * 0.86 - own) / (len(text) - 1)))
    start = x + (width - own - tracking * (len(text) - 1)) / 2
    return sheet.text(start, baseline(style, top), text, style, tracking)


def _draw_photo(sheet: Sheet, content: Content, x0: float, y0: float, x1: float, y1: float) -> None:
    sheet.frame(x0, y0, x1, y1)
    style = sheet.theme.key
    text = content.pick("texts", "photo")
    lines = fonts.wrap(text, style.face, style.size, (x1 - x0) * 0.7)
    top = (y0 + y1 - len(lines) * style.size * style.leading) / 2
    sheet.each_line(OTHER, sheet.paragraph(lines, x0, top, x1 - x0, style, "centre"))


def side_heading(sheet: Sheet, number: int, text: str, x0: float, x1: float, y0: float, y1: float) -> None:
    """A heading in a cell on the left of rows that are drawn already; upright characters from top to bottom.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        number: of the entry that was reserved for it with ``Sheet.reserve``.
        text: of the heading.
        x0: the left edge, in points.
        x1: the right edge, in points.
        y0: the top edge, in points.
        y1: the bottom edge.
    """
    style = sheet.theme.key._replace(bold=True)
    sheet.frame(x0, y0, x1, y1)
    pitch = style.size * 1.18
    columns = 1 if len(text) * pitch <= y1 - y0 - 4 else 2
    per_column = -(-len(text) // columns)
    boxes = []
    for column in range(columns):
        chars = text[column * per_column : (column + 1) * per_column]
        x = (x0 + x1) / 2 + (column - columns / 2) * style.size * 1.15 + (0.08 * style.size)
        y = (y0 + y1 - len(chars) * pitch) / 2
        for index, char in enumerate(chars):
            baseline = y + index * pitch + 0.88 * style.size
            boxes.append(sheet.text(x, baseline, char, style)[1])
    box = (
        min(b[0] for b in boxes),
        min(b[1] for b in boxes),
        max(b[2] for b in boxes),
        max(b[3] for b in boxes),
    )
    sheet.settle(number, [(text, box)])
