"""Plain pages as scanners and cameras leave them: on a side, askew, long; and pages written in columns.

Their lines and pairs are known, so that they say how well such pages are read. The texts are those of
generated forms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from PIL import Image, ImageDraw

from beam_kie.document import Polygon
from beam_kie.forms.fonts import font
from beam_kie.forms.model import LANGUAGES, QUESTION
from beam_kie.forms.page import generate_layout
from beam_kie.geometry import box_polygon, rotate_polygon

_FACES = ("sans", "sans-bold", "serif", "serif-bold", "wide-serif", "typewriter", "noto-sc")
_CJK_FACES = {"zh": ("noto-sc", "noto-mono-sc"), "ja": ("noto-jp", "noto-mono-jp")}
_INK = (20, 20, 20)


@dataclass(frozen=True, slots=True)
class PosedPage:
    """A page with what it says.

    ``pixels``: H x W x 3 uint8 RGB. ``lines``: text and polygon of each line, in pixels. ``pairs``: key and
    value text. ``rotation_deg``: the clockwise turn that makes it upright; ``skew_deg``: how far it is askew
    then, clockwise.
    """

    pixels: np.ndarray = field(repr=False)
    lines: tuple[tuple[str, Polygon], ...]
    pairs: tuple[tuple[str, str], ...] = ()
    rotation_deg: int = 0
    skew_deg: float = 0.0


def plain_form(seed: int, language: str | None = None, rows: int = 8) -> PosedPage:
    """A form of two columns, keys on the left and values on the right.

    Args:
        seed: any whole number; chooses language, typeface and texts.
        language: one of LANGUAGES; None: any.
        rows: how many pairs at most.
    """
    rng = np.random.default_rng([seed, 11])
    language = language or LANGUAGES[int(rng.integers(len(LANGUAGES)))]
    faces = _CJK_FACES.get(language, _FACES)
    face = font(faces[int(rng.integers(len(faces)))], 28)
    pairs = _pairs(language, seed, rows)
    step = int(rng.integers(55, 85))
    width, height = int(rng.integers(1000, 1250)), 160 + step * len(pairs) + int(rng.integers(80, 400))
    picture = _Picture(width, height)
    value_x = int(rng.integers(480, 560))
    for row, (key, value) in enumerate(pairs):
        picture.write(key, 60, 100 + row * step, face)
        picture.write(value, value_x, 100 + row * step, face)
    return PosedPage(picture.pixels, tuple(picture.lines), pairs)


def turned(page: PosedPage, rotation_deg: int) -> PosedPage:
    """The page stored so that a clockwise turn makes it upright.

    Args:
        page: upright.
        rotation_deg: of that turn: 0, 90, 180 or 270.
    """
    height, width = page.pixels.shape[:2]
    stored = (360 - rotation_deg) % 360
    lines = tuple((text, rotate_polygon(polygon, width, height, stored)) for text, polygon in page.lines)
    pixels = np.ascontiguousarray(np.rot90(page.pixels, rotation_deg // 90))
    return replace(page, pixels=pixels, lines=lines, rotation_deg=rotation_deg)


def tilted(page: PosedPage, skew_deg: float, perspective: float = 0.0, seed: int = 0) -> PosedPage:
    """The page as a camera sees it, with room around it so that nothing is lost.

    Args:
        page: upright.
        skew_deg: how far it is turned clockwise, -45 to 45.
        perspective: the corners move by up to that part of the width, 0 to 0.1.
        seed: any whole number, for the corners.
    """
    height, width = page.pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    angle = np.deg2rad(skew_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    rng = np.random.default_rng([seed, 12])
    moved = (corners - corners[2] / 2) @ turn.T + rng.uniform(-1, 1, (4, 2)) * perspective * width
    moved -= moved.min(axis=0)
    size = np.ceil(moved.max(axis=0)).astype(int)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    pixels = cv2.warpPerspective(page.pixels, matrix, size.tolist(), borderValue=(255, 255, 255))
    polygons = [np.array(polygon).reshape(-1, 1, 2) for _, polygon in page.lines]
    new = [cv2.perspectiveTransform(polygon, matrix).ravel().tolist() for polygon in polygons]
    lines = tuple((text, tuple(polygon)) for (text, _), polygon in zip(page.lines, new, strict=True))
    return replace(page, pixels=pixels, lines=lines, skew_deg=skew_deg)


def receipt(seed: int, rows: int = 230) -> PosedPage:
    """A long receipt: articles on the left, prices on the right, no key or value.

    Args:
        seed: any whole number.
        rows: how many articles.
    """
    rng = np.random.default_rng([seed, 13])
    names = ["Milk", "Bread", "Butter", "Apples", "Rice", "Coffee", "Honey", "Salt", "Tea", "Cheese", "Soap"]
    face = font(_FACES[int(rng.integers(len(_FACES)))], 24)
    step = int(rng.integers(36, 44))
    picture = _Picture(576, 120 + rows * step)
    for row in range(rows):
        y = 60 + row * step
        article = f"{names[int(rng.integers(len(names)))]} {int(rng.integers(100, 999))}"
        picture.write(article, 30, y, face)
        price = f"{int(rng.integers(1, 99))}.{int(rng.integers(10, 99))}"
        picture.write(price, 546 - round(face.getlength(price)), y, face)
    return PosedPage(picture.pixels, tuple(picture.lines))


def column_page(seed: int, language: str = "ja") -> PosedPage:
    """A form written in columns, from right to left: in each column a key, a gap and a value.

    Args:
        seed: any whole number.
        language: "ja" or "zh".
    """
    rng = np.random.default_rng([seed, 14])
    face = font(_CJK_FACES[language][0], 40)
    pairs = _pairs(language, seed, 5, _is_wide)
    pitch, gap = int(rng.integers(44, 54)), int(rng.integers(90, 140))
    longest = max(len(key) + len(value) + 1 for key, value in pairs)
    picture = _Picture(120 + gap * len(pairs), 180 + pitch * longest)
    x = picture.pixels.shape[1] - 120
    for key, value in pairs:
        picture.write_down(key, x, 80, face, pitch)
        picture.write_down(value, x, 80 + pitch * (len(key) + 1), face, pitch)
        x -= gap
    return PosedPage(picture.pixels, tuple(picture.lines), pairs)


def _pairs(
    language: str, seed: int, count: int, is_fit: Callable[[str], bool] | None = None
) -> tuple[tuple[str, str], ...]:
    """Keys and values of generated forms, those that stand on one line each; no key twice."""
    found: dict[str, str] = {}
    for form in range(50):
        entries = generate_layout(language, 50 * seed + form).entries
        for entry in entries:
            tails = [entries[tail] for head, tail in entry.linking if head == entry.id]
            whole = len(tails) == 1 and len(entry.pieces) == len(tails[0].pieces) == 1
            if entry.label == QUESTION and whole and (is_fit or _is_plain)(entry.text + tails[0].text):
                found.setdefault(entry.text, tails[0].text)
        if len(found) >= count:
            break
    return tuple(found.items())[:count]


def _is_plain(text: str) -> bool:
    return len(text) < 40 and all(char.isalnum() or char in " .,:-/()" for char in text)


def _is_wide(text: str) -> bool:
    return all("\u3040" <= char <= "\u9fff" for char in text) and len(text) < 20


class _Picture:
    """White paper that is written on."""

    def __init__(self, width: int, height: int):
        self._image = Image.new("RGB", (width, height), "white")
        self._draw = ImageDraw.Draw(self._image)
        self.lines: list[tuple[str, Polygon]] = []

    @property
    def pixels(self) -> np.ndarray:
        return np.array(self._image)

    def write(self, text: str, x: float, y: float, face) -> None:
        self._draw.text((x, y), text, fill=_INK, font=face)
        self.lines.append((text, box_polygon(self._draw.textbbox((x, y), text, font=face))))

    def write_down(self, text: str, x: float, y: float, face, pitch: float) -> None:
        for index, char in enumerate(text):
            self._draw.text((x, y + index * pitch), char, fill=_INK, font=face)
        box = (x, y, x + face.size, y + pitch * len(text))
        self.lines.append((text, box_polygon(box)))
