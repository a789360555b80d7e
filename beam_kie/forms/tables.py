"""Tables: columns of values under their keys, numbered amounts, statements to rate."""

from __future__ import annotations

from dataclasses import dataclass, field

from beam_kie.forms import fonts
from beam_kie.forms.content import Content
from beam_kie.forms.fields import COLUMNS, TABLES
from beam_kie.forms.model import ANSWER, OTHER, QUESTION
from beam_kie.forms.sheet import KEY, Sheet
from beam_kie.forms.theme import Style, with_size

_PAD = 2.6


@dataclass(slots=True)
class Table:
    """Heads, rows of cells (None: empty) and the alignment of every column.

    ``totals`` are (key, value) pairs that stand below the last column.
    """

    heads: list[str]
    rows: list[list[str | None]]
    aligns: list[str]
    totals: list[tuple[str, str]] = field(default_factory=list)


def make_table(content: Content, name: str, rows: int, empty_rows: int, gaps: float) -> Table:
    """A table of ``fields.TABLES`` with made-up rows; some columns are left out, some cells stay empty."""
    rng = content.rng
    columns = [c for c in TABLES[name] if content.words.has("columns", c)]
    if len(columns) > 3 and rng.random() < 0.5:
        columns.remove(rng.choice(columns[1:]))
    table = Table([content.pick("columns", c) for c in columns], [], [COLUMNS[c][1] for c in columns])
    for number in range(rows):
        row: list[str | None] = []
        for column in columns:
            text = str(number + 1) if column == "index" else content.make(COLUMNS[column][0])
            row.append(None if column != columns[0] and rng.random() < gaps else text)
        table.rows.append(row)
    for number in range(empty_rows):
        first = str(rows + number + 1) if columns[0] == "index" else None
        table.rows.append([first] + [None] * (len(columns) - 1))
    return table


def goods_table(content: Content, rows: int, prices: bool) -> Table:
    """Goods with quantities and, for an invoice, prices; the totals add up."""
    rng = content.rng
    columns = ["index", "code", "item", "spec", "unit", "quantity", "price", "amount", "batch", "remark"]
    optional = {"index": 0.6, "code": 0.5, "spec": 0.35, "unit": 0.6, "batch": 0.0 if prices else 0.3}
    optional |= {"remark": 0.15 if prices else 0.4, "price": 1.0 if prices else 0.0}
    optional["amount"] = optional["price"]
    columns = [c for c in columns if rng.random() < optional.get(c, 1.0)]
    aligns = {"index": "centre", "unit": "centre", "quantity": "right", "price": "right", "amount": "right"}
    table = Table([content.pick("columns", c) for c in columns], [], [aligns.get(c, "left") for c in columns])
    products = rng.sample(content.words.words("products", "items"), rows)
    total = 0.0
    for number, product in enumerate(products):
        name, unit, low, high = product.split(";")
        price = round(rng.uniform(float(low), float(high)), 0 if content.language == "ja" else 2)
        quantity = rng.choice((1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 30, 50, 100))
        total += price * quantity
        cells = {
            "index": str(number + 1),
            "item": name,
            "unit": unit,
            "quantity": str(quantity),
            "price": content.money(price, bare=True),
            "amount": content.money(price * quantity, bare=True),
            "remark": content.make("list:spec") if rng.random() < 0.4 else None,
        }
        row = [cells[c] if c in cells else content.make(COLUMNS[c][0]) for c in columns]
        table.rows.append(row)
    if prices:
        table.totals = _totals(content, total)
    return table


_VAT = {"de": 19, "fr": 20, "es": 21, "it": 22, "zh": 13, "ja": 10, "pt": 18, "en": 20}


def _totals(content: Content, net: float) -> list[tuple[str, str]]:
    rng = content.rng
    vat = net * _VAT[content.language] / 100
    made = [("subtotal", net), ("vat", vat), ("total", net + vat)]
    if rng.random() < 0.25:
        made = [("total", net)]
    elif rng.random() < 0.2:
        discount = net * 0.05
        vat *= 0.95
        made = [("subtotal", net), ("discount", discount), ("vat", vat), ("total", net - discount + vat)]
    colon = rng.choice(("", "", content.words.words("format", "colon")[0]))
    return [(content.pick("keys", name) + colon, content.money(value)) for name, value in made]


def draw_table(sheet: Sheet, table: Table, x0: float, x1: float) -> bool:
    """Draws a table from ``sheet.y``; False, and nothing drawn, where not even two rows fit.

    Rows that no longer fit are left out, the totals with them.
    """
    theme = sheet.theme
    mark = sheet.mark()
    head = with_size(theme.key, 0.95)
    body = theme.value if theme.value.size < 11 else with_size(theme.value, 11 / theme.value.size)
    widths = _column_widths(table, head, body, x1 - x0)
    edges = [x0]
    for width in widths:
        edges.append(edges[-1] + width)
    top = sheet.y
    keys = _draw_heads(sheet, table, head, edges)
    done = 0
    row_keys = theme.labels == "funsd" and table.aligns[0] == "left" and sheet.rng.random() < 0.5
    for row in table.rows:
        if not _draw_row(sheet, row, keys, edges, table.aligns, body, row_keys):
            break
        done += 1
    if done < min(2, len(table.rows)):
        sheet.rollback(mark)
        return False
    if theme.table_look == "full":
        for x in edges:
            sheet.rule(x, top, x, sheet.y)
    if theme.table_look in ("rows", "head", "open"):
        sheet.rule(x0, sheet.y, x1, sheet.y)
    if done == len(table.rows):
        _draw_totals(sheet, table, edges, body)
    return True


def _column_widths(table: Table, head: Style, body: Style, room: float) -> list[float]:
    """Natural widths, squeezed or stretched to ``room``; narrow columns keep theirs."""
    natural = []
    for index, text in enumerate(table.heads):
        width = fonts.width(text, head.face, head.size) * (0.6 if " " in text and len(text) > 12 else 1.0)
        for row in table.rows:
            if row[index]:
                width = max(width, fonts.width(row[index], body.face, body.size))
        natural.append(width + 2 * _PAD + 2)
    total = sum(natural)
    if total <= room:
        wide = [max(0.0, width - 45) + 4 for width in natural]
        return [width + (room - total) * part / sum(wide) for width, part in zip(natural, wide, strict=True)]
    fixed = room / len(natural)
    flexible = sum(width - min(width, fixed * 0.8) for width in natural)
    excess = total - room
    return [w - excess * (w - min(w, fixed * 0.8)) / flexible for w in natural]


def _draw_heads(sheet: Sheet, table: Table, style: Style, edges: list[float]) -> list[int]:
    theme = sheet.theme
    wrapped = [
        fonts.wrap(text, style.face, style.size, edges[i + 1] - edges[i] - 2 * _PAD)
        for i, text in enumerate(table.heads)
    ]
    height = max(len(lines) for lines in wrapped) * style.size * style.leading + 2 * _PAD
    if theme.shade and theme.table_look != "open":
        sheet.fill(edges[0], sheet.y, edges[-1], sheet.y + height, theme.shade)
    keys = []
    for index, lines in enumerate(wrapped):
        top = sheet.y + (height - len(lines) * style.size * style.leading) / 2
        width = edges[index + 1] - edges[index] - 2 * _PAD
        align = "centre" if theme.key_centred or theme.table_look == "full" else table.aligns[index]
        keys.append(sheet.entry(KEY, sheet.paragraph(lines, edges[index] + _PAD, top, width, style, align)))
    if theme.table_look != "open":
        sheet.rule(edges[0], sheet.y, edges[-1], sheet.y)
    sheet.y += height
    sheet.rule(edges[0], sheet.y, edges[-1], sheet.y)
    return keys


def _draw_row(
    sheet: Sheet,
    row: list[str | None],
    keys: list[int],
    edges: list[float],
    aligns: list[str],
    style: Style,
    row_key: bool,
) -> bool:
    """One row; ``row_key``: its first cell is a key of the others too, as FUNSD has it."""
    theme = sheet.theme
    row_number: int | None = None
    pitch = style.size * style.leading
    wrapped = [
        fonts.wrap(text, style.face, style.size, edges[i + 1] - edges[i] - 2 * _PAD) if text else []
        for i, text in enumerate(row)
    ]
    height = max(1, *(len(lines) for lines in wrapped)) * pitch + 2 * _PAD
    height = max(height, theme.key.size * (theme.pitch - 0.2)) if theme.table_look == "full" else height
    if sheet.y + height > sheet.bottom:
        return False
    for index, lines in enumerate(wrapped):
        if not lines:
            continue
        top = sheet.y + (height - len(lines) * pitch) / 2
        width = edges[index + 1] - edges[index] - 2 * _PAD
        pieces = sheet.paragraph(lines, edges[index] + _PAD, top, width, style, aligns[index])
        if row_key and index == 0:
            row_number = sheet.entry(KEY, pieces)
            continue
        value = sheet.entry(ANSWER, pieces, keys[index])
        if row_number is not None:
            sheet.link(row_number, value)
    sheet.y += height
    if theme.table_look in ("full", "rows"):
        sheet.rule(edges[0], sheet.y, edges[-1], sheet.y)
    return True


def _draw_totals(sheet: Sheet, table: Table, edges: list[float], style: Style) -> None:
    theme = sheet.theme
    pitch = style.size * style.leading + 2 * _PAD
    if not table.totals or sheet.y + pitch * len(table.totals) > sheet.bottom:
        return
    split = edges[-2] if len(edges) > 2 else edges[-1]
    needed = max(fonts.width(value, style.face, style.size) for _, value in table.totals) + 2 * _PAD + 4
    split = min(split, edges[-1] - needed)
    key_style = theme.key
    left = split - max(fonts.width(k, key_style.face, key_style.size) for k, _ in table.totals) - 12
    for text, value in table.totals:
        if theme.table_look == "full":
            sheet.frame(left, sheet.y, edges[-1], sheet.y + pitch)
            sheet.rule(split, sheet.y, split, sheet.y + pitch)
        key = sheet.entry(KEY, sheet.paragraph([text], left + 4, sheet.y + _PAD, 0, key_style))
        width = edges[-1] - split - 2 * _PAD
        pieces = sheet.paragraph([value], split + _PAD, sheet.y + _PAD, width, style, "right")
        sheet.entry(ANSWER, pieces, key)
        sheet.y += pitch
    if theme.table_look != "full":
        sheet.rule(left, sheet.y, edges[-1], sheet.y, 1.0)


def amount_lines(sheet: Sheet, content: Content, keys: list[str], x0: float, x1: float) -> bool:
    """Numbered lines of a tax form: number, what is asked, and the amount in a box at the right."""
    theme, rng = sheet.theme, sheet.rng
    style, value = theme.key, theme.value
    box = max(90.0, value.size * 9)
    pitch = style.size * max(1.9, theme.pitch)
    numbers = rng.random() < 0.7
    start = x0 + (style.size * 2.4 if numbers else 2)
    mark, done = sheet.mark(), 0
    first = rng.randrange(1, 30)
    for index, text in enumerate(keys):
        lines = fonts.wrap(text, style.face, style.size, x1 - box - start - 8)
        height = max(pitch, len(lines) * style.size * style.leading + 6)
        if sheet.y + height > sheet.bottom:
            break
        top = sheet.y + (height - len(lines) * style.size * style.leading) / 2
        if numbers:
            sheet.entry(OTHER, sheet.paragraph([str(first + index)], x0 + 2, top, 0, style))
        key = sheet.entry(KEY, sheet.paragraph(lines, start, top, 0, style))
        sheet.frame(x1 - box, sheet.y + 1, x1, sheet.y + height - 1)
        if rng.random() < theme.fill:
            text = content.money(round(rng.uniform(50, 60000), 2), bare=True)
            value_top = sheet.y + (height - value.size * value.leading) / 2
            pieces = sheet.paragraph([text], x1 - box + 3, value_top, box - 8, value, "right")
            sheet.entry(ANSWER, pieces, key)
        if theme.dotted:
            end = start + max(fonts.width(line, style.face, style.size) for line in lines)
            y = top + len(lines) * style.size * style.leading - 3
            if end + 20 < x1 - box:
                sheet.rule(end + 4, y, x1 - box - 4, y, 0.5, 1.0)
        sheet.y += height
        done += 1
    if done < 2:
        sheet.rollback(mark)
    return done >= 2


def rating_table(sheet: Sheet, content: Content, x0: float, x1: float) -> bool:
    """Statements to rate: one row each, a box to tick under every grade."""
    theme, rng = sheet.theme, sheet.rng
    style = theme.key
    grades = content.words.words("options", rng.choice(("rating", "frequency")))
    statements = list(content.words.words("texts", "statements"))
    rng.shuffle(statements)
    statements = statements[: rng.randrange(4, 8)]
    split = x0 + (x1 - x0) * rng.uniform(0.32, 0.45)
    unit = (x1 - split) / len(grades)
    heads = [fonts.wrap(g, style.face, style.size, unit - 4) for g in grades]
    pitch = style.size * max(theme.pitch, 1.8)
    head_height = max(len(lines) for lines in heads) * style.size * style.leading + 5
    if sheet.y + head_height + pitch * len(statements) > sheet.bottom:
        return False
    top, ruled = sheet.y, rng.random() < 0.7
    # The marks are the values of the statements. What the grades are is a matter of style: XFUND mostly
    # leaves such heads out, FUNSD takes them for keys.
    label = QUESTION if theme.labels == "funsd" else OTHER
    for index, lines in enumerate(heads):
        sheet.entry(
            label, sheet.paragraph(lines, split + index * unit + 2, sheet.y + 2, unit - 4, style, "centre")
        )
    sheet.y += head_height
    for statement in statements:
        if ruled:
            sheet.rule(x0, sheet.y, x1, sheet.y)
        line_top = sheet.y + (pitch - style.size * style.leading) / 2
        lines = fonts.wrap(statement, style.face, style.size, split - x0 - 6)[:1]
        key = sheet.entry(KEY, sheet.paragraph(lines, x0 + 3, line_top, 0, style))
        ticked = rng.randrange(len(grades)) if rng.random() < theme.fill else -1
        for index in range(len(grades)):
            mark = "☑" if index == ticked else "□"
            pieces = sheet.paragraph([mark], split + index * unit, line_top, unit, style, "centre")
            sheet.entry(ANSWER, pieces, key)
        sheet.y += pitch
    if ruled:
        sheet.frame(x0, top, x1, sheet.y)
        for index in range(len(grades)):
            sheet.rule(split + index * unit, top, split + index * unit, sheet.y)
    return True
