"""What stands above a form: names of offices, where they are, company and title in one."""

from __future__ import annotations

from beam_kie.forms import fonts
from beam_kie.forms.content import Content
from beam_kie.forms.model import HEADER, OTHER
from beam_kie.forms.sheet import Sheet
from beam_kie.forms.texts import fitting
from beam_kie.forms.theme import Style, with_size


def senders(sheet: Sheet, content: Content) -> None:
    """Offices and companies that a form comes from, side by side as logos have them, every line by itself.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
    """
    rng, top, end = sheet.rng, sheet.y, sheet.y
    count = rng.randrange(1, 5)
    unit = (sheet.right - sheet.left) / max(count, 2)
    for index in range(count):
        name = content.authority() if rng.random() < 0.6 else content.company()
        style = Style(rng.choice(("sans", "serif", "noto-sc")), rng.uniform(6.5, 11), rng.random() < 0.5)
        style = with_size(style, min(1.0, (unit - 8) / fonts.longest_word(name, style.face, style.size)))
        name = name.upper() if rng.random() < 0.4 else name
        lines = fonts.wrap(name, style.face, style.size, rng.uniform(0.5, 1.0) * (unit - 8))
        sheet.parent = None
        pieces = sheet.paragraph(lines, sheet.left + index * unit, top, 0, style)
        for piece in pieces:
            sheet.entry(OTHER, [piece])
        end = max(end, top + len(lines) * style.size * style.leading)
    sheet.y = end + 6


def contact(sheet: Sheet, content: Content) -> None:
    """Where the office is: name, address, telephone, e-mail and page, one below the other at either side.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
    """
    rng, style, top = sheet.rng, sheet.theme.small, sheet.y
    phone = f"{rng.choice(('Tel.', 'Tel:', 'T', 'Fax', 'Tel./Fax'))} {content.make('format:phone')}"
    lines = [content.authority(), *content.address_lines(), phone, content.email(), content.website()]
    lines = [line for line in lines if rng.random() < 0.8]
    wide = max((fonts.width(line, style.face, style.size) for line in lines), default=0.0)
    room = min(wide, 0.45 * (sheet.right - sheet.left))
    x = rng.choice((sheet.left, sheet.right - room))
    for line in lines:
        parts = fonts.wrap(line, style.face, style.size, room + 1)
        sheet.parent = None
        for piece in sheet.paragraph(parts, x, sheet.y, 0, style):
            sheet.entry(OTHER, [piece])
        sheet.y += len(parts) * style.size * style.leading
    sheet.y = max(sheet.y, top) + 6


def title_block(sheet: Sheet, parts: list[str], align: str) -> None:
    """Company, department and title as one HEADER of several lines, as FUNSD labels them.

    Args:
        sheet: the page that is drawn on; its theme is used.
        parts: from top to bottom.
        align: "left" or "centre".
    """
    theme, width = sheet.theme, sheet.right - sheet.left
    pieces = []
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        style = with_size(theme.title, 0.85) if last else theme.heading
        part = part.upper() if theme.upper_heads else part
        style = fitting(style, part, width * 0.9)
        lines = fonts.wrap(part, style.face, style.size, width * 0.9)
        pieces += sheet.paragraph(lines, sheet.left, sheet.y, width, style, align)
        sheet.y += len(lines) * style.size * style.leading
    sheet.parent = None
    sheet.entry(HEADER, pieces)
    sheet.y += theme.key.size
