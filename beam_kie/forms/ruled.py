"""Plain forms with tables, boxes and rings to tick; where these are and what was done with them is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from beam_kie.document import Box
from beam_kie.forms.fonts import font
from beam_kie.page_parts import Mark, MarkState

_WORDS = ["Yes", "No", "Other", "Berlin", "Total", "Oslo", "Bob Moss", "100"]
_WIDE_WORDS = ["口座番号", "日本国", "単位", "回答", "田中", "目的"]
_FACES = ("sans", "serif", "typewriter", "noto-jp", "noto-sc")


@dataclass(frozen=True, slots=True)
class RuledForm:
    """A picture, H x W x 3 uint8 RGB, with its cells and marks in pixels."""

    pixels: np.ndarray = field(repr=False)
    cells: tuple[Box, ...]
    marks: tuple[Mark, ...]


def ruled_form(seed: int, noise: float = 4.0) -> RuledForm:
    """A table above a list of things to tick, A4 at 150 dpi.

    Args:
        seed: any whole number.
        noise: grey levels, 0 or more.
    """
    rng = np.random.default_rng([seed, 21])
    image = Image.new("RGB", (1240, 1754), "white")
    draw = ImageDraw.Draw(image)
    name = _FACES[int(rng.integers(len(_FACES)))]
    face = font(name, int(rng.integers(20, 28)))
    words = [*_WORDS, *(_WIDE_WORDS if name.startswith("noto") else [])]
    cells = _table(draw, rng, face, words)
    marks = _marks(draw, rng, face, words)
    page = np.asarray(image).astype(np.float32)
    page = page * 0.93 + 12 + rng.standard_normal(page.shape[:2])[..., None] * noise
    return RuledForm(np.clip(page, 0, 255).astype(np.uint8), tuple(cells), tuple(marks))


def _table(draw: ImageDraw.ImageDraw, rng: np.random.Generator, face, words: list[str]) -> list[Box]:
    columns = np.cumsum([80, *rng.integers(90, 330, int(rng.integers(2, 5)))])
    rows = np.cumsum([90, *rng.integers(36, 80, int(rng.integers(3, 12)))])
    width = int(rng.integers(1, 4))
    for x in columns:
        draw.line((int(x), int(rows[0]), int(x), int(rows[-1])), "black", width)
    for y in rows:
        draw.line((int(columns[0]), int(y), int(columns[-1]), int(y)), "black", width)
    cells = []
    for top, bottom in zip(rows[:-1].tolist(), rows[1:].tolist(), strict=True):
        for left, right in zip(columns[:-1].tolist(), columns[1:].tolist(), strict=True):
            cells.append((float(left), float(top), float(right), float(bottom)))
            if rng.random() < 0.8:
                draw.text((left + 8, top + 4), _word(rng, words), "black", font=face)
    return cells


def _marks(draw: ImageDraw.ImageDraw, rng: np.random.Generator, face, words: list[str]) -> list[Mark]:
    marks = []
    for row in range(8):
        for column in range(3):
            x, y = 90 + 370 * column + int(rng.integers(0, 30)), 1120 + 70 * row
            draw.text((x + 50, y - 2), f"{_word(rng, words)} {_word(rng, words)}", "black", font=face)
            if rng.random() < 0.3:
                continue
            side, ring = int(rng.integers(17, 32)), bool(rng.random() < 0.4)
            state = list(MarkState)[int(rng.integers(4))]
            _draw_mark(draw, rng, (x, y, x + side, y + side), ring, state)
            marks.append(Mark((float(x), float(y), float(x + side), float(y + side)), ring, state, 1.0))
    return marks


def _draw_mark(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    box: tuple[int, int, int, int],
    ring: bool,
    state: MarkState,
) -> None:
    x0, y0, x1, y1 = box
    side, width = x1 - x0, int(rng.integers(1, 3))
    (draw.ellipse if ring else draw.rectangle)(box, outline="black", width=width)
    pen = int(rng.integers(2, 4))
    in_ = round(side * (0.3 if ring else 0.2))
    if state is MarkState.FILLED:
        inner = (x0 + 3, y0 + 3, x1 - 3, y1 - 3)
        (draw.ellipse if ring else draw.rectangle)(inner, fill="black")
    elif state is MarkState.CROSSED:
        draw.line((x0 + in_, y0 + in_, x1 - in_, y1 - in_), "black", pen)
        draw.line((x0 + in_, y1 - in_, x1 - in_, y0 + in_), "black", pen)
    elif state is MarkState.TICKED:
        low = (x0 + round(0.42 * side), y1 - in_)
        draw.line((x0 + in_, y0 + side // 2, *low), "black", pen)
        draw.line((*low, x1 - in_, y0 + in_), "black", pen)


def _word(rng: np.random.Generator, words: list[str]) -> str:
    return words[int(rng.integers(len(words)))]
