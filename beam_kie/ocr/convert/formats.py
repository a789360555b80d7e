"""Which format a file is in, by its content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from beam_kie.ocr.convert import markup, paddleocr, services
from beam_kie.ocr.convert.fields import field
from beam_kie.ocr.convert.found import FormatError, FoundPage
from beam_kie.ocr.shapes import ShapeError

_UNKNOWN = (
    "in no known format: PaddleOCR's JSON or labels, hOCR, ALTO, Google Document AI, Amazon Textract and "
    "Azure Document Intelligence are read"
)


def read_file(path: Path) -> list[FoundPage]:
    """The pages of a file.

    Args:
        path: of the file.

    Raises:
        FormatError: it is in no known format, or not as its format has it.
        OSError: it cannot be read.
    """
    data = path.read_bytes()
    try:
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise FormatError("not UTF-8 text") from None
    try:
        return _read(text)
    except ShapeError as error:
        raise FormatError(str(error)) from None


def _read(text: str) -> list[FoundPage]:
    begin = text.lstrip()[:1]
    if begin == "<":
        if "ocr_page" in text:
            return markup.read_hocr(text)
        if "<alto" in text or ":alto" in text:
            return markup.read_alto(text)
        raise FormatError(_UNKNOWN)
    if begin not in ("{", "["):
        return _read_labels(text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f": {error.msg} in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise FormatError(f"not JSON{where}") from None
    return _read_json(value)


def _read_labels(text: str) -> list[FoundPage]:
    rows = [row for row in text.split("\n") if row.strip()]
    if not rows or not all("\t[" in row for row in rows):
        raise FormatError(_UNKNOWN)
    return paddleocr.read_labels(rows)


def _read_json(value: Any) -> list[FoundPage]:
    if isinstance(value, list):
        return _read_list(value)
    value = field(value, "document", "analyzeResult", "analyze_result") or value
    if field(value, "Blocks") is not None:
        return services.read_textract([value])
    if field(value, "rec_texts") is not None or field(field(value, "res"), "rec_texts") is not None:
        return [paddleocr.read_result(value)]
    if field(value, "readResults") is not None:
        return services.read_azure(value)
    pages = field(value, "pages")
    if isinstance(pages, list):
        # All text of a document of Document AI is in one place, and its pages point there.
        of_google = isinstance(field(value, "text"), str)
        return services.read_document_ai(value) if of_google else services.read_azure(value)
    raise FormatError(_UNKNOWN)


def _read_list(value: list[Any]) -> list[FoundPage]:
    if value and all(field(item, "Blocks") is not None for item in value):
        return services.read_textract(value)
    if value and all(isinstance(item, dict) for item in value):
        return [page for item in value for page in _read_json(item)]
    if paddleocr.is_list_of_lines(value):
        return [paddleocr.read_list(value, 1)]
    # A page without text is null or empty.
    if value and all(not page or paddleocr.is_list_of_lines(page) for page in value):
        return [paddleocr.read_list(page or [], number) for number, page in enumerate(value, start=1)]
    raise FormatError(_UNKNOWN)
