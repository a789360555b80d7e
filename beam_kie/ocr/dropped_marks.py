"""Marks that OCR left out of its lines, or took for letters, put back where the picture shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from beam_kie.document import CharSpans, PageText, Polygon, TextLine
from beam_kie.geometry import box_polygon, map_polygon, polygon_box
from beam_kie.reading_order import order_lines, reading_order
from beam_kie.text_width import char_width
from beam_kie.ticks.glyphs import find_glyphs, written
from beam_kie.ticks.placing import Tick
from beam_kie.ticks.row import RowLine
from beam_kie.ticks.sides import Neighbour, ticks_with_texts

_SURE = 0.8
"""From this confidence on the state of a mark that was read gives way to what the picture shows."""
_FARTHEST = 1.5
"""How far from a mark its text may stand to be one line with it, in heights of the line."""


def with_dropped_marks(page: PageText) -> PageText:
    """The page with the marks in its text.

    A mark that is in no line becomes the beginning or the end of the text beside it, else a line of its own.
    Lines that came with the page as a user's own are left as they are.

    Args:
        page: as it was read, with the marks of its picture.
    """
    if page.text_source == "given" or page.whole_lines:
        return page
    ticks = ticks_with_texts(page)
    inside: dict[int, list[Tick]] = {}
    alone = []
    for tick, text in ticks:
        if tick.line is not None:
            inside.setdefault(tick.line, []).append(tick)
        elif (joined := _joined(page, tick, text)) is not None:
            inside.setdefault(joined[0], []).append(
                replace(tick, line=joined[0], start=joined[1], end=joined[1])
            )
        else:
            alone.append(
                TextLine(written(tick.is_ring, tick.selected), box_polygon(tick.box), tick.confidence)
            )
    lines = [
        _with_marks(line, inside[index]) if index in inside else line for index, line in enumerate(page.lines)
    ]
    if page.text_source == "pdf":
        alone = [replace(line, confidence=None) for line in alone]
    page = replace(page, lines=tuple(lines))
    return _in_order(page, alone) if alone else page


def _joined(page: PageText, tick: Tick, text: Neighbour | None) -> tuple[int, int] | None:
    """The line, and the place in it, that a mark beside it belongs to."""
    if text is None or text.gap > _FARTHEST:
        return None
    line = page.lines[text.line]
    if tick.middle[0] < (line.box[0] + line.box[2]) / 2:
        return (text.line, 0) if not line.text[: text.start].strip() else None
    return (text.line, len(line.text)) if not any(map(str.isalnum, line.text[text.end :])) else None


def _with_marks(line: TextLine, ticks: Sequence[Tick]) -> TextLine:
    for tick in sorted(ticks, key=lambda tick: (tick.start, tick.middle[0]), reverse=True):
        line = _with_mark(line, tick)
    return line


def _with_mark(line: TextLine, tick: Tick) -> TextLine:
    found = line.text[tick.start : tick.end]
    if found:
        glyphs = find_glyphs(found)
        as_read = glyphs and (len(found) > 1 or found != "口")
        if as_read and (glyphs[0].selected is tick.selected or tick.confidence < _SURE):
            return line
        return _changed(line, tick.start, tick.end, written(tick.is_ring, tick.selected), tick)
    behind = line.text[tick.start : tick.start + 1]
    before = line.text[tick.start - 1 : tick.start] if tick.start else ""
    mark = written(tick.is_ring, tick.selected)
    if behind and not behind.isspace() and char_width(behind) == 1:
        mark += " "
    if before and not before.isspace() and char_width(before) == 1:
        mark = " " + mark
    return _changed(line, tick.start, tick.start, mark, tick)


def _changed(line: TextLine, start: int, end: int, mark: str, tick: Tick) -> TextLine:
    text = line.text[:start] + mark + line.text[end:]
    confidence = None if line.confidence is None else min(line.confidence, tick.confidence)
    row = RowLine.of(line)
    if row is None:
        return replace(line, text=text, confidence=confidence, char_spans=None)
    first, last = row.share(tick.box[0]), row.share(tick.box[2])
    low, high = (min(first, 0.0), max(last, 1.0)) if start == end else (0.0, 1.0)
    spans = line.char_spans
    if spans is not None and len(spans) == len(line.text):
        own = ((first, last) for _ in mark) if start == end else (spans[start] for _ in mark)
        spans = _within([*spans[:start], *own, *spans[end:]], low, high)
    return TextLine(text, _stretched(line.polygon, low, high), confidence, spans)


def _within(spans: Sequence[tuple[float, float]], low: float, high: float) -> CharSpans:
    """Shares of a way as shares of the way from ``low`` to ``high``."""
    return tuple(
        (_clipped((first - low) / (high - low)), _clipped((last - low) / (high - low)))
        for first, last in spans
    )


def _clipped(share: float) -> float:
    return round(min(max(share, 0.0), 1.0), 4)


def _stretched(polygon: Polygon, low: float, high: float) -> Polygon:
    """A line from the share ``low`` (0 or less) of its way to the share ``high`` (1 or more)."""
    if (low, high) == (0.0, 1.0):
        return polygon
    corners = polygon if len(polygon) == 8 else box_polygon(polygon_box(polygon))
    x0, y0, x1, y1, x2, y2, x3, y3 = corners
    across, down = (x1 - x0, x2 - x3), (y1 - y0, y2 - y3)
    return (
        *(x0 + low * across[0], y0 + low * down[0], x0 + high * across[0], y0 + high * down[0]),
        *(x3 + high * across[1], y3 + high * down[1], x3 + low * across[1], y3 + low * down[1]),
    )


def _in_order(page: PageText, more: Sequence[TextLine]) -> PageText:
    lines = [*page.lines, *more]
    if page.straightening is None:
        return replace(page, lines=order_lines(lines))
    matrix = page.straightening.matrix
    order = reading_order([polygon_box(map_polygon(line.polygon, matrix)) for line in lines], slope=0.0)
    return replace(page, lines=tuple(lines[index] for index in order))
