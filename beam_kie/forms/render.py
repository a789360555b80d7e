"""Draws a layout with Pillow."""

from __future__ import annotations

import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from beam_kie.forms import fonts
from beam_kie.forms.model import Area, Layout, Run, Stamp, Stroke


def render(layout: Layout, paper: tuple[int, int, int] = (255, 255, 255)) -> Image.Image:
    """The form as a printer prints it: an RGB picture of ``layout.width_px`` x ``height_px``.

    Args:
        layout: of the form.
        paper: its colour, RGB.
    """
    image = Image.new("RGB", (layout.width_px, layout.height_px), paper)
    draw = ImageDraw.Draw(image)
    for shape in layout.shapes:
        if isinstance(shape, Area):
            draw.rectangle(shape.box, fill=shape.colour)
    for shape in layout.shapes:
        if isinstance(shape, Stroke):
            _stroke(draw, shape)
    for run in layout.runs:
        if run.wobble:
            _handwritten(image, run)
        else:
            _run(draw, run)
    for shape in layout.shapes:
        if isinstance(shape, Stamp):
            _stamp(image, shape)
    return image


def _stroke(draw: ImageDraw.ImageDraw, stroke: Stroke) -> None:
    width = max(1, round(stroke.width))
    if not stroke.dash:
        draw.line(stroke.points, fill=stroke.colour, width=width, joint="curve" if width > 3 else None)
        return
    (x0, y0), (x1, y1) = stroke.points[0], stroke.points[-1]
    length = math.hypot(x1 - x0, y1 - y0)
    steps = int(length / (2 * stroke.dash))
    for step in range(steps):
        start, end = 2 * step * stroke.dash / length, (2 * step + 1) * stroke.dash / length
        a = (x0 + (x1 - x0) * start, y0 + (y1 - y0) * start)
        b = (x0 + (x1 - x0) * end, y0 + (y1 - y0) * end)
        draw.line((a, b), fill=stroke.colour, width=width)


def _handwritten(image: Image.Image, run: Run) -> None:
    """Draws text character by character, each a little off the line and turned a little."""
    rng = random.Random(f"{run.text}/{run.x:.0f}/{run.baseline:.0f}")
    table = fonts.advances(run.face)
    x, side = run.x, int(run.size * 2) + 2
    for char in run.text:
        advance = table[char] * run.size
        if char in fonts.DRAWN:
            _drawn(ImageDraw.Draw(image), char, x, run)
        elif char != " ":
            glyph = Image.new("L", (side, side), 0)
            face = fonts.font(fonts.face_of(run.face, char), run.size)
            # The middle of the character is the middle of the glyph, so that turning does not move it.
            ImageDraw.Draw(glyph).text((side / 2, side / 2 + 0.3 * run.size), char, 255, face, "ms")
            glyph = glyph.rotate(rng.uniform(-90, 90) * run.wobble, Image.Resampling.BICUBIC)
            shift = rng.uniform(-1, 1) * run.wobble * run.size
            left = round(x + advance / 2 - side / 2)
            top = round(run.baseline - 0.3 * run.size + shift - side / 2)
            image.paste(run.colour, (left, top), glyph)
        x += advance + run.tracking


def _run(draw: ImageDraw.ImageDraw, run: Run) -> None:
    """Draws text word by word (letter by letter where it is spread) at the places the metrics give."""
    table = fonts.advances(run.face)
    face = fonts.font(run.face, run.size)
    x, start, word = run.x, run.x, ""
    for char in run.text:
        advance = table[char] * run.size
        if char in fonts.DRAWN or char == " " or run.tracking:
            _word(draw, start, run, word, face)
            word = ""
            if char in fonts.DRAWN:
                _drawn(draw, char, x, run)
            elif char != " ":
                _word(draw, x, run, char, face)
            start = x + advance + run.tracking
        else:
            word += char
        x += advance + run.tracking
    _word(draw, start, run, word, face)


def _word(draw: ImageDraw.ImageDraw, x: float, run: Run, word: str, face) -> None:
    """Draws a word; bold where the face has no bold cut is the same word again, a hair beside it."""
    if not word:
        return
    shifts = (-0.018, 0.018) if run.bold else (0.0,)
    for shift in shifts:
        draw.text((x + shift * run.size, run.baseline), word, font=face, fill=run.colour, anchor="ls")


def _drawn(draw: ImageDraw.ImageDraw, char: str, x: float, run: Run) -> None:
    """A box or a ring to tick, and the tick."""
    size = run.size
    side = size * 0.74
    box = (
        x + size * 0.1,
        run.baseline - side + size * 0.06,
        x + size * 0.1 + side,
        run.baseline + size * 0.06,
    )
    width = max(1, round(size * 0.055))
    if char in "○●":
        draw.ellipse(box, outline=run.colour, width=width)
        if char == "●":
            inset = side * 0.26
            draw.ellipse((box[0] + inset, box[1] + inset, box[2] - inset, box[3] - inset), fill=run.colour)
        return
    draw.rectangle(box, outline=run.colour, width=width)
    pen = max(2, round(size * 0.09))
    if char == "☑":
        points = [
            (box[0] + side * 0.16, box[1] + side * 0.52),
            (box[0] + side * 0.42, box[1] + side * 0.82),
            (box[0] + side * 0.92, box[1] + side * 0.08),
        ]
        draw.line(points, fill=run.colour, width=pen)
    elif char == "☒":
        draw.line((box[0], box[1], box[2], box[3]), fill=run.colour, width=pen)
        draw.line((box[0], box[3], box[2], box[1]), fill=run.colour, width=pen)


def _stamp(image: Image.Image, stamp: Stamp) -> None:
    """Presses a stamp on the page: its ink darkens what is there, unevenly."""
    scale = 2
    width, height = int(stamp.width * scale * 1.1), int(stamp.height * scale * 1.1)
    mask = Image.new("L", (width, height), 0)
    if stamp.round:
        _round_stamp(mask, stamp, scale)
    else:
        _box_stamp(mask, stamp, scale)
    rng = np.random.default_rng([int(stamp.x), int(stamp.y)])
    patches = rng.uniform(0.45, 1.0, (max(2, height // 24), max(2, width // 24))).astype(np.float32)
    uneven = Image.fromarray((patches * 255).astype(np.uint8)).resize(mask.size, Image.Resampling.BICUBIC)
    ink = np.asarray(mask, np.float32) * np.asarray(uneven, np.float32) / 255.0
    mask = Image.fromarray(ink.astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8))
    mask = mask.rotate(-stamp.angle_deg, Image.Resampling.BICUBIC, expand=True)
    mask = mask.resize((mask.width // scale, mask.height // scale), Image.Resampling.LANCZOS)
    left, top = round(stamp.x - mask.width / 2), round(stamp.y - mask.height / 2)
    image.paste(Image.new("RGB", mask.size, stamp.colour), (left, top), mask)


def _box_stamp(mask: Image.Image, stamp: Stamp, scale: int) -> None:
    draw = ImageDraw.Draw(mask)
    w, h = stamp.width * scale, stamp.height * scale
    x, y = (mask.width - w) / 2, (mask.height - h) / 2
    draw.rectangle((x, y, x + w, y + h), outline=255, width=max(2, int(h * 0.06)))
    size = stamp.height / 1.6 * scale
    face = fonts.font(stamp.face, size)
    draw.text(
        (mask.width / 2, y + h * 0.5 + size * 0.37),
        stamp.text,
        font=face,
        fill=255,
        anchor="ms",
        stroke_width=1,
    )


def _round_stamp(mask: Image.Image, stamp: Stamp, scale: int) -> None:
    """A ring with words along its inside, a star and a word below it."""
    draw = ImageDraw.Draw(mask)
    centre = (mask.width / 2, mask.height / 2)
    radius = stamp.width * scale / 2
    line = max(2, int(radius * 0.045))
    draw.ellipse(
        (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius),
        outline=255,
        width=line,
    )
    ring, _, word = stamp.text.partition("|")
    size = min(radius * 0.26, 4.2 * radius / max(6, len(ring)))
    face = fonts.font(stamp.face, size)
    step = min(0.46, 4.4 / max(1, len(ring)))
    for index, char in enumerate(ring):
        angle = (index - (len(ring) - 1) / 2) * step
        x = centre[0] + math.sin(angle) * (radius - size * 0.85)
        y = centre[1] - math.cos(angle) * (radius - size * 0.85)
        glyph = Image.new("L", (int(size * 1.6), int(size * 1.6)), 0)
        ImageDraw.Draw(glyph).text(
            (glyph.width / 2, glyph.height / 2), char, font=face, fill=255, anchor="mm"
        )
        glyph = glyph.rotate(-math.degrees(angle), Image.Resampling.BICUBIC)
        mask.paste(255, (round(x - glyph.width / 2), round(y - glyph.height / 2)), glyph)
    star = [
        (
            centre[0] + math.sin(math.pi * k / 5) * radius * (0.3 if k % 2 == 0 else 0.12),
            centre[1] - math.cos(math.pi * k / 5) * radius * (0.3 if k % 2 == 0 else 0.12),
        )
        for k in range(10)
    ]
    draw.polygon(star, fill=255)
    small = fonts.font(stamp.face, min(radius * 0.2, 1.7 * radius / max(4, len(word))))
    draw.text((centre[0], centre[1] + radius * 0.62), word, font=small, fill=255, anchor="mm")
