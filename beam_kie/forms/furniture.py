"""What an office prints and stamps on a page besides the form, all OTHER, and numbers of lines."""

from __future__ import annotations

from beam_kie.forms import fonts
from beam_kie.forms.content import Content
from beam_kie.forms.model import ANSWER, OTHER
from beam_kie.forms.sheet import KEY, Sheet
from beam_kie.forms.theme import Style, with_size

_LINE_WORDS = {
    **{"zh": "行次", "en": "Line", "ja": "行", "de": "Zeile"},
    **{"fr": "Ligne", "es": "Línea", "it": "Riga", "pt": "Linha"},
}
_FORM_CODES = (
    "FORM {n} ({m}/{y})",
    "{a}-{n} ({m}-{y})",
    "{a} {n}-{k}",
    "{a}-{n}/{y}",
    "{n}-{k} Rev. {m}/{y}",
)


def furniture(sheet: Sheet, content: Content) -> None:
    """Document numbers, lines that a fax machine adds, the form's own number; each only where it is free.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
    """
    rng, english = sheet.rng, sheet.theme.labels == "funsd"
    sheet.parent = None
    small = sheet.theme.small
    if rng.random() < (0.4 if english else 0.08):
        style = Style(rng.choice(("serif", "sans", "noto-sc")), rng.uniform(9, 13), rng.random() < 0.5)
        text = "".join(rng.choice("0123456789") for _ in range(rng.randrange(5, 11)))
        if rng.random() < 0.2:
            text = f"{text[:5]} {text[5:]}".strip()
        x = sheet.right - fonts.width(text, style.face, style.size) - rng.uniform(0, 60)
        low, high = sheet.height - 0.9 * (sheet.height - sheet.bottom), 6.0
        _other(sheet, text, x, rng.choice((low, low, high)), style)
    if rng.random() < (0.2 if english else 0.05):
        _fax_line(sheet, content)
    if rng.random() < (0.3 if english else 0.15):
        text = rng.choice(_FORM_CODES).format(
            n=rng.randrange(1, 9999),
            m=rng.randrange(1, 13),
            y=f"{rng.randrange(62, 122) % 100:02d}",
            a=content.code("@@@")[: rng.randrange(1, 4)],
            k=rng.randrange(1, 99),
        )
        style = with_size(small, rng.uniform(0.8, 1.1))
        y = sheet.height - rng.uniform(0.8, 0.95) * (sheet.height - sheet.bottom)
        _other(sheet, text, rng.choice((sheet.left, sheet.left + 0.7 * (sheet.right - sheet.left))), y, style)
    if rng.random() < (0.15 if english else 0.05):
        _other(sheet, str(rng.randrange(1, 90)), sheet.right - 8, sheet.top - 18, small)


def _fax_line(sheet: Sheet, content: Content) -> None:
    """Date, time, sender and page at the very top, in parts or as one."""
    rng = sheet.rng
    style = Style("noto-sc", rng.uniform(6.5, 8.5))
    sender = rng.choice((content.company(), content.company().upper(), content.make("format:phone")))
    time = f"{rng.randrange(6, 20):02d}:{rng.randrange(60):02d}"
    parts = [
        f"{content.day()} {time}",
        sender,
        rng.choice(("P.{:02d}", "P. {}", "{}/9")).format(rng.randrange(1, 9)),
    ]
    if rng.random() < 0.5:
        parts = ["  ".join(parts)]
    width = (sheet.right - sheet.left) / len(parts)
    for index, part in enumerate(parts):
        if fonts.width(part, style.face, style.size) < width:
            _other(sheet, part, sheet.left + index * width, 5.0, style)


def _other(sheet: Sheet, text: str, x: float, y: float, style: Style) -> None:
    width = fonts.width(text, style.face, style.size)
    box = (x, y, x + width, y + style.size * style.leading)
    if x > 2 and box[2] < sheet.width - 2 and y > 2 and box[3] < sheet.height - 2 and sheet.free(box):
        sheet.entry(OTHER, sheet.paragraph([text], x, y, 0, style))


def line_numbers(sheet: Sheet, content: Content) -> None:
    """A column of numbers at the left margin, one beside every key there: values of one key above them.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
    """
    small = with_size(sheet.theme.small, 0.85)
    word = _LINE_WORDS[content.language]
    width = fonts.width(word, small.face, small.size)
    x = max(3.0, sheet.left - width - 5)
    tops = sorted(box[1] for box in sheet.boxes(KEY) if box[0] < sheet.left + 30)
    kept: list[float] = []
    for top in tops:
        box = (x, top, x + width, top + small.size * small.leading)
        if (not kept or top - kept[-1] > small.size * 1.5) and sheet.free(box, 0.5):
            kept.append(top)
    if len(kept) < 6:
        return
    sheet.parent = None
    key = sheet.entry(KEY, sheet.paragraph([word], x, kept[0], 0, small))
    first = sheet.rng.randrange(1, 40)
    for index, top in enumerate(kept[1:]):
        sheet.entry(
            ANSWER, sheet.paragraph([str(first + index)], x + 2, top, width - 4, small, "centre"), key
        )
