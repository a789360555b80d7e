import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageDraw

from beam_kie.imaging import tiff
from beam_kie.imaging.pixels import to_upright_rgb

PLENTY = 10**9
WHITE, BLACK, RED = (255, 255, 255), (0, 0, 0), (255, 0, 0)


def sheet(mode: str = "RGB", size: tuple[int, int] = (40, 60)) -> Image.Image:
    """A white page with a black square in its top left corner."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((0, 0, 15, 15), fill="black")
    return image.convert(mode)


def save(image: Image.Image, pillow_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, pillow_format, **options)
    return buffer.getvalue()


def decode(data: bytes, max_pixels: int = PLENTY) -> tuple[np.ndarray, float | None]:
    pixels, dpi = to_upright_rgb(Image.open(io.BytesIO(data)), max_pixels)
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3 and pixels.shape[2] == 3
    assert pixels.flags.c_contiguous
    return pixels, dpi


def patch_tag(data: bytes, tag: int, value: int) -> bytes:
    """A classic little-endian TIFF with the 16-bit value of a tag of its first directory changed."""
    patched = bytearray(data)
    start = tiff.directories(data)[0][0].offset
    (count,) = struct.unpack_from("<H", data, start)
    entries = [start + 2 + 12 * index for index in range(count)]
    (entry,) = [at for at in entries if struct.unpack_from("<H", data, at)[0] == tag]
    struct.pack_into("<H", patched, entry + 8, value)
    return bytes(patched)


def corner_and_paper(pixels: np.ndarray) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(map(int, pixels[4, 4])), tuple(map(int, pixels[-4, -4]))


@pytest.mark.parametrize(
    ("mode", "pillow_format", "options"),
    [
        ("RGB", "PNG", {}),
        ("L", "PNG", {}),
        ("1", "PNG", {}),
        ("P", "PNG", {}),
        ("P", "BMP", {}),
        ("LA", "PNG", {}),
        ("RGBA", "PNG", {}),
        ("RGBA", "WEBP", {"lossless": True}),
        ("RGB", "WEBP", {"lossless": True}),
        ("CMYK", "TIFF", {}),
        ("YCbCr", "JPEG", {"quality": 95}),
        ("LAB", "TIFF", {}),
        ("1", "TIFF", {"compression": "group3"}),
        ("1", "TIFF", {"compression": "group4"}),
        ("RGB", "TIFF", {"compression": "tiff_lzw"}),
        ("RGB", "TIFF", {"compression": "jpeg", "quality": 95}),
    ],
)
def test_every_mode_comes_out_as_rgb(mode, pillow_format, options):
    source = sheet("RGB").convert("LAB") if mode == "LAB" else sheet(mode)
    if mode == "LAB":  # Pillow cannot convert to it without a colour profile: L of 0 and 100 %
        levels = np.full((60, 40, 3), (255, 128, 128), np.uint8)
        levels[:16, :16, 0] = 0
        source = Image.frombytes("LAB", (40, 60), (levels ^ np.uint8([0, 128, 128])).tobytes())
    pixels, _ = decode(save(source, pillow_format, **options))
    assert pixels.shape == (60, 40, 3)
    corner, paper = corner_and_paper(pixels)
    assert max(corner) <= 4
    assert min(paper) >= 251


def test_colours_keep_their_channels():
    pixels, _ = decode(save(Image.new("RGB", (8, 8), RED), "PNG"))
    assert tuple(pixels[0, 0]) == RED


def test_cmyk_jpeg_of_adobe_is_not_inverted():
    data = save(sheet("CMYK"), "JPEG", quality=95)
    assert b"Adobe" in data[:200]
    corner, paper = corner_and_paper(decode(data)[0])
    assert max(corner) <= 8
    assert min(paper) >= 247


def test_fax_with_white_as_its_smallest_value():
    plain = save(sheet("1"), "TIFF", compression="group4")
    as_white_is_zero = patch_tag(plain, 262, 0)
    black_is_zero = decode(patch_tag(plain, 262, 1))[0]
    assert np.array_equal(decode(as_white_is_zero)[0], 255 - black_is_zero)


# 16 bits and more


def deep_sheet(dtype: type, black: float, white: float) -> Image.Image:
    values = np.full((60, 40), white, dtype)
    values[:16, :16] = black
    values[-16:, :16] = (black + white) / 2
    return Image.fromarray(values)


@pytest.mark.parametrize(
    ("image", "pillow_format"),
    [
        (deep_sheet(np.uint16, 0, 65535), "PNG"),
        (deep_sheet(np.uint16, 0, 65535), "TIFF"),
        (deep_sheet(np.uint16, 0, 4095), "TIFF"),  # 12 bits in 16
        (deep_sheet(np.int32, 0, 65535), "TIFF"),
        (deep_sheet(np.int32, -70000, 2**31 - 1), "TIFF"),
        (deep_sheet(np.float32, 0, 1), "TIFF"),
        (deep_sheet(np.float32, 0, 255), "TIFF"),
    ],
)
def test_deep_grey_is_scaled_not_clipped(image, pillow_format):
    pixels, _ = decode(save(image, pillow_format))
    assert corner_and_paper(pixels) == (BLACK, WHITE)
    assert 126 <= pixels[-4, 4, 0] <= 128


def test_deep_grey_with_white_as_its_smallest_value():
    plain = save(deep_sheet(np.uint16, 0, 65535), "TIFF")
    pixels, _ = decode(patch_tag(plain, 262, 0))
    assert corner_and_paper(pixels) == (WHITE, BLACK)


def test_deep_grey_without_numbers():
    values = np.full((8, 8), 255, np.float32)
    values[0, 0], values[0, 1] = np.nan, np.inf
    assert decode(save(Image.fromarray(values), "TIFF"))[0][4, 4, 0] == 255
    assert not decode(save(Image.fromarray(np.zeros((8, 8), np.uint16)), "PNG"))[0].any()


def test_values_below_zero_are_black():
    values = np.full((8, 8), 60000, np.int32)
    values[0, 0] = -30000
    pixels, _ = decode(save(Image.fromarray(values), "TIFF"))
    assert tuple(pixels[0, 0]) == BLACK
    assert 230 <= pixels[4, 4, 0] <= 235


# Alpha


def half_transparent(mode: str) -> Image.Image:
    image = sheet("RGB").convert(mode)
    alpha = Image.new("L", image.size, 0)
    ImageDraw.Draw(alpha).rectangle((0, 0, 7, 7), fill=255)
    image.putalpha(alpha)
    return image


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_laid_on_white(mode):
    pixels, _ = decode(save(half_transparent(mode), "PNG"))
    assert tuple(pixels[4, 4]) == BLACK
    assert tuple(pixels[12, 12]) == WHITE  # black, but transparent


def test_transparent_palette_colour_is_laid_on_white():
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.putpixel((0, 0), 0)
    pixels, _ = decode(save(image, "PNG", transparency=0))
    assert tuple(pixels[0, 0]) == WHITE
    assert tuple(pixels[4, 4]) == RED


@pytest.mark.parametrize(("mode", "colour"), [("L", 0), ("RGB", (0, 0, 0)), ("1", 0)])
def test_transparent_colour_without_alpha_is_laid_on_white(mode, colour):
    pixels, _ = decode(save(sheet(mode), "PNG", transparency=colour))
    assert tuple(pixels[4, 4]) == WHITE


def test_an_alpha_channel_that_was_never_set_is_ignored():
    image = sheet("RGBA")
    image.putalpha(0)
    assert corner_and_paper(decode(save(image, "PNG"))[0]) == (BLACK, WHITE)


# Orientation

# Where the black corner of ``sheet`` is stored when each orientation's picture is upright.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("pillow_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_applied(pillow_format, orientation):
    stored = sheet() if orientation == 1 else sheet().transpose(STORED[orientation])
    exif = Image.Exif()
    exif[274] = orientation
    pixels, _ = decode(save(stored, pillow_format, exif=exif, quality=95))
    assert pixels.shape == (60, 40, 3)
    corner, paper = corner_and_paper(pixels)
    assert max(corner) < 20
    assert min(paper) > 235


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("exif", [b"Exif\0\0garbage that is no block", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"])
@pytest.mark.parametrize("pillow_format", ["JPEG", "PNG", "WEBP"])
def test_a_damaged_exif_block_costs_nothing(pillow_format, exif):
    pixels, _ = decode(save(sheet(), pillow_format, exif=exif))
    assert pixels.shape == (60, 40, 3)


# Resolution


def test_resolution_is_reported():
    assert decode(save(sheet(), "PNG", dpi=(300, 300)))[1] == pytest.approx(300, abs=0.1)
    assert decode(save(sheet(), "TIFF", dpi=(300, 300)))[1] == pytest.approx(300)
    assert decode(save(sheet(), "PNG"))[1] is None
    assert decode(save(sheet(), "TIFF"))[1] is None


def test_fax_pixels_become_square():
    fax = sheet("1", size=(204, 98))
    pixels, dpi = decode(save(fax, "TIFF", compression="group4", dpi=(204, 98)))
    assert pixels.shape == (204, 204, 3)
    assert dpi == pytest.approx(204)
    # The square of 16 x 16 pixels is 16 wide and 33 high now.
    assert (pixels[:30, :14] < 60).all()
    assert (pixels[38:, :] > 200).all()
    assert len(np.unique(pixels)) > 2  # resampled in grey


def test_fax_pixels_of_a_sideways_page_become_square():
    fax = sheet("1", size=(98, 204))
    data = save(fax, "TIFF", dpi=(98, 204), tiffinfo={274: 6})
    pixels, dpi = decode(data)
    assert pixels.shape == (204, 204, 3)
    assert dpi == pytest.approx(204)
    # Stored, the square is 33 wide and 16 high; turned clockwise it stands in the top right corner.
    assert (pixels[:30, -14:] < 60).all()
    assert (pixels[:, :-18] > 200).all()


def test_fax_pixels_are_squeezed_where_stretching_exceeds_the_limit():
    fax = sheet("1", size=(204, 98))
    pixels, dpi = decode(save(fax, "TIFF", dpi=(204, 98)), max_pixels=204 * 98)
    assert pixels.shape == (98, 98, 3)
    assert dpi == pytest.approx(98)


@pytest.mark.parametrize("dpi", [(300, 301), (1, 300)])
def test_square_enough_and_absurd_resolutions_change_nothing(dpi):
    assert decode(save(sheet("L"), "TIFF", dpi=dpi))[0].shape == (60, 40, 3)
