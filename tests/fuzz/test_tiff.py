"""The walk through a TIFF's list of pages: any bytes behind a TIFF's header."""

import io
import struct

from hypothesis import given
from PIL import Image

from beam_kie.imaging import tiff
from tests.fuzz.mutations import arbitrary, mutated
from tests.fuzz.sandbox import target

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08")


def saved(**options) -> bytes:
    pages = [Image.new("L", (20 + index, 30), 40 * index) for index in range(3)]
    file = io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:], **options)
    return file.getvalue()


# At 8, one directory of big-endian numbers without a next one.
BIG_ENDIAN = struct.pack(">2sHIH", b"MM", 42, 8, 2) + struct.pack(
    ">HHIHHHHIHH", 254, 3, 1, 1, 0, 256, 3, 1, 7, 0
)
SEEDS = [saved(), saved(big_tiff=True), saved(compression="tiff_lzw"), BIG_ENDIAN + bytes(4)]


@target()
def walk(data: bytes) -> None:
    if not data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return  # nothing else comes here: see sniffing
    found, complete = tiff.directories(data)
    assert isinstance(complete, bool)
    assert len({each.offset for each in found}) == len(found)
    for directory in found:
        assert 0 < directory.offset < len(data)
        file = io.BytesIO(data)
        tiff.put_first(file, directory.offset)
        first, _ = tiff.directories(file.getvalue())
        assert not first or first[0].offset == directory.offset


@given(data=arbitrary(*STARTS))
def test_any_bytes_behind_a_header(sandbox, data):
    sandbox.check(walk, data)


@given(data=mutated(SEEDS))
def test_damaged_files(sandbox, data):
    sandbox.check(walk, data)
