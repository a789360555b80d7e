"""EXIF data that claims far more than it holds, recognised before a decoder believes it."""

from __future__ import annotations

import struct

# Bytes of a value of each type of entry, as in TIFF.
TYPE_BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}

# A camera's block has at most 64 KiB and a hundred entries.
_MOST_BYTES = 64 * 1024 * 1024
_ENTRY = {"<": struct.Struct("<HHII"), ">": struct.Struct(">HHII")}


def claims_too_much(block: bytes) -> bool:
    """Whether the values of the first directory in an EXIF block add up to more than 64 MiB.

    Entries may all point to the same bytes, and a reader copies those for each. ``block`` begins with the
    byte order ("II" or "MM"), as behind ``Exif\\0\\0`` in a JPEG; a block that is too short claims nothing.

    Args:
        block: the bytes of the EXIF block.
    """
    block = block.removeprefix(b"Exif\0\0")
    order = "<" if block[:2] == b"II" else ">"
    try:
        (offset,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, offset)
    except struct.error:
        return False
    start = offset + 2
    end = min(start + 12 * count, len(block))
    end -= (end - start) % 12
    claimed = 0
    for _, kind, values, _ in _ENTRY[order].iter_unpack(memoryview(block)[start:end]):
        # No reader copies more than there is.
        claimed += min(values * TYPE_BYTES.get(kind, 1), len(block))
    return claimed > _MOST_BYTES
