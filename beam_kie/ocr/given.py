"""Lines that need no OCR: a PDF's text layer, or a user's own file of lines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from beam_kie.document import Category, DocumentError, PageImage, PageText, Polygon, TextLine
from beam_kie.escaping import whole_characters
from beam_kie.geometry import polygon_area
from beam_kie.ocr import OcrEngine
from beam_kie.ocr.cleaning import clean_lines
from beam_kie.ocr.shapes import ShapeError, numbers, read_box, read_polygon
from beam_kie.ocr.words import join_words, lines_of_words

PageKey = tuple[str, int]
"""The URI of a document and a page of it, counted from 1."""

_PERCENT = 100
# Of a page that coordinates refer to; less would scale them beyond all numbers.
_SMALLEST = 0.001


class LinesFileError(ValueError):
    """A file of OCR lines that cannot be used; the message names the line of the file."""


@dataclass(frozen=True, slots=True)
class GivenPage:
    """The lines of one page as a file gives them.

    ``size`` is the width and height that the coordinates refer to; None means pixels of the page.
    ``whole_lines`` as of PageText.
    """

    lines: tuple[TextLine, ...]
    size: tuple[float, float] | None = None
    whole_lines: bool = False

    @property
    def text_count(self) -> int:
        """How many of the lines are not blank."""
        return sum(bool(line.text.strip()) for line in self.lines)

    def on_page(self, width_px: int, height_px: int) -> tuple[TextLine, ...]:
        """The lines in pixels of a page of that size, in reading order; blank ones are left out.

        Args:
            width_px: the page's width in pixels, above 0.
            height_px: its height.
        """
        x_scale = y_scale = 1.0
        if self.size is not None:
            x_scale, y_scale = width_px / self.size[0], height_px / self.size[1]
        scales = (x_scale, y_scale)
        polygons = [tuple(v * scales[i % 2] for i, v in enumerate(line.polygon)) for line in self.lines]
        texts = [line.text for line in self.lines]
        confidences = [line.confidence for line in self.lines]
        spans = [line.char_spans for line in self.lines]
        return clean_lines(texts, polygons, confidences, (width_px, height_px), char_spans=spans)


class GivenLinesEngine:
    """Takes the lines of the user's file, else those that a page came with, else asks another engine.

    Where the page came with some of its lines only, the engine reads what is left of it.

    Args:
        pages: the lines of the user's file, as of ``read_lines_file``.
        fallback: reads the pages without given lines. Without it, such a page is an error.
    """

    def __init__(self, pages: Mapping[PageKey, GivenPage] | None = None, fallback: OcrEngine | None = None):
        self._pages = dict(pages or {})
        self._fallback = fallback
        self.name = fallback.name if fallback else "given"
        self.revision = fallback.revision if fallback else _digest(self._pages)

    def read(self, images: Sequence[PageImage]) -> list[PageText]:
        """The text of each page; ``text_source`` says where it comes from.

        Args:
            images: as of OcrEngine.read.

        Raises:
            DocumentError: OCR_MISSING: a page has no given lines, and there is no other engine. OCR_FAILED:
                given lines lie outside their page.
        """
        # OpenCV comes with these; the command line reads files of lines without it.
        from beam_kie.imaging.marks import with_ruling
        from beam_kie.ocr.dropped_marks import with_dropped_marks
        from beam_kie.ocr.text_layer import with_fields

        found = [self._given(image) for image in images]
        missing = [image for image, text in zip(images, found, strict=True) if text is None]
        if missing and self._fallback is None:
            raise _missing(missing[0])
        found_anew = self._fallback.read(missing) if missing and self._fallback else ()
        read = map(with_fields, missing, found_anew)
        texts = [next(read) if text is None else text for text in found]
        ruled = (with_ruling(text, image.pixels) for text, image in zip(texts, images, strict=True))
        return [with_dropped_marks(page) for page in ruled]

    def _given(self, image: PageImage) -> PageText | None:
        from beam_kie.ocr.straightening import straightened
        from beam_kie.ocr.text_layer import read_with_layer

        height, width = image.pixels.shape[:2]
        page = self._pages.get((image.uri, image.page))
        if page is None:
            if image.given_lines is None:
                return None
            if self._fallback is not None:
                return read_with_layer(image, self._fallback.read)
            # Without an engine a page of which nothing can be taken is not an empty one.
            return read_with_layer(image) if image.given_lines or image.remainder is None else None
        lines = page.on_page(width, height)
        if lost := page.text_count - len(lines):
            raise _outside(lost, page, width, height)
        text = PageText(image.document_id, image.uri, image.page, width, height, 0, lines, "given")
        return straightened(replace(text, whole_lines=page.whole_lines, fields=image.fields))


def read_lines_file(stream: Iterable[str], spelling: Callable[[str], str] = str) -> dict[PageKey, GivenPage]:
    """The pages of a file of OCR lines with one JSON object per line; docs/own-ocr.md describes it.

    Args:
        stream: the lines of the file. Empty lines and unknown keys are ignored.
        spelling: gives the one spelling of a URI that may have several.

    Returns:
        The pages by (uri, page).

    Raises:
        LinesFileError: a line cannot be used; the message names it, without its text.
    """
    pages: dict[PageKey, GivenPage] = {}
    seen_at: dict[PageKey, int] = {}
    for number, row in enumerate(_decoded(stream), start=1):
        if not row.strip().strip("\ufeff"):
            continue
        try:
            (uri, page_number), page = _page(row)
            key = (spelling(uri), page_number)
            if key in pages:
                raise _Wrong(f"page {key[1]} of this uri is already on line {seen_at[key]}")
        except (_Wrong, ShapeError) as wrong:
            raise LinesFileError(f"line {number} of the OCR lines: {wrong}") from None
        pages[key], seen_at[key] = page, number
    return pages


def _decoded(stream: Iterable[str]) -> Iterator[str]:
    """The lines of a file, one at a time."""
    read = 0
    try:
        for row in stream:
            yield row
            read += 1
    except UnicodeDecodeError:
        message = f"line {read + 1} of the OCR lines or one soon after it: not UTF-8; save the file as UTF-8"
        raise LinesFileError(message) from None


class _Wrong(Exception):
    """What is wrong with a row, without its text."""


def _page(row: str) -> tuple[PageKey, GivenPage]:
    try:
        record = json.loads(row.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        raise _Wrong(f"not JSON ({error.msg} at character {error.pos + 1})") from None
    except RecursionError:
        raise _Wrong("nested too deeply") from None
    except ValueError:  # Python reads no whole numbers of more than 4,300 digits
        raise _Wrong("a number has too many digits") from None
    if not isinstance(record, dict):
        raise _Wrong('a JSON object with "uri", "page" and "lines" is expected')
    uri, page = record.get("uri"), record.get("page", 1)
    if not isinstance(uri, str) or not uri:
        raise _Wrong('"uri" must be the document\'s URI')
    if not isinstance(page, int) or isinstance(page, bool) or page < 1:
        raise _Wrong('"page" must be a whole number, counted from 1')
    whole_lines = record.get("whole_lines", False)
    if not isinstance(whole_lines, bool):
        raise _Wrong('"whole_lines" must be true or false')
    if "lines" not in record and "words" in record:
        lines = lines_of_words(_texts(record["words"], "words"))
    else:
        lines = _texts(record.get("lines"), "lines")
    return (uri, page), GivenPage(tuple(_as_fractions(lines)), _size(record), whole_lines)


def _texts(values: Any, name: str) -> list[TextLine]:
    """The lines or words of a page, blank ones left out."""
    if not isinstance(values, list):
        raise _Wrong(f'"{name}" must be a list')
    found = []
    for index, value in enumerate(values):
        try:
            found.append(_line(value))
        except (_Wrong, ShapeError) as wrong:
            raise _Wrong(f"{name}[{index}]: {wrong}") from None
    return [line for line in found if line is not None]


def _size(record: dict[str, Any]) -> tuple[float, float] | None:
    if record.get("width") is None and record.get("height") is None:
        return None
    width, height = numbers([record.get("width"), record.get("height")], '"width" and "height"')
    if min(width, height) < _SMALLEST:
        raise _Wrong(f'"width" and "height" must be at least {_SMALLEST}')
    return width, height


def _line(line: Any) -> TextLine | None:
    """A line or word; None where it is blank."""
    if isinstance(line, dict) and "text" not in line and isinstance(line.get("words"), list):
        words = _texts(line["words"], "words")
        return join_words(words) if words else None
    if not isinstance(line, dict) or not isinstance(line.get("text"), str):
        raise _Wrong('an object with "text" is expected')
    confidence = line.get("confidence")
    if confidence is not None:
        (confidence,) = numbers([confidence], '"confidence"')
        if not 0 <= confidence <= _PERCENT:
            raise _Wrong('"confidence" must lie in 0..1, or in 0..100')
    polygon = read_polygon(line["polygon"]) if line.get("polygon") is not None else _box(line)
    text = whole_characters(line["text"])
    if not text.strip():
        return None
    if polygon_area(polygon) <= 0:
        raise _Wrong("its box or polygon has no width or no height")
    return TextLine(text, polygon, confidence)


def _box(line: dict[str, Any]) -> Polygon:
    if line.get("box") is None:
        raise _Wrong('"polygon" with the corners or "box" with 4 numbers (x0, y0, x1, y1) is expected')
    return read_box(line["box"])


def _as_fractions(lines: Sequence[TextLine]) -> list[TextLine]:
    """Confidences of a page in 0..1, also where they are given in percent."""
    known = [line.confidence for line in lines if line.confidence is not None]
    if not any(confidence > 1 for confidence in known):
        return list(lines)
    if any(0 < confidence < 1 for confidence in known):
        raise _Wrong('"confidence" is partly in 0..1 and partly in percent: give one of them')
    return [
        line if line.confidence is None else replace(line, confidence=line.confidence / _PERCENT)
        for line in lines
    ]


def _outside(lost: int, page: GivenPage, width: int, height: int) -> DocumentError:
    advice = (
        'their "width" and "height" are not those of the picture that the coordinates refer to'
        if page.size
        else 'if the coordinates are those of another picture, give its "width" and "height" beside "lines"'
    )
    return DocumentError(
        Category.OCR_FAILED,
        f"{lost} of {page.text_count} given lines lie outside the page, which has {width} x {height} pixels: "
        f"{advice}",
    )


def _missing(image: PageImage) -> DocumentError:
    return DocumentError(
        Category.OCR_MISSING,
        f"no OCR lines were given for page {image.page} of this document: add it to the file of OCR lines "
        "(the uri must be the same), or choose an OCR engine",
    )


def _digest(pages: Mapping[PageKey, GivenPage]) -> str:
    """12 hex digits that change with any given line."""
    digest = hashlib.sha256()
    for key in sorted(pages):
        digest.update(repr((key, pages[key].size, pages[key].lines, pages[key].whole_lines)).encode())
        for line in pages[key].lines:
            digest.update(repr((line.text, line.polygon, line.confidence)).encode())
    return digest.hexdigest()[:12]
