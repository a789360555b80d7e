"""TIFF pages in layouts that Pillow does not read, or reads wrongly: samples from libtiff, placed by numpy.

Tags are those of TIFF 6.0 and of Adobe's technical note 3 on floating point.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image

from beam_kie.document import Category, DocumentError
from beam_kie.imaging.libtiff import LibtiffPage
from beam_kie.imaging.limits import DecodeLimits, check_pixels
from beam_kie.imaging.page_source import RESAVE
from beam_kie.imaging.pixels import on_white, scale_to_8_bits

_MODELS = {0: "min-is-white", 1: "min-is-black", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr"} | {
    8: "CIELab",
    9: "ICCLab",
    10: "ITULab",
    32803: "colour filter array",
    32844: "LogL",
    32845: "LogLuv",
}
_FORMATS = {1: "unsigned", 2: "signed", 3: "floating-point"}
_COMPRESSIONS = {
    1: "none",
    2: "CCITT RLE",
    3: "CCITT G3",
    4: "CCITT G4",
    5: "LZW",
    6: "old JPEG",
    7: "JPEG",
} | {
    8: "Deflate",
    32773: "PackBits",
    32946: "Deflate",
    34661: "JBIG",
    34712: "JPEG 2000",
    34887: "LERC",
    34925: "LZMA",
    50000: "ZSTD",
    50001: "WebP",
    50002: "JPEG XL",
}
_DTYPES = {(1, 8): "u1", (1, 16): "u2", (1, 32): "u4", (1, 64): "u8", (2, 8): "i1", (2, 16): "i2"} | {
    (2, 32): "i4",
    (2, 64): "i8",
    (3, 16): "f2",
    (3, 32): "f4",
    (3, 64): "f8",
}
_MOST_BITS = 16  # of samples that do not end at bytes
_MOST_SAMPLES = 8
_GREY_MODELS, _RGB = (0, 1), 2
_JPEG = (6, 7)
_ASSOCIATED, _UNASSOCIATED = 1, 2
_CENTIMETRE = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """How the samples of a page are stored; numbers as in the tags of the file."""

    width: int
    height: int
    bits: int
    sample_format: int
    samples: int
    model: int
    is_planar: bool
    compression: int
    extra: tuple[int, ...]

    @classmethod
    def of(cls, page: LibtiffPage) -> Layout:
        """The layout of an open page.

        Args:
            page: as libtiff has opened it.
        """

        def number(tag: int, default: int, kind: type = ctypes.c_uint16) -> int:
            value = page.tag(tag, kind)
            return default if value is None else int(value)

        return cls(
            width=number(256, 0, ctypes.c_uint32),
            height=number(257, 0, ctypes.c_uint32),
            bits=number(258, 1),
            sample_format=number(339, 1),
            samples=number(277, 1),
            model=number(262, -1),
            is_planar=number(284, 1) == 2,
            compression=number(259, 1),
            extra=tuple(page.extra_samples()),
        )

    @property
    def is_ordinary(self) -> bool:
        """Whether Pillow reads it, and rightly."""
        if self.model not in (*_GREY_MODELS, _RGB):
            return self.bits <= 8 or self.model in (5, 6)
        if self.bits > 8 or self.sample_format not in (1, 4) or self.is_planar:
            return False
        return self.bits == 8 or (self.bits in (1, 2, 4) and self.model != _RGB)

    @property
    def is_read(self) -> bool:
        """Whether ``read`` reads it."""
        colours = 3 if self.model == _RGB else 1
        if self.model not in (*_GREY_MODELS, _RGB) or not colours <= self.samples <= _MOST_SAMPLES:
            return False
        if self.compression in _JPEG and self.bits != 8:
            return False
        return (self.sample_format, self.bits) in _DTYPES or (
            self.sample_format == 1 and self.bits < _MOST_BITS
        )

    def __str__(self) -> str:
        """The layout in words, for messages."""
        model = _MODELS.get(self.model, f"colour model {self.model}")
        kind = _FORMATS.get(self.sample_format, f"sample format {self.sample_format}")
        planes = "planar" if self.is_planar else "chunky"
        compression = _COMPRESSIONS.get(self.compression, f"number {self.compression}")
        return f"{self.bits}-bit {kind} {model}, {self.samples} samples, {planes}, compression {compression}"


def unsupported(layout: Layout | None) -> DocumentError:
    """What is said of a page that is not read because of its layout.

    Args:
        layout: of the page; None where not even that is known.
    """
    what = "its bits per sample, colour model or compression" if layout is None else str(layout)
    return DocumentError(
        Category.FORMAT_UNSUPPORTED,
        f"the page is a kind of TIFF that is not read ({what}): save it as 8-bit grey or RGB",
    )


def read(page: LibtiffPage, layout: Layout, limits: DecodeLimits) -> Image.Image:
    """Decode a page.

    Args:
        page: as libtiff has opened it.
        layout: of it; ``is_read`` is true.
        limits: checked before pixels are decoded.

    Returns:
        The page in mode "L" or "RGB", with its resolution and orientation; it is not turned yet.

    Raises:
        DocumentError: it is too large, or a strip or tile cannot be decoded.
    """
    check_pixels(layout.width, layout.height, limits)
    try:
        samples = _samples(page, layout, limits)
    except ValueError as error:
        raise DocumentError(
            Category.FILE_CORRUPT, f"a strip or tile of the page cannot be decoded: {RESAVE}"
        ) from error
    colours = 3 if layout.model == _RGB else 1
    pixels = scale_to_8_bits(samples[..., :colours], layout.bits, is_inverted=layout.model == 0)
    alpha = _alpha(samples, layout, colours)
    if alpha is not None:
        pixels = on_white(pixels, alpha, is_associated=_ASSOCIATED in layout.extra)
    image = Image.fromarray(pixels if colours == 3 else pixels[..., 0])
    _describe(image, page)
    return image


def _alpha(samples: np.ndarray, layout: Layout, colours: int) -> np.ndarray | None:
    """Opacity from 0 to 1; None where there is none, or where it would hide all of the page."""
    for index, meaning in enumerate(layout.extra):
        if meaning in (_ASSOCIATED, _UNASSOCIATED) and colours + index < layout.samples:
            values = samples[..., colours + index].astype(np.float32)
            full = 1 if layout.sample_format == 3 else 2 ** (layout.bits - (layout.sample_format == 2)) - 1
            alpha = np.clip(values / np.float32(full), 0, 1)
            return alpha[..., np.newaxis] if alpha.any() else None
    return None


def _samples(page: LibtiffPage, layout: Layout, limits: DecodeLimits) -> np.ndarray:
    """The samples of a page, height x width x samples."""
    planes, depth = (layout.samples, 1) if layout.is_planar else (1, layout.samples)
    if page.is_tiled:
        wide, high = (int(page.tag(tag, ctypes.c_uint32) or 0) for tag in (322, 323))
    else:
        wide, high = layout.width, int(page.tag(278, ctypes.c_uint32) or 0)
        high = min(high or layout.height, layout.height)
    check_pixels(wide, high, limits, "a tile or strip of the page")
    dtype = np.dtype(_DTYPES.get((layout.sample_format, layout.bits), "u1" if layout.bits < 8 else "u2"))
    result = np.empty((layout.height, layout.width, layout.samples), dtype)
    across, down = -(-layout.width // wide), -(-layout.height // high)
    for number in range(planes * across * down):
        plane, place = divmod(number, across * down)
        top, left = place // across * high, place % across * wide
        piece = _unpacked(page.read(number), wide, depth, layout, dtype)
        rows = min(high, layout.height - top)
        if len(piece) < rows:
            raise ValueError(f"strip or tile {number} is too short")
        columns = min(wide, layout.width - left)
        first = plane if layout.is_planar else 0
        target = result[top : top + rows, left : left + columns, first : first + depth]
        target[...] = piece[:rows, :columns]
    return result


def _unpacked(data: memoryview, width: int, depth: int, layout: Layout, dtype: np.dtype) -> np.ndarray:
    """The samples of a strip or tile, rows x width x depth."""
    count = width * depth
    row_bytes = -(-count * layout.bits // 8)
    rows = np.frombuffer(data[: len(data) // row_bytes * row_bytes], np.uint8).reshape(-1, row_bytes)
    if dtype.itemsize * 8 == layout.bits:
        return rows.view(dtype).reshape(-1, width, depth)
    bits = np.unpackbits(rows, axis=1)[:, : count * layout.bits].reshape(-1, count, layout.bits)
    values = np.zeros(bits.shape[:2], dtype)
    for bit in range(layout.bits):
        values = values << 1 | bits[..., bit]
    return values.reshape(-1, width, depth)


def _describe(image: Image.Image, page: LibtiffPage) -> None:
    """Note resolution and orientation as Pillow would."""
    across, down = page.tag(282, ctypes.c_float), page.tag(283, ctypes.c_float)
    if across and down:
        unit = page.tag(296)
        factor = 2.54 if unit == _CENTIMETRE else 1
        image.info["resolution" if unit == 1 else "dpi"] = (across * factor, down * factor)
    orientation = page.tag(274)
    if orientation:
        image.getexif()[ExifTags.Base.Orientation] = orientation
