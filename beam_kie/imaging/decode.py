"""File bytes to upright RGB pages, one page at a time, with limits checked before a pixel is decoded."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import cv2
import numpy as np
import simplejpeg

from beam_kie.document import Category, DocumentError, Failure, PageImage, Stage
from beam_kie.imaging.limits import DecodeLimits, check_file_size
from beam_kie.imaging.page_source import PageSource, PdfTextLayer, decoding_error
from beam_kie.imaging.pdf import PdfPages
from beam_kie.imaging.raster import PicturePage, TiffPages
from beam_kie.imaging.sniffing import sniff_format

__all__ = [
    "DecodeLimits",
    "DecodedPages",
    "PdfTextLayer",
    "decode_pages",
    "encode_preview",
    "open_pages",
    "sniff_format",
    "too_many_pages",
    "upright",
]


@dataclass(frozen=True, slots=True)
class DecodedPages:
    """An opened file: what is known of it before any page is decoded, and its pages.

    ``file_format`` is what ``sniff_format`` says. ``page_count`` counts all pages of the file, also those
    past ``max_pages``. ``pages`` decodes one page at a time while it is iterated, and only once. ``close``
    closes the file of which no page is wanted.
    """

    file_format: str
    page_count: int
    pages: Generator[PageImage | Failure] = field(repr=False)
    close: Callable[[], None] = field(repr=False)

    def __iter__(self) -> Iterator[PageImage | Failure]:
        return self.pages


def decode_pages(
    data: bytes,
    document_id: str,
    uri: str,
    limits: DecodeLimits,
    pdf_dpi: int = 200,
    pdf_text_layer: PdfTextLayer = PdfTextLayer.OFF,
    file_format: str | None = None,
    first: int = 1,
    last: int | None = None,
) -> DecodedPages:
    """Open a file, once: its format, its number of pages, and the pages in their order.

    Each page comes as a PageImage, or as a Failure where it cannot be decoded; where a part of it cannot,
    as a PageImage with ``damage``. Pages past ``max_pages`` are
    left out, which one Failure for the first of them says; so is what follows a break in a TIFF's list of
    pages.

    Args:
        data: the bytes of the file.
        document_id: of the document, for the pages and failures.
        uri: of the file, for the pages and failures.
        limits: checked before any page is decoded.
        pdf_dpi: at which PDF pages are rendered, above 0; less where ``max_pixels`` asks for it.
        pdf_text_layer: which text of PDF pages comes in ``given_lines``.
        file_format: what ``sniff_format`` says of ``data``, where the caller knows it already.
        first: the first page that is wanted, from 1.
        last: the last one; None: up to the end of the file, and what is wrong behind it.

    Raises:
        DocumentError: the file as a whole is empty, too large, unsupported, damaged or encrypted. Raised
            from this call; errors of single pages come as Failures.
    """
    check_file_size(len(data), limits.max_file_bytes)
    file_format = file_format or sniff_format(data)
    source = open_pages(data, file_format, limits, pdf_dpi, pdf_text_layer)
    read = min(source.page_count, limits.max_pages)
    end = read if last is None else min(last, read)
    pages = _stream(source, document_id, uri, range(first - 1, end), limits.max_pages)
    return DecodedPages(file_format, source.page_count, pages, source.close)


def upright(pixels: np.ndarray, rotation_deg: int) -> np.ndarray:
    """Turn a page clockwise.

    Args:
        pixels: H x W x C.
        rotation_deg: 0, 90, 180 or 270.

    Returns:
        The turned page, contiguous; for 0 degrees it may be ``pixels`` itself.

    Raises:
        ValueError: for any other angle.
    """
    if rotation_deg not in (0, 90, 180, 270):
        raise ValueError(f"rotation_deg must be 0, 90, 180 or 270, not {rotation_deg}")
    return np.ascontiguousarray(np.rot90(pixels, k=-rotation_deg // 90))


def encode_preview(pixels: np.ndarray, max_side: int, quality: int = 80) -> bytes:
    """A small JPEG of a page; the same input gives the same bytes.

    Args:
        pixels: H x W x 3 uint8 RGB.
        max_side: the longest side of the JPEG, in pixels, at least 1; smaller pages keep their size.
        quality: JPEG's, 1 to 95.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, max_side / max(height, width))
    if scale < 1.0:
        pixels = _shrink(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))
    return simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=quality, colorsubsampling="420")


def _shrink(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A smaller page of ``size`` (width, height): the mean of squares first, between pixels from there on.

    As legible as the mean over areas of fractional pixels, in a fifth of the time.
    """
    height, width = pixels.shape[:2]
    step = min(width // size[0], height // size[1])
    if step > 1:
        # A last row or column that fills no square is less than a pixel of the result.
        whole = pixels[: height // step * step, : width // step * step]
        pixels = cv2.resize(whole, (width // step, height // step), interpolation=cv2.INTER_AREA)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)


def open_pages(
    data: bytes,
    file_format: str,
    limits: DecodeLimits,
    pdf_dpi: int = 200,
    pdf_text_layer: PdfTextLayer = PdfTextLayer.OFF,
) -> PageSource:
    """The pages of a file, to be decoded one by one in any order.

    Args:
        data: the bytes of the file.
        file_format: what ``sniff_format`` says of them.
        limits: checked before any page is decoded.
        pdf_dpi: at which PDF pages are rendered, above 0; less where ``max_pixels`` asks for it.
        pdf_text_layer: which text of PDF pages is read as well.

    Returns:
        The opened file, to be closed by the caller.

    Raises:
        DocumentError: the file as a whole is damaged or encrypted.
    """
    if file_format == "pdf":
        return PdfPages(data, limits, dpi=pdf_dpi, text_layer=pdf_text_layer)
    if file_format == "tiff":
        return TiffPages(data, limits)
    return PicturePage(data, file_format, limits)


def _stream(
    source: PageSource, document_id: str, uri: str, wanted: range, max_pages: int
) -> Generator[PageImage | Failure]:
    """Decode page after page; a page's error becomes a Failure, and the next page follows."""
    with closing(source):
        for index in wanted:
            try:
                page = source.read(index)
            except Exception as error:  # decoders raise anything on hostile bytes: it is the page's alone
                yield _failure(document_id, uri, index + 1, decoding_error(error))
                continue
            damage = page.damage and _failure(document_id, uri, index + 1, page.damage)
            yield page.image(document_id, uri, index + 1, damage)
            del page  # the caller may drop it while the next one is decoded
        if wanted.stop < min(source.page_count, max_pages):
            return
        if source.page_count > max_pages:
            yield _failure(document_id, uri, max_pages + 1, too_many_pages(source.page_count, max_pages))
        if source.remark is not None:
            yield _failure(document_id, uri, source.page_count + 1, source.remark)


def _failure(document_id: str, uri: str, page: int, error: DocumentError) -> Failure:
    return Failure(document_id, uri, page, Stage.DECODE, error.category, error.message, error.retryable)


def too_many_pages(count: int, max_pages: int) -> DocumentError:
    """What is said of the pages of a file past ``max_pages``, of ``count`` in all.

    Args:
        count: pages of the file.
        max_pages: how many are read.
    """
    return DocumentError(
        Category.TOO_MANY_PAGES,
        f"the file has {count:,} pages, more than max_pages = {max_pages:,}: {count - max_pages:,} were left "
        "out (this page and those after it); raise that limit, or split the file",
    )
