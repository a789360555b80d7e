"""Small files that cost a reader dearly; to be opened in child processes only."""

import struct
import zlib
from collections.abc import Sequence


def pdf(contents: Sequence[bytes], resources: bytes = b"", objects: Sequence[bytes] = ()) -> bytes:
    """A PDF with a page for each content stream; ``objects`` are numbered from 10 on."""
    kids = b" ".join(b"%d 0 R" % (100 + 2 * number) for number in range(len(contents)))
    numbered = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(contents)),
    }
    numbered |= {10 + number: each for number, each in enumerate(objects)}
    for number, content in enumerate(contents):
        page = 100 + 2 * number
        numbered[page] = (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]/Resources<<%s>>/Contents %d 0 R>>"
            % (resources, page + 1)
        )
        numbered[page + 1] = stream(content)
    data = bytearray(b"%PDF-1.7\n")
    offsets = {}
    for number, each in numbered.items():
        offsets[number] = len(data)
        data += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    start, size = len(data), max(numbered) + 1
    data += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        data += b"%010d 0000%d %s \n" % (offsets.get(number, 0), 0, b"n" if number in offsets else b"f")
    data += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, start)
    return bytes(data)


def stream(content: bytes, entries: bytes = b"", level: int = 1) -> bytes:
    """A compressed stream."""
    packed = zlib.compress(content, level)
    return b"<<%s/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (entries, len(packed), packed)


GOOD = b"0 0 50 50 re f"
"""The content of a page that is no trouble."""

SLOW = b"/S sh " * 20_000
"""The content of a page that takes hours; for ``shading_pdf``."""


def shading_pdf(contents: Sequence[bytes]) -> bytes:
    """A PDF whose pages may draw the shading /S, which takes a second or more each time."""
    function = b"{" + b" dup sin cos exch pop" * 2000 + b" pop }"
    shading = (
        b"<</ShadingType 1/ColorSpace/DeviceGray/Domain[0 1 0 1]/Matrix[100 0 0 100 0 0]/Function 11 0 R>>"
    )
    objects = [shading, stream(function, b"/FunctionType 4/Domain[0 1 0 1]/Range[0 1]")]
    return pdf(contents, b"/Shading<</S 10 0 R>>", objects)


def inflating_pdf(mib: int) -> bytes:
    """A page between two good ones whose content inflates to that many MiB."""
    return pdf([GOOD, b" " * (mib << 20), GOOD])


def exif_bomb(entries: int = 60_000, size: int = 1_500_000) -> bytes:
    """EXIF data whose entries all claim the same bytes."""
    block = b"II*\0" + struct.pack("<IH", 8, entries)
    block += b"".join(struct.pack("<HHII", 1000 + number, 7, size, 0) for number in range(entries))
    return (block + bytes(4)).ljust(size, b"\0")


def tiff_bomb(entries: int = 60_000, size: int = 1_500_000) -> bytes:
    """A grey TIFF page of 30 x 30 pixels with entries that all claim the same bytes."""
    page = [(256, 3, 30), (257, 3, 30), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1)]
    page += [(278, 3, 30), (279, 4, 900)]
    data = b"II*\0" + struct.pack("<IH", 8, len(page) + entries)
    data += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in page)
    data += b"".join(struct.pack("<HHII", 2000 + number, 7, size, 0) for number in range(entries))
    return (data + bytes(4)).ljust(size, b"\xff")


def overlapping_tiff(directories: int = 60_000) -> bytes:
    """A chain of directories of 65,535 entries each that lie on top of each other."""
    entries = 65_535
    data = bytearray(8 + 8 * directories + 2 + 12 * entries + 4 + 8 * directories)
    data[:8] = b"II*\0" + struct.pack("<I", 8)
    for number in range(directories):
        start = 8 + 8 * number
        struct.pack_into("<H", data, start, entries)
        following = start + 8 if number + 1 < directories else 0
        struct.pack_into("<I", data, start + 2 + 12 * entries, following)
    return bytes(data)
