"""Keys and values without a ruled grid: underlined blanks, captioned boxes, key over value, plain lines."""

from __future__ import annotations

from beam_kie.forms import fonts
from beam_kie.forms.content import Content, Field
from beam_kie.forms.model import ANSWER
from beam_kie.forms.sheet import KEY, Sheet
from beam_kie.forms.theme import Style, regular, spaced
from beam_kie.forms.values import Filled, draw, fill, jitter, key_text


def pack(fields: list[Field], columns: int) -> list[list[tuple[Field, int]]]:
    """Fields in rows of ``columns`` units; every row is filled to its end.

    Args:
        fields: in the order in which they are drawn.
        columns: units in a row, at least 1.

    Returns:
        Rows of fields with the units that each takes.
    """
    rows: list[list[tuple[Field, int]]] = []
    row: list[tuple[Field, int]] = []
    used = 0
    for field in fields:
        span = {1: 1, 2: max(1, (columns + 1) // 2), 3: columns}[min(3, field.weight)]
        if row and used + span > columns:
            rows.append(_stretched(row, columns - used))
            row, used = [], 0
        row.append((field, span))
        used += span
    if row:
        rows.append(_stretched(row, columns - used))
    return rows


def _stretched(row: list[tuple[Field, int]], spare: int) -> list[tuple[Field, int]]:
    field, span = row[-1]
    return [*row[:-1], (field, span + spare)]


def lined(sheet: Sheet, content: Content, fields: list[Field], x0: float, x1: float) -> int:
    """Key, then a blank to the end of the column with the value on it.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        fields: in the order in which they are drawn.
        x0: the left edge, in points.
        x1: the right edge, in points.

    Returns:
        How many fields fitted.
    """
    theme = sheet.theme
    columns = min(theme.columns, 2) if x1 - x0 < 420 else theme.columns
    if sheet.rng.random() < 0.25:
        columns = 1
    unit = (x1 - x0) / columns
    gap, pitch, done = theme.key.size * 1.2, theme.key.size * theme.pitch, 0
    for row in pack(fields, columns):
        cells = []
        x = x0
        for field, span in row:
            right = x + unit * span - (gap if x + unit * span < x1 - 1 else 0)
            cells.append(_LinedCell(sheet, content, field, x, right))
            x += unit * span
        height = max(max(cell.height for cell in cells), pitch)
        if sheet.y + height > sheet.bottom:
            break
        for cell in cells:
            cell.draw(sheet, sheet.y, height)
        sheet.y += height
        done += len(row)
    return done


class _LinedCell:
    """One key with its blank, measured before it is drawn."""

    def __init__(self, sheet: Sheet, content: Content, field: Field, x: float, right: float):
        theme = sheet.theme
        self.field, self.x, self.right = field, x, right
        style = theme.key
        text = key_text(sheet, field, content)
        self.key_lines = fonts.wrap(text, style.face, style.size, (right - x) * 0.62)
        self.key_width = max(fonts.width(line, style.face, style.size) for line in self.key_lines)
        self.start = x + self.key_width + style.size * sheet.rng.uniform(0.25, 0.8)
        self.below = field.long and right - self.start < 160
        width = right - x if self.below else right - self.start
        self.filled = fill(sheet, field, width - theme.value.size * 0.4)
        self.key_height = len(self.key_lines) * style.size * style.leading
        self.value_pitch = theme.value.size * theme.value.leading
        self.height = max(self.key_height, self.filled.height) + 4
        if self.below:
            self.height = self.key_height + self.filled.height + 6

    def draw(self, sheet: Sheet, y: float, height: float) -> None:
        theme = sheet.theme
        bottom = y + height - 2
        if self.below:
            key = sheet.entry(KEY, sheet.paragraph(self.key_lines, self.x, y + 1, 0, theme.key))
            draw(sheet, self.filled, key, self.x + 2, y + self.key_height + 3)
            self._rules(sheet, self.x, y + self.key_height + 3)
            return
        one_line = self.filled.height < 1.6 * self.value_pitch
        key_top = bottom - self.key_height if one_line else y + 2
        key = sheet.entry(KEY, sheet.paragraph(self.key_lines, self.x, key_top, 0, theme.key))
        top = bottom - self.filled.height if one_line else y + 2
        spare = max(0.0, self.right - self.start - self.filled.width - 2)
        shift = min(spare, sheet.rng.choice((1.0, 3.0, 0.25 * spare)))
        offset = min(0.0, jitter(sheet.rng, theme.jitter))
        draw(sheet, self.filled, key, self.start + shift, top + offset)
        if not self.field.options:
            self._rules(sheet, self.start, top)

    def _rules(self, sheet: Sheet, start: float, top: float) -> None:
        """A line under every line of the value."""
        dash = 1.2 if sheet.theme.dotted else 0.0
        lines = max(1, round(self.filled.height / self.value_pitch))
        for number in range(1, lines + 1):
            y = top + number * self.value_pitch + 0.5
            sheet.rule(start, y, self.right, y, dash=dash)


def boxed(sheet: Sheet, content: Content, fields: list[Field], x0: float, x1: float) -> int:
    """Boxes side by side, the key small in the corner, the value below it.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        fields: in the order in which they are drawn.
        x0: the left edge, in points.
        x1: the right edge, in points.

    Returns:
        How many fields fitted.
    """
    theme = sheet.theme
    columns = theme.columns + sheet.rng.choice((0, 1))
    unit = (x1 - x0) / columns
    caption = theme.small
    done = 0
    for row in pack(fields, columns):
        cells: list[tuple[Field, float, float, list[str], Filled]] = []
        x = x0
        for field, span in row:
            right = x + unit * span
            text = key_text(sheet, field, content, colon=sheet.rng.random() < 0.2)
            lines = fonts.wrap(text, caption.face, caption.size, right - x - 6)
            cells.append((field, x, right, lines, fill(sheet, field, right - x - 10)))
            x = right
        key_height = max(len(cell[3]) for cell in cells) * caption.size * caption.leading
        height = key_height + max(cell[4].height for cell in cells) + sheet.rng.uniform(4, 9)
        if sheet.y + height > sheet.bottom:
            break
        for _, x, right, lines, filled in cells:
            sheet.frame(x, sheet.y, right, sheet.y + height)
            key = sheet.entry(KEY, sheet.paragraph(lines, x + 3, sheet.y + 1.5, 0, caption))
            indent = 5 if right - x - 10 - filled.width < 12 else sheet.rng.choice((4, 6, 10))
            draw(sheet, filled, key, x + indent, sheet.y + key_height + 2)
        sheet.y += height
        done += len(row)
    return done


def stacked(
    sheet: Sheet, content: Content, fields: list[Field], x0: float, x1: float, under: bool | None = None
) -> int:
    """The key over the value (or under it, below a line), in columns without boxes.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        fields: in the order in which they are drawn.
        x0: the left edge, in points.
        x1: the right edge, in points.
        under: whether keys stand under a line with the value on it; None: at random.

    Returns:
        How many fields fitted.
    """
    theme = sheet.theme
    columns = theme.columns
    unit = (x1 - x0) / columns
    under = sheet.rng.random() < 0.25 if under is None else under
    style = theme.small if under else theme.key
    done = 0
    for row in pack(fields, columns):
        cells = []
        x = x0
        for field, span in row:
            width = unit * span - style.size
            lines = fonts.wrap(
                key_text(sheet, field, content, colon=not under), style.face, style.size, width
            )
            cells.append((x, width, lines, fill(sheet, field, width - 4)))
            x += unit * span
        key_height = max(len(cell[2]) for cell in cells) * style.size * style.leading
        value_height = max(cell[3].height for cell in cells)
        height = key_height + value_height + theme.key.size * 0.9
        if sheet.y + height > sheet.bottom:
            break
        for x, width, lines, filled in cells:
            key_top, value_top = sheet.y, sheet.y + key_height + 1
            if under:
                key_top, value_top = sheet.y + value_height + 2, sheet.y
                sheet.rule(x, key_top, x + width, key_top)
            key = sheet.entry(KEY, sheet.paragraph(lines, x, key_top, 0, style))
            draw(sheet, filled, key, x + (2 if under else 0), value_top)
        sheet.y += height
        done += len(row)
    return done


def inline(sheet: Sheet, content: Content, fields: list[Field], x0: float, x1: float) -> int:
    """ "Key: value" run together like plain text, in one or two columns.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        fields: in the order in which they are drawn.
        x0: the left edge, in points.
        x1: the right edge, in points.

    Returns:
        How many fields fitted.
    """
    theme = sheet.theme
    columns = 1 if x1 - x0 < 320 or sheet.rng.random() < 0.4 else 2
    unit = (x1 - x0) / columns
    value = regular(theme.key)
    value = value if theme.same_run else theme.value
    done = 0
    for row in pack(fields, columns):
        plans = []
        x = x0
        for field, span in row:
            text = key_text(sheet, field, content)
            plans.append(InlinePlan(sheet, field, text, x, unit * span - theme.key.size, value))
            x += unit * span
        height = max(plan.height for plan in plans) + theme.key.size * 0.15
        if sheet.y + height > sheet.bottom:
            break
        for plan in plans:
            plan.draw(sheet, sheet.y)
        sheet.y += height
        done += len(row)
    return done


class InlinePlan:
    """One "Key: value" as running text, measured before it is drawn. The value begins behind the key.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        field: that is drawn.
        text: of the key, as it is printed.
        x: the left edge, in points.
        width: of its column, in points.
        style: of the value.
    """

    def __init__(self, sheet: Sheet, field: Field, text: str, x: float, width: float, style: Style):
        theme = sheet.theme
        key = theme.key
        self.x, self.width = x, width
        self.pitch = max(key.size * key.leading, style.size * style.leading)
        self.key_style = spaced(key, self.pitch)
        self.style = spaced(style, self.pitch)
        self.key_lines = fonts.wrap(text, key.face, key.size, width)
        space = style.size * (0.28 if not theme.cjk else sheet.rng.choice((0.0, 0.1, 0.5)))
        self.start = x + fonts.width(self.key_lines[-1], key.face, key.size) + space
        # The line, from the top, that the value starts on.
        self.line = len(self.key_lines) - 1
        self.filled: Filled | None = None
        self.first, self.rest = "", []
        room = x + width - self.start
        if field.options:
            if room < 0.4 * width:
                self.start, self.line = x + style.size, self.line + 1
            self.filled = fill(sheet, field, x + width - self.start, style)
            self.height = self.line * self.pitch + self.filled.height
            return
        if field.values:
            joint = "、" if theme.cjk else ", "
            value = joint.join(field.values) + (f" {field.unit}" if field.unit else "")
            self.first, rest = _split_first(value, style, room)
            self.rest = fonts.wrap(rest, style.face, style.size, width) if rest else []
        self.height = (len(self.key_lines) + len(self.rest)) * self.pitch

    def draw(self, sheet: Sheet, y: float) -> None:
        """Draws the key and its value.

        Args:
            sheet: the page that is drawn on; its theme and random generator are used.
            y: the top of the first line, in points.
        """
        key = sheet.entry(KEY, sheet.paragraph(self.key_lines, self.x, y, 0, self.key_style))
        top = y + self.line * self.pitch
        if self.filled is not None:
            draw(sheet, self.filled, key, self.start, top, self.style)
            return
        pieces = sheet.paragraph([self.first], self.start, top, 0, self.style) if self.first else []
        pieces += sheet.paragraph(self.rest, self.x, top + self.pitch, self.width, self.style)
        if sheet.theme.labels == "xfund" and len(pieces) > 1 and sheet.rng.random() < 0.5:
            for piece in pieces:
                sheet.entry(ANSWER, [piece], key)
        elif pieces:
            sheet.entry(ANSWER, pieces, key)


def _split_first(text: str, style: Style, room: float) -> tuple[str, str]:
    """What of ``text`` still fits on the first line, and the rest."""
    if fonts.width(text, style.face, style.size) <= room:
        return text, ""
    word = text.split(" ", 1)[0]
    if room < style.size * 4 or (
        not fonts.is_cjk(text[0]) and fonts.width(word, style.face, style.size) > room
    ):
        return "", text
    first = fonts.wrap(text, style.face, style.size, room)[0]
    return first, text[len(first) :].lstrip()


def tabbed(sheet: Sheet, content: Content, fields: list[Field], x0: float, x1: float) -> int:
    """Keys in one column, values in another, without lines; in one or two such pairs of columns.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        fields: in the order in which they are drawn.
        x0: the left edge, in points.
        x1: the right edge, in points.

    Returns:
        How many fields fitted.
    """
    theme = sheet.theme
    columns = 1 if x1 - x0 < 300 or sheet.rng.random() < 0.45 else 2
    unit = (x1 - x0) / columns
    style, done = theme.key, 0
    words = [fonts.longest_word(field.key, style.face, style.size) for field in fields]
    share = min(0.48, theme.key_share + (0.0 if columns == 1 else 0.06))
    share = max(share, min(0.6, (max(words, default=0.0) + 2 * style.size) / unit))
    right_keys = sheet.rng.random() < 0.2
    for row in pack(fields, columns):
        cells = []
        x = x0
        for field, span in row:
            key_width = unit * share - style.size * 0.6
            lines = fonts.wrap(key_text(sheet, field, content), style.face, style.size, key_width)
            width = unit * span - unit * share - style.size * 0.8
            cells.append((x, key_width, lines, fill(sheet, field, width)))
            x += unit * span
        height = max(len(cell[2]) * style.size * style.leading for cell in cells)
        height = max(height, max(cell[3].height for cell in cells)) + theme.key.size * (theme.pitch - 1.5)
        if sheet.y + height > sheet.bottom:
            break
        for x, key_width, lines, filled in cells:
            align = "right" if right_keys else "left"
            key = sheet.entry(KEY, sheet.paragraph(lines, x, sheet.y, key_width, style, align))
            draw(sheet, filled, key, x + unit * share, sheet.y + jitter(sheet.rng, min(theme.jitter, 0.8)))
        sheet.y += height
        done += len(row)
    return done
