"""Every kind of picture that Pillow opens, as upright RGB with square pixels."""

from __future__ import annotations

import math

import numpy as np
from PIL import ExifTags, Image

from beam_kie.imaging.exif import claims_too_much

# How to turn a picture upright, by its EXIF orientation (1 is upright already).
_TURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)

_PHOTOMETRIC = 262  # TIFF tag; 0 means that the smallest value is white
_BITS_PER_SAMPLE = 258

# Pixels that differ by less than this are square enough; above the second, the resolution is nonsense
# (the flattest fax resolution is 204 x 98 dpi, about 2.1).
_SQUARE_WITHIN = 1.02
_PLAUSIBLE_ASPECT = 4.0

# More than 8 bits: white is the first of these that holds the brightest pixel, or the largest value.
_WHITE_LEVELS = (255, 4095, 65535)

_BAND = 128

# Fresh memory from the system costs a quarter of the time that it takes to decode a page, so Pillow keeps
# the blocks (16 MiB each) of one A4 page of 300 dpi for the next one.
Image.core.set_blocks_max(3)


def to_upright_rgb(image: Image.Image, max_pixels: int) -> tuple[np.ndarray, float | None]:
    """Decode an opened picture.

    EXIF orientation is applied; alpha is laid on white; CMYK, palette, 1-bit and 16-bit pictures are
    converted; pixels that are not square (fax) are stretched along the coarser direction, or squeezed along
    the finer one where stretching would exceed ``max_pixels``.

    Args:
        image: opened by Pillow, not loaded yet.
        max_pixels: the largest width times height after stretching.

    Returns:
        The upright page, H x W x 3 uint8 RGB, and its resolution in dpi, None where the file does not say.

    Raises:
        Exception: whatever Pillow raises for damaged pictures.
    """
    orientation = _orientation(image)
    horizontal, vertical = _resolution(image)
    image.load()
    colour = _flatten(image)
    # Pillow turns a TIFF upright while it loads, other formats not: ask again what is left to do.
    remaining = _orientation(image)
    if remaining in _TURN:
        colour = colour.transpose(_TURN[remaining])
    if orientation in _SIDEWAYS:
        horizontal, vertical = vertical, horizontal
    colour, dpi = _square(colour, horizontal, vertical, max_pixels)
    if not _is_absolute(image):
        dpi = None
    return _pixels(colour), dpi


def is_ready(image: Image.Image) -> bool:
    """Whether the pixels of a picture are upright and square as they lie in its file.

    Args:
        image: opened by Pillow, not loaded yet.
    """
    across, down = _resolution(image)
    aspect = max(across, down) / min(across, down)
    return _orientation(image) == 1 and not _SQUARE_WITHIN < aspect <= _PLAUSIBLE_ASPECT


def ready_dpi(image: Image.Image) -> float | None:
    """The resolution in dpi of a picture that ``is_ready``; None where the file does not say.

    Args:
        image: opened by Pillow.
    """
    across, down = _resolution(image)
    is_plausible = max(across, down) <= _PLAUSIBLE_ASPECT * min(across, down)
    return max(across, down) if is_plausible and _is_absolute(image) else None


def _pixels(image: Image.Image) -> np.ndarray:
    """The picture as H x W x 3 RGB; in bands, since Pillow would copy all of it twice in between."""
    width, height = image.size
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        band = image.crop((0, top, width, bottom))
        pixels[top:bottom] = np.asarray(band if band.mode == "RGB" else band.convert("RGB"))
    return pixels


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1 (upright) where there is none or the EXIF block is damaged."""
    try:
        if claims_too_much(image.info.get("exif") or b""):
            return 1
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        return orientation if orientation in _TURN else 1
    except Exception:  # whatever a damaged block raises, the page is still decoded
        return 1


def _resolution(image: Image.Image) -> tuple[float, float]:
    """Dots per inch (or any other length) across and down; (1, 1) where unknown or nonsense."""
    values = image.info.get("dpi") or image.info.get("resolution")
    try:
        across, down = (float(value) for value in values or ())
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return 1.0, 1.0
    if not (0 < across < math.inf and 0 < down < math.inf):
        return 1.0, 1.0
    return across, down


def _is_absolute(image: Image.Image) -> bool:
    """Whether the resolution is one in dots per inch, not just an aspect ratio."""
    # A TIFF without resolution tags reads as 1 dpi.
    return "dpi" in image.info and min(_resolution(image)) > 1


def _square(
    image: Image.Image, across: float, down: float, max_pixels: int
) -> tuple[Image.Image, float | None]:
    """The picture with square pixels, and its resolution then (None where it is nonsense)."""
    aspect = max(across, down) / min(across, down)
    if aspect > _PLAUSIBLE_ASPECT:
        return image, None
    if aspect <= _SQUARE_WITHIN:
        return image, max(across, down)
    width, height = image.size
    stretched_fits = width * height * aspect <= max_pixels
    dpi = max(across, down) if stretched_fits else min(across, down)
    size = (max(1, round(width * dpi / across)), max(1, round(height * dpi / down)))
    if image.mode == "1":
        image = image.convert("L")
    return image.resize(size, Image.Resampling.BICUBIC), dpi


def _flatten(image: Image.Image) -> Image.Image:
    """The picture without alpha, palette or more than 8 bits: mode "1", "L" or "RGB"."""
    if image.mode.startswith("I") or image.mode == "F":
        return _scale_grey(image)
    if image.mode in ("La", "RGBa"):
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        return _on_white(image.convert("RGBA"))
    if image.mode in ("1", "L", "RGB"):
        return image
    return image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    """An RGBA picture on white paper."""
    alpha = image.getchannel("A")
    if alpha.getextrema()[1] == 0:
        # A page is never wholly transparent: the writer left the alpha channel unset (common in BMP).
        return image.convert("RGB")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=alpha)
    return paper


def _scale_grey(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits or of floating point, as 8 bits."""
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    # Pillow turns a TIFF whose smallest value is white round up to 8 bits only.
    is_inverted = tags.get(_PHOTOMETRIC) == 0
    bits = int(tags.get(_BITS_PER_SAMPLE, (0,))[0]) or 8 * values.dtype.itemsize
    return Image.fromarray(scale_to_8_bits(values, bits, is_inverted))


def scale_to_8_bits(values: np.ndarray, bits: int, is_inverted: bool = False) -> np.ndarray:
    """Samples of any type as 8 bits, 0 black and 255 white.

    White is the largest value up to 8 bits. Of deeper samples, which may hold fewer bits than they have room
    for, it is the first of 255, 4095, 65535 and the largest value that is not below the brightest sample;
    where the smallest value is white, it is always the largest value. Of floating point, white is 1, or the
    brightest sample where that is above 1. Below 0 is black; what is no number is black.

    Args:
        values: of any shape, integers or floating point.
        bits: of a sample.
        is_inverted: whether the smallest value is white.
    """
    is_float = values.dtype.kind == "f"
    if is_float:
        values = np.where(np.isfinite(values), values, 0)
    brightest = values.max(initial=0)
    largest = 2 ** (bits - (values.dtype.kind == "i")) - 1
    if is_float:
        white = max(1.0, float(brightest))
    elif is_inverted or bits <= 8:
        white = largest
    else:
        white = next((level for level in _WHITE_LEVELS if brightest <= level < largest), largest)
    scaled = np.clip(values.astype(np.float32) * np.float32(255 / white), 0, 255)
    if is_inverted:
        scaled = 255 - scaled
    return np.rint(scaled).astype(np.uint8)


def on_white(pixels: np.ndarray, alpha: np.ndarray, is_associated: bool) -> np.ndarray:
    """Pixels on white paper.

    Args:
        pixels: H x W x C uint8.
        alpha: H x W x 1, opacity from 0 to 1.
        is_associated: whether the pixels have been multiplied by alpha already.
    """
    ink = pixels.astype(np.float32) if is_associated else pixels * alpha
    return np.rint(np.clip(ink + 255 * (1 - alpha), 0, 255)).astype(np.uint8)
