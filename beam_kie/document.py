"""The values that travel through the job.

Every value is immutable. Boxes are ``(x0, y0, x1, y1)`` in pixels of the upright page unless a name
ends in ``_1000``; polygons are flat ``(x, y, x, y, ...)`` tuples, clockwise from the top left corner.
Pages count from 1, lines and entities of a page from 0. Confidences are in [0, 1]; ``None`` means
"not measured".
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from beam_kie.page_parts import FormField, Mark, PageRemainder, RuledCell
from beam_kie.page_parts import MarkState as MarkState

Box = tuple[float, float, float, float]
Polygon = tuple[float, ...]
CharSpans = tuple[tuple[float, float], ...]
"""Start and end of every character of a line, as fractions (0..1) of the line's reading length."""


class Status(StrEnum):
    """The outcome of a document."""

    SUCCESS = "SUCCESS"
    PARTIAL = "PARTIAL"
    FAILURE = "FAILURE"
    SKIPPED = "SKIPPED"


class Stage(StrEnum):
    """Where in the job a failure happened."""

    READ = "READ"
    DECODE = "DECODE"
    OCR = "OCR"
    MODEL = "MODEL"
    OVERLAY = "OVERLAY"
    FIELDS = "FIELDS"


class Severity(StrEnum):
    """What a failure means for its document."""

    ERROR = "error"
    """Something could not be done: the document is no SUCCESS."""
    WARNING = "warning"
    """All was done, but somebody should look."""


class Category(StrEnum):
    """What kind of failure it was; the closed set that dashboards group by."""

    SOURCE_UNAVAILABLE = "SOURCE_UNAVAILABLE"
    FILE_EMPTY = "FILE_EMPTY"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    FORMAT_UNSUPPORTED = "FORMAT_UNSUPPORTED"
    FILE_CORRUPT = "FILE_CORRUPT"
    FILE_ENCRYPTED = "FILE_ENCRYPTED"
    IMAGE_TOO_LARGE = "IMAGE_TOO_LARGE"
    TOO_MANY_PAGES = "TOO_MANY_PAGES"
    PAGE_TOO_LARGE = "PAGE_TOO_LARGE"
    PAGE_TIMEOUT = "PAGE_TIMEOUT"
    PAGE_CRASHED = "PAGE_CRASHED"
    OCR_FAILED = "OCR_FAILED"
    OCR_MISSING = "OCR_MISSING"
    MODEL_FAILED = "MODEL_FAILED"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    OVERLAY_FAILED = "OVERLAY_FAILED"
    FIELD_MISSING = "FIELD_MISSING"

    @property
    def severity(self) -> Severity:
        """What failures of the category mean for their documents."""
        return Severity.WARNING if self is Category.FIELD_MISSING else Severity.ERROR


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was matched: metadata only, never its bytes.

    ``source_version`` is what a storage calls these very bytes (generation, ETag); None where it does not.
    """

    uri: str
    size_bytes: int | None = None
    updated_at_s: float | None = None
    source_version: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A source file whose bytes have been seen.

    ``page_count`` is None where the file could not be opened. ``result_run_id`` is set where the document is
    left out, because that earlier run holds its rows.
    """

    document_id: str
    uri: str
    content_sha256: str | None = None
    size_bytes: int | None = None
    updated_at_s: float | None = None
    format: str | None = None
    page_count: int | None = None
    source_version: str | None = None
    result_run_id: str | None = None


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text as an OCR engine, a PDF text layer or a user's own file gives it.

    ``char_spans`` say where each character of ``text`` lies along the line, for ``geometry.split_polygon``;
    None where that is not known.
    """

    text: str
    polygon: Polygon
    confidence: float | None = None
    char_spans: CharSpans | None = field(default=None, repr=False)

    @property
    def box(self) -> Box:
        """The upright rectangle around the polygon, in pixels."""
        xs, ys = self.polygon[0::2], self.polygon[1::2]
        return (min(xs), min(ys), max(xs), max(ys))


@dataclass(frozen=True, slots=True)
class PageImage:
    """One decoded page: EXIF orientation applied, ``pixels`` is H x W x 3 uint8 RGB.

    ``given_lines`` are the lines that came with the page (a PDF text layer); None where OCR must read all of
    it. ``damage`` says what of the page could not be decoded, where the rest could; else None.
    ``remainder`` is what OCR has to do besides the given lines, None for nothing. ``fields`` are those of a
    fillable form.
    Never send one through a shuffle: it is tens of megabytes.
    """

    document_id: str
    uri: str
    page: int
    pixels: np.ndarray = field(repr=False, compare=False)
    dpi: float | None = None
    given_lines: tuple[TextLine, ...] | None = field(default=None, repr=False)
    damage: Failure | None = None
    remainder: PageRemainder | None = field(default=None, repr=False)
    fields: tuple[FormField, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Straightening:
    """How a page that is askew becomes straight.

    ``matrix``: nine numbers, row by row, of the homography from pixels of the upright page to those of the
    straight one, which is ``width_px`` x ``height_px``.
    """

    matrix: tuple[float, ...]
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class PageText:
    """The text of one page, in reading order.

    ``rotation_deg`` is how far the stored page has to be turned clockwise to stand upright (0, 90, 180
    or 270); width, height and all polygons are those of the upright page. ``preview`` is a small JPEG
    of the upright page, or None. ``text_source`` is "ocr", "pdf", "given" or, where lines of the text layer
    and of OCR stand on one page, "mixed". ``picture`` is what a model takes beside the text
    (``with_picture`` of ``beam_kie.layoutxlm``), None where it takes text only.
    ``whole_lines``: every line is known to be one entity or none, as in labelled pages; OCR's are not.
    ``fields`` are those of a fillable form, in pixels of the upright page.
    ``is_damaged``: a part of the page could not be decoded, and its text is missing; a Failure says more.
    ``skew_deg`` is how far text lines run down to the right, in degrees (None: not known).
    ``straightening`` is how the page becomes straight, for the model and the order of reading; None where it
    is as good as straight. ``polygon`` and ``box`` of lines stay those on the upright page.
    ``cells`` and ``marks`` are what is ruled on the page, and what is to be ticked, from the top.
    """

    document_id: str
    uri: str
    page: int
    width_px: int
    height_px: int
    rotation_deg: int = 0
    lines: tuple[TextLine, ...] = field(default=(), repr=False)
    text_source: str = "ocr"
    preview: bytes | None = field(default=None, repr=False, compare=False)
    picture: bytes | None = field(default=None, repr=False, compare=False)
    whole_lines: bool = False
    is_damaged: bool = False
    fields: tuple[FormField, ...] = field(default=(), repr=False)
    skew_deg: float | None = None
    straightening: Straightening | None = field(default=None, repr=False)
    cells: tuple[RuledCell, ...] = field(default=(), repr=False)
    marks: tuple[Mark, ...] = field(default=(), repr=False)

    def with_read_lines(self, lines: Iterable[TextLine]) -> PageText:
        """The page with lines that OCR read in place of its own.

        Nothing more than their text is known of such lines, so ``whole_lines`` and ``picture`` are reset.

        Args:
            lines: in reading order.
        """
        return dataclasses.replace(
            self, lines=tuple(lines), text_source="ocr", whole_lines=False, picture=None
        )


@dataclass(frozen=True, slots=True)
class LineSpan:
    """The characters ``start`` to ``end`` (exclusive) of line ``line`` of the page."""

    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entity:
    """A run of text with one label, for example QUESTION (a key), ANSWER (a value) or HEADER.

    ``polygon`` encloses all spans; ``spans`` name the characters, in reading order. ``selected`` says of an
    option beside a box or ring whether that is ticked (None: there is none), ``selected_confidence`` how
    surely it is so.
    """

    label: str
    text: str
    polygon: Polygon
    confidence: float
    spans: tuple[LineSpan, ...]
    selected: bool | None = None
    selected_confidence: float | None = None

    @property
    def box(self) -> Box:
        """The upright rectangle around the entity, in pixels."""
        xs, ys = self.polygon[0::2], self.polygon[1::2]
        return (min(xs), min(ys), max(xs), max(ys))


@dataclass(frozen=True, slots=True)
class Relation:
    """Entity ``head`` (a key) goes with entity ``tail`` (a value): indices into the page's entities.

    ``confidence`` is that both entities are right and belong together; ``link_confidence`` that they belong
    together, supposing that both are right (None: not known apart).
    """

    head: int
    tail: int
    confidence: float
    link_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class PageResult:
    """What was found on one page.

    ``keyless`` are indices of entities that are values although no key goes with them: their label says
    what they are.
    """

    page: PageText
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    keyless: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyValue:
    """One row for a user: a key and one of its values, or a key without a value (``value`` None).

    ``key_index`` and ``value_index`` are their indices in the page's entities: two entities of a page may be
    equal, and then only these tell them apart. ``confidence`` is the relation's: that key and value are right
    and belong together; for a key without a value it is the key's own. ``relation_confidence`` is the
    relation's ``link_confidence``.
    """

    key: Entity
    value: Entity | None
    relation_confidence: float | None
    confidence: float
    key_index: int
    value_index: int | None


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that could not be done, and what to do about it. ``page`` is None for the whole document.

    ``message`` never holds recognised text.
    """

    document_id: str
    uri: str
    page: int | None
    stage: Stage
    category: Category
    message: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class FailedPage:
    """A page that was decoded but failed later, with its picture.

    ``page.preview`` is the JPEG to draw on; ``page.lines`` may be empty (OCR failed). The failure itself
    also goes to the failures output: this value only makes its picture possible.
    """

    failure: Failure
    page: PageText


INTERVAL_S = 10
"""Seconds of an interval in which pages are counted."""


@dataclass(frozen=True, slots=True)
class StageTime:
    """Work of one stage, as a worker measured it.

    ``stage`` is one of "read", "decode", "preview", "ocr", "model", "overlay"; ``seconds`` is the wall time
    that one worker thread spent, ``items`` how many files or pages it was spent on. Times of all workers are
    added up, so a stage's sum may be longer than the run. ``read`` says when text was read, where that was
    recorded: intervals of ``INTERVAL_S`` seconds since 1970, and how many pages had their text in each.
    """

    stage: str
    seconds: float
    items: int = 1
    read: tuple[tuple[int, int], ...] = ()


class DocumentError(Exception):
    """A document or page that cannot be processed, with the category that ``failures`` reports.

    Args:
        category: of the failure.
        message: one line that says what is wrong and what to do.
        retryable: whether a later run may succeed.
    """

    def __init__(self, category: Category, message: str, retryable: bool = False):
        super().__init__(message)
        self.category = category
        self.message = message
        self.retryable = retryable


def document_id(uri: str, content_sha256: str | None) -> str:
    """A stable id of (uri, content): 32 hex digits, the same in every run.

    A source whose bytes were never read has no hash; its id comes from the URI alone.

    Args:
        uri: of the file.
        content_sha256: the hash of its bytes, hexadecimal; None where they were never read.
    """
    key = f"{uri}\n{content_sha256 or ''}"
    return hashlib.sha256(key.encode()).hexdigest()[:32]
