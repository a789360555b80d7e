"""What a table on a page is made of."""

from __future__ import annotations

from dataclasses import dataclass

from beam_kie.document import Box


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with text. ``row`` and ``column`` count from 0; row 0 has the headers.

    ``header`` is the text of the header of its column; ``box`` encloses its text, in pixels of the upright
    page; ``confidence`` is that it is read right and stands in the right place, 0 to 1, not calibrated.
    """

    row: int
    column: int
    header: str
    text: str
    box: Box
    confidence: float
    is_header: bool = False


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table: ``kind`` is "aligned" (told from the places of texts) or "ruled" (from its rules)."""

    kind: str
    headers: tuple[str, ...]
    cells: tuple[Cell, ...]
