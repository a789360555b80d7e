"""The characters of a PDF page with all that says whether they can be taken for what a viewer shows.

Call only under the lock of ``beam_kie.imaging.pdf``.
"""

from __future__ import annotations

import ctypes
import math
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from beam_kie.document import Box
from beam_kie.geometry import box_polygon, polygon_box, rotate_polygon
from beam_kie.imaging.pdf_lines import Glyph
from beam_kie.imaging.pdf_text import character_box, page_to_pixels

_QUARTER = math.pi / 2
# In quarter turns: text more askew than this (5 degrees) is left to OCR.
_ASKEW = 0.06
# In heights, and at most in points: a piece of text this near to another of its size is a copy of it (bold
# type, shadows).
_COPY, _COPY_ROW = 0.3, 6
_DRAWN = (
    pdfium_c.FPDF_TEXTRENDERMODE_FILL,
    pdfium_c.FPDF_TEXTRENDERMODE_STROKE,
    pdfium_c.FPDF_TEXTRENDERMODE_FILL_STROKE,
)
_INVISIBLE = pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE
# Halves of characters in the private planes 15 and 16.
_PRIVATE_HALVES = range(0xDB80, 0xDC00)


@dataclass(frozen=True, slots=True)
class TextObject:
    """A piece of text that the file draws at once.

    ``is_invisible``: it says itself that it is not drawn. ``is_plain``: it is drawn as text is read, neither
    mirrored nor used as a stencil, in a font with boxes of letters (not Type 3). ``font`` numbers the fonts
    of the page; ``is_embedded``: the letters of the font are drawn by the file itself, whatever they are
    called.
    """

    handle: ctypes._Pointer
    font: int
    is_embedded: bool
    is_invisible: bool
    is_plain: bool


@dataclass(frozen=True, slots=True)
class Character:
    """A character of the file.

    ``ink`` is its box on the rendered page without the space around it; None for white space. ``source`` is
    the key of its TextObject. ``is_known``: the file says which letter it is, and the text runs straight.
    """

    text: str
    source: int
    ink: Box | None
    is_known: bool


@dataclass(slots=True)
class PageCharacters:
    """All characters of a page that may be seen.

    ``glyphs`` are those for ``assemble_glyphs``, by how often 90 degrees clockwise their text is turned (0 to
    3) and in pixels of the page turned back; their index is the place in ``characters``. ``stray`` are the
    text objects of which a part is in none of them, ``copies`` those that draw again what the object of that
    key has drawn there already, which pdfium leaves out of the text.
    """

    characters: list[Character] = field(default_factory=list)
    objects: dict[int, TextObject] = field(default_factory=dict)
    glyphs: tuple[list[Glyph], ...] = field(default_factory=lambda: ([], [], [], []))
    stray: set[int] = field(default_factory=set)
    copies: list[tuple[ctypes._Pointer, int]] = field(default_factory=list)


def read_characters(page: pdfium.PdfPage, width_px: int, height_px: int) -> PageCharacters:
    """Read the characters of a page.

    Args:
        page: an open page; the objects are valid until it is closed.
        width_px: of the page as it is rendered.
        height_px: of the page as it is rendered.
    """
    found = PageCharacters()
    reader = _Reader(page, (width_px, height_px), found)
    with closing(page.get_textpage()) as textpage:
        for index in range(textpage.count_chars()):
            reader.add(textpage, index)
        found.copies.extend(_copies(page, found.objects))
    return found


def _copies(page: pdfium.PdfPage, known: Mapping[int, TextObject]) -> Iterator[tuple[ctypes._Pointer, int]]:
    """The text objects without characters that lie on one with characters, with its key."""
    pieces = list(page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_TEXT]))
    keys = [_address(piece.raw) for piece in pieces]
    if all(key in known for key in keys):
        return
    places: dict[tuple[int, int], list[tuple[Box, int]]] = {}
    others: list[tuple[ctypes._Pointer, int, Box]] = []
    for piece, key in zip(pieces, keys, strict=True):
        # Of a piece within a form, the bounds are those within the form.
        form = 0 if piece.container is None else _address(piece.container.raw)
        box = piece.get_bounds()
        if key in known:
            places.setdefault((form, int(box[1] // _COPY_ROW)), []).append((box, key))
        else:
            others.append((piece.raw, form, box))
    for handle, form, box in others:
        row = int(box[1] // _COPY_ROW)
        near = (found for step in (-1, 0, 1) for found in places.get((form, row + step), ()))
        key = next((key for other, key in near if _is_near(box, other)), None)
        if key is not None:
            yield handle, key


def _is_near(box: Box, other: Box) -> bool:
    height = min(box[3] - box[1], other[3] - other[1])
    return max(abs(a - b) for a, b in zip(box, other, strict=True)) <= min(_COPY * height, _COPY_ROW)


def _address(handle: ctypes._Pointer) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0


class _Reader:
    """Takes one character after the other."""

    def __init__(self, page: pdfium.PdfPage, size_px: tuple[int, int], found: PageCharacters):
        self._size_px = size_px
        self._page_turns = page.get_rotation() // 90
        self._to_pixels = page_to_pixels(page, *size_px)
        self._found = found
        self._fonts: dict[int, int] = {}
        self._turns = 0

    def add(self, textpage: pdfium.PdfTextPage, index: int) -> None:
        code = pdfium_c.FPDFText_GetUnicode(textpage, index)
        if pdfium_c.FPDFText_IsGenerated(textpage, index) == 1:
            if code == ord(" "):
                self._found.glyphs[self._turns].append(Glyph(" ", None))
            return
        source = self._source(textpage, index)
        if source is None or self._found.objects[source].is_invisible:
            return
        width, height = self._size_px
        x0, y0, x1, y1 = box = self._to_pixels(character_box(textpage, index))
        angle = pdfium_c.FPDFText_GetCharAngle(textpage, index) / _QUARTER
        if not math.isfinite(sum(box) + angle) or abs(angle - round(angle)) > _ASKEW:
            self._found.stray.add(source)
            return
        if not (0 <= x0 + x1 <= 2 * width and 0 <= y0 + y1 <= 2 * height):
            return  # its middle is outside of the page
        self._turns = turns = (round(angle) + self._page_turns) % 4
        if turns:
            box = polygon_box(rotate_polygon(box_polygon(box), width, height, 360 - 90 * turns))
        text, is_known = _letter(textpage, index, code)
        self._found.glyphs[turns].append(Glyph(text, box, len(self._found.characters)))
        ink = None if text.isspace() else self._to_pixels(textpage.get_charbox(index))
        is_known = is_known and self._found.objects[source].is_plain
        self._found.characters.append(Character(text, source, ink, is_known))

    def _source(self, textpage: pdfium.PdfTextPage, index: int) -> int | None:
        """The key of the text object that draws a character."""
        handle = pdfium_c.FPDFText_GetTextObject(textpage, index)
        key = _address(handle)
        if not key:
            return None
        if key not in self._found.objects:
            font = pdfium_c.FPDFTextObj_GetFont(handle)
            mode = pdfium_c.FPDFTextObj_GetTextRenderMode(handle)
            self._found.objects[key] = TextObject(
                handle,
                self._fonts.setdefault(_address(font), len(self._fonts)),
                is_embedded=pdfium_c.FPDFFont_GetIsEmbedded(font) != 0,
                is_invisible=mode == _INVISIBLE,
                is_plain=mode in _DRAWN and _has_name(font) and _keeps_sides(textpage, index),
            )
        return key


def _has_name(font: ctypes._Pointer) -> bool:
    """Whether a font has a name, as all have but those of Type 3."""
    return pdfium_c.FPDFFont_GetBaseFontName(font, None, 0) > 1


def _keeps_sides(textpage: pdfium.PdfTextPage, index: int) -> bool:
    """Whether a character is not mirrored."""
    matrix = pdfium_c.FS_MATRIX()
    if not pdfium_c.FPDFText_GetMatrix(textpage, index, matrix):
        return False
    return matrix.a * matrix.d - matrix.b * matrix.c > 0


def _letter(textpage: pdfium.PdfTextPage, index: int, code: int) -> tuple[str, bool]:
    """A character, and whether the file says so in a way that a viewer could copy."""
    if pdfium_c.FPDFText_IsHyphen(textpage, index) == 1:
        return "-", True
    if not 0 < code <= 0x10FFFF or code in _PRIVATE_HALVES:
        return "\ufffd", False
    text = chr(code)
    is_known = text.isspace() or unicodedata.category(text) not in ("Cc", "Co", "Cn")
    return text, is_known and code != 0xFFFD and pdfium_c.FPDFText_HasUnicodeMapError(textpage, index) != 1
