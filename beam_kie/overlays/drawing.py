"""Marks on a page picture: a colour for every label, boxes, arrows and tags."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw

from beam_kie.document import Box, Polygon
from beam_kie.overlays.fonts import Font

Colour = tuple[int, int, int]

# Okabe and Ito's colours, which people with any kind of colour vision can tell apart.
BLUE: Colour = (0, 114, 178)
ORANGE: Colour = (230, 159, 0)
GREEN: Colour = (0, 158, 115)
VERMILLION: Colour = (213, 94, 0)
PURPLE: Colour = (204, 121, 167)
SKY_BLUE: Colour = (86, 180, 233)

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
INK: Colour = (34, 40, 49)
GREY: Colour = (118, 126, 136)
RULE: Colour = (222, 226, 231)
BAND: Colour = (245, 247, 249)

_LABEL_COLOURS = {"QUESTION": BLUE, "ANSWER": ORANGE, "HEADER": GREEN}
# For labels of other models; vermillion stays with relations and failures.
_SPARE_COLOURS = (PURPLE, SKY_BLUE)
RELATION_COLOUR = VERMILLION

_SHIFT = 3  # OpenCV takes coordinates in eighths of a pixel
_FILL = 0.20
_ARROW = 0.8
_CELL = 3  # pixels of the page in one cell of the map of boxes that arrows avoid
_SAMPLES = 24
_COST_OF_CROSSING = 4.0


def label_colour(label: str) -> Colour:
    """The colour of a label, the same on every page of every run.

    Args:
        label: of an entity, in any case.
    """
    spare = _SPARE_COLOURS[zlib.crc32(label.encode()) % len(_SPARE_COLOURS)]
    return _LABEL_COLOURS.get(label.upper(), spare)


def fill_polygons(pixels: np.ndarray, shapes: Iterable[tuple[Polygon, Colour]], width: int) -> np.ndarray:
    """A page with translucent, outlined polygons.

    Args:
        pixels: H x W x 3 uint8 RGB; it stays as it is.
        shapes: polygons in pixels of the picture, and their colours.
        width: of the outlines, in pixels.

    Returns:
        H x W x 3 uint8 RGB.
    """
    outlines = [(_points(polygon), colour) for polygon, colour in shapes]
    tinted = pixels.copy()
    for points, colour in outlines:
        cv2.fillPoly(tinted, [points], colour, lineType=cv2.LINE_AA, shift=_SHIFT)
    marked = cv2.addWeighted(tinted, _FILL, pixels, 1 - _FILL, 0, dst=tinted)
    for points, colour in outlines:
        cv2.polylines(marked, [points], True, colour, width, cv2.LINE_AA, _SHIFT)
    return marked


def draw_arrows(
    pixels: np.ndarray, ends: Sequence[tuple[Box, Box]], around: Sequence[Box], colour: Colour, width: int
) -> np.ndarray:
    """A page with arrows over a white halo.

    Each arrow takes the path that crosses the boxes ``around`` least, so that their text stays legible.

    Args:
        pixels: H x W x 3 uint8 RGB; it stays as it is.
        ends: the boxes where each arrow begins and ends, in pixels of the picture.
        around: boxes that arrows should not cross.
        colour: RGB, 0 to 255 each.
        width: of the lines, in pixels.

    Returns:
        H x W x 3 uint8 RGB.
    """
    covered = _covered(pixels.shape[:2], around)
    arrows = [_arrow(start, end, covered, 4.0 + 2.0 * width) for start, end in ends]
    drawn = pixels.copy()
    for start, end, _ in arrows:
        _line(drawn, start, end, WHITE, width + 2)
    for start, _, head in arrows:
        _line(drawn, start, (head[0] + head[1]) / 2, colour, width)
        cv2.circle(drawn, _fixed_point(start), 12 * width, colour, -1, cv2.LINE_AA, _SHIFT)
    pixels = cv2.addWeighted(drawn, _ARROW, pixels, 1 - _ARROW, 0, dst=drawn)
    for _, end, head in arrows:
        cv2.fillPoly(pixels, [_fixed(np.array([end, *head]))], colour, cv2.LINE_AA, _SHIFT)
    return pixels


def draw_tag(
    draw: ImageDraw.ImageDraw, corner: tuple[float, float], text: str, font: Font, colour: Colour
) -> None:
    """Draw a small filled tag, kept within the picture.

    Args:
        draw: the picture to draw on; it is changed.
        corner: the top left corner of the box that is tagged, x, y in pixels.
        text: of the tag, short.
        font: a font, which fixes the size of the text.
        colour: RGB, 0 to 255 each.
    """
    left, top, right, bottom = font.getbbox(text)
    width, height = right - left + 5, bottom - top + 4
    # Mostly to the left and above of the box: there is less text to cover than in it.
    x = min(max(0, round(corner[0] - 0.6 * width)), draw.im.size[0] - width)
    y = min(max(0, round(corner[1] - 0.7 * height)), draw.im.size[1] - height)
    draw.rounded_rectangle((x, y, x + width, y + height), 2, fill=colour)
    draw_text(draw, (x + 3 - left, y + 2 - top), text, font, _text_on(colour))


def draw_text(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    font: Font,
    colour: Colour,
    anchor: str = "la",
) -> None:
    """Draw a line of text.

    As ImageDraw.text does it, in a tenth of the time: a character is drawn once and then kept.

    Args:
        draw: the picture to draw on; it is changed.
        place: x, y in pixels.
        text: one line.
        font: a font, which fixes the size of the text.
        colour: RGB, 0 to 255 each.
        anchor: what of the text is at ``place``: left top ("la"), right top ("ra") or right bottom ("rd").
    """
    x, y = place
    ascent, descent = font.getmetrics()
    if anchor[0] == "r":
        x -= text_width(text, font)
    baseline = y + ascent if anchor[1] == "a" else y - descent
    for char in text:
        picture, left, top = _glyph(font, char)
        if picture is not None:
            draw.bitmap((round(x) + left, round(baseline) + top), picture, fill=colour)
        x += _advance(font, char)


@lru_cache(maxsize=20_000)
def _glyph(font: Font, char: str) -> tuple[Image.Image | None, int, int]:
    """A character's mask, and where its top left corner is from the beginning of the baseline."""
    left, top, right, bottom = (round(side) for side in font.getbbox(char, anchor="ls"))
    if right <= left or bottom <= top:
        return None, 0, 0
    mask = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(mask).text((-left, -top), char, font=font, fill=255, anchor="ls")
    return mask, left, top


def text_width(text: str, font: Font) -> float:
    """The width of ``text`` in pixels: the sum of its characters', as there is no kerning.

    Args:
        text: one line.
        font: a font, which fixes the size of the text.
    """
    return sum([_advance(font, char) for char in text])  # a generator takes twice the time


def shorten(text: str, font: Font, width: float) -> str:
    """``text`` cut so that it fits ``width`` pixels, with an ellipsis where something is missing.

    Args:
        text: any text; runs of white space become single spaces.
        font: a font, which fixes the size of the text.
        width: in pixels.
    """
    text = " ".join(text.split())
    if text_width(text, font) <= width:
        return text
    return text[: _fitting(text, font, width - _advance(font, "…"))].rstrip() + "…"


def wrap(text: str, font: Font, width: float, lines: int) -> list[str]:
    """A text in several lines, broken at spaces where there are any.

    Args:
        text: any text; runs of white space become single spaces.
        font: a font, which fixes the size of the text.
        width: of a line in pixels.
        lines: their largest number, at least 1.

    Returns:
        The lines; the last ends with an ellipsis where something is missing.
    """
    rest, wrapped = " ".join(text.split()), []
    while rest and len(wrapped) < lines - 1 and text_width(rest, font) > width:
        cut = max(1, _fitting(rest, font, width))
        space = rest.rfind(" ", 0, cut + 1)
        # A word is cut only where it is longer than the line, or where the script has no spaces.
        if space > 0 and rest[cut].isascii():
            cut = space
        wrapped.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*wrapped, shorten(rest, font, width)] if rest else wrapped


def _fitting(text: str, font: Font, width: float) -> int:
    """How many characters from the beginning of ``text`` fit ``width`` pixels."""
    used = 0.0
    for index, char in enumerate(text):
        used += _advance(font, char)
        if used > width:
            return index
    return len(text)


@lru_cache(maxsize=50_000)
def _advance(font: Font, char: str) -> float:
    return font.getlength(char)


def draw_box_sign(draw: ImageDraw.ImageDraw, corner: tuple[int, int], side: int, colour: Colour) -> None:
    """Draw a box as entities have it, for a legend.

    Args:
        draw: the picture to draw on; it is changed.
        corner: top left, x, y in pixels.
        side: of the box in pixels.
        colour: RGB, 0 to 255 each.
    """
    x, y = corner
    light = tuple(round(255 - (255 - part) * 2 * _FILL) for part in colour)
    draw.rectangle((x, y, x + side, y + side), fill=light, outline=colour, width=2)


def draw_arrow_sign(draw: ImageDraw.ImageDraw, corner: tuple[int, int], side: int, colour: Colour) -> None:
    """Draw an arrow, for a legend.

    Args:
        draw: the picture to draw on; it is changed.
        corner: top left, x, y in pixels.
        side: the arrow's length in pixels.
        colour: RGB, 0 to 255 each.
    """
    x, end, middle = corner[0], corner[0] + side, corner[1] + side // 2
    draw.line((x, middle, end - side // 3, middle), fill=colour, width=2)
    head = side // 3
    draw.polygon(
        ((end, middle), (end - 2 * head, middle - head), (end - 2 * head, middle + head)), fill=colour
    )


def _points(polygon: Polygon) -> np.ndarray:
    return _fixed(np.array(polygon, dtype=float).reshape(-1, 2))


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.round(points * (1 << _SHIFT)).astype(np.int32)


def _fixed_point(point: np.ndarray) -> tuple[int, int]:
    x, y = _fixed(point).tolist()
    return x, y


def _line(pixels: np.ndarray, start: np.ndarray, end: np.ndarray, colour: Colour, width: int) -> None:
    cv2.line(pixels, _fixed_point(start), _fixed_point(end), colour, width, cv2.LINE_AA, _SHIFT)


def _arrow(start_box: Box, end_box: Box, covered: np.ndarray, head_length: float):
    """Start, tip and the two back corners of the head (a 2 x 2 array) of the best arrow between two boxes."""
    start, end = _clearest_way(start_box, end_box, covered)
    length = np.hypot(*(end - start))
    shortest = 1.8 * head_length
    if length < shortest:
        # Too close for an arrow between them: it begins inside of the first box.
        middle = np.array([(start_box[0] + start_box[2]) / 2, (start_box[1] + start_box[3]) / 2])
        outwards = end - middle
        distance = np.hypot(*outwards)
        start = end - outwards * min(1.0, shortest / distance) if distance else end - (shortest, 0.0)
        length = np.hypot(*(end - start))
    along = (end - start) / max(length, 1e-6)
    across = np.array([-along[1], along[0]]) * head_length * 0.45
    back = end - along * head_length
    return start, end, np.array([back + across, back - across])


def _clearest_way(start_box: Box, end_box: Box, covered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two points, on the edges of the boxes, between which a line is short and crosses little."""
    starts, ends = _edge_points(start_box), _edge_points(end_box)
    ways = np.stack(np.broadcast_arrays(starts[:, None], ends[None, :]), axis=2).reshape(-1, 2, 2)
    lengths = np.hypot(*(ways[:, 1] - ways[:, 0]).T)
    fractions = np.linspace(0.05, 0.95, _SAMPLES)[None, :, None]
    samples = ways[:, :1] * (1 - fractions) + ways[:, 1:] * fractions
    columns, rows = np.clip((samples / _CELL).astype(int), 0, np.array(covered.shape[::-1]) - 1).transpose(
        2, 0, 1
    )
    crossing = covered[rows, columns].mean(axis=1)
    # Middles of sides come first, and win where corners are no better.
    best = ways[np.argmin(lengths * (1 + _COST_OF_CROSSING * crossing))]
    return best[0], best[1]


def _covered(shape: tuple[int, int], boxes: Iterable[Box]) -> np.ndarray:
    """A coarse map of the page, True inside of boxes; their rims are free for arrows to pass along."""
    covered = np.zeros((shape[0] // _CELL + 1, shape[1] // _CELL + 1), dtype=bool)
    for x0, y0, x1, y1 in boxes:
        left, right = int(x0 / _CELL) + 1, int(np.ceil(x1 / _CELL)) - 1
        top, bottom = int(y0 / _CELL) + 1, int(np.ceil(y1 / _CELL)) - 1
        covered[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = True
    return covered


def _edge_points(box: Box) -> np.ndarray:
    """The middles of the four sides, then the four corners: 8 x 2."""
    x0, y0, x1, y1 = box
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return np.array([(x1, y), (x0, y), (x, y1), (x, y0), (x0, y1), (x1, y1), (x0, y0), (x1, y0)], dtype=float)


def _text_on(colour: Colour) -> Colour:
    """Black or white, whichever is easier to read on ``colour``."""
    red, green, blue = colour
    return BLACK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else WHITE
