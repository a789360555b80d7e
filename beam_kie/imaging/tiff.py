"""The list of pages of a TIFF file, read without a decoder.

A TIFF is a chain of directories, one per page, each naming the place of the next. Walking the chain
here, rather than through Pillow, gives three things: the page count without opening pages, a bad page
that does not stand in the way of the next, and a broken chain that is noticed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

_NEW_SUBFILE_TYPE = 254
_IMAGE_WIDTH = 256
_IMAGE_LENGTH = 257
# Types of entries.
_SHORT = 3
_LONG8 = 16
# Bits of NewSubfileType that mark a directory as something other than a page.
_REDUCED_RESOLUTION = 1
_TRANSPARENCY_MASK = 4
# A chain longer than this is a trap for the reader, not a document.
_MAX_DIRECTORIES = 100_000


@dataclass(frozen=True, slots=True)
class Directory:
    """One link of the chain: where it lies, and what is known about it without decoding.

    ``is_page`` is False for thumbnails and masks that belong to another page; ``has_size`` tells whether
    width and height are there.
    """

    offset: int
    is_page: bool
    has_size: bool


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
    """The layout of a file that ``sniff_format`` called "tiff"."""
    order = "<" if data[:2] == b"II" else ">"
    (version,) = struct.unpack_from(order + "H", data, 2)
    return Layout(order, big=version == 43)


def directories(data: bytes) -> tuple[list[Directory], bool]:
    """The directories of a TIFF in their order, and whether the chain ends as it should.

    A chain that leads out of the file, into a circle or past 100,000 directories does not.
    """
    form = layout(data)
    found: list[Directory] = []
    seen: set[int] = set()
    offset = _number(data, form.offset_format, form.offset_at)
    while offset:
        if offset in seen or len(found) >= _MAX_DIRECTORIES:
            return found, False
        seen.add(offset)
        directory, offset = _read(data, offset, form)
        if directory is not None:
            found.append(directory)
    return found, offset is not None


def put_first(file: BinaryIO, offset: int) -> None:
    """Make the directory at ``offset`` the first one of an open, writable TIFF."""
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
    for tag, kind, _, value in struct.iter_unpack(form.entry_format, memoryview(data)[start:end]):
        if tag in (_NEW_SUBFILE_TYPE, _IMAGE_WIDTH, _IMAGE_LENGTH):
            values[tag] = _value(value, kind, form)
    is_page = not values.get(_NEW_SUBFILE_TYPE, 0) & (_REDUCED_RESOLUTION | _TRANSPARENCY_MASK)
    has_size = bool(values.get(_IMAGE_WIDTH) and values.get(_IMAGE_LENGTH))
    return Directory(offset, is_page, has_size), _number(data, form.offset_format, end)


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
