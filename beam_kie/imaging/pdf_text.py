"""The text layer of a PDF page as lines, in pixels of the rendered page.

Call only under the lock of ``beam_kie.imaging.pdf``.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from contextlib import closing

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from beam_kie.document import Box, TextLine
from beam_kie.geometry import box_polygon, clip_box, polygon_box, rotate_polygon, union_box
from beam_kie.imaging.pdf_lines import Glyph, assemble_lines

# A text layer is left to OCR when more of its characters than this have no known letter ...
_MAX_UNKNOWN = 0.1
# ...or when it is shorter than this and pictures cover at least this share of the page: then it is a
# stamp or a page number on a scan, and what was scanned would be lost.
_STAMP_CHARACTERS = 100
_SCAN_COVERAGE = 0.5

_HYPHENS = (0x02, 0xFFFE)  # pdfium's marks for a hyphen at the end of a line
_PRIVATE_USE = range(0xE000, 0xF900)
# pdfium maps points to whole pixels, so positions are taken on a page that many times larger.
_PRECISION = 256


def page_lines(page: pdfium.PdfPage, width_px: int, height_px: int) -> tuple[TextLine, ...] | None:
    """The lines of a page's text layer; their confidence is not measured.

    Words far apart on one line (cells, columns) are lines of their own.

    Args:
        page: an open page.
        width_px: of the page as it is rendered.
        height_px: of the page as it is rendered.

    Returns:
        The lines in pixels of the rendered page. None where OCR has to read it: no text layer, one that is
        only a stamp on a scan or whose characters have no known letters, or a page whose text mostly does not
        stand upright.
    """
    by_turns, known, unknown = _read_glyphs(page, width_px, height_px)
    if not known or unknown > _MAX_UNKNOWN * (known + unknown):
        return None
    if known < _STAMP_CHARACTERS and _is_scan(page):
        return None
    if 2 * len(by_turns[0]) < sum(map(len, by_turns)):
        return None
    return tuple(
        turned_back(line, turns, width_px, height_px)
        for turns, glyphs in enumerate(by_turns)
        for line in assemble_lines(glyphs)
    )


def turned_back(line: TextLine, turns: int, width_px: int, height_px: int) -> TextLine:
    """A line of a page that was turned so that the line stood upright, on the page as it is rendered.

    Args:
        line: in pixels of the turned page.
        turns: how often 90 degrees clockwise the line is turned on the rendered page.
        width_px: of the rendered page.
        height_px: of the rendered page.
    """
    width, height = (height_px, width_px) if turns % 2 else (width_px, height_px)
    on_page = box_polygon(clip_box(line.box, width, height))
    return TextLine(line.text, rotate_polygon(on_page, width, height, 90 * turns))


def _read_glyphs(page: pdfium.PdfPage, width_px: int, height_px: int) -> tuple[list[list[Glyph]], int, int]:
    """The characters on the page by how often 90 degrees clockwise they are turned (0 to 3).

    With them, how many have a known letter and how many have not (white space is neither).
    """
    by_turns: list[list[Glyph]] = [[], [], [], []]
    known = unknown = turns = 0
    to_pixels = page_to_pixels(page, width_px, height_px)
    with closing(page.get_textpage()) as textpage:
        for index in range(textpage.count_chars()):
            code = pdfium_c.FPDFText_GetUnicode(textpage, index)
            if pdfium_c.FPDFText_IsGenerated(textpage, index) == 1:
                if code == ord(" "):
                    by_turns[turns].append(Glyph(" ", None))
                continue
            x0, y0, x1, y1 = box = to_pixels(character_box(textpage, index))
            if not (0 <= x0 + x1 <= 2 * width_px and 0 <= y0 + y1 <= 2 * height_px):
                continue  # its middle is outside of the page
            turns = (_quarter_turns(textpage, index) + page.get_rotation() // 90) % 4
            if turns:
                box = polygon_box(rotate_polygon(box_polygon(box), width_px, height_px, 360 - 90 * turns))
            text = "-" if code in _HYPHENS else chr(code)
            by_turns[turns].append(Glyph(text, box))
            if not text.isspace():
                is_known = _is_known(textpage, index, code)
                known, unknown = known + is_known, unknown + (not is_known)
    return by_turns, known, unknown


def character_box(textpage: pdfium.PdfTextPage, index: int) -> Box:
    """Left, bottom, right, top in points: as high as the font says, and around all of the ink.

    Args:
        textpage: of an open page.
        index: of the character.
    """
    return union_box((textpage.get_charbox(index, loose=True), textpage.get_charbox(index)))


def _quarter_turns(textpage: pdfium.PdfTextPage, index: int) -> int:
    """How often 90 degrees clockwise a character is turned on the unturned page, to the nearest."""
    return round(pdfium_c.FPDFText_GetCharAngle(textpage, index) / (math.pi / 2))


def _is_known(textpage: pdfium.PdfTextPage, index: int, code: int) -> bool:
    """Whether the file says which letter a character is."""
    if code in (0, 0xFFFD) or code in _PRIVATE_USE:
        return False
    return pdfium_c.FPDFText_HasUnicodeMapError(textpage, index) != 1


def _is_scan(page: pdfium.PdfPage) -> bool:
    """Whether pictures cover most of the page."""
    covered = 0.0
    for picture in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE]):
        left, bottom, right, top = picture.get_bounds()
        covered += (right - left) * (top - bottom)
    return covered >= _SCAN_COVERAGE * page.get_width() * page.get_height()


def page_to_pixels(page: pdfium.PdfPage, width_px: int, height_px: int) -> Callable[[Box], Box]:
    """The map from boxes in points of the unturned page to boxes in pixels of the rendered one.

    Args:
        page: an open page.
        width_px: of the page as it is rendered.
        height_px: of the page as it is rendered.
    """

    def device(x: float, y: float) -> tuple[float, float]:
        device_x, device_y = ctypes.c_int(), ctypes.c_int()
        size = (width_px * _PRECISION, height_px * _PRECISION)
        pdfium_c.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, device_x, device_y)
        return device_x.value / _PRECISION, device_y.value / _PRECISION

    # The map is affine: three points define it, taken far apart because they are rounded.
    reach = 1000.0
    start_x, start_y = device(0, 0)
    right_x, right_y = device(reach, 0)
    up_x, up_y = device(0, reach)

    def to_pixels(box: Box) -> Box:
        xs, ys = [], []
        for x, y in ((box[0] / reach, box[1] / reach), (box[2] / reach, box[3] / reach)):
            xs.append(start_x + x * (right_x - start_x) + y * (up_x - start_x))
            ys.append(start_y + x * (right_y - start_y) + y * (up_y - start_y))
        return (min(xs), min(ys), max(xs), max(ys))

    return to_pixels
