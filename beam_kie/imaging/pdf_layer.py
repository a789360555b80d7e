"""Which lines of a PDF page's text layer are what a viewer shows, and what is left of the page for OCR.

The rendered page is the truth. A line is taken where the file says which letters it has, and where exactly
its ink is gone once its text is not drawn: then it is neither hidden, covered, cut off, switched off nor of
the colour of its ground. The page without the ink of these lines is what OCR has to read.

Call only under the lock of ``beam_kie.imaging.pdf``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from beam_kie.document import Box, TextLine
from beam_kie.imaging.ink import brightest, text_ink_box
from beam_kie.imaging.pdf_characters import Character, PageCharacters, read_characters
from beam_kie.imaging.pdf_lines import Glyph, assemble_glyphs
from beam_kie.imaging.pdf_text import turned_back
from beam_kie.page_parts import PageRemainder

# Of 255: what differs by less cannot be seen.
_VISIBLE = 24
# The same character drawn this near to itself, in its heights and widths, is drawn twice (bold, shadow).
_SAME_HEIGHT, _SAME_WIDTH, _SAME_CELL = 0.25, 0.35, 0.5
# In pixels: characters smaller than this need not be seen in a line.
_SMALLEST = 4
# A character of which more than this lies under another line's is not told apart from it.
_OVERLAP = 0.3


class Layer(NamedTuple):
    """The lines of a page that need no OCR, and what does."""

    lines: tuple[TextLine, ...]
    remainder: PageRemainder


@dataclass(slots=True)
class _Line:
    """A line, the places of its characters, and whether it can be taken."""

    line: TextLine
    characters: list[int]
    is_trusted: bool = True


def read_layer(
    page: pdfium.PdfPage,
    shown: np.ndarray,
    render: Callable[[pdfium.PdfPage], np.ndarray],
    dpi: float,
    fonts_are_plain: bool,
    marks: Sequence[Box] = (),
) -> Layer | None:
    """Decide line by line what of a page is read from the file. Changes the page: it has to be closed then.

    Args:
        page: an open page whose annotations are part of it (flattened).
        shown: the page as a viewer shows it, H x W x 3 uint8 RGB.
        render: renders the page in the same size.
        dpi: the resolution of ``shown``.
        fonts_are_plain: no font of the file says for itself which letters it has; then only those whose
            letters the file draws are in doubt.
        marks: boxes in pixels of ``shown`` whose ink is known otherwise: check boxes and radio buttons.

    Returns:
        The lines and the remainder; None where OCR has to read the whole page: it has no line that can be
        taken, or most of its text does not stand upright.
    """
    height, width = shown.shape[:2]
    found = read_characters(page, width, height)
    _leave_out(found, marks)
    if 2 * len(found.glyphs[0]) < sum(map(len, found.glyphs)):
        return None
    lines, repeated = _lines(found, width, height)
    _distrust_overlaps(lines, found.characters, (height, width))
    _distrust_shared_objects(lines, found)
    hidden = _hidden(lines, found, repeated)
    if not hidden and not marks:
        return None
    full = render(page)
    if hidden:
        copies = [handle for handle, key in found.copies if key in hidden]
        for handle in [*(found.objects[key].handle for key in hidden), *copies]:
            pdfium_c.FPDFTextObj_SetTextRenderMode(handle, pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE)
        rest = render(page)
    else:
        rest = full.copy()
    taken = _visible_lines(lines, found.characters, shown, full, rest)
    if not taken and not marks:
        return None
    _paint_over(rest, marks)
    box = text_ink_box(rest, dpi) if taken else (0.0, 0.0, float(width), float(height))
    fonts = tuple(_doubtful_fonts(line, found, fonts_are_plain) for line in taken)
    return Layer(tuple(line.line for line in taken), PageRemainder(rest, box, fonts))


def _leave_out(found: PageCharacters, marks: Sequence[Box]) -> None:
    """Take the letters that draw marks out of the text, so that they do not join what stands beside them."""
    for glyphs in found.glyphs if marks else ():
        glyphs[:] = [
            glyph
            for glyph in glyphs
            if glyph.index < 0 or not _lies_in(found.characters[glyph.index].ink, marks)
        ]


def _lies_in(ink: Box | None, marks: Sequence[Box]) -> bool:
    if ink is None:
        return False
    x, y = (ink[0] + ink[2]) / 2, (ink[1] + ink[3]) / 2
    return any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in marks)


def _lines(found: PageCharacters, width: int, height: int) -> tuple[list[_Line], dict[int, set[int]]]:
    """The lines of the page, and the text objects that only repeat what others draw, with those others."""
    repeated = _repetitions(found)
    lines: list[_Line] = []
    for turns, glyphs in enumerate(found.glyphs):
        kept = [
            glyph
            for glyph in glyphs
            if glyph.index < 0 or found.characters[glyph.index].source not in repeated
        ]
        for members, assembled in assemble_glyphs(kept):
            places = [glyph.index for glyph in members if glyph.index >= 0]
            line = turned_back(assembled, turns, width, height)
            known = all(found.characters[place].is_known for place in places) and "\ufffd" not in line.text
            lines.append(_Line(line, places, known))
    return lines, repeated


def _repetitions(found: PageCharacters) -> dict[int, set[int]]:
    """The text objects all of whose letters lie on the same letters of others, with those others."""
    others_of: dict[int, set[int]] = {}
    unique: set[int] = set(found.stray)
    for glyphs in found.glyphs:
        near: dict[tuple[str, int, int], list[Glyph]] = {}
        for glyph in glyphs:
            if glyph.box is None or glyph.text.isspace():
                continue
            source = found.characters[glyph.index].source
            cell = _SAME_CELL * max(glyph.box[3] - glyph.box[1], 1.0)
            column, row = int(glyph.box[0] // cell), int(glyph.box[1] // cell)
            around = ((glyph.text, column + i, row + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
            others = {
                found.characters[other.index].source
                for key in around
                for other in near.get(key, ())
                if _is_same(glyph.box, other.box)
            } - {source}
            if others:
                others_of.setdefault(source, set()).update(others)
            else:
                unique.add(source)
                near.setdefault((glyph.text, column, row), []).append(glyph)
    return {source: others for source, others in others_of.items() if source not in unique}


def _is_same(box: Box, other: Box | None) -> bool:
    if other is None:
        return False
    width, height = box[2] - box[0], box[3] - box[1]
    return (
        abs(box[0] - other[0]) + abs(box[2] - other[2]) <= 2 * _SAME_WIDTH * width
        and abs(box[1] - other[1]) + abs(box[3] - other[3]) <= 2 * _SAME_HEIGHT * height
    )


def _distrust_overlaps(
    lines: Sequence[_Line], characters: Sequence[Character], size: tuple[int, int]
) -> None:
    """Distrust lines that lie on each other: the ink there is of one of them, or of both."""
    owner = np.full(size, -1, np.int32)
    for number, line in enumerate(lines):
        for place in line.characters:
            ink = characters[place].ink
            if ink is None:
                continue
            area = owner[_pixels(ink)]
            others = area[(area >= 0) & (area != number)]
            if others.size > _OVERLAP * area.size:
                line.is_trusted = lines[int(np.bincount(others).argmax())].is_trusted = False
            area[area < 0] = number


def _pixels(box: Box, margin: int = 0) -> tuple[slice, slice]:
    """Rows and columns of a box on a page; numpy cuts them at its right and lower edge."""
    x0, y0 = max(0, int(box[0]) - margin), max(0, int(box[1]) - margin)
    x1, y1 = max(x0 + 1, int(np.ceil(box[2])) + margin), max(y0 + 1, int(np.ceil(box[3])) + margin)
    return slice(y0, y1), slice(x0, x1)


def _distrust_shared_objects(lines: Sequence[_Line], found: PageCharacters) -> None:
    """Distrust lines with a text object that has to stay: one is hidden as a whole or not at all."""
    lines_of: dict[int, list[_Line]] = {}
    for line in lines:
        for source in _sources(line, found):
            lines_of.setdefault(source, []).append(line)
    queue = [line for line in lines if not line.is_trusted]
    queue += [line for source in found.stray for line in lines_of.get(source, ())]
    seen: set[int] = set()
    while queue:
        line = queue.pop()
        if id(line) in seen:
            continue
        seen.add(id(line))
        line.is_trusted = False
        for source in _sources(line, found):
            queue += lines_of[source]


def _sources(line: _Line, found: PageCharacters) -> set[int]:
    return {found.characters[place].source for place in line.characters}


def _hidden(lines: Iterable[_Line], found: PageCharacters, repeated: dict[int, set[int]]) -> set[int]:
    """The text objects that are not drawn for OCR: those of trusted lines, and those that repeat them."""
    hidden = {source for line in lines if line.is_trusted for source in _sources(line, found)}
    return hidden | {source for source, others in repeated.items() if others <= hidden}


def _visible_lines(
    lines: Iterable[_Line],
    characters: Sequence[Character],
    shown: np.ndarray,
    full: np.ndarray,
    rest: np.ndarray,
) -> list[_Line]:
    """The trusted lines whose ink is gone from ``rest``; that of others is put back there."""
    gone = (_differs(shown, rest) & _differs(full, rest)).astype(np.uint8)
    taken = []
    for line in lines:
        inks = [ink for place in line.characters if (ink := characters[place].ink) is not None]
        # At a low resolution full stops may be too small to be seen.
        inks = [ink for ink in inks if (ink[2] - ink[0]) * (ink[3] - ink[1]) >= _SMALLEST] or inks
        if not line.is_trusted or not inks:
            continue
        seen = sum(bool(gone[_pixels(ink, margin=1)].any()) for ink in inks)
        if seen == len(inks):
            taken.append(line)
        elif seen:
            rows, columns = _pixels(line.line.box, margin=2)
            rest[rows, columns] = shown[rows, columns]
    _put_back(rest, shown, full, taken)
    return taken


def _differs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """H x W: where two pictures differ visibly in any colour."""
    return brightest(cv2.absdiff(first, second)) > _VISIBLE


def _put_back(rest: np.ndarray, shown: np.ndarray, full: np.ndarray, taken: Iterable[_Line]) -> None:
    """Put back what a viewer shows and the flattened page does not, but under the lines taken."""
    if full is shown:
        return
    lost = _differs(shown, full)
    for line in taken:
        lost[_pixels(line.line.box, margin=2)] = False
    rest[lost] = shown[lost]


def _paint_over(rest: np.ndarray, marks: Iterable[Box]) -> None:
    """Give boxes the colour that is around them."""
    for box in marks:
        outer, inner = rest[_pixels(box, margin=4)], _pixels(box, margin=2)
        edge = np.concatenate([outer[0], outer[-1], outer[:, 0], outer[:, -1]])
        rest[inner] = np.median(edge, axis=0).astype(np.uint8)


def _doubtful_fonts(line: _Line, found: PageCharacters, fonts_are_plain: bool) -> frozenset[int]:
    """The fonts of a line whose letters nothing but the file vouches for."""
    objects = [found.objects[source] for source in _sources(line, found)]
    return frozenset(each.font for each in objects if each.is_embedded or not fonts_are_plain)
