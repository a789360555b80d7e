"""What a document may cost: limits that are checked before any pixel of it is decoded."""

from __future__ import annotations

from dataclasses import dataclass, fields

from beam_kie.document import Category, DocumentError


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """The largest file, page and page count that are decoded.

    ``max_file_bytes`` counts the bytes of one file, ``max_pixels`` width times height of one page (and of
    every picture inside a PDF page), ``max_pages`` the pages of one file. All must be at least 1, else
    ValueError.
    """

    max_file_bytes: int = 100 * 1024 * 1024
    max_pixels: int = 120_000_000
    max_pages: int = 2_000

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")


def check_file_size(size_bytes: int, max_bytes: int) -> None:
    """Check that a file may be read; callers that know its size beforehand ask before they read it.

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
        DocumentError: FILE_CORRUPT for a picture of no size, IMAGE_TOO_LARGE for one above ``max_pixels``.
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
