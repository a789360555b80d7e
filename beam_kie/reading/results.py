"""What ``beam_kie.read`` returns: a document with its pages; also as tables, plain values and HTML."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PIL import Image

from beam_kie.document import Box, Entity, Failure, PageResult, TextLine
from beam_kie.overlays.page import draw_overlay
from beam_kie.tables.rows import PAGE_TABLES, failure_row
from beam_kie.tables.schema import SCHEMAS, Provenance, Row

if TYPE_CHECKING:
    import pandas

TABLES = (*PAGE_TABLES, "failures")
"""The tables of ``rows`` and ``to_pandas``; their columns are those of a run (docs/data-dictionary.md)."""

_PICTURE_SIDE = 1_600
_PICTURES_IN_HTML = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """A key and one of its values; ``value`` is None where the page has none for the key.

    ``key`` and ``key_box`` are None for a value that needs no key: ``value_label`` says what it is.

    ``confidence`` is in [0, 1]: that key and value are right and belong together. ``value_type``,
    ``normalised`` and ``currency`` are those of a value that is a date, a number or an amount, else None.
    Boxes are ``(x0, y0, x1, y1)`` in pixels of the upright page. ``selected`` says whether the box or ring
    beside the value is ticked, None where there is none.
    """

    page: int
    key: str | None
    value: str | None
    confidence: float
    value_type: str | None
    normalised: str | None
    currency: str | None
    key_box: Box | None
    value_box: Box | None
    value_label: str | None = None
    selected: bool | None = None


@dataclass(frozen=True, slots=True, repr=False)
class ReadPage:
    """One page: what was found on it, in reading order.

    ``result`` holds lines and entities with their polygons and confidences; ``tables`` the page's rows as a
    run writes them, by name of the table. A notebook shows the page with what was found drawn on it.
    """

    result: PageResult
    tables: dict[str, list[Row]]
    key_labels: Sequence[str]

    def __repr__(self) -> str:
        found = f"{len(self.lines)} lines, {len(self.entities)} entities, {len(self.pairs)} pairs"
        return f"<page {self.number}: {found}>"

    @property
    def number(self) -> int:
        """Its number in the document, from 1."""
        return self.result.page.page

    @property
    def lines(self) -> tuple[TextLine, ...]:
        """The lines of text."""
        return self.result.page.lines

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Keys, values and headers."""
        return self.result.entities

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Every key with each of its values, and keys without a value."""
        return tuple(_pair(row) for row in self.tables["key_values"])

    def picture(self, max_side: int = _PICTURE_SIDE) -> bytes:
        """The page with its entities, relations and pairs drawn on it.

        Args:
            max_side: longest side in pixels, at least 200; from 1000 on the list of pairs stands beside the
                page.

        Returns:
            A JPEG.

        Raises:
            ValueError: the document was read with ``preview_side=None``, or ``max_side`` is too small.
        """
        return draw_overlay(self.result, max_side, self.key_labels)

    def to_dict(self) -> dict[str, Any]:
        """The page as values that ``json.dumps`` takes.

        Returns:
            Number, size in pixels, rotation in degrees, and the lists of lines, entities and pairs.
        """
        page = self.result.page
        return {
            "page": page.page,
            "width_px": page.width_px,
            "height_px": page.height_px,
            "rotation_deg": page.rotation_deg,
            "text_source": page.text_source,
            "lines": [_picked(row, _LINE) for row in self.tables["lines"]],
            "entities": [_picked(row, _ENTITY) for row in self.tables["entities"]],
            "pairs": [_picked(row, _PAIR) for row in self.tables["key_values"]],
        }

    def _repr_png_(self) -> bytes | None:
        if self.result.page.preview is None:
            return None
        picture = io.BytesIO()
        Image.open(io.BytesIO(self.picture())).save(picture, "PNG")
        return picture.getvalue()


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document that was read.

    ``name`` is its path, or what the caller called it; ``format`` one of jpeg, png, tiff, bmp, webp, pdf, or
    "image" for a picture in memory; ``page_count`` counts all its pages. ``pages`` are those that came
    through; ``failures`` say of the others, and of what else was left out, what went wrong and what to do.
    """

    name: str
    format: str
    page_count: int
    pages: tuple[ReadPage, ...]
    failures: tuple[Failure, ...] = ()
    provenance: Provenance | None = field(default=None, repr=False)

    @property
    def lines(self) -> tuple[TextLine, ...]:
        """The lines of all pages."""
        return tuple(line for page in self.pages for line in page.lines)

    @property
    def entities(self) -> tuple[Entity, ...]:
        """The entities of all pages."""
        return tuple(entity for page in self.pages for entity in page.entities)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs of all pages."""
        return tuple(pair for page in self.pages for pair in page.pairs)

    def rows(self, table: str = "key_values") -> list[Row]:
        """The rows that a run would write of this document.

        Args:
            table: one of ``TABLES``.

        Returns:
            One dict a row, in the order of the pages.

        Raises:
            ValueError: there is no such table.
        """
        if table not in TABLES:
            raise ValueError(f"no table {table!r}: choose one of {', '.join(TABLES)}")
        if table == "failures":
            if self.provenance is None:
                return []
            return [failure_row(failure, self.provenance) for failure in self.failures]
        return [row for page in self.pages for row in page.tables[table]]

    def to_pandas(self, table: str = "key_values") -> pandas.DataFrame:
        """A table as a pandas DataFrame, with the columns of a run, also where it has no rows.

        Args:
            table: one of ``TABLES``.

        Returns:
            The frame.

        Raises:
            ValueError: there is no such table.
            ModuleNotFoundError: pandas is not installed (``pip install pandas``).
        """
        rows = self.rows(table)
        import pandas

        return pandas.DataFrame(rows, columns=SCHEMAS[table].names)

    def to_dict(self) -> dict[str, Any]:
        """The document as values that ``json.dumps`` takes.

        Returns:
            Name, format, number of pages, and the lists of pages and failures.
        """
        return {
            "name": self.name,
            "format": self.format,
            "page_count": self.page_count,
            "pages": [page.to_dict() for page in self.pages],
            "failures": [
                {
                    "page": failure.page,
                    "stage": failure.stage.value,
                    "category": failure.category.value,
                    "message": failure.message,
                    "retryable": failure.retryable,
                }
                for failure in self.failures
            ],
        }

    def _repr_html_(self) -> str:
        """The pictures of the first pages and the table of pairs; what was recognised stays text."""
        pictures = [page for page in self.pages if page.result.page.preview is not None]
        shown = "".join(_picture_html(page) for page in pictures[:_PICTURES_IN_HTML])
        head = "".join(f"<th>{title}</th>" for title in ("page", "key", "value", "confidence"))
        body = "".join(_row_html(pair) for pair in self.pairs)
        failed = "".join(
            f"<li>page {failure.page or '-'}: {failure.category.value}: {html.escape(failure.message)}</li>"
            for failure in self.failures
        )
        return (
            f"<p>{html.escape(self.name)}: {len(self.pages)} of {self.page_count} pages read</p>{shown}"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            + (f"<ul>{failed}</ul>" if failed else "")
        )


_BOX = ("x0", "y0", "x1", "y1")
_LINE = ("text", "confidence", *_BOX)
_ENTITY = ("entity_id", "label", "text", "confidence", "selected", *_BOX)
_PAIR = (
    "key_text",
    "value_text",
    "confidence",
    "value_type",
    "value_normalised",
    "value_currency",
    "selected",
    "value_label",
    *(f"{side}_{edge}" for side in ("key", "value") for edge in _BOX),
)


def _picked(row: Row, names: Sequence[str]) -> Row:
    return {name: row[name] for name in names}


def _pair(row: Row) -> Pair:
    return Pair(
        page=row["page"],
        key=row["key_text"],
        value=row["value_text"],
        confidence=row["confidence"],
        value_type=row["value_type"],
        normalised=row["value_normalised"],
        currency=row["value_currency"],
        key_box=_box_of(row, "key"),
        value_box=_box_of(row, "value"),
        value_label=row["value_label"],
        selected=row["selected"],
    )


def _box_of(row: Row, side: str) -> Box | None:
    x0, y0, x1, y1 = (row[f"{side}_{edge}"] for edge in _BOX)
    return None if x0 is None else (x0, y0, x1, y1)


def _picture_html(page: ReadPage) -> str:
    data = base64.b64encode(page.picture()).decode()
    return f'<p><img alt="page {page.number}" style="max-width:100%" src="data:image/jpeg;base64,{data}"></p>'


def _row_html(pair: Pair) -> str:
    key = pair.key or ("" if pair.key_box else f"({pair.value_label})")
    cells = (str(pair.page), key, pair.value or "", f"{pair.confidence:.2f}")
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
