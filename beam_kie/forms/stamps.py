"""The rubber stamp on a form."""

from __future__ import annotations

from beam_kie.forms import fonts
from beam_kie.forms.content import Content
from beam_kie.forms.model import ANSWER, OTHER, Stamp
from beam_kie.forms.sheet import Sheet

_INKS = ((190, 40, 45), (190, 40, 45), (60, 60, 150), (90, 60, 140))


def stamp(sheet: Sheet, content: Content, near: tuple[float, float] | None = None) -> None:
    """A rubber stamp where no text stands; one with words is labelled, the text of a round one is not.

    Args:
        sheet: the page that is drawn on; its theme and random generator are used.
        content: of the form.
        near: where it should be, in points; None: anywhere.
    """
    theme, rng = sheet.theme, sheet.rng
    colour = rng.choice(_INKS)
    face = "noto-jp" if content.language == "ja" else "noto-sc"
    round_one = rng.random() < (0.65 if theme.cjk else 0.35)
    if round_one:
        width = height = rng.uniform(62, 92)
        ring = content.company() if theme.cjk else content.place["city"].upper()
        text = f"{ring}|{content.pick('texts', 'seal')}"
    else:
        text = content.pick("texts", "stamp")
        size = rng.uniform(14, 22)
        width, height = fonts.width(text, face, size) + size * 0.9, size * 1.6
    for attempt in range(12):
        x = rng.uniform(sheet.left + width / 2, sheet.right - width / 2)
        y = rng.uniform(sheet.height * 0.3, sheet.bottom - height / 2)
        if near and attempt < 4:
            x = min(max(near[0] + rng.uniform(-60, 60), sheet.left + width / 2), sheet.right - width / 2)
            y = min(near[1] + rng.uniform(-40, 20), sheet.height - height / 2 - 10)
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        if sheet.free(box, 3.0):
            break
    else:
        return
    angle = 0.0 if round_one else rng.uniform(-3, 3)
    sheet.stamp(Stamp(x, y, width, height, text, face, colour, round_one, angle))
    if not round_one:
        pad = height * 0.2
        sheet.parent = None
        sheet.entry(OTHER, [(text, (box[0] + pad, box[1] + pad, box[2] - pad, box[3] - pad))])


def stamp_across(sheet: Sheet, content: Content) -> None:
    """A round stamp across something that was filled in or signed; it is not labelled.

    Args:
        sheet: the page that is drawn on; its random generator is used.
        content: of the form.
    """
    rng = sheet.rng
    boxes = [box for box in sheet.boxes(ANSWER) if box[1] > 0.3 * sheet.height]
    if not boxes:
        return
    x0, y0, x1, y1 = rng.choice(boxes[-6:])
    size = rng.uniform(58, 84)
    face = "noto-jp" if content.language == "ja" else "noto-sc"
    ring = content.company() if sheet.theme.cjk else content.place["city"].upper()
    text = f"{ring}|{content.pick('texts', 'seal')}"
    x = min(max((x0 + x1) / 2 + rng.uniform(-20, 20), size / 2), sheet.width - size / 2)
    y = min(max((y0 + y1) / 2 + rng.uniform(-12, 12), size / 2), sheet.height - size / 2)
    sheet.stamp(Stamp(x, y, size, size, text, face, rng.choice(_INKS), True, 0.0))
