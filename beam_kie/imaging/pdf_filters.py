"""Whether the data of a stream in a PDF is whole, filter by filter.

PDFium shows what it can decode, and says nothing of the rest. Filters are those of ISO 32000-1, 7.4. What
cannot be checked (unknown filters, very large streams) counts as whole.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from beam_kie.document import DocumentError
from beam_kie.imaging import jpeg
from beam_kie.imaging.libtiff import LibtiffFile

_PIECE = 1 << 20
_MOST_INFLATED = 1 << 29
_MOST_KEPT = 16 << 20
# Runs and codes are counted one by one.
_MOST_COUNTED = 16 << 20
_MOST_TEXT = 4 << 20
_SHORT_NAMES = {
    "A85": "ASCII85Decode",
    "AHx": "ASCIIHexDecode",
    "CCF": "CCITTFaxDecode",
    "DCT": "DCTDecode",
} | {
    "Fl": "FlateDecode",
    "LZW": "LZWDecode",
    "RL": "RunLengthDecode",
}


class DamagedError(Exception):
    """The data of a stream is cut off or corrupt."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What filters made of a stream: its length, and the bytes themselves where they are at hand.

    ``length`` is None where it is not known, as for pictures that have a coding of their own.
    """

    data: bytes | None
    length: int | None


@dataclass(frozen=True, slots=True)
class Fax:
    """Parameters of CCITTFaxDecode: ``k`` below 0 is Group 4, 0 Group 3 in one dimension."""

    k: int
    width: int
    height: int
    has_line_ends: bool
    is_byte_aligned: bool


def decode(data: bytes, filters: tuple[str, ...], fax: Fax) -> Decoded:
    """Go through the filters of a stream.

    Args:
        data: the stream as it lies in the file, decrypted.
        filters: their names, long or short, the first to be undone first.
        fax: parameters for CCITTFaxDecode.

    Raises:
        DamagedError: the data is cut off or corrupt.
    """
    decoded = Decoded(data, len(data))
    for name in filters:
        if decoded.data is None:
            return Decoded(None, None)
        name = _SHORT_NAMES.get(name, name)
        if name == "CCITTFaxDecode":
            return _fax(decoded.data, fax)
        if name not in _FILTERS:
            return Decoded(None, None)
        decoded = _FILTERS[name](decoded.data)
    return decoded


def _flate(data: bytes) -> Decoded:
    inflater = zlib.decompressobj()
    pieces, length, rest = [], 0, data
    try:
        while rest and not inflater.eof and length < _MOST_INFLATED:
            piece = inflater.decompress(rest, _PIECE)
            length += len(piece)
            rest = inflater.unconsumed_tail
            if length <= _MOST_KEPT:
                pieces.append(piece)
    except zlib.error as error:
        raise DamagedError from error
    if not inflater.eof and length < _MOST_INFLATED and not _ends_before_checksum(data):
        raise DamagedError
    return Decoded(b"".join(pieces) if length <= _MOST_KEPT else None, length)


def _ends_before_checksum(data: bytes) -> bool:
    """Whether only the four bytes of the checksum are missing, which some writers leave out."""
    inflater, rest = zlib.decompressobj(-zlib.MAX_WBITS), data[2:]
    while rest and not inflater.eof:
        inflater.decompress(rest, _PIECE)
        rest = inflater.unconsumed_tail
    return inflater.eof


def _lzw(data: bytes) -> Decoded:
    """The length only: codes are followed, not what they stand for."""
    if len(data) > _MOST_COUNTED:
        return Decoded(None, None)
    lengths = [1] * 256 + [0, 0]
    width, length, before, bits, held = 9, 0, 0, 0, 0
    for byte in data:
        bits, held = (bits << 8 | byte) & 0xFFFFFF, held + 8
        if held < width:
            continue
        held -= width
        code = bits >> held & (1 << width) - 1
        if code == 257:
            return Decoded(None, length)
        if code == 256:
            del lengths[258:]
            width, before = 9, 0
            continue
        if code > len(lengths) or (code == len(lengths) and not before):
            raise DamagedError
        now = lengths[code] if code < len(lengths) else before + 1
        if before and len(lengths) < 4096:
            lengths.append(before + 1)
        length, before = length + now, now
        width = min(12, max(9, (len(lengths) + 1).bit_length()))
    raise DamagedError  # there was no end of data


def _run_length(data: bytes) -> Decoded:
    if len(data) > _MOST_COUNTED:
        return Decoded(None, None)
    at = length = 0
    while at < len(data):
        code = data[at]
        if code == 128:
            return Decoded(None, length)
        at, length = (at + 2 + code, length + 1 + code) if code < 128 else (at + 2, length + 257 - code)
    raise DamagedError  # there was no end of data


def _ascii85(data: bytes) -> Decoded:
    text, end, _ = data.partition(b"~")
    if not end:
        raise DamagedError
    if len(text) > _MOST_TEXT:
        return Decoded(None, None)
    try:
        plain = base64.a85decode(text, ignorechars=b"\0\t\n\f\r ")
    except ValueError as error:
        raise DamagedError from error
    return Decoded(plain, len(plain))


def _ascii_hex(data: bytes) -> Decoded:
    text, end, _ = data.partition(b">")
    if not end:
        raise DamagedError
    digits = bytes(text.translate(None, b"\0\t\n\f\r "))
    try:
        plain = binascii.unhexlify(digits + b"0" * (len(digits) % 2))
    except binascii.Error as error:
        raise DamagedError from error
    return Decoded(plain, len(plain))


def _jpeg(data: bytes) -> Decoded:
    try:
        jpeg.check_claims(data)
    except DocumentError as error:
        raise DamagedError from error
    if not data.startswith(b"\xff\xd8") or jpeg.is_damaged(data):
        raise DamagedError
    return Decoded(None, None)


def _jpeg_2000(data: bytes) -> Decoded:
    """Follow the tile-parts of the codestream to its end (ISO/IEC 15444-1, annex A)."""
    at = data.find(b"\xff\x4f\xff\x51")
    if at < 0:
        raise DamagedError
    at += 2
    while data[at : at + 2] != b"\xff\xd9":
        if at + 12 > len(data) or data[at] != 0xFF:
            raise DamagedError
        length = int.from_bytes(data[at + 2 : at + 4], "big") + 2
        if data[at + 1] == 0x90:  # the start of a tile-part, with the length of all of it
            part = int.from_bytes(data[at + 6 : at + 10], "big")
            # The last one may go on to the end of the codestream.
            if not part and b"\xff\xd9" in data[-4:]:
                break
            length = max(length, part)
        at += length
    return Decoded(None, None)


def _jbig2(data: bytes) -> Decoded:
    """Follow the segments to the end of the data (ITU-T T.88, 7.2)."""
    at = 0
    while at < len(data.rstrip(b"\r\n")):
        try:
            number, flags, referred = struct.unpack_from(">IBB", data, at)
            count, at = referred >> 5, at + 6
            if count == 7:
                (count,) = struct.unpack_from(">I", data, at - 1)
                count &= 0x1FFFFFFF
                at += 3 + (count + 8) // 8
            at += count * (1 if number <= 256 else 2 if number <= 65536 else 4)
            at += 4 if flags & 0x40 else 1
            (length,) = struct.unpack_from(">I", data, at)
        except struct.error as error:
            raise DamagedError from error
        if length == 0xFFFFFFFF:  # known only once it is decoded
            return Decoded(None, None)
        at += 4 + length
        if at > len(data):
            raise DamagedError
    return Decoded(None, None)


def _fax(data: bytes, fax: Fax) -> Decoded:
    """Have libtiff decode the data as the only strip of a TIFF."""
    if fax.is_byte_aligned or (fax.k >= 0 and not fax.has_line_ends) or not fax.height:
        return Decoded(None, None)  # a TIFF cannot say so
    entries = [(256, fax.width), (257, fax.height), (258, 1), (259, 4 if fax.k < 0 else 3), (262, 0)]
    entries += [(273, 8), (277, 1), (278, fax.height), (279, len(data)), (292, 1 if fax.k > 0 else 0)]
    if fax.k < 0:
        del entries[-1]
    start = 8 + len(data) + len(data) % 2
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries) + bytes(4)
    checker = LibtiffFile(b"II*\0" + struct.pack("<I", start) + data + bytes(len(data) % 2) + directory)
    try:
        if checker.is_damaged(start):
            raise DamagedError
    finally:
        checker.close()
    return Decoded(None, None)


_FILTERS: dict[str, Callable[[bytes], Decoded]] = {
    "FlateDecode": _flate,
    "LZWDecode": _lzw,
    "RunLengthDecode": _run_length,
    "ASCII85Decode": _ascii85,
    "ASCIIHexDecode": _ascii_hex,
    "DCTDecode": _jpeg,
    "JPXDecode": _jpeg_2000,
    "JBIG2Decode": _jbig2,
}
