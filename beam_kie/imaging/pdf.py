"""Pages of PDF files, rendered by pdfium: one at a time, closed at once.

pdfium is not thread-safe. Every call into it, closing included, happens under one lock of this module.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import replace

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from beam_kie.document import Category, DocumentError, TextLine
from beam_kie.geometry import polygon_box
from beam_kie.imaging.limits import DecodeLimits, check_pixels
from beam_kie.imaging.page_source import RESAVE, DecodedPage, PdfTextLayer
from beam_kie.imaging.pdf_damage import DamageFinder, cut_off
from beam_kie.imaging.pdf_fields import read_fields
from beam_kie.imaging.pdf_images import picture_sizes
from beam_kie.imaging.pdf_layer import Layer, read_layer
from beam_kie.imaging.pdf_text import page_lines
from beam_kie.page_parts import FormField

MIN_DPI = 72
"""A page that exceeds ``max_pixels`` even at this resolution is a failure: it could hardly be read."""

_POINTS_PER_INCH = 72
# A font's own list of letters, and a container in which one could be.
_FONT_MAPS = (b"/ToUnicode", b"/ObjStm")
_ENCRYPTED = (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY)

# Reentrant, because garbage collection may close one document in the middle of work on another.
_pdfium_lock = threading.RLock()


class PdfPages:
    """A PDF file. Pages come as a reader shows them: /Rotate, annotations and filled form fields included.

    A page that would exceed ``max_pixels`` is rendered at the highest resolution that fits, down to 72 dpi,
    as its ``dpi`` says. Every picture in a page counts against ``max_pixels`` by itself.

    Args:
        data: the bytes of the file.
        limits: checked before a page is rendered.
        dpi: the resolution of the rendered pages, above 0.
        text_layer: which text of the file comes as lines.

    Raises:
        DocumentError: the file is damaged (FILE_CORRUPT), needs a password (FILE_ENCRYPTED) or is a dynamic
            XFA form (FORMAT_UNSUPPORTED).
        ValueError: ``dpi`` is not above 0.
    """

    def __init__(
        self,
        data: bytes,
        limits: DecodeLimits,
        dpi: float = 200,
        text_layer: PdfTextLayer = PdfTextLayer.OFF,
    ):
        if dpi <= 0:
            raise ValueError(f"the dpi of rendered PDF pages must be above 0, not {dpi}")
        self._limits = limits
        self._dpi = dpi
        self._text_layer = text_layer
        self._fonts_are_plain = not any(word in data for word in _FONT_MAPS)
        with _pdfium_lock:
            self._document = _open(data)
            self.page_count = len(self._document)
            self._hidden = self._hidden_sizes(data)
            self._damage = DamageFinder(self._document)
            self.remark = cut_off(self._document, data)

    def read(self, index: int) -> DecodedPage:
        """Render a page.

        Args:
            index: of the page, from 0.

        Raises:
            DocumentError: the page is damaged or too large. Where only a part is damaged, ``damage`` says so.
        """
        with _pdfium_lock:
            with closing(self._load(index)) as page:
                pictures = _pictures(page)
                for picture in pictures:
                    width, height = picture.get_px_size()
                    check_pixels(width, height, self._limits, "a picture in the PDF page")
                for width, height in self._hidden:
                    what = "a picture in a mask, pattern, annotation or font of the PDF file"
                    check_pixels(width, height, self._limits, what)
                scale = self._scale(*page.get_size())
                pixels = _render(page, scale)
                _check_pictures_drawn(pixels, pictures)
                damage = self._damage.find(index, pictures)
                if damage is not None and pixels.min() == pixels.max():
                    raise damage  # nothing at all can be seen
                fields = read_fields(page, pixels.shape[1], pixels.shape[0])
                flat = self._text_layer is not PdfTextLayer.OFF and _flatten(page)
            decoded = DecodedPage(pixels, scale * _POINTS_PER_INCH, damage=damage, fields=fields)
            if not flat:
                return decoded
            if self._text_layer is PdfTextLayer.ALWAYS:
                return replace(decoded, lines=self._read_lines(index, pixels))
            layer = self._read_layer(index, pixels, scale, fields)
        if layer is None:
            return decoded
        return replace(decoded, lines=layer.lines, remainder=layer.remainder)

    def close(self) -> None:
        """Close the file."""
        with _pdfium_lock:
            self._document.close()

    def _hidden_sizes(self, data: bytes) -> set[tuple[int, int]]:
        """Sizes above the limits of pictures that no page lists: which page draws them is not known."""
        large = {size for size in picture_sizes(data) if size[0] * size[1] > self._limits.max_pixels}
        for index in range(self.page_count if large else 0):
            with suppress(DocumentError), closing(self._load(index)) as page:
                large -= {picture.get_px_size() for picture in _pictures(page)}
        return large

    def _load(self, index: int) -> pdfium.PdfPage:
        try:
            return self._document[index]
        except pdfium.PdfiumError as error:
            raise DocumentError(
                Category.FILE_CORRUPT,
                f"the PDF page is damaged and cannot be opened: print the PDF anew, or {RESAVE}",
            ) from error

    def _read_lines(self, index: int, pixels: np.ndarray) -> tuple[TextLine, ...] | None:
        """The lines of the text layer; the page is opened again because flattening invalidates it."""
        height, width = pixels.shape[:2]
        with closing(self._load(index)) as page:
            return page_lines(page, width, height)

    def _read_layer(
        self, index: int, pixels: np.ndarray, scale: float, fields: Iterable[FormField]
    ) -> Layer | None:
        """The lines that a viewer shows as the file says, and what is left to OCR."""
        marks = [polygon_box(field.polygon) for field in fields if field.selected is not None]
        with closing(self._load(index)) as page:
            return read_layer(
                page,
                pixels,
                lambda page: _render(page, scale),
                scale * _POINTS_PER_INCH,
                self._fonts_are_plain,
                marks,
            )

    def _scale(self, width: float, height: float) -> float:
        """Pixels per point at which a page of that size in points is rendered."""
        scale = self._dpi / _POINTS_PER_INCH
        allowed = self._limits.max_pixels
        if math.ceil(width * scale) * math.ceil(height * scale) <= allowed:
            return scale
        smallest = min(scale, MIN_DPI / _POINTS_PER_INCH)
        check_pixels(
            math.ceil(width * smallest),
            math.ceil(height * smallest),
            self._limits,
            "the page, even at 72 dpi,",
        )
        scale = max(smallest, math.sqrt(allowed / (width * height)))
        # Sides are rounded up, so that the square root may be a row too much.
        while math.ceil(width * scale) * math.ceil(height * scale) > allowed:
            scale = max(smallest, scale * 0.999)
        return scale


def _flatten(page: pdfium.PdfPage) -> bool:
    """Make annotations and what is filled into form fields part of the page, which must be opened again.

    Returns:
        Whether that could be done.
    """
    # pypdfium2's own method does this for files with a form only.
    return pdfium_c.FPDFPage_Flatten(page, pdfium_c.FLAT_NORMALDISPLAY) != pdfium_c.FLATTEN_FAIL


def _pictures(page: pdfium.PdfPage) -> list[pdfium.PdfImage]:
    """The pictures that a page draws itself or through forms."""
    objects = page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE])
    return [each for each in objects if isinstance(each, pdfium.PdfImage)]


def _open(data: bytes) -> pdfium.PdfDocument:
    """Open a PDF that can be read; DocumentError otherwise."""
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if error.err_code in _ENCRYPTED:
            message = "the PDF wants a password: save or print it without one (passwords are not taken)"
            raise DocumentError(Category.FILE_ENCRYPTED, message) from error
        message = f"the PDF is damaged or cut off: copy the file again, print the PDF anew, or {RESAVE}"
        raise DocumentError(Category.FILE_CORRUPT, message) from error
    try:
        if document.get_formtype() == pdfium_c.FORMTYPE_XFA_FULL:
            message = "the PDF is a dynamic XFA form without pages of its own: print it to a plain PDF"
            raise DocumentError(Category.FORMAT_UNSUPPORTED, message)
        document.init_forms()
    except BaseException:
        document.close()
        raise
    return document


def _render(page: pdfium.PdfPage, scale: float) -> np.ndarray:
    """The page on white paper, H x W x 3 uint8 RGB, in memory of its own."""
    # pypdfium2 declares no types; int is only that of the default.
    bitmap = page.render(scale=scale, rev_byteorder=True)  # pyright: ignore[reportArgumentType]
    try:
        return np.array(bitmap.to_numpy(), order="C")
    finally:
        bitmap.close()


def _check_pictures_drawn(pixels: np.ndarray, pictures: list[pdfium.PdfImage]) -> None:
    """Raise DocumentError where the page is blank because its pictures are damaged.

    pdfium leaves out what it cannot decode, without an error; a blank page would count as a success.
    """
    if not pictures or pixels.min() != pixels.max():
        return
    for picture in pictures:
        try:
            picture.get_bitmap().close()
        except pdfium.PdfiumError as error:
            raise DocumentError(
                Category.FILE_CORRUPT,
                f"the picture in the PDF page is damaged: print the PDF anew, or {RESAVE}",
            ) from error
