"""Tables of a domain: of a few rows or many, with keys on two sides, several side by side."""

from __future__ import annotations

from dataclasses import replace

from beam_kie.forms.domain_content import DomainContent
from beam_kie.forms.domains import Group, Key
from beam_kie.forms.matrix import Matrix
from beam_kie.forms.sheet import Sheet
from beam_kie.forms.tables import Table, draw_table
from beam_kie.forms.theme import Theme, with_size

_LEFT, _RIGHT, _CENTRE = "left", "right", "centre"


def table_of(
    content: DomainContent, group: Group, rows: int, empty: int, gaps: float, most: int = 8
) -> Table:
    """A table with made-up rows; some columns are left out, some cells stay empty.

    Args:
        content: of the form.
        group: its columns.
        rows: filled ones.
        empty: rows below them.
        gaps: the share of cells that stay empty, in [0, 1].
        most: columns.
    """
    rng = content.rng
    keys = list(group.keys)
    while len(keys) > min(3, most) and (len(keys) > most or rng.random() < 0.35):
        keys.remove(rng.choice(keys[1:]))
    first = keys[0].value
    counted = first.shape == "range" and first.low == 1 and not first.decimals and not first.unit
    table = Table([content.wording(key) for key in keys], [], [_align(key) for key in keys])
    for number in range(rows + empty):
        row: list[str | None] = [str(number + 1)] if counted else []
        for index, key in enumerate(keys[len(row) :], len(row)):
            left_out = number >= rows or (index and rng.random() < gaps)
            row.append(None if left_out else _cell(content, key))
        table.rows.append(row)
    return table


def compact(theme: Theme) -> Theme:
    """The theme for a long table: a small face, rows close to one another.

    Args:
        theme: of the form.
    """
    return replace(
        theme,
        pitch=min(theme.pitch, 1.6),
        value=with_size(theme.value, min(1.0, 8.4 / theme.value.size)),
        key=with_size(theme.key, min(1.0, 8.8 / theme.key.size)),
    )


def panels_of(content: DomainContent, group: Group) -> list[Table]:
    """The same two or three columns two to four times side by side; a cell has several options at times.

    Args:
        content: of the form.
        group: its columns.
    """
    rng = content.rng
    count, rows = rng.randrange(2, 5), rng.randrange(4, 16)
    first = table_of(content, group, 0, 0, 0.0, rng.choice((2, 3) if count < 4 else (2, 2)))
    chosen = [key for head in first.heads for key in group.keys if head in key.wordings][: len(first.heads)]
    listed = [key for key in group.keys if 1 < len(key.value.words) < 6 and key is not chosen[0]]
    if listed and rng.random() < 0.6:
        # The last column has all options in every cell, as sheets of observations have.
        chosen[-1] = rng.choice(listed)
    heads = [content.wording(key) for key in chosen]
    options = chosen[-1] in listed
    tables = []
    for _ in range(count):
        table = Table(list(heads), [], [_align(key) for key in chosen])
        for number in range(rows // (2 if options else 1) + 1):
            row: list[str | None] = [_cell(content, key) for key in chosen]
            if chosen[0].value.shape == "range":
                row[0] = str(number + 1)
            if options:
                row[-1] = "\n".join(f"□{word}" for word in chosen[-1].value.words)
            table.rows.append(row)
        tables.append(table)
    return tables


def draw_panels(sheet: Sheet, tables: list[Table]) -> bool:
    """Draws tables side by side from ``sheet.y``; False, and nothing drawn, where one does not fit.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        tables: from left to right.
    """
    mark, top, end = sheet.mark(), sheet.y, sheet.y
    before, sheet.theme = sheet.theme, compact(sheet.theme)
    unit = (sheet.right - sheet.left) / len(tables)
    done = True
    for index, table in enumerate(tables):
        sheet.y = top
        left = sheet.left + index * unit
        done = done and draw_table(sheet, table, left, left + unit - 5)
        end = max(end, sheet.y)
    sheet.theme, sheet.y = before, end
    if not done:
        sheet.rollback(mark)
    return done


def matrix_of(content: DomainContent, theme: Theme, group: Group) -> Matrix | None:
    """The table with keys in its first column, too, where that can be: words for them, other columns.

    Args:
        content: of the form.
        theme: of the form.
        group: its columns.
    """
    rng = content.rng
    places = [index for index, key in enumerate(group.keys) if len(key.value.words) > 2]
    if not places:
        return None
    corner = group.keys[rng.choice(places)]
    columns = [key for key in group.keys if key is not corner and key.value.shape != "options"]
    columns = [key for key in columns if key.value.low != 1][:6]
    names = rng.sample(corner.value.words, min(len(corner.value.words), 6))
    if len(columns) < 2 or any("#" in name or "@" in name for name in names):
        return None
    cells = [[_cell(content, key) if rng.random() < theme.fill else None for key in columns] for _ in names]
    texts = [content.wording(key) for key in columns]
    links, ruled = _links(content, theme), rng.random() < 0.75
    return Matrix(
        content.wording(corner), _spans(content, len(columns)), texts, names, cells, {}, links, ruled
    )


def report_of(content: DomainContent, theme: Theme) -> Matrix | None:
    """A report: keys of a section name the rows, years or options the columns; cells are numbers.

    Args:
        content: of the form.
        theme: of the form.
    """
    rng = content.rng
    sections = content.domain.sections
    keys = [key for key in rng.choice(sections).keys if len(min(key.wordings, key=len)) < 28]
    options = [key.value.words for group in sections for key in group.keys if key.value.shape == "options"]
    if rng.random() < 0.5 or not options:
        first = rng.randrange(1960, 2018)
        columns = [str(first + step) for step in range(rng.randrange(3, 9))]
    else:
        columns = list(rng.choice(options))[:8]
    if len(columns) < 3 or len(keys) < 4:
        return None
    if len(columns) == 3 and rng.random() < 0.6:
        columns *= 2
    names = [min(key.wordings, key=len) for key in rng.sample(keys, min(len(keys), rng.randrange(4, 15)))]
    low, high = rng.choice(((0, 9), (0, 100), (1, 100), (100, 9000)))
    decimals = rng.choice((0, 0, 1, 2)) if high <= 100 else 0
    pattern = rng.choice(("{}", "{}", "{}", "{}%", "({})"))
    fill = max(theme.fill, 0.8)
    cells: list[list[str | None]] = [
        [
            pattern.format(content.number(rng.uniform(low, high), decimals)) if rng.random() < fill else None
            for _ in columns
        ]
        for _ in names
    ]
    headings = [heading for group in sections for heading in group.headings]
    groups = {}
    if rng.random() < 0.35:
        places = rng.sample(range(len(names)), min(len(names), rng.randrange(1, 4)))
        groups = dict(zip(sorted(places), rng.sample(headings, len(places)), strict=True))
    corner = "" if rng.random() < 0.6 else rng.choice(headings)
    spans = (
        _spans(content, len(columns))
        if len(columns) != 6
        else [(text, 3) for text in rng.sample(headings, 2)]
    )
    links = _links(content, theme)
    if links == "column" and not corner and rng.random() < 0.6:
        links = "row"
    return Matrix(corner, spans, columns, names, cells, groups, links, rng.random() < 0.5)


def _spans(content: DomainContent, columns: int) -> list[tuple[str, int]]:
    """Heads over several columns, at times."""
    rng = content.rng
    heads = [head for other in content.domain.sections for head in other.headings]
    if columns < 4 or rng.random() > 0.6:
        return []
    first = rng.randrange(2, columns - 1)
    over = rng.sample(heads, 2)
    return [(over[0], first), (over[1], columns - first)]


def _links(content: DomainContent, theme: Theme) -> str:
    """FUNSD links a value to the heads of its column and its row, XFUND to one of them."""
    if theme.labels == "funsd":
        return "both"
    return "column" if content.rng.random() < 0.7 else "row"


def _align(key: Key) -> str:
    value = key.value
    if value.name in ("money", "dec") or (value.shape == "range" and value.unit):
        return _RIGHT
    return _CENTRE if value.shape == "range" or value.name in ("date", "past", "time", "year") else _LEFT


def _cell(content: DomainContent, key: Key) -> str:
    text = content.value(key.value, bare=True)
    unit = key.value.unit
    return text if not unit or unit in " ".join(key.wordings) else f"{text} {unit}"
