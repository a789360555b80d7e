"""Damaged fax and JPEG data in TIFF pages, which decoders fill in without a word."""

import io

import numpy as np
import pytest
from PIL import Image

from beam_kie.document import Category, Failure, PageImage
from beam_kie.imaging import jpeg, tiff
from beam_kie.imaging.decode import DecodeLimits, decode_pages
from beam_kie.imaging.libtiff import LibtiffFile

NOISE = np.random.default_rng(5).integers(0, 256, (160, 120), np.uint8)
BLOCKS = Image.fromarray(np.kron(NOISE[::8, ::8], np.ones((8, 8), np.uint8)) & 0x80).convert("1")
COMPRESSIONS = {
    "group3": BLOCKS,
    "group4": BLOCKS,
    "tiff_ccitt": BLOCKS,
    "jpeg": Image.fromarray(NOISE).convert("RGB"),
    "tiff_lzw": Image.fromarray(NOISE),
    "tiff_adobe_deflate": Image.fromarray(NOISE),
    "packbits": BLOCKS,
    "zstd": Image.fromarray(NOISE),
    "raw": Image.fromarray(NOISE),
}
FILLED_IN = ("group3", "group4", "jpeg")


def pages_of(compression: str, count: int = 3, rows: int = 160) -> tuple[bytes, list[list[tuple[int, int]]]]:
    """A TIFF, and start and size of the strips of each page."""
    buffer = io.BytesIO()
    page = COMPRESSIONS[compression]
    options = {"save_all": True, "append_images": [page] * (count - 1)} if count > 1 else {}
    page.save(buffer, "TIFF", compression=compression, tiffinfo={278: rows}, **options)
    image, strips = Image.open(buffer), []
    for number in range(count):
        image.seek(number)
        strips.append(list(zip(image.tag_v2[273], image.tag_v2[279], strict=True)))
    return buffer.getvalue(), strips


def spoilt(data: bytes, strip: tuple[int, int]) -> bytes:
    """The second half of a strip replaced, as by a bad copy."""
    start, size = strip
    middle = start + size // 2
    noise = bytes(np.random.default_rng(9).integers(0, 256, size - size // 2, np.uint8))
    return data[:middle] + noise + data[start + size :]


def decode(data: bytes) -> list:
    return list(decode_pages(data, "id", "file:///scan.tif", DecodeLimits()))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_whole_pages_are_not_damaged(compression):
    data, _ = pages_of(compression)
    assert [page.damage for page in decode(data)] == [None] * 3


@pytest.mark.parametrize("compression", FILLED_IN)
def test_what_is_filled_in_is_told_of_that_page_alone(compression):
    data, strips = pages_of(compression)
    first, second, third = decode(spoilt(data, strips[1][-1]))
    assert first.damage is None and third.damage is None
    assert isinstance(second, PageImage)
    assert (second.damage.page, second.damage.category) == (2, Category.FILE_CORRUPT)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_what_cannot_be_decoded_is_a_failure_of_that_page_alone(compression):
    data, strips = pages_of(compression)
    first, second, third = decode(spoilt(data, strips[1][-1]))
    assert first.damage is None and third.damage is None
    assert isinstance(second, Failure)
    assert (second.page, second.category) == (2, Category.FILE_CORRUPT)


@pytest.mark.parametrize("compression", [each for each in COMPRESSIONS if each != "raw"])
def test_a_strip_that_is_cut_short_is_told(compression):
    data, strips = pages_of(compression, count=1)
    _, size = strips[0][-1]
    cut = bytearray(data)
    # The directory says that there is less.
    entry = _entry(data, 279)
    cut[entry + 8 : entry + 12] = (size // 2).to_bytes(4, "little")
    cut[entry + 2 : entry + 4] = (4).to_bytes(2, "little")
    (page,) = decode(bytes(cut))
    error = page if isinstance(page, Failure) else page.damage
    assert error is not None and error.category is Category.FILE_CORRUPT


def _entry(data: bytes, tag: int) -> int:
    start = tiff.directories(data)[0][0].offset
    count = int.from_bytes(data[start : start + 2], "little")
    places = [start + 2 + 12 * index for index in range(count)]
    return next(at for at in places if int.from_bytes(data[at : at + 2], "little") == tag)


def test_strips_and_pages_are_checked_one_by_one():
    data, strips = pages_of("group4", rows=16)
    assert len(strips[0]) == 10
    found, _ = tiff.directories(data)
    for checked, expected in ((data, [False] * 3), (spoilt(data, strips[2][4]), [False, False, True])):
        checker = LibtiffFile(checked)
        assert [checker.is_damaged(page.offset) for page in found] == expected
        assert [checker.is_damaged(page.offset) for page in found] == expected
        checker.close()


def test_a_jpeg_that_is_corrupt_in_the_middle_is_read_and_told():
    buffer = io.BytesIO()
    COMPRESSIONS["jpeg"].save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    middle = len(data) // 2
    (whole,) = decode(data)
    (page,) = decode(data[:middle] + b"\x10\xff\x00\x55" * 8 + data[middle + 32 :])
    assert whole.damage is None
    assert page.damage.category is Category.FILE_CORRUPT
    assert page.pixels.shape == (160, 120, 3)


def test_a_cut_jpeg_is_a_failure():
    buffer = io.BytesIO()
    COMPRESSIONS["jpeg"].save(buffer, "JPEG")
    (failure,) = decode(buffer.getvalue()[:-500])
    assert (failure.page, failure.category) == (1, Category.FILE_CORRUPT)


def test_a_jpeg_whose_first_marker_is_gone_is_damaged():
    buffer = io.BytesIO()
    COMPRESSIONS["jpeg"].save(buffer, "JPEG")
    data = buffer.getvalue()
    assert not jpeg.is_damaged(data)
    for changed in (data[:2] + data[3:], data.replace(b"\xff\xc0", b"\xff\xe2", 1)):
        assert jpeg.is_damaged(changed)
    assert jpeg.is_damaged(data[:300])


def test_padding_before_the_end_is_no_damage():
    buffer = io.BytesIO()
    COMPRESSIONS["jpeg"].save(buffer, "JPEG")
    (page,) = decode(buffer.getvalue()[:-2] + b"\0\0\0\xff\xd9")
    assert page.damage is None
