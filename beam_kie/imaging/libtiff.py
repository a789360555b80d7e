"""What libtiff says of the strips of a TIFF while it decodes them.

Damaged fax and JPEG data is decoded all the same, into a page that looks whole, and libtiff only warns.
Pillow drops the warnings, so the library that Pillow brings is asked itself.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

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


class StripChecker:
    """A TIFF file whose pages can be gone through; close it.

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
        library = _library()
        if library is None:
            return False
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        messages: list[bytes] = []
        with _opened(library, os.dup(self._descriptor), messages) as tiff:
            if tiff is None or not library.TIFFSetSubDirectory(tiff, offset):
                return True
            messages.clear()  # those of tags are of no consequence for the pixels
            return _read(library, tiff) or any(not _HARMLESS.search(message) for message in messages)

    def close(self) -> None:
        """Give back the memory; nothing happens where that was done."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _read(library: ctypes.CDLL, tiff: int) -> bool:
    """Decode all strips or tiles; whether one could not be."""
    kind = "Tile" if library.TIFFIsTiled(tiff) else "Strip"
    size = getattr(library, f"TIFF{kind}Size")(tiff)
    if size > _MOST_BYTES:
        return False
    if size <= 0:
        return True
    buffer = ctypes.create_string_buffer(size)
    read = getattr(library, f"TIFFReadEncoded{kind}")
    count = getattr(library, f"TIFFNumberOf{kind}s")(tiff)
    return any(read(tiff, number, buffer, size) < 0 for number in range(count))


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
def _library() -> ctypes.CDLL | None:
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
