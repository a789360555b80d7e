"""What a JPEG file claims, read from its markers before a decoder believes it.

Markers and segments are those of ITU-T T.81, annex B.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

import numpy as np
import simplejpeg

from beam_kie.document import Category, DocumentError
from beam_kie.imaging.exif import claims_too_much
from beam_kie.imaging.page_source import RESAVE

_EXIF = b"Exif\0\0"
_SOS = 0xDA
_APP1, _APP15 = 0xE1, 0xEF
_ALONE = (0x01, *range(0xD0, 0xD9))  # markers without a segment
# Frames with Huffman codes: baseline, extended, progressive. Arithmetic codes can be shorter than a bit.
_HUFFMAN_FRAMES = (0xC0, 0xC1, 0xC2)
_FRAMES = {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive", 0xC3: "lossless"} | {
    0xC5: "hierarchical",
    0xC6: "hierarchical",
    0xC7: "hierarchical",
    0xC9: "arithmetic coding",
    0xCA: "arithmetic coding, progressive",
    0xCB: "arithmetic coding, lossless",
    0xCD: "hierarchical, arithmetic coding",
    0xCE: "hierarchical, arithmetic coding",
    0xCF: "hierarchical, arithmetic coding",
}
# Ordinary progressive files have about ten scans; a decoder goes through all pixels for each.
_MOST_SCANS = 100
# Warnings of libjpeg where nothing is lost: some writers pad the data before the last marker, or write
# markers and parameters that no decoder needs. Subsampling may be of a kind that the library has no name for.
_HARMLESS = re.compile(
    r": \d{1,2} extraneous bytes before marker 0xd9|Adobe color transform|JFIF|Invalid SOS parameters"
    r"|determine subsampling"
)


def check_claims(data: bytes) -> None:
    """Check that a JPEG can hold what it claims.

    A decoder goes through all pixels for every scan, and fills in grey what is missing: the page would pass
    for read.

    Args:
        data: the whole file.

    Raises:
        DocumentError: FILE_CORRUPT for more scans than any picture needs, or for fewer bits than there are
            blocks of 8 x 8 pixels.
    """
    # Inside of coded data 0xff is followed by 0, so that this counts scans, and those of thumbnails.
    scans = data.count(bytes((0xFF, _SOS)))
    if scans > _MOST_SCANS:
        raise DocumentError(
            Category.FILE_CORRUPT,
            f"the JPEG has {scans:,} scans, where ordinary ones have about ten: {RESAVE}",
        )
    for marker, start, end in _segments(data):
        if marker in _HUFFMAN_FRAMES and end - start >= 6:
            height, width = struct.unpack_from(">HH", data, start + 1)
            blocks = -(-width // 8) * -(-height // 8)
            if blocks > 8 * (len(data) - end):
                raise DocumentError(
                    Category.FILE_CORRUPT,
                    f"the JPEG says that it has {width} x {height} pixels, but its {len(data):,} bytes "
                    f"cannot hold them: copy the file again, or {RESAVE}",
                )


def rare_kind(data: bytes) -> str | None:
    """What is rare about a JPEG, in words; None where it is of an ordinary kind.

    Args:
        data: the whole file.
    """
    for marker, start, end in _segments(data):
        if marker in _FRAMES and end > start:
            bits = data[start]
            kind = _FRAMES[marker] if bits == 8 else f"{_FRAMES[marker]} of {bits} bits a sample"
            return None if kind in ("baseline", "extended", "progressive") else kind
    return None


def whole_pixels(data: bytes) -> np.ndarray | None:
    """The pixels of a JPEG of an ordinary kind that is undamaged: its codes are read once.

    Args:
        data: the whole file, of a size that was checked.

    Returns:
        H x W x 3 uint8 RGB as they lie in the file, the same as Pillow's; None where the file is damaged, has
        four colours, or is of a rare kind.
    """
    frame = _frame(data)
    if frame is None or frame[0] not in _HUFFMAN_FRAMES or data[frame[1] + 5] not in (1, 3):
        return None
    try:
        return simplejpeg.decode_jpeg(data, "RGB")
    except (KeyError, ValueError):  # also what is harmless: the slow way tells them apart
        return None


def is_damaged(data: bytes) -> bool:
    """Whether the coded data of a JPEG is cut off, or does not fit together.

    Most decoders go on all the same, and what they make of it looks like a page. A changed bit that gives
    another valid code cannot be found.

    Args:
        data: the whole file, of a size that was checked.

    Returns:
        True also for kinds of JPEG that libjpeg does not decode.
    """
    frame = _frame(data)
    if frame is None:
        return True
    colours = "CMYK" if data[frame[1] + 5] == 4 else "GRAY"
    try:
        # An eighth of the size: all codes are read, but only the mean of every block is computed.
        simplejpeg.decode_jpeg(data, colours, min_height=1, min_factor=8)
    except KeyError:  # simplejpeg has no name for the subsampling
        return False
    except ValueError as error:
        return not _HARMLESS.search(str(error))
    return False


def without_exif_bomb(data: bytes) -> bytes:
    """Hide EXIF data that claims far more than it holds from Pillow, which reads it when it opens a file.

    Args:
        data: the whole file.

    Returns:
        ``data`` itself where its EXIF data is harmless, else a copy without it.
    """
    blocks = [
        (start, end)
        for marker, start, end in _segments(data)
        if marker == _APP1 and data.startswith(_EXIF, start)
    ]
    if not blocks or not claims_too_much(b"".join(data[start + len(_EXIF) : end] for start, end in blocks)):
        return data
    changed = bytearray(data)
    for start, _ in blocks:
        changed[start - 3] = _APP15  # a segment that nobody reads
    return bytes(changed)


def _frame(data: bytes) -> tuple[int, int] | None:
    """Marker of the first frame and start of its content; None where there is none, or no scan."""
    segments = {marker: (start, end) for marker, start, end in _segments(data)}
    frames = [(m, start) for m, (start, end) in segments.items() if m in _FRAMES and end - start >= 6]
    return frames[0] if frames and _SOS in segments else None


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of the content of each segment before the first scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _ALONE:
            at += 2
        else:
            end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            yield marker, at + 4, min(end, len(data))
            if marker == _SOS:
                return
            at = end
