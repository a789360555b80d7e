"""What the readers of formats find, and how it is written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from beam_kie.document import TextLine
from beam_kie.escaping import whole_characters
from beam_kie.geometry import polygon_area


class FormatError(ValueError):
    """A file in no known format, or not as its format has it; the message is one line without text."""


@dataclass(frozen=True, slots=True)
class FoundPage:
    """The lines of one page.

    ``page`` counts from 1. ``size``: width and height that the coordinates refer to; None: pixels of the
    page. ``uri``: the picture or document as the file names it; None where it does not.
    """

    page: int
    lines: tuple[TextLine, ...]
    size: tuple[float, float] | None = None
    uri: str | None = None


def usable(page: FoundPage) -> list[TextLine]:
    """The lines of a page that have a text and an area.

    Args:
        page: of any format.
    """
    return [line for line in page.lines if line.text.strip() and polygon_area(line.polygon) > 0]


def row_of(page: FoundPage, uri: str) -> str:
    """A page as a line of the file for ``--ocr_lines``, without its end.

    Args:
        page: of any format.
        uri: of its document.
    """
    row: dict[str, Any] = {"uri": uri, "page": page.page}
    if page.size is not None:
        row |= {"width": page.size[0], "height": page.size[1]}
    row["lines"] = [_line_of(line) for line in usable(page)]
    return json.dumps(row, ensure_ascii=False)


def _line_of(line: TextLine) -> dict[str, Any]:
    found: dict[str, Any] = {
        "text": whole_characters(line.text),
        "polygon": [round(v, 6) for v in line.polygon],
    }
    if line.confidence is not None:
        found["confidence"] = round(min(max(line.confidence, 0.0), 1.0), 6)
    return found
