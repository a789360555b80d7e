"""The top of invoices, delivery notes and orders: letterhead, numbers and dates, who buys from whom."""

from __future__ import annotations

from dataclasses import replace

from beam_kie.forms import field_rows, fonts, texts
from beam_kie.forms.content import Content, Field
from beam_kie.forms.grid import grid
from beam_kie.forms.model import ANSWER, HEADER
from beam_kie.forms.sheet import KEY, Sheet
from beam_kie.forms.values import key_text

# Fields of the number and date block; the first two are always there.
META = {
    "invoice": ("invoice_number", "invoice_date", "due_date", "order_number", "customer_number", "reference"),
    "delivery_note": ("number", "date", "delivery_date", "order_number", "customer_number", "contact"),
    "order": ("number", "date", "delivery_date", "customer_number", "reference", "contact", "phone"),
}

_META_LOOKS = {
    "inline": field_rows.inline,
    "tabbed": field_rows.tabbed,
    "boxed": field_rows.boxed,
    "grid": grid,
}
_PARTIES = (("buyer",), ("buyer", "receiver"), ("seller", "buyer"), ("sender", "receiver"))


def business_head(sheet: Sheet, content: Content, kind: str, title: str, gap: float) -> None:
    """The top of a business form: everything above the table of goods.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        kind: one of ``KINDS``.
        title: of the form.
        gap: between its parts, in points.
    """
    rng = sheet.rng
    width = sheet.right - sheet.left
    middle = sheet.left + width * rng.uniform(0.52, 0.62)
    centred = rng.random() < 0.4
    top = sheet.y
    texts.letterhead(
        sheet,
        content,
        content.company(),
        _details(content),
        "centre" if centred else "left",
        width if centred else middle - sheet.left - 10,
    )
    fields = _meta_fields(sheet, content, kind)
    if centred:
        texts.title(sheet, content, title, "centre")
        _meta(sheet, content, fields, sheet.left, sheet.right)
    else:
        left_end, sheet.y = sheet.y, top
        style = texts.fitting(sheet.theme.title, title, sheet.right - middle)
        lines = fonts.wrap(title, style.face, style.size, sheet.right - middle)
        sheet.entry(HEADER, sheet.paragraph(lines, middle, sheet.y, sheet.right - middle, style, "right"))
        sheet.y += len(lines) * style.size * style.leading + 6
        _meta(sheet, content, fields, middle, sheet.right)
        sheet.y = max(left_end, sheet.y)
    sheet.y += gap
    _parties(sheet, content)
    sheet.y += gap


def _details(content: Content) -> list[str]:
    rng = content.rng
    colon = content.words.words("format", "colon")[0]
    space = "" if content.language in ("zh", "ja") else " "
    phone = f"{content.pick('keys', 'phone')}{colon}{space}{content.make('format:phone')}"
    details = [*content.address_lines(), phone, content.website(), content.email()]
    chosen = sorted(rng.sample(range(len(details)), rng.randrange(1, 4)))
    return [details[index] for index in chosen]


def _meta_fields(sheet: Sheet, content: Content, kind: str) -> list[Field]:
    rng = sheet.rng
    names = [name for name in META[kind] if content.words.has("keys", name)]
    names = names[:2] + rng.sample(names[2:], min(len(names) - 2, rng.randrange(1, 5)))
    made = (content.field(name, rng.random() < max(0.9, sheet.theme.fill)) for name in names)
    fields = [field for field in made if field is not None and not field.options]
    for field in fields:
        field.weight = 1
    return fields


def _meta(sheet: Sheet, content: Content, fields: list[Field], x0: float, x1: float) -> None:
    """Number, date and the like."""
    rng, theme = sheet.rng, sheet.theme
    sheet.parent = None
    narrow = x1 - x0 < 320
    look = rng.choice(("tabbed", "tabbed", "grid", "inline") if narrow else tuple(_META_LOOKS))
    sheet.theme = replace(theme, columns=1 if narrow else 2, numbered="", required=0.0, hints=0.0)
    _META_LOOKS[look](sheet, content, fields, x0, x1)
    sheet.theme = theme


def _parties(sheet: Sheet, content: Content) -> None:
    """One or two address blocks: a key, and name and address below it."""
    rng = sheet.rng
    roles = rng.choice(_PARTIES)
    unit = (sheet.right - sheet.left) / 2
    framed, as_one = rng.random() < 0.35, rng.random() < 0.6
    top = bottom = sheet.y
    for index, role in enumerate(roles):
        x = sheet.left + index * unit + (4 if framed else 0)
        bottom = max(bottom, _party(sheet, content, role, x, unit - 14, as_one))
    if framed:
        for index in range(len(roles)):
            x = sheet.left + index * unit
            sheet.frame(x, top, x + unit - (8 if len(roles) > 1 and index == 0 else 0), bottom)
    sheet.y = bottom


def _party(sheet: Sheet, content: Content, role: str, x: float, width: float, as_one: bool) -> float:
    """Draws one address block from ``sheet.y``; returns where it ends."""
    theme = sheet.theme
    person = [content.person()] if sheet.rng.random() < 0.4 else []
    style = theme.value
    wrapped = [
        part
        for line in (content.company(), *person, *content.address_lines())
        for part in fonts.wrap(line, style.face, style.size, width)
    ]
    sheet.parent = None
    key_style = theme.key
    text = content.pick("keys", role) + theme.colon
    lines = fonts.wrap(text, key_style.face, key_style.size, width)
    key = sheet.entry(KEY, sheet.paragraph(lines, x, sheet.y + 2, 0, key_style))
    y = sheet.y + 3 + len(lines) * key_style.size * key_style.leading
    pieces = sheet.paragraph(wrapped, x + 2, y, width, style)
    if as_one:
        sheet.entry(ANSWER, pieces, key)
    else:
        for piece in pieces:
            sheet.entry(ANSWER, [piece], key)
    return y + len(wrapped) * style.size * style.leading + 4


def staff_row(sheet: Sheet, content: Content, names: list[str]) -> bool:
    """Fields side by side for who wrote, checked and received it; False where the row does not fit.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        names: of the fields.
    """
    theme = sheet.theme
    made = [content.field(name, sheet.rng.random() < theme.fill) for name in names]
    fields = [field for field in made if field is not None]
    height = theme.key.size * 1.9
    if not fields or sheet.y + height > sheet.bottom:
        return False
    unit = (sheet.right - sheet.left) / len(fields)
    style = theme.value._replace(size=min(theme.value.size, theme.key.size * 1.1))
    for index, field in enumerate(fields):
        x = sheet.left + index * unit
        text = key_text(sheet, field)
        room = unit - 8 - fonts.width(text, theme.key.face, theme.key.size) - style.size
        if field.values and fonts.width(field.values[0], style.face, style.size) > room:
            field.values = []
        field_rows.InlinePlan(sheet, field, text, x, unit - 8, style).draw(sheet, sheet.y)
    sheet.y += height
    return True
