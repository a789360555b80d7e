"""The list of pages of a TIFF file, read without a decoder.

A TIFF is a chain of directories, one per page, each naming the place of the next. Walking the chain here,
rather than through Pillow, gives three things: the page count without opening pages, pages that can be read
after a damaged one, and the detection of a broken chain.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from beam_kie.document import Category, DocumentError
from beam_kie.imaging.exif import TYPE_BYTES
from beam_kie.imaging.page_source import RESAVE

_NEW_SUBFILE_TYPE = 254
_IMAGE_WIDTH = 256
_IMAGE_LENGTH = 257
# Types of entries.
_SHORT = 3
_LONG8 = 16
# Bits of NewSubfileType that mark a directory as something other than a page.
_REDUCED_RESOLUTION = 1
_TRANSPARENCY_MASK = 4
# Entries of no consequence may share their bytes.
_TAG_SLACK = 1024 * 1024
# A chain longer than this is a trap for the reader, not a document.
_MAX_DIRECTORIES = 100_000


@dataclass(frozen=True, slots=True)
class Directory:
    """One link of the chain: where it lies, and what is known about it without decoding.

    ``is_page`` is False for thumbnails and masks that belong to another page; ``has_size`` says whether
    width and height are there. ``tag_bytes`` is what its entries claim to hold together, in bytes.
    """

    offset: int
    is_page: bool
    has_size: bool
    tag_bytes: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Layout:
    """How this file writes numbers: classic TIFF and BigTIFF, in either byte order."""

    order: str
    big: bool

    @property
    def offset_at(self) -> int:
        """Where in the header the offset of the first directory stands."""
        return 8 if self.big else 4

    @property
    def offset_format(self) -> str:
        """The struct format of an offset."""
        return self.order + ("Q" if self.big else "I")

    @property
    def count_format(self) -> str:
        """The struct format of a directory's number of entries."""
        return self.order + ("Q" if self.big else "H")

    @property
    def entry_format(self) -> str:
        """The struct format of an entry: tag, type, count, value or its offset."""
        return self.order + ("HHQ8s" if self.big else "HHI4s")


def layout(data: bytes) -> Layout:
    """How a TIFF file writes its numbers.

    Args:
        data: a file that ``sniff_format`` called "tiff", or its first 16 bytes.
    """
    order = "<" if data[:2] == b"II" else ">"
    (version,) = struct.unpack_from(order + "H", data, 2)
    return Layout(order, big=version == 43)


def directories(data: bytes) -> tuple[list[Directory], bool]:
    """The directories of a TIFF.

    Args:
        data: the whole file.

    Returns:
        The directories in their order, and whether the chain ends as it should: one that leads out of the
        file, into a circle or past 100,000 directories does not, or of which directories lie
        on top of each other, so that together they are larger than the file.
    """
    form = layout(data)
    found: list[Directory] = []
    seen: set[int] = set()
    left = len(data)
    offset = _number(data, form.offset_format, form.offset_at)
    while offset:
        if offset in seen or len(found) >= _MAX_DIRECTORIES:
            return found, False
        seen.add(offset)
        left -= (_number(data, form.count_format, offset) or 0) * struct.calcsize(form.entry_format)
        if left < 0:
            return found, False
        directory, offset = _read(data, offset, form)
        if directory is not None:
            found.append(directory)
    return found, offset is not None


def check_tags(directory: Directory, file_bytes: int) -> None:
    """Check that a page's entries do not claim far more than the file has.

    They may all point to the same bytes, and a decoder copies those for each.

    Args:
        directory: of the page.
        file_bytes: size of the file.

    Raises:
        DocumentError: FILE_CORRUPT where they do.
    """
    if directory.tag_bytes > 2 * file_bytes + _TAG_SLACK:
        raise DocumentError(
            Category.FILE_CORRUPT,
            f"the page's TIFF tags claim {directory.tag_bytes:,} bytes, more than the file has: {RESAVE}",
        )


def put_first(file: BinaryIO, offset: int) -> None:
    """Make one directory the first one of a TIFF.

    Args:
        file: an open, writable TIFF; it is changed.
        offset: of the directory, in bytes.
    """
    file.seek(0)
    start = file.read(16)
    form = layout(start)
    if _number(start, form.offset_format, form.offset_at) != offset:
        file.seek(form.offset_at)
        file.write(struct.pack(form.offset_format, offset))


def _read(data: bytes, offset: int, form: Layout) -> tuple[Directory | None, int | None]:
    """The directory at ``offset`` and the offset of the next: 0 at the end, None where the chain breaks."""
    count = _number(data, form.count_format, offset)
    if not count:
        return None, None
    start = offset + struct.calcsize(form.count_format)
    end = start + count * struct.calcsize(form.entry_format)
    if end > len(data):
        return None, None
    values = {}
    claimed = 0
    for tag, kind, number, value in struct.iter_unpack(form.entry_format, memoryview(data)[start:end]):
        # No reader copies more than the file has.
        claimed += min(number * TYPE_BYTES.get(kind, 1), len(data))
        if tag in (_NEW_SUBFILE_TYPE, _IMAGE_WIDTH, _IMAGE_LENGTH):
            values[tag] = _value(value, kind, form)
    is_page = not values.get(_NEW_SUBFILE_TYPE, 0) & (_REDUCED_RESOLUTION | _TRANSPARENCY_MASK)
    has_size = bool(values.get(_IMAGE_WIDTH) and values.get(_IMAGE_LENGTH))
    return Directory(offset, is_page, has_size, claimed), _number(data, form.offset_format, end)


def _value(value: bytes, kind: int, form: Layout) -> int:
    """The first number of an entry; a short one stands at the start of its field in both byte orders."""
    if kind == _SHORT:
        return struct.unpack_from(form.order + "H", value)[0]
    if kind == _LONG8 and form.big:
        return struct.unpack_from(form.order + "Q", value)[0]
    return struct.unpack_from(form.order + "I", value)[0]


def _number(data: bytes, number_format: str, at: int) -> int | None:
    """The number at a place of the file, None where the file ends before it."""
    if at + struct.calcsize(number_format) > len(data):
        return None
    return struct.unpack_from(number_format, data, at)[0]
