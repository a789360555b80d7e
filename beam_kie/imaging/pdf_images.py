"""Sizes of all pictures in a PDF file, also of those that a page draws without listing them.

PDFium lists the pictures that a page draws itself. Soft masks, tiling patterns, appearances of annotations
and glyphs of Type 3 fonts draw pictures, too, and those are decoded all the same. Their dictionaries can be
found in the bytes of the file: a picture is a stream, and a stream never lies in a compressed object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_IMAGE = re.compile(rb"/Subtype\s*/Image\b")
_WIDTH, _HEIGHT = re.compile(rb"/Width\s+(\d{1,10})\b"), re.compile(rb"/Height\s+(\d{1,10})\b")
# A dictionary of a picture has some hundred bytes.
_DICTIONARY_BYTES = 4096


def picture_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height in pixels of the pictures whose dictionaries are found in a PDF file.

    Args:
        data: the bytes of the file.
    """
    for found in _IMAGE.finditer(data):
        start = data.rfind(b"obj", max(0, found.start() - _DICTIONARY_BYTES), found.start())
        end = data.find(b"stream", found.end(), found.end() + _DICTIONARY_BYTES)
        dictionary = data[max(start, 0) : end if end >= 0 else found.end() + _DICTIONARY_BYTES]
        width, height = _WIDTH.search(dictionary), _HEIGHT.search(dictionary)
        if width and height:
            yield int(width[1]), int(height[1])
