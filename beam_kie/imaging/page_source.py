"""An opened file whose pages are decoded one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np

from beam_kie.document import Category, DocumentError, Failure, PageImage, TextLine
from beam_kie.page_parts import FormField, PageRemainder

RESAVE = "scan or export it again"


class PdfTextLayer(StrEnum):
    """What is done with the text that a PDF file holds."""

    AUTO = "auto"
    """It is taken line by line where it is what a viewer shows; OCR reads the rest."""
    ALWAYS = "always"
    """It is taken for the whole page, also where it is invisible (OCR of a scan)."""
    OFF = "off"
    """OCR reads everything."""

    @classmethod
    def _missing_(cls, value: object) -> PdfTextLayer | None:
        """True and False, also as words, as the option once was."""
        return {"true": cls.AUTO, "false": cls.OFF}.get(str(value).lower())


@dataclass(frozen=True, slots=True)
class DecodedPage:
    """The pixels of one upright page, H x W x 3 uint8 RGB, and what came with them.

    ``dpi`` is None where the file does not say; ``lines`` None where there is no text layer to be used.
    ``damage`` says what is missing on the page because the file is damaged there; None: nothing.
    ``remainder`` and ``fields`` as of PageImage.
    """

    pixels: np.ndarray = field(repr=False)
    dpi: float | None = None
    lines: tuple[TextLine, ...] | None = field(default=None, repr=False)
    damage: DocumentError | None = None
    remainder: PageRemainder | None = field(default=None, repr=False)
    fields: tuple[FormField, ...] = field(default=(), repr=False)

    def image(self, document_id: str, uri: str, page: int, damage: Failure | None = None) -> PageImage:
        """The page as it travels through the job.

        Args:
            document_id: of its document.
            uri: of its document.
            page: its number, from 1.
            damage: the failure that ``self.damage`` is.
        """
        return PageImage(
            document_id,
            uri,
            page,
            self.pixels,
            self.dpi,
            self.lines,
            damage,
            self.remainder,
            self.fields,
        )


class PageSource(Protocol):
    """The interface of every format."""

    @property
    def page_count(self) -> int:
        """How many pages the file has."""
        ...

    @property
    def remark(self) -> DocumentError | None:
        """What is wrong behind the last page, if anything is."""
        ...

    def read(self, index: int) -> DecodedPage:
        """Decode a page, once.

        Args:
            index: of the page, from 0.

        Raises:
            DocumentError: the page cannot be decoded. Decoders raise other exceptions, too.
        """
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def decoding_error(error: Exception) -> DocumentError:
    """The DocumentError for an error of a decoder, whose own text may hold addresses and file contents.

    Args:
        error: what was raised while a page was decoded.

    Returns:
        The error to report; ``error`` itself where it is a DocumentError.
    """
    if isinstance(error, DocumentError):
        return error
    if isinstance(error, MemoryError):
        return DocumentError(
            Category.OUT_OF_MEMORY,
            "decoding the page needs more memory than there is: lower max_pixels, or use a larger machine",
            retryable=True,
        )
    if isinstance(error, OSError) and "truncated" in str(error):
        return DocumentError(
            Category.FILE_CORRUPT,
            f"the page ends before its last row (cut off): copy the file again, or {RESAVE}",
        )
    return DocumentError(
        Category.FILE_CORRUPT, f"the page is damaged ({type(error).__name__} while decoding): {RESAVE}"
    )
