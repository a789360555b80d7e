"""A key with many values: options in a list or in columns below it, entries under one another, paragraphs."""

from __future__ import annotations

from collections.abc import Sequence

from beam_kie.forms import fonts
from beam_kie.forms.model import ANSWER
from beam_kie.forms.sheet import HEADING, KEY, Sheet
from beam_kie.forms.theme import Style, regular, with_size
from beam_kie.forms.values import option_text

# What stands before an item: a box as the theme has it, a bare box or circle, a code or a letter.
_MARKS = ("theme", "theme", "theme", "theme", "box", "round", "code", "code", "letter", "none")


def choice_list(sheet: Sheet, text: str, items: Sequence[str], x0: float, x1: float) -> bool:
    """A question or heading, and what can be ticked below it, indented, in one column or several.

    Long items go on over several lines. Mark and text of an item are two values at times; in the style of
    FUNSD, items are keys of their own where the theme has options as keys.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        text: of the key.
        items: what can be ticked, at least one.
        x0: the left edge, in points.
        x1: the right edge, in points.

    Returns:
        Whether it fitted; nothing is drawn where it does not.
    """
    rng, mark = sheet.rng, sheet.mark()
    style = _plain(sheet, rng.uniform(0.88, 1.05))
    as_keys = sheet.theme.options_as_keys and sheet.theme.labels == "funsd"
    key = _key(sheet, text, x0, x1, HEADING if as_keys and rng.random() < 0.6 else KEY)
    indent = rng.choice((0.0, 6.0, 14.0, 24.0, 40.0))
    x0 += indent
    columns = _columns(sheet, items, style, x1 - x0)
    unit = (x1 - x0) / columns
    down = rng.random() < 0.4
    rows = -(-len(items) // columns)
    ticked = rng.randrange(len(items)) if rng.random() < sheet.theme.fill else -1
    look, apart = rng.choice(_MARKS), rng.random() < 0.22
    split = sheet.theme.labels == "xfund" and rng.random() < 0.6
    gap = style.size * rng.choice((0.0, 0.15, 0.5))
    for row in range(rows):
        height = 0.0
        for column in range(columns):
            index = column * rows + row if down else row * columns + column
            if index >= len(items):
                continue
            before, own = _marked(sheet, items[index], index, index == ticked, look)
            item = _Item(sheet, before, own, apart, split, None if as_keys else key)
            item.ticked = index == ticked
            height = max(height, item.draw(x0 + column * unit, unit - style.size, style))
        sheet.y += height + gap
        if sheet.y > sheet.bottom:
            sheet.rollback(mark)
            return False
    sheet.y += 3
    return True


def value_list(
    sheet: Sheet, text: str, values: Sequence[str], x0: float, x1: float, beside: bool | None = None
) -> bool:
    """A key and values under one another: beside the key, each on a line, or indented below it.

    A long value goes on over several lines; each of these is a value of its own where the theme has it so.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        text: of the key.
        values: what is written in, at least one.
        x0: the left edge, in points.
        x1: the right edge, in points.
        beside: whether values stand beside the key; None: at random.

    Returns:
        Whether it fitted; nothing is drawn where it does not.
    """
    theme, rng, mark = sheet.theme, sheet.rng, sheet.mark()
    style = theme.value
    beside = rng.random() < 0.45 if beside is None else beside
    top = sheet.y
    share = rng.uniform(0.2, 0.34)
    key = _key(sheet, text, x0, x0 + (x1 - x0) * share - 6 if beside else x1)
    left = x0 + ((x1 - x0) * share if beside else rng.choice((0.0, 8.0, 20.0)))
    end = sheet.y
    sheet.y = top if beside else sheet.y
    pitch = style.size * style.leading
    ruled, apart = rng.random() < 0.4, rng.choice((0.0, 0.0, 0.5 * pitch))
    single = theme.paragraph_lines and theme.labels == "xfund"
    for value in values:
        lines = fonts.wrap(value, style.face, style.size, x1 - left - 4)
        pieces = sheet.paragraph(lines, left + 2, sheet.y, 0, style)
        for part in [[piece] for piece in pieces] if single else [pieces]:
            sheet.entry(ANSWER, part, key)
        sheet.y += len(lines) * pitch
        if ruled:
            sheet.rule(left, sheet.y, x1, sheet.y)
            sheet.y += 1.5
        sheet.y += apart
    sheet.y = max(sheet.y, end) + 4
    if sheet.y > sheet.bottom:
        sheet.rollback(mark)
        return False
    return True


def _plain(sheet: Sheet, factor: float) -> Style:
    return with_size(regular(sheet.theme.key), factor)


def _key(sheet: Sheet, text: str, x0: float, x1: float, label: str = KEY) -> int:
    """The key at ``sheet.y``, in the look of a heading at times."""
    theme, rng = sheet.theme, sheet.rng
    style = theme.heading if rng.random() < 0.3 else theme.key
    text = text.upper() if theme.upper_keys else text
    text += theme.colon if rng.random() < 0.5 and not text.endswith(("?", "？", ":", "：", ".")) else ""
    lines = fonts.wrap(text, style.face, style.size, x1 - x0)
    sheet.parent = None
    key = sheet.entry(label, sheet.paragraph(lines, x0, sheet.y, 0, style))
    sheet.y += len(lines) * style.size * style.leading + 1
    return key


def _columns(sheet: Sheet, items: Sequence[str], style: Style, width: float) -> int:
    """As many columns as the items fit in, or fewer."""
    longest = max(fonts.width(item, style.face, style.size) for item in items) + 3.5 * style.size
    most = max(1, min(5, len(items), int(width / max(longest, 1.0))))
    return sheet.rng.randint(1, most) if sheet.rng.random() < 0.6 else most


def _marked(sheet: Sheet, text: str, index: int, ticked: bool, look: str) -> tuple[str, str]:
    """The mark before an item, and its text with what stands at its end."""
    if look == "theme":
        printed = option_text(sheet.theme, text, ticked)
        before, found, after = printed.partition(text)
        return (before.strip(), found) if not after.strip() else ("", printed)
    if look == "none":
        return "", text
    if look == "code":
        return f"{index + 1}", text
    if look == "letter":
        return f"{chr(97 + index % 26)})", text
    boxes = "□☑" if look == "box" else "○●"
    return boxes[ticked], text


class _Item:
    """One item: its mark and text as one value or two, of several lines where it is long.

    Without a ``key`` it is a key itself, and an X beside it is its value where it is ticked.
    """

    def __init__(self, sheet: Sheet, before: str, text: str, apart: bool, split: bool, key: int | None):
        self.sheet, self.key = sheet, key
        self.before, self.text, self.apart, self.split = before, text, apart and bool(before), split
        self.ticked = False

    def draw(self, x: float, width: float, style: Style) -> float:
        """Draws it from ``sheet.y`` and returns its height."""
        sheet, joint = self.sheet, "" if self.sheet.theme.cjk else " "
        if self.key is None:
            return self._draw_key(x, width, style)
        if self.apart:
            self._entries(sheet.paragraph([self.before], x, sheet.y, 0, style))
            shift = max(1.6 * style.size, fonts.width(self.before, style.face, style.size) + 0.6 * style.size)
            x, width, text = x + shift, width - shift, self.text
        else:
            text = f"{self.before}{joint}{self.text}" if self.before else self.text
        lines = fonts.wrap(text, style.face, style.size, width)
        pieces = sheet.paragraph(lines, x, sheet.y, 0, style)
        if self.split:
            for piece in pieces:
                self._entries([piece])
        else:
            self._entries(pieces)
        return len(lines) * style.size * style.leading

    def _draw_key(self, x: float, width: float, style: Style) -> float:
        sheet = self.sheet
        text = self.text if self.apart or not self.before else f"{self.before} {self.text}"
        shift = 2.6 * style.size if self.apart or self.ticked else 0.0
        lines = fonts.wrap(text, style.face, style.size, width - shift)
        own = sheet.entry(KEY, sheet.paragraph(lines, x + shift, sheet.y, 0, style))
        if shift:
            y = sheet.y + style.size * style.leading
            sheet.rule(x, y, x + shift - 0.5 * style.size, y)
        if self.ticked:
            sheet.entry(ANSWER, sheet.paragraph(["X"], x + 0.6 * style.size, sheet.y, 0, style), own)
        return len(lines) * style.size * style.leading

    def _entries(self, pieces: list) -> None:
        self.sheet.entry(ANSWER, pieces, self.key)
