"""Keys as they are printed, and what is filled in beside them: values, options to tick, character boxes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple

from beam_kie.forms import fonts
from beam_kie.forms.content import Field
from beam_kie.forms.model import ANSWER, OTHER
from beam_kie.forms.sheet import KEY, Sheet
from beam_kie.forms.theme import Style, Theme, regular

_COMB = frozenset({"id_number", "postcode", "birth_date", "tax_number", "iban", "account_number", "mobile"})


class Item(NamedTuple):
    """Part of what is filled in: ``role``: "answer", "option" (a key itself), "mark", "comb" or "struck"."""

    lines: list[str]
    dx: float
    dy: float
    role: str = "answer"
    style: Style | None = None
    pitch: float = 0.0


@dataclass(slots=True)
class Filled:
    """Everything that belongs to one key, placed relative to a corner; sizes in points."""

    items: list[Item]
    width: float
    height: float


def key_text(sheet: Sheet, field: Field, content=None, colon: bool = True) -> str:
    """The key as it is printed: number, required mark, hint, colon, capitals, a second language.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        field: with its key.
        content: of the form, for hints; None: without hints.
        colon: whether the theme's colon ends it.
    """
    theme, rng = sheet.theme, sheet.rng
    text = field.key
    if content is not None and theme.hints and rng.random() < theme.hints:
        hint = content.pick("texts", "hints")
        text = text + hint if theme.cjk else f"{text} {hint}"
    if theme.upper_keys:
        text = text.upper()
    if theme.numbered:
        sheet.number += 1
        joint = "" if theme.numbered.endswith("、") else " "
        text = theme.numbered.format(n=sheet.number) + joint + text
    if theme.required and rng.random() < theme.required:
        text = f"*{text}" if theme.cjk else f"{text} *"
    if colon and not text.endswith("?"):
        text += theme.colon
    return text


def fill(sheet: Sheet, field: Field, width: float, style: Style | None = None) -> Filled:
    """Arranges the values or options of a field; the height follows from the width.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        field: with its values or options.
        width: of its place, in points.
        style: of values; None: the theme's.
    """
    style = style or sheet.theme.value
    if field.options:
        return _options(sheet, field, width, style)
    if not field.values:
        return Filled([], 0.0, style.size * style.leading)
    texts = _with_unit(sheet, field)
    if field.struck and len(texts) == 1:
        return _flow([(field.struck, "struck"), (texts[0], "answer")], width, style, style.size * 0.6)
    if len(texts) == 1:
        if sheet.theme.comb and field.name in _COMB:
            comb = _comb(texts[0], width, style)
            if comb is not None:
                return comb
        lines = fonts.wrap(texts[0], style.face, style.size, width)
        if field.long and sheet.theme.paragraph_lines and sheet.rng.random() < 0.4:
            return _stack(lines, style)
        widest = max(fonts.width(line, style.face, style.size) for line in lines)
        return Filled([Item(lines, 0.0, 0.0)], widest, len(lines) * style.size * style.leading)
    return _flow([(text, "answer") for text in texts], width, style, style.size * 1.4)


def draw(
    sheet: Sheet, filled: Filled, key: int | None, x: float, y: float, style: Style | None = None
) -> None:
    """Draws what ``fill`` arranged and links it to its key.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        filled: as of ``fill``.
        key: the id of the key; None: there is none.
        x: the left edge, in points.
        y: the top edge, in points.
        style: of values; None: the theme's.
    """
    style = style or sheet.theme.value
    option = key
    for item in filled.items:
        used = item.style or style
        if item.role == "comb":
            sheet.entry(ANSWER, [_draw_comb(sheet, item, x, y, used)], key)
            continue
        pieces = sheet.paragraph(item.lines, x + item.dx, y + item.dy, filled.width, used)
        if item.role == "option":
            option = sheet.entry(KEY, pieces)
        elif item.role == "mark":
            sheet.entry(ANSWER, pieces, option)
        elif item.role == "struck":
            sheet.entry(OTHER, pieces)
            for _, (x0, y0, x1, y1) in pieces:
                sheet.stroke(((x0 - 1, 0.4 * y0 + 0.6 * y1), (x1 + 1, (y0 + y1) / 2)), 0.8, used.colour)
        else:
            sheet.entry(ANSWER, pieces, key)


def _with_unit(sheet: Sheet, field: Field) -> list[str]:
    texts = list(field.values)
    if field.unit:
        if sheet.theme.labels == "funsd" or sheet.rng.random() < 0.6:
            texts[-1] += field.unit if sheet.theme.cjk else f" {field.unit}"
        else:
            texts.append(field.unit)
    return texts


def _stack(lines: list[str], style: Style) -> Filled:
    pitch = style.size * style.leading
    items = [Item([line], 0.0, index * pitch) for index, line in enumerate(lines)]
    widest = max(fonts.width(line, style.face, style.size) for line in lines)
    return Filled(items, widest, len(lines) * pitch)


def _flow(texts: list[tuple[str, str]], width: float, style: Style, gap: float) -> Filled:
    """Texts beside one another, going on below where the width ends."""
    items: list[Item] = []
    x = y = widest = 0.0
    pitch = style.size * max(style.leading, 1.4)
    for text, role in texts:
        length = fonts.width(text, style.face, style.size)
        if x > 0 and x + length > width:
            x, y = 0.0, y + pitch
        lines = fonts.wrap(text, style.face, style.size, width) if length > width else [text]
        items.append(Item(lines, x, y, role))
        if len(lines) > 1:
            y += pitch * (len(lines) - 1)
            length = max(fonts.width(line, style.face, style.size) for line in lines)
        widest = max(widest, x + length)
        x += length + (gap * 0.5 if role == "option" else gap)
    return Filled(items, widest, y + pitch)


def option_text(theme: Theme, word: str, ticked: bool) -> str:
    """An option as it is printed, with its box, circle or brackets.

    Args:
        theme: of the form.
        word: of the option.
        ticked: whether it is chosen.
    """
    look, space = theme.options_look, "" if theme.cjk else " "
    if look == "box":
        return f"{'☑' if ticked else '□'}{space}{word}"
    if look == "after":
        return f"{word}{space}{'☑' if ticked else '□'}"
    if look == "round":
        return f"{'●' if ticked else '○'}{space}{word}"
    if look == "paren" and theme.cjk:
        return f"{word}（{'√' if ticked else '  '}）"
    if look == "paren":
        return f"({'x' if ticked else '  '}) {word}"
    return f"[{'x' if ticked else '  '}]{space}{word}"


def _options(sheet: Sheet, field: Field, width: float, style: Style) -> Filled:
    theme = sheet.theme
    style = regular(theme.key)._replace(size=style.size)
    if theme.options_as_keys:
        texts: list[tuple[str, str]] = []
        for word, ticked in field.options:
            texts.append((word, "option"))
            if ticked:
                texts.append((sheet.rng.choice(("X", "x", "XX")), "mark"))
    else:
        texts = [(option_text(theme, word, ticked), "answer") for word, ticked in field.options]
    filled = _flow(texts, width, style, style.size * theme.options_gap)
    filled.items = [item._replace(style=style) for item in filled.items]
    return filled


def _comb(text: str, width: float, style: Style) -> Filled | None:
    """One box a character; None where they do not fit."""
    plain = text.replace(" ", "")
    pitch = style.size * 1.5
    if len(plain) * pitch > width or any(fonts.is_cjk(char) for char in plain) or len(plain) < 4:
        return None
    return Filled(
        [Item([plain], 0.0, 0.0, "comb", pitch=pitch)], len(plain) * pitch, style.size * style.leading * 1.15
    )


def _draw_comb(sheet: Sheet, item: Item, x: float, y: float, style: Style):
    text, pitch = item.lines[0], item.pitch
    height = style.size * style.leading * 1.15
    baseline = y + 0.5 * (height + 0.74 * style.size)
    boxes = []
    for index, char in enumerate(text):
        left = x + index * pitch
        sheet.frame(left, y, left + pitch, y + height, 0.4)
        spare = pitch - fonts.width(char, style.face, style.size)
        boxes.append(sheet.text(left + spare / 2, baseline, char, style)[1])
    return text, (boxes[0][0], boxes[0][1], boxes[-1][2], max(box[3] for box in boxes))


def jitter(rng: random.Random, amount: float) -> float:
    """A small offset in points, as of something filled in later by another machine.

    Args:
        rng: the random generator.
        amount: the most, in points, 0 or more.
    """
    return rng.uniform(-amount, amount) if amount else 0.0
