"""Lines that need no OCR: a PDF's text layer, or a user's own file of lines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beam_kie.document import Category, DocumentError, PageImage, PageText, Polygon, TextLine
from beam_kie.escaping import whole_characters
from beam_kie.geometry import box_polygon
from beam_kie.ocr import OcrEngine
from beam_kie.ocr.cleaning import clean_lines

PageKey = tuple[str, int]
"""The URI of a document and a page of it, counted from 1."""


_LARGEST = 10_000_000
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
        return clean_lines(texts, polygons, [line.confidence for line in self.lines], (width_px, height_px))


class GivenLinesEngine:
    """Takes the lines that a page came with, else those of the user's file, else asks another engine.

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
            DocumentError: OCR_MISSING: a page has no given lines, and there is no other engine.
        """
        found = [self._given(image) for image in images]
        missing = [image for image, text in zip(images, found, strict=True) if text is None]
        if not missing:
            return [text for text in found if text is not None]
        if self._fallback is None:
            raise _missing(missing[0])
        read = iter(self._fallback.read(missing))
        return [next(read) if text is None else text for text in found]

    def _given(self, image: PageImage) -> PageText | None:
        height, width = image.pixels.shape[:2]
        if image.given_lines is not None:
            page, source = GivenPage(image.given_lines), "pdf"
        elif (page := self._pages.get((image.uri, image.page))) is not None:
            source = "given"
        else:
            return None
        return PageText(
            image.document_id,
            image.uri,
            image.page,
            width,
            height,
            lines=page.on_page(width, height),
            text_source=source,
            whole_lines=page.whole_lines,
        )


def read_lines_file(stream: Iterable[str]) -> dict[PageKey, GivenPage]:
    """The pages of a file of OCR lines with one JSON object per line.

    ``{"uri": ..., "page": 1, "lines": [{"text": ..., "polygon": [8 numbers] or "box": [x0, y0, x1, y1],
    "confidence": 0.9}]}``; ``page`` defaults to 1, ``confidence`` may be left out. "width" and "height"
    beside "lines" give the size of page that the coordinates refer to (else pixels of the page as it is
    decoded). ``"whole_lines": true`` says that every line is one key, value or header, or none, as an
    annotator draws them: they are neither split nor joined. Other keys and empty lines are ignored.

    Args:
        stream: the lines of the file.

    Returns:
        The pages by (uri, page).

    Raises:
        LinesFileError: a line cannot be used; the message names it.
    """
    pages: dict[PageKey, GivenPage] = {}
    seen_at: dict[PageKey, int] = {}
    for number, row in enumerate(_text(stream), start=1):
        if not row.strip().strip("\ufeff"):
            continue
        try:
            key, page = _page(row)
            if key in pages:
                raise _Wrong(f"page {key[1]} of this uri is already on line {seen_at[key]}")
        except _Wrong as wrong:
            raise LinesFileError(f"line {number} of the OCR lines: {wrong}") from None
        pages[key], seen_at[key] = page, number
    return pages


def _text(stream: Iterable[str]) -> Iterator[str]:
    """The lines of a stream that decodes while it is read."""
    try:
        yield from stream
    except UnicodeDecodeError as error:
        raise LinesFileError("the OCR lines are not UTF-8 text: save the file as UTF-8") from error


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
    uri, page, lines = record.get("uri"), record.get("page", 1), record.get("lines")
    if not isinstance(uri, str) or not uri:
        raise _Wrong('"uri" must be the document\'s URI')
    if not isinstance(page, int) or isinstance(page, bool) or page < 1:
        raise _Wrong('"page" must be a whole number, counted from 1')
    if not isinstance(lines, list):
        raise _Wrong('"lines" must be a list')
    found = []
    for index, line in enumerate(lines):
        try:
            found.append(_line(line))
        except _Wrong as wrong:
            raise _Wrong(f"lines[{index}]: {wrong}") from None
    whole_lines = record.get("whole_lines", False)
    if not isinstance(whole_lines, bool):
        raise _Wrong('"whole_lines" must be true or false')
    return (uri, page), GivenPage(tuple(found), _size(record), whole_lines)


def _size(record: dict[str, Any]) -> tuple[float, float] | None:
    if record.get("width") is None and record.get("height") is None:
        return None
    width, height = _numbers([record.get("width"), record.get("height")], '"width" and "height"')
    if min(width, height) < _SMALLEST:
        raise _Wrong(f'"width" and "height" must be at least {_SMALLEST}')
    return width, height


def _line(line: Any) -> TextLine:
    if not isinstance(line, dict) or not isinstance(line.get("text"), str):
        raise _Wrong('an object with "text" is expected')
    confidence = line.get("confidence")
    if confidence is not None:
        (confidence,) = _numbers([confidence], '"confidence"')
        if not 0 <= confidence <= 1:
            raise _Wrong('"confidence" must lie in 0..1')
    return TextLine(whole_characters(line["text"]), _polygon(line), confidence)


def _polygon(line: dict[str, Any]) -> Polygon:
    if "polygon" in line:
        polygon = line["polygon"]
        if isinstance(polygon, list) and all(isinstance(point, list) for point in polygon):
            polygon = [value for point in polygon for value in point]
        if not isinstance(polygon, list) or len(polygon) != 8:
            raise _Wrong('"polygon" must have 8 numbers: x and y of four corners')
        return _numbers(polygon, '"polygon"')
    box = line.get("box")
    if not isinstance(box, list) or len(box) != 4:
        raise _Wrong('"polygon" with 8 numbers or "box" with 4 (x0, y0, x1, y1) is expected')
    return box_polygon(_numbers(box, '"box"'))


def _numbers(values: list[Any], name: str) -> tuple[float, ...]:
    if any(not isinstance(value, int | float) or isinstance(value, bool) for value in values):
        raise _Wrong(f"{name} must be numbers")
    # Pages have no more pixels than this either way; it keeps out NaN and infinity as well.
    if not all(abs(value) <= _LARGEST for value in values):
        raise _Wrong(f"{name} must be numbers, none beyond {_LARGEST:,}")
    return tuple(float(value) for value in values)


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
