"""TIFF pages through libtiff itself: what it says of their strips, and their samples as they are stored.

Damaged fax and JPEG data is decoded all the same, into a page that looks whole, and libtiff only warns.
Pillow drops the warnings, so the library that Pillow brings is asked itself.
It also decodes layouts that Pillow does not know, or gets wrong (``tiff_samples``).
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np

_POINTER, _SIZE, _NUMBER = ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_uint32
_Handler = ctypes.CFUNCTYPE(
    ctypes.c_int, _POINTER, _POINTER, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p
)
_SIGNATURES = {
    "TIFFOpenOptionsAlloc": (_POINTER,),
    "TIFFOpenOptionsFree": (None, _POINTER),
    "TIFFOpenOptionsSetWarningHandlerExtR": (None, _POINTER, _Handler, _POINTER),
    "TIFFOpenOptionsSetErrorHandlerExtR": (None, _POINTER, _Handler, _POINTER),
    "TIFFFdOpenExt": (_POINTER, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, _POINTER),
    "TIFFClose": (None, _POINTER),
    "TIFFIsCODECConfigured": (ctypes.c_int, ctypes.c_uint16),
    "TIFFIsTiled": (ctypes.c_int, _POINTER),
    "TIFFSetSubDirectory": (ctypes.c_int, _POINTER, ctypes.c_uint64),
    "TIFFNumberOfStrips": (_NUMBER, _POINTER),
    "TIFFNumberOfTiles": (_NUMBER, _POINTER),
    "TIFFStripSize": (_SIZE, _POINTER),
    "TIFFTileSize": (_SIZE, _POINTER),
    "TIFFReadEncodedStrip": (_SIZE, _POINTER, _NUMBER, _POINTER, _SIZE),
    "TIFFReadEncodedTile": (_SIZE, _POINTER, _NUMBER, _POINTER, _SIZE),
}
# Group 3 data without EOL is a layout; a few bytes between the codes and the end of a JPEG are padding.
_HARMLESS = re.compile(rb"without EOL|: \d{1,2} extraneous bytes before marker 0xd9")
_MESSAGE_BYTES = 300
_MOST_BYTES = 1 << 30


class LibtiffFile:
    """A TIFF file for libtiff; close it.

    Args:
        data: the bytes of the file.
    """

    def __init__(self, data: bytes | memoryview):
        self._descriptor = os.memfd_create("tiff", os.MFD_CLOEXEC)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def is_damaged(self, offset: int) -> bool:
        """Whether libtiff complains of a page's strips or tiles.

        Args:
            offset: of the page's directory, in bytes.

        Returns:
            False also where there is no libtiff that can be asked, and where a strip takes more than 1 GiB.
        """
        messages: list[bytes] = []
        with self.page(offset, messages) as page:
            if page is None:
                return libtiff() is not None
            if page.piece_bytes > _MOST_BYTES:
                return False
            try:
                for number in range(page.pieces):
                    page.read(number)
            except ValueError:
                return True
        return any(not _HARMLESS.search(message) for message in messages)

    @contextmanager
    def page(self, offset: int, messages: list[bytes]) -> Iterator[LibtiffPage | None]:
        """Open a page.

        Args:
            offset: of the page's directory, in bytes.
            messages: to which libtiff's messages about the pixels are added.

        Yields:
            The page; None where libtiff cannot open it, or there is no libtiff.
        """
        library = libtiff()
        if library is None:
            yield None
            return
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        with _opened(library, os.dup(self._descriptor), messages) as tiff:
            if tiff is None or not library.TIFFSetSubDirectory(tiff, offset):
                yield None
                return
            messages.clear()  # those of tags are of no consequence for the pixels
            yield LibtiffPage(library, tiff)

    def close(self) -> None:
        """Give back the memory; nothing happens where that was done."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class LibtiffPage:
    """An open page: its tags, and its strips or tiles ("pieces"), decoded.

    Args:
        library: libtiff.
        tiff: the handle of the open file.
    """

    def __init__(self, library: ctypes.CDLL, tiff: int):
        self._library, self._tiff = library, tiff
        self.is_tiled = bool(library.TIFFIsTiled(tiff))
        kind = "Tile" if self.is_tiled else "Strip"
        self.piece_bytes: int = getattr(library, f"TIFF{kind}Size")(tiff)
        self.pieces: int = getattr(library, f"TIFFNumberOf{kind}s")(tiff)
        self._read = getattr(library, f"TIFFReadEncoded{kind}")
        self._buffer: np.ndarray | None = None

    def read(self, number: int) -> memoryview:
        """Decode a piece; numbers are in the byte order of this machine.

        Args:
            number: of the piece, from 0.

        Returns:
            Its bytes, valid until the next call.

        Raises:
            ValueError: it cannot be decoded.
        """
        if self.piece_bytes <= 0:
            raise ValueError("a strip of no size")
        if self._buffer is None:
            self._buffer = np.empty(self.piece_bytes, np.uint8)  # not touched, as ctypes' own would be
        size = self._read(self._tiff, number, self._buffer.ctypes.data, self.piece_bytes)
        if size < 0:
            raise ValueError(f"strip or tile {number} cannot be decoded")
        return self._buffer.data[:size]

    def tag(self, tag: int, kind: type = ctypes.c_uint16) -> int | float | None:
        """The value of a tag that holds one number; None where it is missing and has no default.

        Args:
            tag: its number.
            kind: the type in which libtiff gives it.
        """
        value = kind()
        found = self._library.TIFFGetFieldDefaulted(
            _POINTER(self._tiff), ctypes.c_uint32(tag), ctypes.byref(value)
        )
        return value.value if found else None

    def extra_samples(self) -> list[int]:
        """The meaning of each sample beyond those of the colour model, as in the tag ExtraSamples."""
        count, values = ctypes.c_uint16(), ctypes.POINTER(ctypes.c_uint16)()
        found = self._library.TIFFGetFieldDefaulted(
            _POINTER(self._tiff), ctypes.c_uint32(338), ctypes.byref(count), ctypes.byref(values)
        )
        return [values[index] for index in range(count.value)] if found and count.value else []

    def can_decode(self, compression: int) -> bool:
        """Whether this libtiff has a decoder for a compression.

        Args:
            compression: as in the tag.
        """
        return bool(self._library.TIFFIsCODECConfigured(compression))


@contextmanager
def _opened(library: ctypes.CDLL, descriptor: int, messages: list[bytes]) -> Iterator[int | None]:
    """A TIFF open in libtiff, whose messages are collected; None where it cannot be opened."""
    format_text = ctypes.CDLL(None).vsnprintf

    @_Handler
    def collect(_tiff: int, _user: int, _module: bytes, text: bytes, arguments: int) -> int:
        buffer = ctypes.create_string_buffer(_MESSAGE_BYTES)
        format_text(buffer, _SIZE(_MESSAGE_BYTES), ctypes.c_char_p(text), _POINTER(arguments))
        messages.append(buffer.value)
        return 1  # no other handler sees it

    options = library.TIFFOpenOptionsAlloc()
    library.TIFFOpenOptionsSetWarningHandlerExtR(options, collect, None)
    library.TIFFOpenOptionsSetErrorHandlerExtR(options, collect, None)
    tiff = library.TIFFFdOpenExt(descriptor, b"page", b"rm", options)
    library.TIFFOpenOptionsFree(options)
    try:
        yield tiff
    finally:
        if tiff:
            library.TIFFClose(tiff)  # closes the descriptor
        else:
            os.close(descriptor)


@cache
def libtiff() -> ctypes.CDLL | None:
    """The libtiff that Pillow has loaded; None where it is older than 4.5 or no library of its own."""
    from PIL import _imaging  # noqa: F401 (loads it)

    try:
        with open("/proc/self/maps") as maps:
            paths = [line.split(maxsplit=5)[-1].strip() for line in maps if "libtiff" in line]
        library = ctypes.CDLL(next(path for path in paths if "illow" in path or "tiff.so" in path))
        for name, (result, *arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, StopIteration, AttributeError):
        return None
    return library
