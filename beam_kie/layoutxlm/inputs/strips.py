"""Images of text lines: a strip of grey pixels each.

Forms are printed in one face and filled in with another, by hand or by machine, which boxes and text do not
show. LayoutXLM reads the whole page in 7 x 7 cells (arXiv 2104.08836, section 2.2), of which a line covers
little; here every token has the pixels of its own part of its line, at the size of the print, and those
before the line (a box to tick). Lines without pixels are read by text and boxes alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from beam_kie.document import Box, Straightening
from beam_kie.layoutxlm.inputs.straight import StraightPixels

HEIGHT = 24
"""Rows of a strip: the line in the middle two thirds, what is above and below in the others."""

MARGIN = 24
"""Columns before and behind the line: one and a half times its height."""

MAX_LINE = 1_000
"""Columns of a line at most; longer lines are compressed."""

TEXT_ROWS = 16
"""Rows of the line itself."""


class TokenPlaces(NamedTuple):
    """Where T tokens stand: ``lines``, the index of their line, and ``first`` and ``last``, the shares of its
    width at which they begin and end, 0 to 1."""

    lines: np.ndarray
    first: np.ndarray
    last: np.ndarray


def cut_strip(grey: np.ndarray | StraightPixels, box: Box) -> np.ndarray:
    """The strip of one line, with MARGIN columns on either side. What lies outside of the page is white.

    Args:
        grey: the page, H x W uint8.
        box: of the line, in pixels.

    Returns:
        HEIGHT x W uint8.
    """
    x0, y0, x1, y1 = box
    scale = TEXT_ROWS / max(y1 - y0, 1.0)
    width = int(min(max(round((x1 - x0) * scale), 1), MAX_LINE))
    across = (x1 - x0) / width if x1 > x0 else 1 / scale
    above = (HEIGHT - TEXT_ROWS) / 2 / scale
    left, right = x0 - MARGIN * across, x1 + MARGIN * across
    part = _crop(grey, round(left), round(y0 - above), round(right), round(y1 + above))
    return cv2.resize(part, (width + 2 * MARGIN, HEIGHT), interpolation=cv2.INTER_AREA)


def _crop(grey: np.ndarray | StraightPixels, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """A part of the page, at least one pixel; white where it reaches beyond."""
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    height, width = grey.shape
    inside = grey[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    if inside.shape == (y1 - y0, x1 - x0):
        return inside
    part = np.full((y1 - y0, x1 - x0), 255, np.uint8)
    if inside.size:
        part[max(-y0, 0) : min(y1, height) - y0, max(-x0, 0) : min(x1, width) - x0] = inside
    return part


def page_strips(
    pixels: np.ndarray, boxes: Sequence[Box], straightening: Straightening | None = None
) -> list[np.ndarray]:
    """The strips of lines of a page.

    Args:
        pixels: the page, H x W x 3 uint8 RGB.
        boxes: of the lines, in pixels; of the straight page, where the page is not straight.
        straightening: how the page becomes straight; None: it is.
    """
    if not boxes:
        return []
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    page = grey if straightening is None else StraightPixels(grey, straightening)
    return [cut_strip(page, box) for box in boxes]


def pack_strips(strips: Sequence[np.ndarray]) -> bytes:
    """Strips as bytes that travel with the page; about a third of their size.

    Args:
        strips: HEIGHT x W uint8 each.
    """
    widths = np.array([strip.shape[1] for strip in strips], dtype="<u2")
    parts = [strip.tobytes() for strip in strips]
    # Paper is runs of equal bytes: looking for nothing else is faster, and no larger.
    runs = zlib.compressobj(1, strategy=zlib.Z_RLE)
    head = np.array([len(strips)], "<u4").tobytes() + widths.tobytes()
    return runs.compress(b"".join([head, *parts])) + runs.flush()


def unpack_strips(packed: bytes) -> list[np.ndarray]:
    """The strips that ``pack_strips`` was given.

    Args:
        packed: as of ``pack_strips``.

    Raises:
        ValueError: the bytes are not those of packed strips.
    """
    try:
        data = zlib.decompress(packed)
        (count,) = np.frombuffer(data, "<u4", 1)
        widths = np.frombuffer(data, "<u2", int(count), 4).astype(int)
    except (zlib.error, ValueError) as error:
        raise ValueError(f"these are no strips of lines: {error}") from error
    ends = 4 + 2 * len(widths) + HEIGHT * np.cumsum(widths, dtype=int)
    if len(data) != (ends[-1] if len(ends) else 4):
        raise ValueError("these are no strips of lines: their widths do not add up")
    return [
        np.frombuffer(data, np.uint8, HEIGHT * width, end - HEIGHT * width).reshape(HEIGHT, width)
        for width, end in zip(widths.tolist(), ends.tolist(), strict=True)
    ]
