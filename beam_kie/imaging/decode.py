"""File bytes to upright RGB pages, one page at a time, with limits checked before a pixel is decoded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing

import cv2
import numpy as np
from PIL import Image

from beam_kie.document import Category, DocumentError, Failure, PageImage, Stage
from beam_kie.imaging.limits import DecodeLimits, check_file_size
from beam_kie.imaging.page_source import PageSource, decoding_error
from beam_kie.imaging.pdf import PdfPages
from beam_kie.imaging.raster import PicturePage, TiffPages
from beam_kie.imaging.sniffing import sniff_format

__all__ = ["DecodeLimits", "decode_pages", "encode_preview", "page_count", "sniff_format", "upright"]


def decode_pages(
    data: bytes,
    document_id: str,
    uri: str,
    limits: DecodeLimits,
    pdf_dpi: int = 200,
    pdf_text_layer: bool = False,
) -> Iterator[PageImage | Failure]:
    """The pages of a file in their order: a PageImage each, or a Failure for a page that cannot be decoded.

    A problem of the whole file (empty, too large, unsupported, damaged, encrypted) raises DocumentError
    from this very call; the pages are decoded while the result is iterated, and none is kept. PDF pages
    are rendered at ``pdf_dpi`` dots per inch (less where ``max_pixels`` asks for it); with
    ``pdf_text_layer`` their text comes in ``given_lines``. Pages past ``max_pages`` are left out, which
    one Failure for the first of them says; so is what lies behind a break in a TIFF's list of pages.
    """
    check_file_size(len(data), limits)
    source = _open(data, limits, pdf_dpi, pdf_text_layer)
    return _stream(source, document_id, uri, limits.max_pages)


def page_count(data: bytes) -> int:
    """How many pages a file has, without decoding any; DocumentError where it cannot be opened."""
    with closing(_open(data, DecodeLimits())) as source:
        return source.page_count


def upright(pixels: np.ndarray, rotation_deg: int) -> np.ndarray:
    """A page (H x W x C) turned clockwise by 0, 90, 180 or 270 degrees; any other angle is a ValueError.

    The result is contiguous; for 0 degrees it may be ``pixels`` itself.
    """
    if rotation_deg not in (0, 90, 180, 270):
        raise ValueError(f"rotation_deg must be 0, 90, 180 or 270, not {rotation_deg}")
    return np.ascontiguousarray(np.rot90(pixels, k=-rotation_deg // 90))


def encode_preview(pixels: np.ndarray, max_side: int, quality: int = 80) -> bytes:
    """A JPEG of an RGB page (H x W x 3 uint8), scaled down so that no side exceeds ``max_side`` pixels.

    ``quality`` is JPEG's 1..95. Smaller pages keep their size. The same input gives the same bytes.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, max_side / max(height, width))
    if scale < 1.0:
        pixels = _shrink(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _shrink(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A smaller page of ``size`` (width, height): the mean of squares first, between pixels from there on.

    As good to look at as the mean of areas that are no whole pixels, in a fifth of the time.
    """
    height, width = pixels.shape[:2]
    step = min(width // size[0], height // size[1])
    if step > 1:
        # A last row or column that fills no square is less than a pixel of the result.
        whole = pixels[: height // step * step, : width // step * step]
        pixels = cv2.resize(whole, (width // step, height // step), interpolation=cv2.INTER_AREA)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)


def _open(data: bytes, limits: DecodeLimits, pdf_dpi: int = 200, pdf_text_layer: bool = False) -> PageSource:
    file_format = sniff_format(data)
    if file_format == "pdf":
        return PdfPages(data, limits, dpi=pdf_dpi, text_layer=pdf_text_layer)
    if file_format == "tiff":
        return TiffPages(data, limits)
    return PicturePage(data, file_format, limits)


def _stream(source: PageSource, document_id: str, uri: str, max_pages: int) -> Iterator[PageImage | Failure]:
    """Decode page after page; a page's error becomes a Failure and the next page goes on."""
    with closing(source):
        for index in range(min(source.page_count, max_pages)):
            try:
                page = source.read(index)
            except Exception as error:  # decoders raise anything on hostile bytes: it is the page's alone
                yield _failure(document_id, uri, index + 1, decoding_error(error))
                continue
            yield PageImage(document_id, uri, index + 1, page.pixels, page.dpi, page.lines)
            del page  # the caller may drop it while the next one is decoded
        if source.page_count > max_pages:
            yield _failure(document_id, uri, max_pages + 1, _too_many_pages(source.page_count, max_pages))
        if source.remark is not None:
            yield _failure(document_id, uri, source.page_count + 1, source.remark)


def _failure(document_id: str, uri: str, page: int, error: DocumentError) -> Failure:
    return Failure(document_id, uri, page, Stage.DECODE, error.category, error.message, error.retryable)


def _too_many_pages(count: int, max_pages: int) -> DocumentError:
    return DocumentError(
        Category.TOO_MANY_PAGES,
        f"the file has {count:,} pages, more than max_pages = {max_pages:,}: {count - max_pages:,} were left "
        "out (this page and those after it); raise that limit, or split the file",
    )
