"""Tables: columns of values under their keys."""

from __future__ import annotations

from dataclasses import dataclass, field

from beam_kie.forms import fonts
from beam_kie.forms.content import Content
from beam_kie.forms.fields import COLUMNS, TABLES
from beam_kie.forms.model import ANSWER
from beam_kie.forms.sheet import KEY, Sheet
from beam_kie.forms.theme import Style, with_size

# Room above and below, and beside, the text of a cell.
_PAD, _SIDE = 2.6, 3.6


@dataclass(slots=True)
class Table:
    """Heads, rows of cells (None: empty) and the alignment of every column. The lines of a cell are values
    of their own.

    ``totals`` are (key, value) pairs that stand below the last column.
    """

    heads: list[str]
    rows: list[list[str | None]]
    aligns: list[str]
    totals: list[tuple[str, str]] = field(default_factory=list)


def make_table(content: Content, name: str, rows: int, empty_rows: int, gaps: float) -> Table:
    """A table with made-up rows; some columns are left out, some cells stay empty.

    Args:
        content: of the form.
        name: a key of ``fields.TABLES``.
        rows: filled ones.
        empty_rows: below them.
        gaps: the share of cells that stay empty, in [0, 1].
    """
    rng = content.rng
    columns = [c for c in TABLES[name] if content.words.has("columns", c)]
    if len(columns) > 3 and rng.random() < 0.5:
        columns.remove(rng.choice(columns[1:]))
    table = Table([content.pick("columns", c) for c in columns], [], [COLUMNS[c][1] for c in columns])
    years = sorted(rng.sample(range(1998, content.today.year - 3), rows))
    schooling = [pair.split(";") for pair in content.words.words("lists", "schooling")]
    schools = sorted(rng.sample(range(len(schooling)), min(rows, len(schooling))))
    for number in range(rows):
        span = content.month_span(years[number])
        fixed = {"index": str(number + 1), "from_date": span[0], "to_date": span[1]}
        fixed["period"] = content.period_format.format(a=span[0], b=span[1])
        if "school" in columns:
            fixed["school"], fixed["degree"] = schooling[schools[number % len(schools)]]
        row: list[str | None] = []
        for column in columns:
            text = fixed.get(column) or content.make(COLUMNS[column][0])
            row.append(None if column != columns[0] and rng.random() < gaps else text)
        table.rows.append(row)
    for number in range(empty_rows):
        first = str(rows + number + 1) if columns[0] == "index" else None
        table.rows.append([first] + [None] * (len(columns) - 1))
    return table


def goods_table(content: Content, rows: int, prices: bool) -> Table:
    """Goods with quantities and, for an invoice, prices; the totals add up.

    Args:
        content: of the form.
        rows: of goods, at least 1.
        prices: whether it has prices and totals.
    """
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
            "remark": content.make("list:note") if rng.random() < 0.4 else None,
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

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        table: that is drawn.
        x0: the left edge, in points.
        x1: the right edge, in points.
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
    natural, least = [], []
    for index, text in enumerate(table.heads):
        word = fonts.longest_word(text, head.face, head.size)
        least.append(word + 2 * _SIDE + 1)
        width = fonts.width(text, head.face, head.size)
        width = max(word, width * (0.6 if " " in text and len(text) > 12 else 1.0))
        for row in table.rows:
            if text := row[index]:
                width = max(width, *(fonts.width(part, body.face, body.size) for part in text.split("\n")))
        natural.append(width + 2 * _SIDE + 2)
    total = sum(natural)
    if total <= room:
        wide = [max(0.0, width - 45) + 4 for width in natural]
        return [width + (room - total) * part / sum(wide) for width, part in zip(natural, wide, strict=True)]
    # Too wide: what is above a fair share, and not needed for a head's longest word, gives way.
    fixed = room / len(natural)
    firm = [min(width, max(fixed * 0.8, need)) for width, need in zip(natural, least, strict=True)]
    spare = total - sum(firm)
    part = min(1.0, (total - room) / spare) if spare > 0 else 0.0
    widths = [width - part * (width - own) for width, own in zip(natural, firm, strict=True)]
    return [width * min(1.0, room / sum(widths)) for width in widths]


def _draw_heads(sheet: Sheet, table: Table, style: Style, edges: list[float]) -> list[int]:
    theme = sheet.theme
    wrapped = [
        fonts.wrap(text, style.face, style.size, edges[i + 1] - edges[i] - 2 * _SIDE)
        for i, text in enumerate(table.heads)
    ]
    height = max(len(lines) for lines in wrapped) * style.size * style.leading + 2 * _PAD
    if theme.shade and theme.table_look != "open":
        sheet.fill(edges[0], sheet.y, edges[-1], sheet.y + height, theme.shade)
    keys = []
    for index, lines in enumerate(wrapped):
        top = sheet.y + (height - len(lines) * style.size * style.leading) / 2
        width = edges[index + 1] - edges[index] - 2 * _SIDE
        align = "centre" if theme.key_centred or theme.table_look == "full" else table.aligns[index]
        keys.append(sheet.entry(KEY, sheet.paragraph(lines, edges[index] + _SIDE, top, width, style, align)))
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
        [
            fonts.wrap(part, style.face, style.size, edges[i + 1] - edges[i] - 2 * _SIDE)
            for part in (text.split("\n") if text else ())
        ]
        for i, text in enumerate(row)
    ]
    height = max(1, *(sum(map(len, parts)) for parts in wrapped)) * pitch + 2 * _PAD
    height = max(height, theme.key.size * (theme.pitch - 0.2)) if theme.table_look == "full" else height
    if sheet.y + height > sheet.bottom:
        return False
    for index, parts in enumerate(wrapped):
        if not parts:
            continue
        lines = [line for part in parts for line in part]
        top = sheet.y + (height - len(lines) * pitch) / 2
        width = edges[index + 1] - edges[index] - 2 * _SIDE
        pieces = sheet.paragraph(lines, edges[index] + _SIDE, top, width, style, aligns[index])
        if row_key and index == 0:
            row_number = sheet.entry(KEY, pieces)
            continue
        for part in parts:
            value = sheet.entry(ANSWER, pieces[: len(part)], keys[index])
            pieces = pieces[len(part) :]
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
    needed = max(fonts.width(value, style.face, style.size) for _, value in table.totals) + 2 * _SIDE + 4
    split = min(split, edges[-1] - needed)
    key_style = theme.key
    left = split - max(fonts.width(k, key_style.face, key_style.size) for k, _ in table.totals) - 12
    for text, value in table.totals:
        if theme.table_look == "full":
            sheet.frame(left, sheet.y, edges[-1], sheet.y + pitch)
            sheet.rule(split, sheet.y, split, sheet.y + pitch)
        key = sheet.entry(KEY, sheet.paragraph([text], left + 4, sheet.y + _PAD, 0, key_style))
        width = edges[-1] - split - 2 * _SIDE
        pieces = sheet.paragraph([value], split + _SIDE, sheet.y + _PAD, width, style, "right")
        sheet.entry(ANSWER, pieces, key)
        sheet.y += pitch
    if theme.table_look != "full":
        sheet.rule(left, sheet.y, edges[-1], sheet.y, 1.0)
