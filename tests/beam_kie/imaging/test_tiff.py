import io
import struct

import pytest
from PIL import Image

from beam_kie.imaging import tiff

GREYS = (10, 120, 230)


def save(*, big: bool = False, **options) -> bytes:
    pages = [Image.new("L", (20 + index, 30), grey) for index, grey in enumerate(GREYS)]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:], big_tiff=big, **options)
    return buffer.getvalue()


def next_pointer(data: bytes, offset: int) -> int:
    """Where a classic little-endian directory holds the offset of the next one."""
    (count,) = struct.unpack_from("<H", data, offset)
    return offset + 2 + 12 * count


@pytest.mark.parametrize("big", [False, True])
def test_directories_are_those_that_pillow_sees(big):
    data = save(big=big)
    found, complete = tiff.directories(data)
    assert complete
    assert len(found) == 3
    assert all(directory.is_page and directory.has_size for directory in found)


def test_big_endian_files_are_read():
    # At 8, one directory without a next one: a thumbnail 7 wide, both as 16-bit numbers.
    entries = struct.pack(">HHIHHHHIHH", 254, 3, 1, 1, 0, 256, 3, 1, 7, 0)
    data = struct.pack(">2sHIH", b"MM", 42, 8, 2) + entries + bytes(4)
    found, complete = tiff.directories(data)
    assert complete
    assert found == [tiff.Directory(8, is_page=False, has_size=False)]


@pytest.mark.parametrize("big", [False, True])
def test_put_first_shows_one_page_to_a_reader(big):
    data = save(big=big)
    file = io.BytesIO(data)
    for index in (2, 0, 1):
        tiff.put_first(file, tiff.directories(data)[0][index].offset)
        page = Image.open(file)
        assert page.size == (20 + index, 30)
        assert page.getpixel((0, 0)) == GREYS[index]
    tiff.put_first(file, tiff.directories(data)[0][0].offset)
    assert file.getvalue() == data


def test_a_file_cut_off_between_pages_is_incomplete():
    data = save()
    second = tiff.directories(data)[0][1].offset
    found, complete = tiff.directories(data[: second + 4])
    assert not complete
    assert len(found) == 1


def test_a_circle_of_directories_ends():
    data = bytearray(save())
    offsets = [directory.offset for directory in tiff.directories(bytes(data))[0]]
    struct.pack_into("<I", data, next_pointer(data, offsets[2]), offsets[0])
    found, complete = tiff.directories(bytes(data))
    assert not complete
    assert [directory.offset for directory in found] == offsets


def test_thumbnails_are_no_pages():
    pages = []
    for kind in (0, 1, 2):  # a page, a reduced copy of one, one page of several
        page = Image.new("L", (20, 30))
        page.encoderinfo = {"tiffinfo": {254: kind}}
        pages.append(page)
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    found, _ = tiff.directories(buffer.getvalue())
    assert [directory.is_page for directory in found] == [True, False, True]


@pytest.mark.parametrize(
    "data", [b"II*\0", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\0\0", b"MM\0+\0\x08\0\0"]
)
def test_headers_that_lead_nowhere(data):
    assert tiff.directories(data) == ([], False)
