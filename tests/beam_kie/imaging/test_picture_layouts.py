"""PNG, BMP, WebP and JPEG of every kind: right, or a failure of the page."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from beam_kie.document import Category, Failure
from beam_kie.imaging.decode import DecodeLimits, decode_pages

HEIGHT, WIDTH = 37, 53
GREY = np.add.outer(np.linspace(0, 1, HEIGHT), np.linspace(0, 1, WIDTH)) / 2
RGB = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], -1)
ALPHA = np.broadcast_to(np.linspace(0, 1, WIDTH)[np.newaxis, :, np.newaxis], (HEIGHT, WIDTH, 1))
# Adam7: first column and row, and the steps between columns and rows.
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def check(data: bytes, expected: np.ndarray, tolerance: float = 1.0) -> None:
    """The page is ``expected`` (0 to 1, grey or RGB), to ``tolerance`` steps of 8 bits."""
    (page,) = decode_pages(data, "id", "file:///scan", DecodeLimits())
    assert not isinstance(page, Failure), page.message
    if expected.ndim == 2:
        expected = expected[..., np.newaxis]
    assert np.abs(page.pixels - 255 * expected).max() <= tolerance


def refused(data: bytes) -> Failure:
    """The failure of a file that is not read."""
    try:
        (failure,) = decode_pages(data, "id", "file:///scan", DecodeLimits())
    except Exception as error:
        return error
    assert isinstance(failure, Failure)
    return failure


def packed(samples: np.ndarray, bits: int) -> bytes:
    """Rows of samples, each behind the number of its filter (none)."""
    rows = samples.reshape(len(samples), -1)
    if bits == 16:
        rows = rows.astype(">u2").view("u1")
    elif bits < 8:
        split = np.unpackbits(rows.astype("u1")[..., np.newaxis], axis=-1)[..., 8 - bits :]
        rows = np.packbits(split.reshape(len(rows), -1), axis=1)
    return b"".join(b"\0" + row.astype("u1").tobytes() for row in rows)


def png(
    samples: np.ndarray, colour_type: int, bits: int, chunks: bytes = b"", interlaced: bool = False
) -> bytes:
    if samples.ndim == 2:
        samples = samples[..., np.newaxis]
    passes = PASSES if interlaced else [(0, 0, 1, 1)]
    parts = [samples[y::dy, x::dx] for x, y, dx, dy in passes]
    data = b"".join(packed(part, bits) for part in parts if part.size)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour_type, 0, 0, interlaced)
    ends = chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + ends


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def levels(values: np.ndarray, bits: int) -> np.ndarray:
    return np.rint(values * (2**bits - 1)).astype("u2")


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("colour_type", "bits"),
    [(0, bits) for bits in (1, 2, 4, 8, 16)] + [(k, b) for k in (2, 4, 6) for b in (8, 16)],
)
def test_png(colour_type, bits, interlaced):
    colours = RGB if colour_type in (2, 6) else GREY[..., np.newaxis]
    stored = levels(colours, bits) / (2**bits - 1)
    expected = stored
    if colour_type >= 4:
        stored = np.concatenate([colours, ALPHA], -1)
        expected = colours * ALPHA + 1 - ALPHA
    data = png(levels(stored, bits), colour_type, bits, interlaced=interlaced)
    second = imagecodecs.png_decode(data)
    assert second.shape[:2] == (HEIGHT, WIDTH)
    check(data, expected, 2)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_png_palettes_with_transparent_entries(bits, interlaced):
    count = 2**bits
    palette = np.stack([np.linspace(0, 255, count), np.linspace(255, 0, count), np.full(count, 40)], -1)
    palette = np.rint(palette).astype("u1")
    indices = np.rint(GREY * (count - 1)).astype("u2")
    colours = chunk(b"PLTE", palette.tobytes())
    check(png(indices, 3, bits, colours, interlaced), palette[indices] / 255)
    expected = palette[indices] / 255
    expected[indices == 0] = 1
    check(png(indices, 3, bits, colours + chunk(b"tRNS", b"\0"), interlaced), expected)


def test_png_with_a_transparent_colour():
    values = levels(GREY, 8)
    expected = values / 255
    expected[values == 7] = 1
    check(png(values, 0, 8, chunk(b"tRNS", struct.pack(">H", 7))), expected)


def bmp(bits: int, rows: bytes, height: int = HEIGHT, compression: int = 0, colours: bytes = b"") -> bytes:
    start = 14 + 40 + len(colours)
    header = struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, bits, compression, len(rows), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + header + colours + rows


def bmp_rows(rows: np.ndarray) -> bytes:
    """Rows from the bottom up, each of a multiple of four bytes."""
    rows = rows.reshape(HEIGHT, -1)
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))[::-1].tobytes()


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_bmp_palettes(bits):
    indices = np.rint(GREY * (2**bits - 1)).astype("u1")
    palette = np.zeros((2**bits, 4), "u1")
    palette[:, :3] = np.rint(np.linspace(0, 255, 2**bits))[:, np.newaxis]
    split = np.unpackbits(indices[..., np.newaxis], axis=-1)[..., 8 - bits :]
    rows = np.packbits(split.reshape(HEIGHT, -1), axis=1)
    check(bmp(bits, bmp_rows(rows), colours=palette.tobytes()), indices / (2**bits - 1))


def test_bmp_true_colour_either_way_up():
    values = np.rint(RGB * 255).astype("u1")
    check(bmp(24, bmp_rows(values[..., ::-1])), RGB)
    check(bmp(24, bmp_rows(values[::-1, :, ::-1]), height=-HEIGHT), RGB)
    four = np.concatenate([values[..., ::-1], np.zeros((HEIGHT, WIDTH, 1), "u1")], -1)
    check(bmp(32, bmp_rows(four)), RGB)


@pytest.mark.parametrize("masks", [(0x7C00, 0x3E0, 0x1F), (0xF800, 0x7E0, 0x1F)], ids=["555", "565"])
def test_bmp_of_16_bits_with_masks(masks):
    values = np.zeros((HEIGHT, WIDTH), "u2")
    for channel, mask in enumerate(masks):
        shift = (mask & -mask).bit_length() - 1
        values |= np.rint(RGB[..., channel] * (mask >> shift)).astype("u2") << shift
    check(bmp(16, bmp_rows(values.view("u1")), compression=3, colours=struct.pack("<III", *masks)), RGB, 5)


def test_bmp_with_run_lengths():
    indices = np.rint(GREY * 255).astype("u1")
    palette = np.repeat(np.arange(256, dtype="u1")[:, np.newaxis], 4, 1)
    rows = b"".join(b"".join(b"\1" + bytes([each]) for each in row) + b"\0\0" for row in indices[::-1])
    check(bmp(8, rows + b"\0\1", compression=1, colours=palette.tobytes()), GREY)


def saved(values: np.ndarray, kind: str, mode: str | None = None, **options) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(np.rint(values * 255).astype("u1"))
    (image.convert(mode) if mode else image).save(buffer, kind, **options)
    return buffer.getvalue()


def test_webp():
    check(saved(RGB, "WEBP", lossless=True), RGB)
    check(saved(RGB, "WEBP", quality=95), RGB, 40)
    alpha = np.concatenate([RGB, ALPHA], -1)
    check(saved(alpha, "WEBP", lossless=True, exact=True), RGB * ALPHA + 1 - ALPHA, 2)


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"keep_rgb": True}, {"subsampling": 0}], ids=str
)
def test_jpeg_colours(options):
    data = saved(RGB, "JPEG", quality=95, **options)
    check(data, imagecodecs.jpeg8_decode(data) / 255, 30)
    check(data, RGB, 40)


def test_jpeg_of_cmyk_is_inverted_as_adobe_does():
    inks = np.dstack([1 - RGB, GREY / 3])
    image = Image.frombytes("CMYK", (WIDTH, HEIGHT), np.rint(inks * 255).astype("u1").tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95, subsampling=0)
    check(buffer.getvalue(), (1 - inks[..., :3]) * (1 - inks[..., 3:]), 16)


def test_jpeg_of_12_bits_is_refused():
    data = imagecodecs.jpeg_encode(levels(GREY, 12), bitspersample=12)
    failure = refused(data)
    assert failure.category is Category.FORMAT_UNSUPPORTED and "12 bits" in failure.message


def test_a_gif_is_refused_by_name():
    assert "GIF" in refused(saved(GREY, "GIF")).message


def test_of_a_camera_with_several_pictures_the_first_is_the_page():
    first, second = (Image.fromarray(np.rint(values * 255).astype("u1")) for values in (GREY, 1 - GREY))
    buffer = io.BytesIO()
    first.save(buffer, "MPO", save_all=True, append_images=[second], quality=95)
    check(buffer.getvalue(), GREY, 8)
