"""Pages of which a PDF's text layer gives some lines, and OCR reads the rest."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np

from beam_kie.document import Box, PageImage, PageText, TextLine
from beam_kie.geometry import rotate_polygon, union_box
from beam_kie.imaging.decode import upright
from beam_kie.ocr.cleaning import clean_lines
from beam_kie.ocr.form_marks import with_marks
from beam_kie.ocr.straightening import straightened
from beam_kie.page_parts import PageRemainder
from beam_kie.reading_order import order_lines

Read = Callable[[Sequence[PageImage]], list[PageText]]
"""``OcrEngine.read``."""

# Around what may be text, in pixels: the detector needs some ground beside the letters.
_MARGIN = 32
# A part of a page that is larger than this is not cut out: it is read as it stands, as OCR alone would do.
_LARGE = 0.5
# Between samples of fonts on one sheet, in pixels.
_GAP = 24
_LONGEST_SAMPLE = 48
# The least share of letters and of digits that OCR must find in a sample.
_ALIKE = 0.7
_FEWEST_DIGITS = 3


def read_with_layer(image: PageImage, read: Read | None = None) -> PageText:
    """The text of a page with given lines: those, and what OCR reads on the remainder.

    Args:
        image: a page with ``given_lines``.
        read: an engine's; None: only the given lines are taken.

    Returns:
        The page, with lines in reading order.
    """
    given = image.given_lines or ()
    remainder = image.remainder
    if read is None or remainder is None:
        return _page(image, given, ())
    doubtful = _wrong_fonts(image, given, remainder, read)
    if doubtful:
        given, remainder = _without_fonts(image, given, remainder, doubtful)
    if remainder.box is None:
        return _page(image, given, ())
    part, (left, top) = _cut_out(remainder)
    (found,) = read([replace(image, pixels=part, given_lines=None, remainder=None)])
    if found.rotation_deg and _letters(found.lines) > _letters(given):
        # The page lies on its side, with a few words added upright: they are read with it.
        (found,) = read([replace(image, given_lines=None, remainder=None)])
        return with_fields(image, found)
    return _page(image, given, _moved_back(found, left, top))


def _page(image: PageImage, given: Sequence[TextLine], read: Sequence[TextLine]) -> PageText:
    height, width = image.pixels.shape[:2]
    lines = with_marks([*given, *read], image.fields)
    source = "mixed" if given and read else "ocr" if read else "pdf"
    page = PageText(
        image.document_id,
        image.uri,
        image.page,
        width,
        height,
        lines=clean_lines(
            [line.text for line in lines],
            [line.polygon for line in lines],
            [line.confidence for line in lines],
            (width, height),
            char_spans=[line.char_spans for line in lines],
        ),
        text_source=source,
        fields=image.fields,
    )
    return straightened(page)


def _letters(lines: Sequence[TextLine]) -> int:
    return sum(len(line.text) for line in lines)


def _cut_out(remainder: PageRemainder) -> tuple[np.ndarray, tuple[int, int]]:
    """The part of the page that OCR reads, and where its corner lies on the page."""
    pixels, box = remainder.pixels, remainder.box
    height, width = pixels.shape[:2]
    if box is None or (box[2] - box[0]) * (box[3] - box[1]) > _LARGE * width * height:
        return pixels, (0, 0)
    left, top = max(0, int(box[0]) - _MARGIN), max(0, int(box[1]) - _MARGIN)
    part = pixels[top : int(box[3]) + _MARGIN, left : int(box[2]) + _MARGIN]
    return np.ascontiguousarray(part), (left, top)


def _moved_back(found: PageText, left: int, top: int) -> list[TextLine]:
    """Lines of a part, turned as it was read, on the page as it is."""
    lines = []
    for line in found.lines:
        size = (found.width_px, found.height_px)
        polygon = rotate_polygon(line.polygon, *size, (360 - found.rotation_deg) % 360)
        moved = tuple(value + (top if index % 2 else left) for index, value in enumerate(polygon))
        lines.append(replace(line, polygon=moved))
    return lines


def with_fields(image: PageImage, page: PageText) -> PageText:
    """A page that OCR has read, with the fields of its form.

    Args:
        image: the page as it lies in its file.
        page: what OCR has read of all of it.
    """
    if not image.fields:
        return page
    height, width = image.pixels.shape[:2]
    fields = (
        replace(each, polygon=rotate_polygon(each.polygon, width, height, page.rotation_deg))
        for each in image.fields
    )
    fields = tuple(fields)
    return straightened(replace(page, fields=fields, lines=order_lines(with_marks(page.lines, fields))))


# Fonts


def _wrong_fonts(
    image: PageImage, given: Sequence[TextLine], remainder: PageRemainder, read: Read
) -> set[int]:
    """The fonts of which OCR reads other letters than the file says, on a line or two of each."""
    samples = _samples(given, remainder.fonts)
    if not samples:
        return set()
    indices = sorted({index for lines in samples.values() for index in lines})
    sheet, tops = _sheet(image.pixels, [_upright_crop(image.pixels, given[index]) for index in indices])
    (found,) = read([replace(image, pixels=sheet, given_lines=None, remainder=None, fields=())])
    texts = _texts_between(found, tops)
    seen = dict(zip(indices, texts, strict=True))
    return {
        font
        for font, lines in samples.items()
        if not all(is_same_text(given[index].text, seen[index]) for index in lines)
    }


def _samples(given: Sequence[TextLine], fonts: Sequence[frozenset[int]]) -> dict[int, list[int]]:
    """For each font in doubt the lines that show the most of its letters and of its digits."""
    lines_of: dict[int, list[int]] = {}
    for index, names in enumerate(fonts):
        for font in names:
            lines_of.setdefault(font, []).append(index)
    samples = {}
    for font, indices in lines_of.items():
        indices = [index for index in indices if _is_sample(given[index].text)]
        if not indices:
            continue
        letters = max(indices, key=lambda index: len(set(filter(str.isalpha, given[index].text))))
        digits = max(indices, key=lambda index: len(set(filter(str.isdigit, given[index].text))))
        samples[font] = sorted({letters, digits})
    return samples


def _is_sample(text: str) -> bool:
    """Whether a line has letters that engines for any of the languages read."""
    inked = [char for char in text if not char.isspace()]
    plain = sum(char.isascii() or _is_east_asian(char) or "\u00c0" <= char <= "\u024f" for char in inked)
    return plain == len(inked) <= _LONGEST_SAMPLE and any(map(str.isalnum, inked))


def _is_east_asian(char: str) -> bool:
    return "\u3040" <= char <= "\u30ff" or "\u4e00" <= char <= "\u9fff"


def _upright_crop(pixels: np.ndarray, line: TextLine) -> np.ndarray:
    """The picture of a line, turned as it is read."""
    x0, y0, x1, y1 = (int(value) for value in line.box)
    pad = max(2, (min(x1 - x0, y1 - y0)) // 8)
    crop = pixels[max(0, y0 - pad) : y1 + pad + 1, max(0, x0 - pad) : x1 + pad + 1]
    across, down = line.polygon[2] - line.polygon[0], line.polygon[3] - line.polygon[1]
    if abs(across) >= abs(down):
        return crop if across >= 0 else upright(crop, 180)
    return upright(crop, 270 if down > 0 else 90)


def _sheet(pixels: np.ndarray, crops: Sequence[np.ndarray]) -> tuple[np.ndarray, list[int]]:
    """Pictures below each other on white paper, and where each begins."""
    height = sum(crop.shape[0] + _GAP for crop in crops) + _GAP
    width = max(crop.shape[1] for crop in crops) + 2 * _GAP
    sheet = np.full((height, width, 3), 255, pixels.dtype)
    top, tops = _GAP, []
    for crop in crops:
        sheet[top : top + crop.shape[0], _GAP : _GAP + crop.shape[1]] = crop
        tops.append(top)
        top += crop.shape[0] + _GAP
    return sheet, tops


def _texts_between(found: PageText, tops: Sequence[int]) -> list[str]:
    """What was read on a sheet, picture by picture."""
    texts = [""] * len(tops)
    for line in found.lines:
        middle = (line.box[1] + line.box[3]) / 2
        place = sum(top <= middle for top in tops) - 1
        if place >= 0 and found.rotation_deg == 0:
            texts[place] += line.text
    return texts


def is_same_text(said: str, seen: str) -> bool:
    """Whether OCR has read what a file says, but for the errors that OCR makes.

    Args:
        said: the text in the file.
        seen: the text that OCR read.
    """
    said, seen = _letters_and_digits(said), _letters_and_digits(seen)
    if SequenceMatcher(None, said, seen, autojunk=False).ratio() < _ALIKE:
        return False
    digits, seen_digits = "".join(filter(str.isdigit, said)), "".join(filter(str.isdigit, seen))
    if len(digits) < _FEWEST_DIGITS:
        return True
    return SequenceMatcher(None, digits, seen_digits, autojunk=False).ratio() >= _ALIKE


def _letters_and_digits(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(filter(str.isalnum, plain))


def _without_fonts(
    image: PageImage, given: Sequence[TextLine], remainder: PageRemainder, wrong: set[int]
) -> tuple[tuple[TextLine, ...], PageRemainder]:
    """The given lines without those in some fonts, whose ink goes back to what OCR reads."""
    kept, dropped, fonts = [], [], []
    for line, names in zip(given, remainder.fonts, strict=True):
        if names & wrong:
            dropped.append(line)
        else:
            kept.append(line)
            fonts.append(names)
    pixels = remainder.pixels.copy()
    for line in dropped:
        x0, y0, x1, y1 = (int(value) for value in line.box)
        rows, columns = slice(max(0, y0 - 2), y1 + 3), slice(max(0, x0 - 2), x1 + 3)
        pixels[rows, columns] = image.pixels[rows, columns]
    boxes = [line.box for line in dropped] + ([remainder.box] if remainder.box else [])
    box: Box = union_box(boxes)
    return tuple(kept), PageRemainder(pixels, box, tuple(fonts))
