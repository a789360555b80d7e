"""Limits on documents, checked before any pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from beam_kie.document import Category, DocumentError
from beam_kie.options import Effect, check_options, option

_limit = partial(option, group="Limits", effect=Effect.LIMITS, minimum=1)

MAX_SIDE = 65_535
"""Pixels of the longest side that a page may have: JPEG's own limit, and 5.5 m at 300 dpi."""


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """The largest file, page and page count that are decoded.

    ``max_file_bytes`` counts the bytes of one file, ``max_pixels`` width times height of one page (and of
    every picture inside a PDF page), ``max_pages`` the pages of one file. All must be at least 1, else
    ValueError.
    """

    max_file_bytes: int = field(
        default=100 * 1024 * 1024, metadata=_limit("Larger files fail unread.", metavar="BYTES")
    )
    max_pixels: int = field(
        default=120_000_000,
        metadata=_limit("Pages with more pixels fail before they are decoded.", metavar="N"),
    )
    max_pages: int = field(default=2_000, metadata=_limit("Files with more pages fail.", metavar="N"))

    def __post_init__(self) -> None:
        check_options(self)


def check_file_size(size_bytes: int, max_bytes: int) -> None:
    """Check that a file may be read; callers that know its size call this before they read it.

    Args:
        size_bytes: of the file, or as much of it as was read before reading was given up.
        max_bytes: the largest size that is read.

    Raises:
        DocumentError: FILE_TOO_LARGE.
    """
    if size_bytes > max_bytes:
        raise DocumentError(
            Category.FILE_TOO_LARGE,
            f"the file is larger than max_file_bytes = {max_bytes:,}: raise that limit, or split or "
            "compress the file",
        )


def check_pixels(width_px: int, height_px: int, limits: DecodeLimits, what: str = "the page") -> None:
    """Check that a picture may be decoded.

    Args:
        width_px: of the picture.
        height_px: of the picture.
        limits: of which ``max_pixels`` counts.
        what: what the picture is, for the message.

    Raises:
        DocumentError: FILE_CORRUPT for a picture of no size, IMAGE_TOO_LARGE for one above ``max_pixels`` or
            with a side above ``MAX_SIDE``.
    """
    if width_px < 1 or height_px < 1:
        raise DocumentError(
            Category.FILE_CORRUPT,
            f"{what} has no size ({width_px} x {height_px} px): export or scan it again",
        )
    if width_px * height_px > limits.max_pixels:
        raise DocumentError(
            Category.IMAGE_TOO_LARGE,
            f"{what} has {width_px} x {height_px} = {width_px * height_px:,} pixels, more than "
            f"max_pixels = {limits.max_pixels:,}: raise that limit, or scale the page down",
        )
    if max(width_px, height_px) > MAX_SIDE:
        raise DocumentError(
            Category.IMAGE_TOO_LARGE,
            f"{what} has {width_px} x {height_px} px, and no page has a side of more than {MAX_SIDE:,}: "
            "cut it into pages, or scan it again",
        )
