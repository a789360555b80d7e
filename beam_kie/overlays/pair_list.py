"""The list of key-value pairs beside a page picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

from beam_kie.document import Entity, KeyValue
from beam_kie.overlays import drawing
from beam_kie.overlays.fonts import Font, drawable, load_font
from beam_kie.ticks.glyphs import bullets_as_marks, selected_of, written

LOW_CONFIDENCE = 0.5
"""Confidences below this are written in the colour of relations, so that they are checked first."""

_LARGEST_FONT, _SMALLEST_FONT = 17, 11
_MOST_LINES = 3
_COLUMN_WIDTH = 380
_GAP = 24


@dataclass(frozen=True, slots=True)
class NumberedPair:
    """A pair and the number of its key on the page."""

    number: int
    pair: KeyValue


@dataclass(frozen=True, slots=True)
class _Row:
    number: int | None
    key: list[str]
    value: list[str]
    confidence: float

    @property
    def lines(self) -> int:
        return max(len(self.key), len(self.value))


@dataclass(frozen=True, slots=True)
class _Style:
    """Font and the widths, in pixels, of the parts of a row."""

    font: Font
    size: int
    width: int

    @property
    def line_height(self) -> int:
        return round(self.size * 1.32)

    @property
    def padding(self) -> int:
        return max(2, self.size // 4)

    @property
    def number_width(self) -> int:
        return round(self.size * 1.9)

    @property
    def confidence_width(self) -> int:
        return round(self.size * 2.6)

    @property
    def text_width(self) -> int:
        return (self.width - self.number_width - self.confidence_width - self.size) // 2

    def height(self, row: _Row) -> int:
        return row.lines * self.line_height + 2 * self.padding


def draw_pair_list(
    draw: ImageDraw.ImageDraw, area: tuple[int, int, int, int], pairs: Sequence[NumberedPair], script: str
) -> None:
    """Draw pairs as a table, in columns where there is room.

    The largest font and the most lines per text are taken with which all pairs fit. Where even the smallest
    font is too large, the last line says how many pairs are missing.

    Args:
        draw: the picture to draw on; it is changed.
        area: x0, y0, x1, y1 in pixels of the picture.
        pairs: those of one key follow each other.
        script: "zh", "ja" or "ko".
    """
    x0, y0, x1, y1 = area
    columns = max(1, (x1 - x0 + _GAP) // (_COLUMN_WIDTH + _GAP))
    width = (x1 - x0 - (columns - 1) * _GAP) // columns
    style, stacks, missing = _fit(pairs, columns, width, y1 - y0, script)
    for column, rows in enumerate(stacks):
        _draw_column(draw, x0 + column * (width + _GAP), y0, rows, style)
    if missing:
        note = f"and {missing} more pairs: see the table key_values"
        drawing.draw_text(draw, (x1, y1), note, style.font, drawing.GREY, anchor="rd")


def _fit(
    pairs: Sequence[NumberedPair], columns: int, width: int, height: int, script: str
) -> tuple[_Style, list[list[_Row]], int]:
    """The style, the rows of every column, and how many pairs do not fit."""
    for size in range(_LARGEST_FONT, _SMALLEST_FONT - 1, -1):
        style = _Style(load_font(size, script), size, width)
        if not _fit_in_lines(len(pairs), style, columns, height):
            continue
        for lines in range(_MOST_LINES, 0, -1):
            stacks, missing = _stack(_rows(pairs, style, lines), style, columns, height)
            if not missing:
                return style, stacks, 0
    style = _Style(load_font(_SMALLEST_FONT, script), _SMALLEST_FONT, width)
    stacks, missing = _stack(_rows(pairs, style, 1), style, columns, height - style.line_height)
    return style, stacks, missing


def _fit_in_lines(pairs: int, style: _Style, columns: int, height: int) -> bool:
    """Whether pairs of one line each fit; otherwise those of more lines need not be laid out."""
    row = style.line_height + 2 * style.padding
    return pairs <= columns * max(_room_for_rows(style, height) // row, 0)


def _room_for_rows(style: _Style, height: int) -> int:
    """Pixels of a column below its line of titles."""
    return height - style.line_height - style.padding


def _rows(pairs: Sequence[NumberedPair], style: _Style, lines: int) -> list[_Row]:
    """A row per pair; a key with several values is written out beside the first of them only."""
    rows, last = [], None
    for each in pairs:
        pair = each.pair
        key, value = (
            drawing.wrap(_text(entity), style.font, style.text_width, lines) or ["—"]
            for entity in (pair.key, pair.value)
        )
        again = each.number == last
        rows.append(_Row(None if again else each.number, [] if again else key, value, pair.confidence))
        last = each.number
    return rows


def _text(entity: Entity | None) -> str:
    """The text as it is written, with its mark where only the picture shows it."""
    if entity is None:
        return ""
    is_bare = entity.selected is not None and selected_of(bullets_as_marks(entity.text)) is None
    return drawable(f"{written(False, bool(entity.selected))} {entity.text}" if is_bare else entity.text)


def _stack(rows: list[_Row], style: _Style, columns: int, height: int) -> tuple[list[list[_Row]], int]:
    """Rows from top to bottom, column by column, below a line of titles; and how many did not fit."""
    stacks: list[list[_Row]] = [[]]
    free = available = _room_for_rows(style, height)
    for index, row in enumerate(rows):
        if style.height(row) > free:
            if len(stacks) == columns:
                return stacks, len(rows) - index
            stacks.append([])
            free = available
        stacks[-1].append(row)
        free -= style.height(row)
    return stacks, 0


def _draw_column(draw: ImageDraw.ImageDraw, x: int, y: int, rows: list[_Row], style: _Style) -> None:
    key_x = x + style.number_width
    value_x = key_x + style.text_width + style.size // 2
    right = x + style.width
    for text, place, anchor in (("key", key_x, "la"), ("value", value_x, "la"), ("conf.", right, "ra")):
        drawing.draw_text(draw, (place, y), text, style.font, drawing.GREY, anchor)
    y += style.line_height + style.padding
    draw.line((x, y - 2, right, y - 2), fill=drawing.RULE)
    shaded = False
    for row in rows:
        shaded = shaded if row.number is None else not shaded
        if shaded:
            draw.rectangle((x, y, right, y + style.height(row) - 1), fill=drawing.BAND)
        top = y + style.padding
        if row.number is not None:
            place = (key_x - style.size // 2, top)
            drawing.draw_text(draw, place, str(row.number), style.font, drawing.GREY, anchor="ra")
        _draw_lines(draw, key_x, top, row.key, style)
        _draw_lines(draw, value_x, top, row.value, style)
        low = row.confidence < LOW_CONFIDENCE
        colour = drawing.RELATION_COLOUR if low else drawing.INK
        drawing.draw_text(draw, (right - 2, top), f"{row.confidence:.2f}", style.font, colour, anchor="ra")
        y += style.height(row)


def _draw_lines(draw: ImageDraw.ImageDraw, x: int, y: int, lines: list[str], style: _Style) -> None:
    for index, line in enumerate(lines):
        drawing.draw_text(draw, (x, y + index * style.line_height), line, style.font, drawing.INK)
