"""HEIC, AVIF and JPEG 2000: right, within the limits, or a failure that says what to do."""

import io
import sys

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from beam_kie.document import Category, DocumentError, Failure
from beam_kie.imaging.decode import DecodeLimits, decode_pages, sniff_format

pillow_heif.register_heif_opener()
HEIGHT, WIDTH = 72, 104
GREY = np.add.outer(np.linspace(0, 1, HEIGHT), np.linspace(0, 1, WIDTH)) / 2
RGB = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], -1)
FORMATS = {"heic": ("HEIF", 30), "avif": ("AVIF", 30), "jpeg2000": ("JPEG2000", 1)}


def saved(kind: str, values: np.ndarray = RGB, **options) -> bytes:
    buffer = io.BytesIO()
    if kind != "jpeg2000":
        options = {"quality": 95} | options
    Image.fromarray(np.rint(values * 255).astype("u1")).save(buffer, FORMATS[kind][0], **options)
    return buffer.getvalue()


def decode(data: bytes, limits: DecodeLimits | None = None) -> list:
    return list(decode_pages(data, "id", "file:///scan", limits or DecodeLimits()))


@pytest.mark.parametrize("kind", FORMATS)
def test_pictures_are_read(kind):
    data = saved(kind)
    assert sniff_format(data) == kind
    (page,) = decode(data)
    assert np.abs(page.pixels - 255 * RGB).max() <= FORMATS[kind][1]
    opened = decode_pages(data, "id", "file:///scan", DecodeLimits())
    assert (opened.file_format, opened.page_count) == (kind, 1)


@pytest.mark.parametrize("kind", FORMATS)
def test_alpha_is_laid_on_white(kind):
    values = np.concatenate([RGB, np.ones((HEIGHT, WIDTH, 1))], -1)
    values[:, : WIDTH // 2, 3] = 0
    (page,) = decode(saved(kind, values))
    assert page.pixels[:, : WIDTH // 2 - 8].min() > 250
    assert np.abs(page.pixels[:, WIDTH // 2 + 8 :] - 255 * RGB[:, WIDTH // 2 + 8 :]).max() <= 40


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_photographs_are_turned_upright(kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    (page,) = decode(saved(kind, exif=exif.tobytes()))
    assert page.pixels.shape == (WIDTH, HEIGHT, 3)
    assert np.abs(page.pixels - 255 * np.rot90(RGB, -1)).max() <= 30


def test_jpeg_2000_of_16_bits_and_without_a_file_around_it():
    buffer = io.BytesIO()
    Image.fromarray(np.rint(GREY * 65535).astype("u2")).save(buffer, "JPEG2000")
    (page,) = decode(buffer.getvalue())
    assert np.abs(page.pixels - 255 * GREY[..., np.newaxis]).max() <= 1
    data = saved("jpeg2000")
    codestream = data[data.index(b"\xff\x4f\xff\x51") :]
    (page,) = decode(codestream)
    assert np.abs(page.pixels - 255 * RGB).max() <= 1


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_cut_files_are_failures(kind, part):
    data = saved(kind)
    try:
        (failure,) = decode(data[: int(len(data) * part)])
    except DocumentError as error:
        failure = error
    else:
        assert isinstance(failure, Failure)
    assert failure.category is Category.FILE_CORRUPT


@pytest.mark.parametrize("kind", FORMATS)
def test_limits_hold(kind):
    (failure,) = decode(saved(kind), DecodeLimits(max_pixels=HEIGHT * WIDTH - 1))
    assert failure.category is Category.IMAGE_TOO_LARGE


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_further_pictures_are_told(kind):
    buffer = io.BytesIO()
    first = Image.fromarray(np.rint(RGB * 255).astype("u1"))
    first.save(buffer, FORMATS[kind][0], save_all=True, append_images=[first.rotate(180)])
    page, remark = decode(buffer.getvalue())
    assert page.page == 1
    assert (remark.page, remark.category) == (2, Category.FORMAT_UNSUPPORTED)


def test_without_the_extra_the_failure_names_it(monkeypatch):
    data = saved("heic")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(DocumentError, match=r"beam-kie\[heif\]") as caught:
        decode(data)
    assert caught.value.category is Category.FORMAT_UNSUPPORTED


def test_a_video_is_no_picture():
    with pytest.raises(DocumentError, match="video"):
        decode(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(100))


def test_brands_decide_between_heic_and_avif():
    assert sniff_format(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf" + bytes(9)) == "avif"
    assert sniff_format(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(9)) == "heic"
