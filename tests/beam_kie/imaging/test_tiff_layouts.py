"""TIFF in the layouts that scanners and imaging libraries write, against tifffile as a second decoder.

A page is equal to what tifffile reads, scaled by the documented rule, or a failure that names the layout.
"""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from beam_kie.document import Category, Failure
from beam_kie.imaging.decode import DecodeLimits, decode_pages

HEIGHT, WIDTH = 64, 96
GREY = np.add.outer(np.linspace(0, 1, HEIGHT), np.linspace(0, 1, WIDTH)) / 2
RGB = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], -1)
ALPHA = np.broadcast_to(np.linspace(0, 1, WIDTH), (HEIGHT, WIDTH))
FULL = {"u1": 255, "u2": 65535, "u4": 2**32 - 1, "i1": 127, "i2": 32767, "i4": 2**31 - 1}


def typed(values: np.ndarray, dtype: str) -> np.ndarray:
    return values.astype(dtype) if dtype[0] == "f" else np.rint(values * FULL[dtype]).astype(dtype)


def write(values: np.ndarray, **options) -> bytes:
    """A TIFF that tifffile reads back as it was given."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    read_back = tifffile.imread(io.BytesIO(buffer.getvalue()))
    np.testing.assert_array_equal(read_back.squeeze(), values.squeeze())
    return buffer.getvalue()


def decode(data: bytes, limits: DecodeLimits | None = None):
    (page,) = decode_pages(data, "id", "file:///scan.tif", limits or DecodeLimits())
    return page


def check(data: bytes, expected: np.ndarray, tolerance: float = 1.0) -> None:
    """The page is ``expected`` (0 to 1, grey or RGB), to ``tolerance`` steps of 8 bits."""
    page = decode(data)
    assert not isinstance(page, Failure), page.message
    assert page.damage is None
    if expected.ndim == 2:
        expected = expected[..., np.newaxis].repeat(3, -1)
    assert page.pixels.shape == expected.shape
    assert np.abs(page.pixels - 255 * expected).max() <= tolerance


def planar(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values.transpose(2, 0, 1))


# Samples


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_samples_of_every_type(dtype, byteorder):
    grey, rgb = typed(GREY, dtype), typed(RGB, dtype)
    tolerance = 2 if dtype == "i1" else 1
    check(write(grey, photometric="minisblack", byteorder=byteorder), GREY, tolerance)
    check(write(grey, photometric="miniswhite", byteorder=byteorder), 1 - GREY, tolerance)
    check(write(rgb, photometric="rgb", byteorder=byteorder), RGB, tolerance)
    check(write(planar(rgb), photometric="rgb", planarconfig="separate", byteorder=byteorder), RGB, tolerance)


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 10, 12, 14])
def test_samples_of_other_bits(bits):
    dtype, full = ("u1" if bits <= 8 else "u2"), 2**bits - 1
    values = np.rint(GREY * full).astype(dtype)
    options = {"bitspersample": bits}
    check(write(values, photometric="minisblack", **options), values / full)
    check(write(values, photometric="miniswhite", **options), 1 - values / full)
    if bits > 1:
        values = np.rint(RGB * full).astype(dtype)
        check(write(values, photometric="rgb", **options), values / full)


def test_twelve_bits_in_sixteen():
    values = np.rint(GREY * 4095).astype("u2")
    check(write(values, photometric="minisblack"), GREY)
    check(write(np.rint(RGB * 4095).astype("u2"), photometric="rgb"), RGB)


def test_what_is_below_zero_or_no_number_is_black():
    values = GREY.astype("f4")
    values[:8], values[8:16] = np.nan, -3
    expected = GREY.copy()
    expected[:16] = 0
    check(write(values, photometric="minisblack"), expected)


def test_floats_above_one_have_the_brightest_as_white():
    check(write((GREY * 5000).astype("f4"), photometric="minisblack"), GREY)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("is_planar", [False, True])
@pytest.mark.parametrize("colours", [GREY[..., np.newaxis], RGB], ids=["grey", "rgb"])
def test_alpha(dtype, is_planar, colours):
    alpha = ALPHA[..., np.newaxis]
    on_white = colours * alpha + 1 - alpha
    model = "rgb" if colours.shape[-1] == 3 else "minisblack"
    for meaning, values, expected in (
        ("unassalpha", colours, on_white),
        ("assocalpha", colours * alpha, on_white),
        (0, colours, colours),
    ):
        samples = typed(np.concatenate([values, alpha], -1), dtype)
        options = {"photometric": model, "extrasamples": [meaning]}
        if is_planar:
            data = write(planar(samples), planarconfig="separate", **options)
        else:
            data = write(samples, planarconfig="contig", **options)
        check(data, expected.squeeze(), 2)


def test_palettes_cmyk_and_lab():
    values = np.rint(GREY * 255).astype("u1")
    colours = np.stack([np.arange(255, -1, -1), np.arange(256), np.full(256, 9)]).astype("u2") * 257
    check(
        write(values, photometric="palette", colormap=colours), colours[:, values].transpose(1, 2, 0) / 65535
    )
    inks = np.dstack([1 - RGB, GREY / 3])
    expected = (1 - inks[..., :3]) * (1 - inks[..., 3:])
    for dtype in ("u1", "u2"):
        check(write(typed(inks, dtype), photometric="separated"), expected, 2)
    neutral = np.zeros((HEIGHT, WIDTH, 3), "u1")
    neutral[..., 0] = typed(GREY, "u1")
    lightness = (GREY * 100 + 16) / 116
    linear = np.where(lightness > 6 / 29, lightness**3, (lightness - 4 / 29) * 3 * (6 / 29) ** 2)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055)
    check(write(neutral, photometric="cielab"), srgb, 4)


# Files


@pytest.mark.parametrize(
    "options",
    [
        {"tile": (32, 32)},
        {"tile": (48, 80)},
        {"rowsperstrip": 5},
        {"bigtiff": True},
        {"bigtiff": True, "byteorder": ">"},
        {"byteorder": ">", "tile": (32, 32)},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_tiles_strips_and_headers(options, dtype):
    check(write(typed(GREY, dtype), photometric="minisblack", **options), GREY)
    check(write(typed(RGB, dtype), photometric="rgb", **options), RGB)
    if dtype != "u1" or "tile" in options:
        check(write(planar(typed(RGB, dtype)), photometric="rgb", planarconfig="separate", **options), RGB)


@pytest.mark.parametrize("compression", ["lzw", "zlib", "adobe_deflate", "zstd", "lzma", "packbits"])
@pytest.mark.parametrize("predictor", [None, 2, 3])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "f2", "f4"])
def test_compressions_and_predictors(compression, predictor, dtype):
    if (predictor == 3) != (dtype[0] == "f") and predictor is not None:
        return  # a predictor is for integers or for floating point
    if compression == "packbits" and predictor is not None:
        return
    options = {"compression": compression, "predictor": predictor}
    check(write(typed(RGB, dtype), photometric="rgb", **options), RGB)
    check(write(typed(GREY, dtype), photometric="minisblack", tile=(32, 32), byteorder=">", **options), GREY)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_orientations(orientation, dtype):
    turned = {
        1: RGB,
        2: RGB[:, ::-1],
        3: RGB[::-1, ::-1],
        4: RGB[::-1],
        5: RGB.transpose(1, 0, 2),
        6: np.rot90(RGB, -1),
        7: RGB[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(RGB),
    }
    tags = [(274, 3, 1, orientation, True)]
    check(write(typed(RGB, dtype), photometric="rgb", extratags=tags), turned[orientation])


def test_resolution_is_kept():
    values = typed(GREY, "u4")
    page = decode(write(values, photometric="minisblack", resolution=(300, 300), resolutionunit=2))
    assert page.dpi == pytest.approx(300)
    page = decode(write(values, photometric="minisblack", resolution=(100, 100), resolutionunit=3))
    assert page.dpi == pytest.approx(254)


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2)])
def test_jpeg_in_tiff(subsampling):
    buffer = io.BytesIO()
    values = np.stack([typed(GREY, "u1")] * 3, -1)
    tifffile.imwrite(buffer, values, photometric="rgb", compression="jpeg", subsampling=subsampling)
    check(buffer.getvalue(), tifffile.imread(io.BytesIO(buffer.getvalue())) / 255, 6)


@pytest.mark.parametrize("compression", ["group3", "group4"])
def test_fax_with_the_bits_in_reverse(compression):
    page = Image.fromarray(np.uint8(GREY > 0.5) * 255).convert("1")
    buffer = io.BytesIO()
    page.save(buffer, "TIFF", compression=compression, tiffinfo={278: HEIGHT, 266: 2})
    image = Image.open(buffer)
    data = bytearray(buffer.getvalue())
    if image.tag_v2.get(266) != 2:  # the writer left the order as it was
        pytest.fail("Pillow did not write FillOrder 2")
    assert len(data) > 0
    check(bytes(data), np.float64(GREY > 0.5))


def test_old_jpeg():
    buffer = io.BytesIO()
    Image.fromarray(typed(GREY, "u1")).convert("RGB").save(buffer, "JPEG", subsampling=0, quality=95)
    stream = buffer.getvalue()
    entries = [(256, 3, WIDTH), (257, 3, HEIGHT), (258, 3, 8), (259, 3, 6), (262, 3, 6), (273, 4, 8)]
    entries += [(277, 3, 3), (278, 3, HEIGHT), (279, 4, len(stream)), (512, 3, 1), (513, 4, 8)]
    entries += [(514, 4, len(stream))]
    start = 8 + len(stream) + len(stream) % 2
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    head = b"II*\0" + struct.pack("<I", start)
    page = decode(head + stream + bytes(len(stream) % 2) + directory + bytes(4))
    if isinstance(page, Failure):
        assert page.category is Category.FORMAT_UNSUPPORTED and "old JPEG" in page.message
    else:
        assert np.abs(page.pixels - 255 * GREY[..., np.newaxis]).max() < 8


# What is refused


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        (np.rint(GREY * 0xFFFFFF).astype("u4"), {"photometric": "minisblack", "bitspersample": 24}, "24-bit"),
        (typed(RGB, "u1"), {"photometric": "rgb", "compression": "jpeg2000"}, "compression"),
        (typed(RGB, "u1"), {"photometric": "rgb", "compression": "jpegxl"}, "JPEG XL"),
        (typed(RGB, "f4"), {"photometric": "rgb", "compression": "lerc"}, "LERC"),
        (typed(RGB, "u1"), {"photometric": "rgb", "compression": "webp"}, "WebP"),
        (typed(RGB, "u1"), {"photometric": "icclab"}, "ICCLab"),
        (typed(RGB, "u2"), {"photometric": "cielab"}, "16-bit unsigned CIELab"),
        (typed(GREY, "f4").astype("c8"), {"photometric": "minisblack"}, "sample format 6"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_layouts_are_failures_that_name_them(values, options, words):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    failure = decode(buffer.getvalue())
    assert isinstance(failure, Failure)
    assert failure.category is Category.FORMAT_UNSUPPORTED
    assert words in failure.message


def test_limits_hold_before_pixels_are_decoded():
    data = write(typed(GREY, "f4"), photometric="minisblack", compression="zlib")
    failure = decode(data, DecodeLimits(max_pixels=HEIGHT * WIDTH - 1))
    assert failure.category is Category.IMAGE_TOO_LARGE


def test_a_damaged_strip_is_a_failure():
    data = bytearray(write(typed(RGB, "u2"), photometric="rgb", compression="zlib", rowsperstrip=16))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        start = file.pages[0].dataoffsets[2]
    data[start + 20 : start + 40] = bytes(20)
    failure = decode(bytes(data))
    assert isinstance(failure, Failure) and failure.category is Category.FILE_CORRUPT
