"""An opened file whose pages are decoded one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from beam_kie.document import Category, DocumentError, TextLine

RESAVE = "scan or export it again"


@dataclass(frozen=True, slots=True)
class DecodedPage:
    """The pixels of one upright page, H x W x 3 uint8 RGB, and what came with them.

    ``dpi`` is None where the file does not say; ``lines`` None where there is no text layer to be used.
    ``damage`` says what is missing on the page because the file is damaged there; None: nothing.
    """

    pixels: np.ndarray = field(repr=False)
    dpi: float | None = None
    lines: tuple[TextLine, ...] | None = field(default=None, repr=False)
    damage: DocumentError | None = None


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
