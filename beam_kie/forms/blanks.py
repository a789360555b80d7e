"""Sentences with blanks to fill in: "residing at ........, born on ........, declares"."""

from __future__ import annotations

from beam_kie.forms import fonts
from beam_kie.forms.content import Content, Field
from beam_kie.forms.model import ANSWER, OTHER
from beam_kie.forms.sheet import KEY, Sheet
from beam_kie.forms.theme import Style, regular


class _Line:
    """Where the next word of the running text goes."""

    def __init__(self, sheet: Sheet, x0: float, x1: float, style: Style):
        self.sheet, self.x0, self.x1, self.style = sheet, x0, x1, style
        self.pitch = max(style.size * 2.0, sheet.theme.value.size * 1.9)
        self.x, self.baseline = x0, sheet.y + self.pitch * 0.72

    def room_for(self, width: float) -> bool:
        """Whether ``width`` fits, on the next line where it does not on this one."""
        if self.x + width > self.x1 and self.x > self.x0:
            self.x, self.baseline = self.x0, self.baseline + self.pitch
        return self.baseline + 0.3 * self.pitch < self.sheet.bottom

    def words(self, text: str) -> list:
        """Draws words, broken over lines; the pieces that they make, none where there is no room."""
        style, pieces = self.style, []
        while text:
            room = self.x1 - self.x
            word = fonts.longest_word(text.split(" ")[0], style.face, style.size)
            if not self.room_for(min(word, self.x1 - self.x0)):
                return []
            room = self.x1 - self.x
            first = fonts.wrap(text, style.face, style.size, max(room, style.size * 2))[0]
            pieces.append(self.sheet.text(self.x, self.baseline, first, style))
            text = text[len(first) :].lstrip()
            self.x = pieces[-1][1][2]
            if text:
                self.x, self.baseline = self.x0, self.baseline + self.pitch
        return pieces


def running(sheet: Sheet, content: Content, fields: list[Field], x0: float, x1: float) -> int:
    """Keys as running text, a dotted or ruled blank behind each, commas between them.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        fields: in the order in which they are drawn; of options the ticked one is written.
        x0: the left edge, in points.
        x1: the right edge, in points.

    Returns:
        How many fields fitted.
    """
    theme, rng = sheet.theme, sheet.rng
    style = regular(theme.key)
    line = _Line(sheet, x0, x1, style)
    space = style.size * (0.15 if theme.cjk else 0.3)
    done = 0
    for index, field in enumerate(fields):
        mark, place = sheet.mark(), (line.x, line.baseline)
        value = next((word for word, ticked in field.options if ticked), "")
        value = (field.values[0] if field.values else value) + (f" {field.unit}" if field.unit else "")
        if not field.values and not value.strip():
            value = ""
        style_of_value, width = _blank(sheet, value, x1 - x0)
        pieces = line.words(_lowered(field.key, content.language, index))
        line.x += space
        if not pieces or not line.room_for(width):
            sheet.rollback(mark)
            line.x, line.baseline = place
            break
        key = sheet.entry(KEY, pieces)
        if value:
            shift = rng.uniform(0.1, 0.5) * (
                width - fonts.width(value, style_of_value.face, style_of_value.size)
            )
            written = sheet.text(line.x + shift, line.baseline - 0.6, value, style_of_value)
            sheet.entry(ANSWER, [written], key)
        sheet.rule(
            line.x, line.baseline + 2, line.x + width, line.baseline + 2, dash=1.2 if theme.dotted else 0
        )
        line.x += width + 1
        if index < len(fields) - 1 and line.x + style.size < x1:
            sheet.entry(OTHER, [sheet.text(line.x, line.baseline, "，" if theme.cjk else ",", style)])
            line.x += style.size if theme.cjk else style.size * 0.55
        done += 1
    if done:
        sheet.y = line.baseline + 0.4 * line.pitch
    return done


def _blank(sheet: Sheet, value: str, room: float) -> tuple[Style, float]:
    """The style of a value, smaller where it is wider than the page, and the width of its blank."""
    style, rng = sheet.theme.value, sheet.rng
    if not value:
        return style, min(room, rng.uniform(50, 160))
    width = fonts.width(value, style.face, style.size)
    if width > room * 0.9:
        style = style._replace(size=style.size * room * 0.9 / width)
        width = room * 0.9
    return style, min(room, width + rng.uniform(6, 40))


def _lowered(text: str, language: str, index: int) -> str:
    """A key within a sentence: small at its beginning where the language has it so."""
    if not index or language in ("zh", "ja", "de") or text[:2].isupper():
        return text
    return text[:1].lower() + text[1:]
