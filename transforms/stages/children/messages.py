"""What a worker and its child say to each other, and how it crosses the socket between them.

A message is eight bytes of length and a pickle. The worker unpickles only the types below: a child that
a hostile file has taken over cannot make it call anything.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from beam_kie.document import (
    Category,
    FailedPage,
    Failure,
    Mark,
    MarkState,
    PageText,
    RuledCell,
    Stage,
    Straightening,
    TextLine,
)
from beam_kie.imaging.limits import DecodeLimits
from beam_kie.imaging.page_source import PdfTextLayer
from beam_kie.ocr import OcrOptions
from beam_kie.ocr.given import GivenPage
from beam_kie.page_parts import FieldKind, FormField, Outside

HEADER = struct.Struct(">Q")
MOST_REPLY_BYTES = 256 * 1024 * 1024
"""A page's text with its pictures takes less than a megabyte; a longer reply is none of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSettings:
    """How a child reads; the same for all documents of a run.

    ``pictures``: what the model looks at (KieModel.pictures), or None. ``preview_side``: longest side of the
    preview in pixels, None for no preview. ``memory_bytes``: what the child may take in all.
    """

    ocr: OcrOptions
    limits: DecodeLimits
    pdf_dpi: int = 200
    pdf_text_layer: PdfTextLayer = PdfTextLayer.OFF
    pictures: str | None = None
    preview_side: int | None = None
    memory_bytes: int = 1 << 40


@dataclass(frozen=True, slots=True)
class Ready:
    """The child has loaded its models."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The child cannot work at all; ``message`` is the error of the OCR engine."""

    message: str


@dataclass(frozen=True, slots=True)
class Prepare:
    """Load now what the first page would wait for, until something else is asked; there is no reply."""


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """Open this file in place of the one before; ``given`` are the user's own lines by page, from 1."""

    document_id: str
    uri: str
    data: bytes = field(repr=False)
    given: Mapping[int, GivenPage] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """The file is open. ``remark``: what is wrong behind its last page, if anything is."""

    format: str
    page_count: int
    remark: Failure | None = None


@dataclass(frozen=True, slots=True)
class NotOpened:
    """The file as a whole cannot be read; ``format`` is None where even that is unknown."""

    format: str | None
    failure: Failure


@dataclass(frozen=True, slots=True)
class ReadPage:
    """Decode and read this page, counted from 0."""

    index: int


@dataclass(frozen=True, slots=True)
class Step:
    """The child begins with this stage of the page."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class PageRead:
    """What became of a page.

    ``seconds``: the time that each stage of ``StageTime`` took in the child. ``damage``: what of the page
    could not be decoded, where the rest could.
    """

    outcome: PageText | FailedPage | Failure
    seconds: Mapping[str, float] = field(default_factory=dict)
    damage: Failure | None = None


@dataclass(frozen=True, slots=True)
class CloseDocument:
    """Give back what the open file holds."""


@dataclass(frozen=True, slots=True)
class Closed:
    """No file is open."""


_REPLIES = (
    *(Ready, Broken, Opened, NotOpened, Step, PageRead, Closed),
    *(PageText, TextLine, FormField, FieldKind, Straightening, RuledCell, Mark, MarkState, Outside),
    *(FailedPage, Failure, Stage, Category),
)
_KNOWN = {(kind.__module__, kind.__qualname__): kind for kind in _REPLIES}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """The type of that name; nothing but replies and what they hold."""
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"a reply may not hold {module}.{name}") from None


def pack(message: object) -> bytes:
    """Encode a message.

    Args:
        message: one of the dataclasses of this module.

    Returns:
        Its pickle, without the length that goes before it.
    """
    return pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)


def unpack_reply(body: bytes) -> object:
    """Decode a child's reply without trusting it.

    Args:
        body: what ``pack`` returned, or anything else.

    Returns:
        The reply.

    Raises:
        UnpicklingError: it is none, or holds a type that replies do not have. Damaged pickles raise
            other errors as well.
    """
    reply = _Unpickler(io.BytesIO(body)).load()
    if not isinstance(reply, _REPLIES):
        raise pickle.UnpicklingError("this is no reply")
    return reply
