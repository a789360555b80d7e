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


def check_file_size(size_bytes: int, limits: DecodeLimits) -> None:
    """Raise DocumentError (FILE_EMPTY, FILE_TOO_LARGE) for a file of ``size_bytes`` that is not decoded.

    Callers that know the size beforehand ask this before they read the file.
    """
    if size_bytes == 0:
        raise DocumentError(
            Category.FILE_EMPTY, "the file is empty (0 bytes): copy or upload it again, then rerun"
        )
    if size_bytes > limits.max_file_bytes:
        raise DocumentError(
            Category.FILE_TOO_LARGE,
            f"the file has {size_bytes:,} bytes, more than max_file_bytes = {limits.max_file_bytes:,}: "
            "raise that limit, or split or compress the file",
        )


def check_pixels(width_px: int, height_px: int, limits: DecodeLimits, what: str = "the page") -> None:
    """Raise DocumentError for a picture of no size (FILE_CORRUPT) or above max_pixels (IMAGE_TOO_LARGE)."""
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
