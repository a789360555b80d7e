"""Lists: numbered amounts of tax forms, statements to rate, questions as whole sentences."""

from __future__ import annotations

from beam_kie.forms import fonts
from beam_kie.forms.content import Content, Field
from beam_kie.forms.model import ANSWER, OTHER, QUESTION
from beam_kie.forms.sheet import KEY, Sheet
from beam_kie.forms.values import draw, fill


def amount_lines(sheet: Sheet, content: Content, keys: list[str], x0: float, x1: float) -> bool:
    """Numbered lines of a tax form: number, question, and the amount in a box on the right.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        keys: of the lines.
        x0: the left edge, in points.
        x1: the right edge, in points.

    Returns:
        Whether any line fitted.
    """
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
    """Statements to rate: one row each, a box to tick under every grade.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        x0: the left edge, in points.
        x1: the right edge, in points.

    Returns:
        Whether it fitted.
    """
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


def question_list(sheet: Sheet, content: Content, x0: float, x1: float) -> bool:
    """Questions, each with options below it or a line for an answer; False where not one fits.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        x0: the left edge, in points.
        x1: the right edge, in points.
    """
    theme, rng = sheet.theme, sheet.rng
    style, indent = theme.key, 14.0
    texts = rng.sample(content.words.words("texts", "questions"), rng.randrange(2, 5))
    done = 0
    for index, text in enumerate(texts):
        width = x1 - x0 - indent
        field = _question(content, text, rng.random() < theme.fill)
        answer = fill(sheet, field, width)
        number = theme.numbered.format(n=index + 1) + " " if theme.numbered else f"{index + 1}. "
        lines = fonts.wrap(number + field.key, style.face, style.size, width)
        key_height = len(lines) * style.size * style.leading
        if sheet.y + key_height + answer.height + 8 > sheet.bottom:
            break
        key = sheet.entry(KEY, sheet.paragraph(lines, x0, sheet.y, 0, style))
        draw(sheet, answer, key, x0 + indent, sheet.y + key_height + 1)
        sheet.y += key_height + answer.height + 1
        if not field.options:
            sheet.rule(x0 + indent, sheet.y, x1, sheet.y, 0.5)
        sheet.y += 6
        done += 1
    return done >= 1


def _question(content: Content, text: str, filled: bool) -> Field:
    """``text`` is a line of the vocabulary: the question, " = " and what it is answered with."""
    question, _, answer = text.rpartition(" = ")
    if answer == "open" or content.rng.random() < 0.15:
        return Field("question", question, [content.text("remarks", 1)] if filled else [])
    return Field("question", question, options=content.options(answer, filled))
