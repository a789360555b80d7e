"""Sets the words of a labelled page at their boxes: what ``beam_kie.training.rendering`` draws."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import numpy as np
from PIL import Image

from beam_kie.document import Box
from beam_kie.forms import fonts
from beam_kie.forms.model import Area, Form, Layout, Run
from beam_kie.forms.render import render
from beam_kie.forms.scan import random_settings, scan_form
from beam_kie.geometry import polygon_box
from beam_kie.labelled.alignment import printed_lines, rows_of_words
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, Word
from beam_kie.training.rendering.decoration import Colour, decorate, is_dark

LONGER_SIDE_PX = 1754  # A4 at 150 dpi: what OCR needs to read small print, and no more
A4_HEIGHT_IN = 11.69
INK, WHITE = (15, 15, 15), (255, 255, 255)
PENS = (INK, INK, (25, 35, 110), (60, 60, 70))
FACES: tuple[str, ...] = (
    "sans",
    "serif",
    "wide-serif",
    "typewriter",
    "noto-sc",
    "noto-jp",
    "sans-bold",
    "serif-bold",
)
HEADINGS = {"sans": "sans-bold", "serif": "serif-bold", "wide-serif": "wide-serif-bold"}
SYMBOL_FACES = ("sans", "noto-sc")  # for characters that a face lacks

# Shares of the height of a word's box.
BOX_SHARE = 0.82  # the size of a face that such a box usually holds
MIN_SHARE = 0.5
MIN_SIZE_PX = 5.0
# In ems: the least space between words, and how far letters (and digits, each in a cell of its own) move.
WORD_SPACE = 0.25
MAX_TRACKING, MAX_DIGIT_TRACKING = 0.05, 0.4
# Times as high as wide: a word of three letters or more that is so was printed on end.
MAX_STANDING = 2.0


class _Style(NamedTuple):
    """The faces of a page: what is printed on it, its headings, and what was filled in."""

    printed: str
    heading: str
    filled: str
    pen: Colour


def lay_out(page: LabelledPage, seed: int = 0, longer_side: int = LONGER_SIDE_PX) -> Layout:
    """What is drawn for a labelled page; the same page and seed give the same layout.

    It has no entries: the page's own fit, times the scale.

    Args:
        page: as it is labelled.
        seed: any whole number.
        longer_side: the most that the picture's longer side has, in pixels.
    """
    page = _scaled(page, min(1.0, longer_side / max(page.width_px, page.height_px)))
    rng = random.Random(f"{seed}-{page.name}")
    style = _style(page, rng)
    shapes = decorate(page, rng)
    dark = [shape.box for shape in shapes if isinstance(shape, Area) and is_dark(shape)]
    runs: list[Run] = []
    for entry in page.entries:
        for row in _rows(entry):
            runs += _row_runs(row, _face(entry, style), _colour(entry, style, dark))
    dpi = max(page.width_px, page.height_px) / A4_HEIGHT_IN
    return Layout("", "", seed, page.width_px, page.height_px, dpi, (), tuple(runs), tuple(shapes))


def draw(layout: Layout, name: str) -> Image.Image:
    """The layout as a scanner delivers it, without moving anything.

    Args:
        layout: as of ``lay_out``.
        name: of the page; it decides on the scanner's quality.
    """
    rng = random.Random(f"{layout.seed}-{name}")
    number = rng.randrange(2**31)
    settings = random_settings(rng.choice(("light", "light", "heavy")), np.random.default_rng([number, 0]))
    settings = replace(settings, skew_deg=0.0, perspective=0.0, jpeg_quality=None)
    return scan_form(Form(render(layout), layout), settings, number).image


def _scaled(page: LabelledPage, scale: float) -> LabelledPage:
    entries = tuple(
        replace(
            entry,
            polygon=tuple(value * scale for value in entry.polygon),
            words=tuple(Word(word.text, _scaled_box(word.box, scale)) for word in entry.words),
        )
        for entry in page.entries
    )
    return LabelledPage(page.name, round(page.width_px * scale), round(page.height_px * scale), entries)


def _scaled_box(box: Box, scale: float) -> Box:
    x0, y0, x1, y1 = box
    return (x0 * scale, y0 * scale, x1 * scale, y1 * scale)


def _rows(entry: LabelledEntry) -> list[list[Word]]:
    if not entry.text.strip():
        return []
    if entry.words:
        return rows_of_words(entry)
    return [[Word(line.text, line.box)] for line in printed_lines(entry)]


def _style(page: LabelledPage, rng: random.Random) -> _Style:
    """Faces as wide as the page's own: of the three nearest, any."""
    filled = [entry for entry in page.entries if entry.label == "ANSWER"]
    printed = [entry for entry in page.entries if entry.label != "ANSWER"]
    face = rng.choice(_fitting_faces(printed))
    pen = rng.choice(PENS)
    return _Style(face, rng.choice((face, HEADINGS.get(face, face))), rng.choice(_fitting_faces(filled)), pen)


def _fitting_faces(entries: Sequence[LabelledEntry]) -> list[str]:
    """The faces whose usual size in these boxes is nearest to what such boxes hold."""
    words = [word for entry in entries for row in _rows(entry) for word in row if len(word.text) > 3]
    if not words:
        return list(FACES)

    def misfit(face: str) -> float:
        sizes = [_width(word.box) / fonts.width(word.text, face, 1.0) / _height(word.box) for word in words]
        return abs(statistics.median(sizes) - BOX_SHARE)

    return sorted(FACES, key=misfit)[:4]


def _face(entry: LabelledEntry, style: _Style) -> str:
    if entry.label == "ANSWER":
        return style.filled
    return style.heading if entry.label == "HEADER" else style.printed


def _colour(entry: LabelledEntry, style: _Style, dark: Sequence[Box]) -> Colour:
    x0, y0, x1, y1 = polygon_box(entry.polygon)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    if any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in dark):
        return WHITE
    return style.pen if entry.label == "ANSWER" else INK


def is_standing(word: Word) -> bool:
    """Whether the word is printed vertically, by the shape of its box; such words are not drawn.

    Args:
        word: of the page.
    """
    return len(word.text) > 2 and _height(word.box) >= MAX_STANDING * _width(word.box)


def _row_runs(row: Sequence[Word], face: str, colour: Colour) -> list[Run]:
    """The words of a printed line, all of one size, each spread over the width of its own box."""
    row = [word for word in row if not is_standing(word)]
    if not row:
        return []
    size = _row_size(row, face)
    runs = []
    for word, after, middle in zip(row, [*row[1:], None], _middles(row), strict=True):
        # Half of a letter's height above the middle of the box, half below it.
        baseline = middle + size * (fonts.ASCENT - fonts.DESCENT) / 2
        room = after.box[0] - word.box[0] if after else _width(word.box) + size
        runs += _word_runs(word, room - WORD_SPACE * size, face, size, baseline, colour)
    return runs


def _row_size(row: Sequence[Word], face: str) -> float:
    """The size that fits the most letters' boxes, in half pixels."""
    fitting = []
    for word in row:
        fitting += [_width(word.box) / fonts.width(word.text, face, 1.0)] * len(word.text)
    height = statistics.median(_height(word.box) for word in row)
    size = min(max(statistics.median(fitting), MIN_SHARE * height), height)
    return max(MIN_SIZE_PX, round(size * 2) / 2)


def _middles(row: Sequence[Word]) -> list[float]:
    """Where the middle of each word lies, on one straight line if there are enough words to tell."""
    middles = [(word.box[1] + word.box[3]) / 2 for word in row]
    if len(row) < 3:
        return middles
    places = [(word.box[0] + word.box[2]) / 2 for word in row]
    slope, height = np.polyfit(places, middles, 1)
    return [float(slope * place + height) for place in places]


def _word_runs(word: Word, room: float, face: str, size: float, baseline: float, colour: Colour) -> list[Run]:
    """The word in the middle of its box; smaller where it needs more than the room before the next."""
    room = max(room, 1.0)
    natural = _set_width(word.text, face, size)
    if natural > room:
        size = max(MIN_SIZE_PX, size * room / natural)
        natural = _set_width(word.text, face, size)
    width = min(_width(word.box), room)
    tracking = (width - natural) / max(1, len(word.text) - 1)
    # Set letter by letter a word loses its kerning, so small differences are left.
    loosest = (MAX_DIGIT_TRACKING if word.text.isdigit() else MAX_TRACKING) * size
    tracking = min(tracking, loosest) if tracking > 0.02 * size else 0.0
    spare = width - natural - tracking * (len(word.text) - 1)
    runs, x = [], word.box[0] + max(0.0, spare / 2)
    for chosen, letters in groupby(word.text, lambda char: face_with(char, face)):
        text = "".join(letters)
        runs.append(Run(text, x, baseline, size, chosen, colour, tracking))
        x += fonts.width(text, chosen, size) + tracking * len(text)
    return runs


def _set_width(text: str, face: str, size: float) -> float:
    return sum(fonts.width(char, face_with(char, face), size) for char in text)


@lru_cache(maxsize=4096)
def face_with(char: str, face: str) -> str:
    """``face`` if it has the character, else one that has it; ``face`` where none does.

    Args:
        char: one character.
        face: of ``forms.fonts``.
    """
    if char in fonts.DRAWN or char.isspace():
        return face
    return next((name for name in (face, *SYMBOL_FACES) if _has(name, char)), face)


def _has(face: str, char: str) -> bool:
    return _drawn(face, char) != _nothing(face)


@lru_cache(maxsize=32)
def _nothing(face: str) -> bytes:
    """What the face draws for a character that it lacks: a noncharacter, which no face has."""
    return _drawn(face, "\uffff")


def _drawn(face: str, char: str) -> bytes:
    mask = fonts.font(face, 40.0).getmask(char)
    # Pillow's type of masks does not say that they are sequences of pixels.
    return bytes(mask)  # pyright: ignore[reportArgumentType]


def _width(box: Box) -> float:
    return box[2] - box[0]


def _height(box: Box) -> float:
    return box[3] - box[1]
