"""Answers of cloud services: Google Document AI, Amazon Textract, Azure Document Intelligence.

After their public references: the ``Document`` of Document AI (v1), ``GetDocumentTextDetection`` and
``AnalyzeDocument`` of Textract, the ``AnalyzeResult`` of Document Intelligence (v3 and v4) and
``readResults`` of Form Recognizer (v2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from beam_kie.document import Polygon, TextLine
from beam_kie.ocr.convert.fields import PERCENT, confidence, field, items, page_number, size, text
from beam_kie.ocr.convert.found import FormatError, FoundPage
from beam_kie.ocr.shapes import numbers, read_box, read_polygon
from beam_kie.ocr.words import lines_of_words

# ---------------------------------------------------------------- Google Document AI


def read_document_ai(document: dict[str, Any]) -> list[FoundPage]:
    """Pages of a Document of Google Document AI, in the spelling of its JSON or of its Python client.

    Args:
        document: with "text" and "pages".

    Raises:
        FormatError: it is not as the format has it; ShapeError: nor are its coordinates.
    """
    whole = text(document, "text")
    return [
        _document_ai_page(page, whole, number)
        for number, page in enumerate(items(document, "pages"), start=1)
    ]


def _document_ai_page(page: Any, whole: str, number: int) -> FoundPage:
    pixels = size(field(page, "dimension"))
    lines = [_document_ai_line(item, whole, pixels) for item in items(page, "lines")]
    if not lines:
        lines = lines_of_words([_document_ai_line(item, whole, pixels) for item in items(page, "tokens")])
    return FoundPage(
        page_number(page, "pageNumber", "page_number", default=number), tuple(lines), pixels or (1.0, 1.0)
    )


def _document_ai_line(item: Any, whole: str, pixels: tuple[float, float] | None) -> TextLine:
    layout = field(item, "layout")
    anchor = field(layout, "textAnchor", "text_anchor")
    parts = []
    for segment in items(anchor, "textSegments", "text_segments"):
        # Of 64-bit integers JSON has texts, and none of those that are 0.
        start, end = (_index(field(segment, *names)) for names in (_START, _END))
        parts.append(whole[start:end])
    polygon = field(layout, "boundingPoly", "bounding_poly")
    words = " ".join("".join(parts).split())
    return TextLine(words, _document_ai_polygon(polygon, pixels), confidence(layout, "confidence"))


_START, _END = ("startIndex", "start_index"), ("endIndex", "end_index")


def _index(value: Any) -> int:
    try:
        index = int(value or 0)
    except (TypeError, ValueError):
        raise FormatError('"startIndex" and "endIndex" must be whole numbers') from None
    if index < 0:
        raise FormatError('"startIndex" and "endIndex" must be 0 or more')
    return index


def _document_ai_polygon(polygon: Any, pixels: tuple[float, float] | None) -> Polygon:
    relative = items(polygon, "normalizedVertices", "normalized_vertices")
    absolute = items(polygon, "vertices")
    width, height = pixels or (1.0, 1.0)
    if relative:
        corners = [(x * width, y * height) for x, y in map(_vertex, relative)]
    elif absolute and pixels:
        corners = [_vertex(vertex) for vertex in absolute]
    else:
        raise FormatError(
            'a layout has no "normalizedVertices", nor "vertices" and a "dimension" of the page'
        )
    return read_polygon([list(corner) for corner in corners])


def _vertex(vertex: Any) -> tuple[float, float]:
    # What is 0 is left out.
    x, y = numbers([field(vertex, "x") or 0, field(vertex, "y") or 0], '"vertices"')
    return x, y


# ---------------------------------------------------------------- Amazon Textract


def read_textract(answers: Sequence[Any]) -> list[FoundPage]:
    """Pages of the answer, or of the parts of one answer, of Amazon Textract.

    Args:
        answers: each with "Blocks".

    Raises:
        FormatError: it is not as the format has it; ShapeError: nor are its coordinates.
    """
    pages: dict[int, list[TextLine]] = {}
    for answer in answers:
        for block in items(answer, "Blocks"):
            kind = field(block, "BlockType")
            if kind in ("PAGE", "LINE"):
                lines = pages.setdefault(page_number(block, "Page"), [])
                if kind == "LINE":
                    lines.append(_textract_line(block))
    return [FoundPage(page, tuple(pages[page]), (1.0, 1.0)) for page in sorted(pages)]


def _textract_line(block: Any) -> TextLine:
    geometry = field(block, "Geometry")
    corners = field(geometry, "Polygon")
    polygon = read_polygon(corners) if corners else read_box(field(geometry, "BoundingBox"), '"BoundingBox"')
    return TextLine(text(block, "Text"), polygon, confidence(block, "Confidence", scale=PERCENT))


# ---------------------------------------------------------------- Azure Document Intelligence


def read_azure(result: dict[str, Any]) -> list[FoundPage]:
    """Pages of a result of Azure Document Intelligence (v3, v4) or Form Recognizer (v2).

    Args:
        result: with "pages" or "readResults".

    Raises:
        FormatError: it is not as the format has it; ShapeError: nor are its coordinates.
    """
    return [
        _azure_page(page, number)
        for number, page in enumerate(items(result, "pages", "readResults"), start=1)
    ]


def _azure_page(page: Any, number: int) -> FoundPage:
    words = items(page, "words")
    lines = [_azure_line(line, words) for line in items(page, "lines")]
    if not lines:
        lines = lines_of_words([_azure_line(word, []) for word in words])
    return FoundPage(
        page_number(page, "pageNumber", "page_number", "page", default=number), tuple(lines), size(page)
    )


def _azure_line(line: Any, words: list[Any]) -> TextLine:
    polygon = read_polygon(field(line, "polygon", "boundingBox", "bounding_box"), '"polygon"')
    own = items(line, "words") or [word for word in words if _lies_in(word, items(line, "spans"))]
    known = [value for word in own if (value := confidence(word, "confidence")) is not None]
    mean = sum(known) / len(known) if known else confidence(line, "confidence")
    return TextLine(text(line, "content", "text"), polygon, mean)


def _lies_in(word: Any, spans: list[Any]) -> bool:
    offset = field(field(word, "span"), "offset")
    return isinstance(offset, int) and any(
        isinstance(start := field(span, "offset"), int)
        and isinstance(length := field(span, "length"), int)
        and start <= offset < start + length
        for span in spans
    )
