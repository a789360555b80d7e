"""PaddleOCR's results: the JSON of PaddleOCR 3, the lists of PaddleOCR 2, and PPOCRLabel's label files."""

from __future__ import annotations

import json
from typing import Any

from beam_kie.document import TextLine
from beam_kie.ocr.convert.fields import confidence, field, items, text
from beam_kie.ocr.convert.found import FormatError, FoundPage
from beam_kie.ocr.shapes import numbers, read_box, read_polygon

_PAIR = 2


def read_result(result: dict[str, Any]) -> FoundPage:
    """The page of a result of PaddleOCR 3, as its ``save_to_json`` writes it.

    Args:
        result: with "rec_texts", and "rec_polys" or "rec_boxes".

    Raises:
        FormatError: it is not as the format has it; ShapeError: nor are its coordinates.
    """
    result = field(result, "res") or result
    texts = items(result, "rec_texts")
    shapes = items(result, "rec_polys", "dt_polys", "rec_boxes")
    scores = items(result, "rec_scores") or [None] * len(texts)
    if not len(texts) == len(shapes) == len(scores):
        raise FormatError('"rec_texts", "rec_scores" and "rec_polys" must have one item for each line')
    read = read_polygon if field(result, "rec_polys", "dt_polys") is not None else read_box
    lines = [
        TextLine(
            text({"rec_texts": words}, "rec_texts"),
            read(shape),
            confidence({"rec_scores": score}, "rec_scores"),
        )
        for words, shape, score in zip(texts, shapes, scores, strict=True)
    ]
    page = field(result, "page_index")
    return FoundPage(
        page + 1 if isinstance(page, int) and page >= 0 else 1,
        tuple(lines),
        uri=text(result, "input_path") or None,
    )


def is_list_of_lines(value: Any) -> bool:
    """Whether a list holds lines as PaddleOCR 2 gives them: [corners, [text, score]].

    Args:
        value: of JSON.
    """
    return isinstance(value, list) and bool(value) and all(_is_line(item) for item in value)


def _is_line(item: Any) -> bool:
    if not isinstance(item, list) or len(item) != _PAIR:
        return False
    corners, found = item
    is_text = isinstance(found, list) and len(found) == _PAIR and isinstance(found[0], str)
    return isinstance(corners, list) and is_text


def read_list(value: list[Any], page: int) -> FoundPage:
    """A page of PaddleOCR 2.

    Args:
        value: for which ``is_list_of_lines``, or empty.
        page: from 1.

    Raises:
        ShapeError: the coordinates are not as the format has them.
    """
    lines = [
        TextLine(words, read_polygon(corners), numbers([score], "a score")[0])
        for corners, (words, score) in value
    ]
    return FoundPage(page, tuple(lines))


def read_labels(rows: list[str]) -> list[FoundPage]:
    """The pictures of a label file, a line each: path, tab, a JSON list of labels.

    A label has "transcription" and "points".

    Args:
        rows: the lines of the file that are not blank.

    Raises:
        FormatError: it is not as the format has it; ShapeError: nor are its coordinates.
    """
    pages = []
    for number, row in enumerate(rows, start=1):
        path, _, labels = row.partition("\t")
        try:
            found = json.loads(labels)
        except ValueError:
            raise FormatError(f"line {number}: not JSON behind the tab") from None
        lines = [
            TextLine(text(item, "transcription"), read_polygon(field(item, "points"), '"points"'))
            for item in items({"labels": found}, "labels")
        ]
        pages.append(FoundPage(1, tuple(lines), uri=path.strip() or None))
    return pages
