"""Lines as a typewriter sets them: keys and values below one another at the pitch of running text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from beam_kie.document import Box
from beam_kie.forms import fonts
from beam_kie.forms.content import Content, Field
from beam_kie.forms.model import ANSWER
from beam_kie.forms.sheet import HEADING, KEY, Sheet
from beam_kie.forms.theme import Style, baseline, regular, spaced
from beam_kie.forms.values import Filled, Item, draw, fill, key_text


@dataclass(frozen=True, slots=True)
class Manner:
    """How lines are typed.

    ``pitch`` is from line to line within a text, in points; ``apart`` from field to field, in pitches: 1 is
    single spaced. ``leader`` stands between key and value: "" nothing, "rule" a line under the value,
    "dashes", "dots". ``tabbed``: values begin at one place; ``right``: they end at one place.
    """

    pitch: float
    apart: float = 1.0
    leader: str = ""
    tabbed: bool = True
    right: bool = False


def underline(sheet: Sheet, pieces: Sequence[tuple[str, Box]], width: float = 0.7) -> None:
    """Rules below texts.

    Args:
        sheet: the page that is drawn on.
        pieces: the texts with their boxes, as of ``Sheet.paragraph``.
        width: of the rules, in points.
    """
    for _, (left, _, right, bottom) in pieces:
        sheet.rule(left, bottom, right, bottom, width)


def typed_heading(sheet: Sheet, text: str, x0: float, x1: float, pitch: float, label: str = HEADING) -> bool:
    """A heading in the face of the keys, mostly underlined; False where it does not fit.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        text: of the heading.
        x0: the left edge, in points.
        x1: the right edge, in points.
        pitch: from line to line, in points.
        label: of the entry.
    """
    theme, rng = sheet.theme, sheet.rng
    text = text.upper() if theme.upper_heads else text
    text += theme.heading_colon
    style = spaced(theme.heading, pitch)
    lines = fonts.wrap(text, style.face, style.size, x1 - x0)
    if sheet.y + len(lines) * pitch > sheet.bottom:
        return False
    sheet.parent = None
    align = "centre" if rng.random() < 0.15 else "left"
    pieces = sheet.paragraph(lines, x0, sheet.y, x1 - x0, style, align)
    if rng.random() < 0.6:
        underline(sheet, pieces)
    sheet.parent = sheet.entry(label, pieces)
    sheet.y += pitch * (len(lines) + rng.choice((0.0, 0.0, 0.3, 1.0)))
    return True


def key_lines(
    sheet: Sheet, content: Content, fields: Sequence[Field], x0: float, x1: float, manner: Manner
) -> int:
    """Keys below one another, each with its value on the same line; a long value goes on below.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        fields: from top to bottom.
        x0: the left edge, in points.
        x1: the right edge, in points.
        manner: how they are typed.

    Returns:
        How many fields fitted.
    """
    style, value_style = spaced(sheet.theme.key, manner.pitch), spaced(sheet.theme.value, manner.pitch)
    texts = [key_text(sheet, field) for field in fields]
    gap = style.size * sheet.rng.uniform(0.7, 2.6)
    widest = max(fonts.width(text, style.face, style.size) for text in texts)
    tab = x0 + min(widest, sheet.rng.uniform(0.35, 0.55) * (x1 - x0)) + gap
    done = 0
    for field, text in zip(fields, texts, strict=True):
        lines = fonts.wrap(text, style.face, style.size, tab - gap - x0 + 0.1)
        end = x0 + max(fonts.width(line, style.face, style.size) for line in lines)
        start = tab if manner.tabbed or len(lines) > 1 else end + gap
        filled = _filled(sheet, field, x1 - start, value_style, manner.pitch)
        rows = max(len(lines), math.ceil(filled.height / manner.pitch - 0.35))
        if sheet.y + rows * manner.pitch > sheet.bottom:
            break
        key = sheet.entry(KEY, sheet.paragraph(lines, x0, sheet.y, 0, style))
        if manner.right and not field.options:
            start = max(start, x1 - filled.width)
        _leader(sheet, manner, end, start, x1 if not manner.right else start + filled.width)
        lift = sheet.rng.choice((0.0, 0.0, 0.0, 0.08, -0.06)) * manner.pitch
        draw(sheet, filled, key, start, sheet.y - lift, value_style)
        sheet.y += (rows - 1 + manner.apart) * manner.pitch
        done += 1
    return done


def _filled(sheet: Sheet, field: Field, width: float, style: Style, pitch: float) -> Filled:
    """What is filled in; several values below one another, or in columns. A value may have given lines."""
    if field.options or (len(field.values) < 2 and "\n" not in "".join(field.values)):
        return fill(sheet, field, width, style)
    longest = max(fonts.width(text, style.face, style.size) for text in field.values)
    columns = max(1, int(width / (longest + 1.5 * style.size)))
    whole = any("\n" in text for text in field.values) or sheet.rng.random() > 0.3
    columns = 1 if whole else sheet.rng.randint(1, min(columns, 3))
    rows = math.ceil(len(field.values) / columns)
    items, down = [], 0
    for index, text in enumerate(field.values):
        lines = [
            line
            for part in text.split("\n")
            for line in fonts.wrap(part, style.face, style.size, width / columns)
        ]
        row = down if columns == 1 else index % rows
        items.append(Item(lines, index // rows * width / columns if columns > 1 else 0.0, row * pitch))
        down += len(lines)
    return Filled(items, width, (down if columns == 1 else rows) * pitch)


def _leader(sheet: Sheet, manner: Manner, end: float, start: float, x1: float) -> None:
    """What is drawn between the end of a key and its value, or below the value."""
    base = baseline(spaced(sheet.theme.key, manner.pitch), sheet.y)
    if manner.leader == "rule":
        sheet.rule(start - 3, base + 2.2, x1, base + 2.2, 0.6)
    elif manner.leader and start - end > 14:
        dash = 2.6 if manner.leader == "dashes" else 0.9
        y = base - (2.6 if manner.leader == "dashes" else 0.4)
        sheet.rule(end + 4, y, start - 4, y, 0.8, dash)


def remark(sheet: Sheet, text: str, values: Sequence[str], x0: float, x1: float, pitch: float) -> bool:
    """A key and what is told about it: beside it and below, or all of it below; every paragraph is a value.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        text: the key.
        values: paragraphs.
        x0: the left edge, in points.
        x1: the right edge, in points.
        pitch: from line to line, in points.

    Returns:
        Whether it fitted.
    """
    theme, rng, mark = sheet.theme, sheet.rng, sheet.mark()
    style, body = spaced(theme.key, pitch), spaced(theme.value, pitch * rng.choice((1.0, 1.0, 1.0, 1.4, 1.9)))
    text = (text.upper() if theme.upper_keys else text) + theme.colon
    room = fonts.width(text, style.face, style.size) + style.size
    beside = room < 0.5 * (x1 - x0) and rng.random() < 0.5
    sheet.parent = None
    lines = fonts.wrap(text, style.face, style.size, x1 - x0)
    key = sheet.entry(KEY, sheet.paragraph(lines, x0, sheet.y, 0, style))
    if not beside:
        sheet.y += len(lines) * pitch
    indent = x0 + rng.choice((0.0, 14.0, 30.0, room if beside else 0.0))
    ruled, between = rng.random() < 0.3, rng.choice((0.0, 0.0, 0.5, 1.0)) * pitch
    for index, value in enumerate(values):
        first = x0 + room if beside and index == 0 else indent
        pieces = _hanging(sheet, value, first, indent, x1, body)
        sheet.entry(ANSWER, pieces, key)
        if ruled:
            for _, (_, _, _, bottom) in pieces:
                sheet.rule(indent, bottom + 0.5, x1, bottom + 0.5, 0.5)
        sheet.y += between
        if sheet.y > sheet.bottom:
            sheet.rollback(mark)
            return False
    return True


def _hanging(sheet: Sheet, text: str, first: float, left: float, x1: float, style: Style) -> list:
    """A text from ``sheet.y`` on: its first line begins at ``first``, all others at ``left``."""
    lines = fonts.wrap(text, style.face, style.size, x1 - first)
    pieces = sheet.paragraph(lines[:1], first, sheet.y, 0, style)
    pitch = style.size * style.leading
    rest = text[len(lines[0]) :].strip()
    sheet.y += pitch
    if rest:
        lines = fonts.wrap(rest, style.face, style.size, x1 - left)
        pieces += sheet.paragraph(lines, left, sheet.y, 0, style)
        sheet.y += len(lines) * pitch
    return pieces


def check_columns(
    sheet: Sheet, text: str, items: Sequence[str], x0: float, x1: float, manner: Manner
) -> bool:
    """Items in columns with a place for an X beside each: a blank line, or brackets.

    In FUNSD's style every item is a key and its X the value, under a heading; in XFUND's, items are values of
    one key.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        text: the heading or key.
        items: that can be ticked.
        x0: the left edge, in points.
        x1: the right edge, in points.
        manner: how they are typed.

    Returns:
        Whether it fitted.
    """
    theme, rng, mark = sheet.theme, sheet.rng, sheet.mark()
    keys = theme.labels == "funsd"
    if not typed_heading(sheet, text, x0, x1, manner.pitch, HEADING if keys else KEY):
        return False
    heading = sheet.parent
    style = spaced(regular(theme.key), manner.pitch)
    longest = max(fonts.width(item, style.face, style.size) for item in items) + 5 * style.size
    columns = max(1, min(4, int((x1 - x0) / longest), (len(items) + 1) // 2))
    rows = math.ceil(len(items) / columns)
    step = manner.pitch * manner.apart
    if longest > x1 - x0 or sheet.y + rows * step > sheet.bottom:
        sheet.rollback(mark)
        return False
    look = rng.choice(("after", "after", "before", "paren", "bracket"))
    unit, often = (x1 - x0) / columns, rng.choice((0.15, 0.4, 0.7))
    tab = longest - 5 * style.size if rng.random() < 0.7 else unit - 6 * style.size
    top = sheet.y
    for index, item in enumerate(items):
        x, y = x0 + index // rows * unit, top + index % rows * step
        ticked = rng.random() < often
        if keys and look in ("after", "before"):
            _blank_item(sheet, item, (x, y, tab), ticked, style, look == "after")
            continue
        opened, closed = "()" if look == "paren" else "[]"
        printed = f"{opened}{rng.choice('xX') if ticked else ' '}{closed} {item}"
        pieces = sheet.paragraph([printed], x, y, 0, style)
        sheet.entry(KEY, pieces) if keys else sheet.entry(ANSWER, pieces, heading)
    sheet.y = top + rows * step
    return True


def _blank_item(
    sheet: Sheet, item: str, place: tuple[float, float, float], ticked: bool, style: Style, after: bool
) -> None:
    """An item with a line to write an X on; ``place`` is its corner and the tab of what stands after it."""
    x, y, tab = place
    blank, shift = 2.8 * style.size, 3.4 * style.size
    own = sheet.entry(KEY, sheet.paragraph([item], x if after else x + shift, y, 0, style))
    left = x + max(tab, fonts.width(item, style.face, style.size)) + 0.8 * style.size if after else x
    base = baseline(style, y) + 2
    sheet.rule(left, base, left + blank, base, 0.6)
    if ticked:
        mark = sheet.rng.choice(("X", "x", "XX", "X"))
        sheet.entry(ANSWER, sheet.paragraph([mark], left + 0.8 * style.size, y, 0, style), own)
