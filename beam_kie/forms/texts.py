"""What stands around the fields: title, letterhead, headings, notes, declarations, signatures, footers."""

from __future__ import annotations

from beam_kie.forms import fonts
from beam_kie.forms.content import Content, Field
from beam_kie.forms.model import ANSWER, BUSINESS, HEADER, OTHER, QUESTION
from beam_kie.forms.sheet import HEADING, KEY, Sheet
from beam_kie.forms.theme import Style, regular, with_size
from beam_kie.forms.values import jitter


def corner_label(sheet: Sheet, content: Content) -> None:
    """A word at the very top, such as "Copy" or "Annex 2".

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
    """
    style = sheet.theme.key
    text = content.pick("texts", "labels")
    width = fonts.width(text, style.face, style.size)
    x = sheet.rng.choice((sheet.left, sheet.right - width))
    if sheet.rng.random() < 0.3:
        sheet.frame(x - 4, sheet.y - 2, x + width + 4, sheet.y + style.size * 1.5)
    sheet.entry(OTHER, sheet.paragraph([text], x, sheet.y, 0, style))
    sheet.y += style.size * 1.9


def title(sheet: Sheet, content: Content, text: str, align: str, office: bool = False) -> None:
    """The form's title, on one line or two.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        text: of the title.
        align: "left", "centre" or "right".
        office: whether an office's name stands above it.
    """
    theme, rng = sheet.theme, sheet.rng
    text = text.upper() if theme.upper_heads else text
    width = sheet.right - sheet.left
    style = fitting(theme.title, text, width * 0.9)
    if office:
        small = with_size(style, 0.66)
        lines = fonts.wrap(content.authority(), small.face, small.size, width)
        sheet.each_line(OTHER, sheet.paragraph(lines, sheet.left, sheet.y, width, small, align))
        sheet.y += len(lines) * small.size * small.leading + 2
    lines = fonts.wrap(text, style.face, style.size, width * 0.9)
    pieces = sheet.paragraph(lines, sheet.left, sheet.y, width, style, align)
    if theme.labels == "xfund" and len(pieces) > 1 and rng.random() < 0.5:
        for piece in pieces:
            sheet.entry(HEADER, [piece])
    else:
        sheet.entry(HEADER, pieces)
    sheet.y += len(lines) * style.size * style.leading
    if rng.random() < 0.12:
        sheet.rule(pieces[-1][1][0], sheet.y, pieces[-1][1][2], sheet.y, 1.2)
    sheet.y += style.size * rng.uniform(0.2, 0.7)


def fitting(style: Style, text: str, width: float) -> Style:
    """A style in which every word of a text fits; smaller only where it has to be.

    Args:
        style: of the text.
        text: that is set.
        width: of a line, in points.
    """
    word = fonts.longest_word(text, style.face, style.size)
    return with_size(style, width / word * 0.99) if word > width else style


def letterhead(
    sheet: Sheet, content: Content, name: str, details: list[str], align: str, width: float
) -> None:
    """Name, address and telephone of a company or an office, and sometimes a logo beside them.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        name: of the company or office.
        details: lines below it.
        align: "left" or "centre".
        width: of its place, in points.
    """
    style = with_size(sheet.theme.heading, 1.15)
    small = sheet.theme.small
    x = sheet.left
    mark_end = sheet.y
    if align == "left" and sheet.rng.random() < 0.5:
        x += _logo(sheet, x, sheet.y, style.size * 2.2)
        mark_end += style.size * 2.2
    room = width - (x - sheet.left)
    lines = fonts.wrap(name, style.face, style.size, room)
    sheet.each_line(OTHER, sheet.paragraph(lines, x, sheet.y, room, style, align))
    sheet.y += len(lines) * style.size * style.leading + 1
    for detail in details:
        lines = fonts.wrap(detail, small.face, small.size, room)
        sheet.each_line(OTHER, sheet.paragraph(lines, x, sheet.y, room, small, align))
        sheet.y += len(lines) * small.size * small.leading
    sheet.y = max(sheet.y, mark_end) + small.size * 0.6


def _logo(sheet: Sheet, x: float, y: float, size: float) -> float:
    """A simple mark; returns the room it takes."""
    rng = sheet.rng
    colour = rng.choice(((30, 60, 120), (150, 30, 40), (30, 110, 70), (40, 40, 44)))
    kind = rng.randrange(3)
    if kind == 0:
        sheet.fill(x, y + 2, x + size * 0.45, y + size, colour)
        sheet.fill(x + size * 0.55, y + size * 0.4, x + size, y + size, colour)
    elif kind == 1:
        points = [(x, y + size), (x + size / 2, y + 2), (x + size, y + size), (x, y + size)]
        sheet.stroke(points, size * 0.12, colour)
    else:
        for step in range(3):
            inset = step * size * 0.17
            box = (x + inset, y + 2 + inset, x + size - inset, y + size - inset)
            corners = [
                (box[0], box[1]),
                (box[2], box[1]),
                (box[2], box[3]),
                (box[0], box[3]),
                (box[0], box[1]),
            ]
            sheet.stroke(corners, size * 0.05, colour)
    return size + 6


def heading(sheet: Sheet, text: str, x0: float, x1: float, attached: bool = False) -> int:
    """A section's heading.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        text: of the heading.
        x0: the left edge, in points.
        x1: the right edge, in points.
        attached: whether it is drawn as the top row of the ruled table below.

    Returns:
        The id of its entry, which becomes the parent of what follows.
    """
    theme = sheet.theme
    style = theme.heading
    sheet.parent = None
    look = "band" if attached else theme.heading_look
    height = style.size * style.leading + (5 if look == "band" else 2)
    align = "centre" if look == "centred" or (attached and theme.key_centred) else "left"
    indent = 4 if look == "band" else 0
    if look == "band":
        if theme.shade or not attached:
            sheet.fill(x0, sheet.y, x1, sheet.y + height, theme.shade or (228, 228, 228))
        if attached:
            sheet.frame(x0, sheet.y, x1, sheet.y + height)
    text = (text.upper() if theme.upper_heads else text) + theme.heading_colon
    lines = fonts.wrap(text, style.face, style.size, x1 - x0 - 8)
    top = sheet.y + (height - style.size * style.leading) / 2
    number = sheet.entry(
        HEADING, sheet.paragraph(lines, x0 + indent, top, x1 - x0 - 2 * indent, style, align)
    )
    sheet.y += height + (len(lines) - 1) * style.size * style.leading
    if look == "underlined":
        sheet.rule(x0, sheet.y, x1, sheet.y)
        sheet.y += 2
    if not attached:
        sheet.y += 2
    sheet.parent = number
    return number


def notes(sheet: Sheet, content: Content, topic: str, x0: float, x1: float, count: int) -> bool:
    """Notes or a declaration: a heading and some paragraphs.

    ``topic`` is "notes", "goods_notes" or "declarations".

    In XFUND's style the heading is often the key and the paragraphs its values; otherwise all is OTHER.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        topic: "notes", "goods_notes" or "declarations".
        x0: the left edge, in points.
        x1: the right edge, in points.
        count: of paragraphs, at least 1.
    """
    theme, rng = sheet.theme, sheet.rng
    pool = content.fresh(topic)
    if content.prose and rng.random() < 0.5:
        pool = list(dict.fromkeys(rng.choice(content.prose) for _ in range(count)))
    texts = rng.sample(pool, min(count, len(pool)))
    content.used.update(texts)
    style = regular(theme.small if topic != "declarations" or rng.random() < 0.5 else theme.key)
    numbering = rng.choice(
        ("{n}. ", "{n}、" if theme.cjk else "{n}) ", "({n}) ", "• ", "※ " if theme.cjk else "- ", "")
    )
    if topic == "declarations" and rng.random() < 0.7:
        numbering = ""
        texts = [("" if theme.cjk else " ").join(texts)]
    wrapped = [
        fonts.wrap(numbering.format(n=n + 1) + text, style.face, style.size, x1 - x0 - 4)
        for n, text in enumerate(texts)
    ]
    pitch = style.size * style.leading
    head = theme.heading if rng.random() < 0.5 else theme.key
    needed = head.size * 1.6 + sum(len(lines) for lines in wrapped) * pitch + 4
    if sheet.y + needed > sheet.bottom:
        return False
    sheet.parent = None
    key = None
    if topic == "declarations" or rng.random() < 0.75:
        name = "declaration" if topic == "declarations" else "notes"
        text = content.heading(name) + rng.choice(("", content.words.words("format", "colon")[0]))
        linked = rng.random() < (0.9 if theme.notes_linked else 0.0)
        label = QUESTION if linked else (HEADER if theme.labels == "funsd" and rng.random() < 0.4 else OTHER)
        number = sheet.entry(label, sheet.paragraph([text], x0, sheet.y, 0, head))
        key = number if linked else None
        sheet.y += head.size * head.leading + 1
    for lines in wrapped:
        pieces = sheet.paragraph(lines, x0 + 2, sheet.y, x1 - x0 - 4, style)
        sheet.each_line(ANSWER if key is not None else OTHER, pieces, key)
        sheet.y += len(lines) * pitch
    sheet.y += 3
    return True


def paragraph(sheet: Sheet, content: Content, x0: float, x1: float) -> bool:
    """Some free text, labelled OTHER; False where it does not fit.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        x0: the left edge, in points.
        x1: the right edge, in points.
    """
    theme, rng = sheet.theme, sheet.rng
    pool = content.fresh("notes")
    if content.prose and rng.random() < 0.6:
        pool = list(dict.fromkeys(rng.choice(content.prose) for _ in range(3)))
    texts = rng.sample(pool, min(len(pool), rng.randrange(1, 4)))
    content.used.update(texts)
    style = regular(theme.small if rng.random() < 0.6 else theme.key)
    lines = fonts.wrap(("" if theme.cjk else " ").join(texts), style.face, style.size, x1 - x0)
    if sheet.y + len(lines) * style.size * style.leading > sheet.bottom:
        return False
    sheet.parent = None
    sheet.each_line(OTHER, sheet.paragraph(lines, x0, sheet.y, x1 - x0, style))
    sheet.y += len(lines) * style.size * style.leading + 2
    return True


def signatures(sheet: Sheet, content: Content, names: list[str], x0: float, x1: float) -> bool:
    """Places to sign, with the words of the vocabulary; False where they do not fit.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        names: of the signatures.
        x0: the left edge, in points.
        x1: the right edge, in points.
    """
    rng, fill = sheet.rng, sheet.theme.fill
    made = (_signature(content, name, rng.random() < fill) for name in names)
    return signature_row(sheet, content, [field for field in made if field is not None], x0, x1)


def signature_row(sheet: Sheet, content: Content, fields: list[Field], x0: float, x1: float) -> bool:
    """Places to sign, side by side: a key with a blank, or a line with the key below it.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        fields: of the signatures.
        x0: the left edge, in points.
        x1: the right edge, in points.
    """
    theme, rng = sheet.theme, sheet.rng
    if not fields:
        return False
    unit = (x1 - x0) / len(fields)
    height = theme.key.size * rng.uniform(3.2, 4.6)
    if sheet.y + height > sheet.bottom or unit < 60:
        return False
    below = rng.random() < 0.35
    sheet.parent = None
    for index, field in enumerate(fields):
        x = x0 + index * unit
        _sign(sheet, field, x, x + unit - theme.key.size * 1.5, sheet.y, height, below)
    if rng.random() < 0.3 and not below:
        sheet.frame(x0 - 3, sheet.y, x1, sheet.y + height + 2)
    sheet.y += height + 4
    if theme.cjk and rng.random() < 0.25 and sheet.y + theme.key.size * 2 < sheet.bottom:
        _bare_date(sheet, content, x1)
    return True


def _bare_date(sheet: Sheet, content: Content, x1: float) -> None:
    """A date at the right without a key, filled in or not, as below many signatures."""
    style = sheet.theme.key
    text = content.day() if sheet.rng.random() < 0.6 else "年      月      日"
    width = fonts.width(text, style.face, style.size)
    sheet.entry(OTHER, sheet.paragraph([text], x1 - width - 6, sheet.y, 0, style))
    sheet.y += style.size * 1.6


def _signature(content: Content, name: str, filled: bool) -> Field | None:
    if not content.words.has("keys", name):
        return None
    values = []
    if filled and name == "sign_date":
        values = [content.day()]
    elif filled and name == "sign_place":
        values = [content.place["city"]]
    elif filled and name != "signature_office":
        values = [content.applicant if name == "signature_applicant" else content.person()]
    return Field(name, content.pick("keys", name), values)


def _sign(sheet: Sheet, field: Field, x0: float, x1: float, top: float, height: float, below: bool) -> None:
    theme, rng = sheet.theme, sheet.rng
    style = theme.small if below else theme.key
    text = field.key + ("" if below else theme.colon)
    pitch = style.size * style.leading
    lines = fonts.wrap(text, style.face, style.size, (x1 - x0) if below else (x1 - x0) * 0.6)
    key_height = len(lines) * pitch
    value = theme.value
    size = value.size * (1.25 if field.name.startswith("signature") and field.values else 1.0)
    value = value._replace(size=size)
    if below:
        line_y = top + height - key_height - 1
        sheet.rule(x0, line_y, x1, line_y)
        key = sheet.entry(
            KEY, sheet.paragraph(lines, x0, line_y + 1, x1 - x0, style, rng.choice(("left", "centre")))
        )
        start, value_top = x0 + 4, line_y - value.size * value.leading - 1
        room = x1 - start
    else:
        key_top = top + height - key_height - 2
        key = sheet.entry(KEY, sheet.paragraph(lines, x0, key_top, 0, style))
        start = x0 + max(fonts.width(line, style.face, style.size) for line in lines) + 3
        line_y = top + height - 2
        if rng.random() < 0.7:
            sheet.rule(start, line_y, x1, line_y)
        value_top = line_y - value.size * value.leading
        room = x1 - start
    if field.values:
        while fonts.width(field.values[0], value.face, value.size) > room and value.size > 5:
            value = with_size(value, 0.9)
        shift = min(room - fonts.width(field.values[0], value.face, value.size), 6.0)
        offset = min(0.0, jitter(rng, theme.jitter))
        pieces = sheet.paragraph([field.values[0]], start + max(0.0, shift), value_top + offset, 0, value)
        sheet.entry(ANSWER, pieces, key)


def footer(sheet: Sheet, content: Content, page: tuple[int, int]) -> None:
    """A page number, a form number or a line of thanks at the foot of the page.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        page: the number of this page and of all pages.
    """
    rng = sheet.rng
    style: Style = sheet.theme.small
    y = sheet.height - (sheet.height - sheet.bottom) * 0.62
    sheet.parent = None
    texts = []
    if page[1] > 1 or rng.random() < 0.4:
        texts.append(content.pick("format", "page").format(a=page[0], b=page[1]))
    if rng.random() < 0.4:
        texts.insert(0, content.pick("texts", "goods_footers" if content.kind in BUSINESS else "footers"))
    if not texts:
        return
    width = sheet.right - sheet.left
    if sum(fonts.width(text, style.face, style.size) for text in texts) > width * 0.9:
        texts = texts[-1:]
    if len(texts) == 1:
        sheet.entry(
            OTHER, sheet.paragraph(texts, sheet.left, y, width, style, rng.choice(("centre", "right")))
        )
        return
    sheet.entry(OTHER, sheet.paragraph(texts[:1], sheet.left, y, width, style))
    sheet.entry(OTHER, sheet.paragraph(texts[1:], sheet.left, y, width, style, "right"))
