"""Files of every format to pages: pages within the limits, or failures of a documented category."""

import io

import numpy as np
import pillow_heif
import tifffile
from hypothesis import given
from PIL import Image

from beam_kie.document import Category, DocumentError, Failure
from beam_kie.imaging.decode import DecodeLimits, PdfTextLayer, decode_pages
from tests.fuzz.mutations import arbitrary, mutated
from tests.fuzz.sandbox import target

pillow_heif.register_heif_opener()
LIMITS = DecodeLimits(max_file_bytes=1024 * 1024, max_pixels=300_000, max_pages=4)
STARTS = (
    b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    b"\xff\xd8\xff\xe1\0\x20Exif\0\0II*\0\x08\0\0\0",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"RIFF\0\0\0\0WEBPVP8 ",
    b"RIFF\0\0\0\0WEBPVP8X",
    b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
    b"II*\0\x08\0\0\0",
    b"MM\0+\0\x08\0\0",
    b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
    b"\0\0\0\x0cjP  \r\n\x87\n",
    b"\xff\x4f\xff\x51",
)
WORDS = (
    b"\xff\xda",
    b"\xff\xc2",
    b"\xff\xe1",
    b"Exif\0\0",
    b"IDAT",
    b"tRNS",
    b"eXIf",
    b"zTXt",
    b"acTL",
    b"VP8L",
    b"ALPH",
    b"\xff\x90",
    b"meta",
    b"iloc",
    b"ispe",
)


def saved(kind: str, mode: str = "RGB", **options) -> bytes:
    file = io.BytesIO()
    gradient = Image.linear_gradient("L").resize((30, 20)).convert(mode)
    gradient.save(file, kind, **options)
    return file.getvalue()


def exif() -> bytes:
    data = Image.Exif()
    data[0x0112] = 6  # to be turned by 90 degrees
    data[0x010E] = "made by a test"
    return data.tobytes()


def layout(dtype: str = "u2", **options) -> bytes:
    """A TIFF of colours in a layout that Pillow does not read."""
    values = (np.arange(20 * 30 * 3).reshape(20, 30, 3) % 200).astype(dtype)
    if options.get("planarconfig") == "separate":
        values = values.transpose(2, 0, 1)
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric="rgb", **options)
    return file.getvalue()


SEEDS = {
    "jpeg": [
        saved("JPEG", exif=exif(), dpi=(200, 100)),
        saved("JPEG", "CMYK"),
        saved("JPEG", "L", progressive=True),
    ],
    "png": [
        saved("PNG", "P", transparency=3, dpi=(100, 100)),
        saved("PNG", "RGBA", exif=exif()),
        saved("PNG", "I;16"),
        saved("PNG", "1"),
    ],
    "tiff": [
        saved("TIFF", "1", compression="group4", dpi=(204, 98)),
        saved("TIFF", compression="tiff_lzw"),
        saved("TIFF", "F"),
        saved("TIFF", compression="jpeg"),
        saved("TIFF", "CMYK", compression="tiff_adobe_deflate", exif=exif()),
        saved("TIFF", "L", save_all=True, append_images=[Image.new("L", (9, 9)), Image.new("1", (40, 8))]),
    ],
    "bmp": [saved("BMP"), saved("BMP", "P"), saved("BMP", "1"), saved("BMP", "RGBA")],
    "samples": [
        layout(planarconfig="separate", compression="zlib", predictor=2),
        layout("f4", byteorder=">", tile=(16, 16), compression="lzw", predictor=3),
        layout("u2", bitspersample=12),
        layout("i2", bigtiff=True, rowsperstrip=3, compression="packbits"),
    ],
    "avif": [saved("AVIF", exif=exif()), saved("AVIF", "RGBA")],
    "heic": [saved("HEIF", exif=exif()), saved("HEIF", "RGBA")],
    "jpeg2000": [saved("JPEG2000"), saved("JPEG2000", "LA"), saved("JPEG2000", "I;16")],
    "webp": [saved("WEBP"), saved("WEBP", "RGBA", lossless=True, exif=exif())],
}


@target(DocumentError)
def decode(data: bytes) -> None:
    opened = decode_pages(data, "id", "file:///scan", LIMITS, pdf_dpi=40, pdf_text_layer=PdfTextLayer.AUTO)
    assert opened.page_count >= 1
    for page in opened:
        if isinstance(page, Failure):
            assert page.category is not Category.OUT_OF_MEMORY, page.message
            assert "\n" not in page.message
            continue
        height, width, channels = page.pixels.shape
        assert channels == 3 and 0 < height * width <= LIMITS.max_pixels
        assert page.pixels.dtype == "uint8"
        assert page.dpi is None or 0 < page.dpi < float("inf")
        for line in page.given_lines or ():
            line.text.encode()
            assert len(line.polygon) == 8


@given(data=arbitrary(*STARTS))
def test_any_bytes_behind_a_header(sandbox, data):
    sandbox.check(decode, data)


@given(data=mutated(SEEDS["jpeg"], WORDS))
def test_damaged_jpeg(sandbox, data):
    sandbox.check(decode, data)


@given(data=mutated(SEEDS["png"], WORDS))
def test_damaged_png(sandbox, data):
    sandbox.check(decode, data)


@given(data=mutated(SEEDS["tiff"], WORDS))
def test_damaged_tiff(sandbox, data):
    sandbox.check(decode, data)


@given(data=mutated(SEEDS["bmp"], WORDS))
def test_damaged_bmp(sandbox, data):
    sandbox.check(decode, data)


@given(data=mutated(SEEDS["webp"], WORDS))
def test_damaged_webp(sandbox, data):
    sandbox.check(decode, data)


@given(data=mutated(SEEDS["samples"], WORDS))
def test_damaged_samples(sandbox, data):
    sandbox.check(decode, data)


@given(data=mutated(SEEDS["avif"], WORDS))
def test_damaged_avif(sandbox, data):
    sandbox.check(decode, data)


@given(data=mutated(SEEDS["heic"], WORDS))
def test_damaged_heic(sandbox, data):
    sandbox.check(decode, data)


@given(data=mutated(SEEDS["jpeg2000"], WORDS))
def test_damaged_jpeg2000(sandbox, data):
    sandbox.check(decode, data)
