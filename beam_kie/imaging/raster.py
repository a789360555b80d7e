"""Pages of picture files: TIFF (many pages) and all other formats (one each), opened by Pillow."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError, features

from beam_kie.document import Category, DocumentError
from beam_kie.imaging import jpeg, tiff, tiff_samples
from beam_kie.imaging.libtiff import LibtiffFile
from beam_kie.imaging.limits import DecodeLimits, check_pixels
from beam_kie.imaging.page_source import RESAVE, DecodedPage, decoding_error
from beam_kie.imaging.pixels import is_ready, ready_dpi, to_upright_rgb
from beam_kie.imaging.sniffing import SUPPORTED

_TILE_WIDTH = 322  # TIFF tags
_TILE_LENGTH = 323
_COMPRESSION = 259
_OPTIONAL = {"avif": "avif", "jpeg2000": "jpg_2000"}  # what Pillow may be built without
# Fax and JPEG data: decoders fill in what is damaged.
_NEVER_FAILS = (2, 3, 4, 6, 7)


class PicturePage:
    """A JPEG, PNG, BMP, WebP, AVIF, HEIC or JPEG 2000 file: one page.

    The further pictures in a camera's JPEG (MPO: depth, thumbnails) are not pages. Those of an animated PNG,
    WebP or AVIF, or of a HEIC, might be, so there is a remark about them.

    Args:
        data: the bytes of the file.
        file_format: what ``sniff_format`` says, other than "tiff" and "pdf".
        limits: checked before the page is decoded.

    Raises:
        DocumentError: the file cannot be opened.
    """

    page_count = 1

    def __init__(self, data: bytes, file_format: str, limits: DecodeLimits):
        self._limits = limits
        if file_format == "jpeg":
            jpeg.check_claims(data)
            data = jpeg.without_exif_bomb(data)
        self._data = data if file_format == "jpeg" else b""
        try:
            self._image = _open_picture(io.BytesIO(data), _pillow_format(file_format))
        except DocumentError as error:
            raise self._named(error) from error
        frames = 1 if file_format == "jpeg" else getattr(self._image, "n_frames", 1)
        self.remark = _animation(frames) if frames > 1 else None

    def read(self, index: int) -> DecodedPage:
        """Decode the page, once: Pillow's copy of the pixels is dropped at once.

        Args:
            index: of the page: 0.

        Raises:
            DocumentError: the page is too large. Pillow raises other exceptions for damaged pictures.
        """
        try:
            if (page := self._whole_jpeg()) is not None:
                return page
            page = self._decoded()
            is_damaged = bool(self._data) and jpeg.is_damaged(self._data)
            return replace(page, damage=_partly_damaged()) if is_damaged else page
        finally:
            self._image.close()

    def _whole_jpeg(self) -> DecodedPage | None:
        """A JPEG that needs nothing but decoding; None for other files.

        Most pages are such, and most of the time goes into reading their codes: here that is done once, while
        the slow way does it a second time to look for damage.
        """
        if not self._data or self._image.mode not in ("L", "RGB") or not is_ready(self._image):
            return None
        check_pixels(*self._image.size, self._limits)
        pixels = jpeg.whole_pixels(self._data)
        if pixels is None or pixels.shape[1::-1] != self._image.size:
            return None
        return DecodedPage(pixels, ready_dpi(self._image))

    def _decoded(self) -> DecodedPage:
        try:
            return _decode(self._image, self._limits)
        except Exception as error:
            named = self._named(error)
            raise named from (None if named is error else error)

    def _named(self, error: Exception) -> Exception:
        """The error; for a rare kind of JPEG, one that names it."""
        kind = jpeg.rare_kind(self._data)
        if kind is None or (isinstance(error, DocumentError) and error.category is Category.IMAGE_TOO_LARGE):
            return error
        return DocumentError(
            Category.FORMAT_UNSUPPORTED, f"the page is a kind of JPEG that is not read ({kind}): save it anew"
        )

    def close(self) -> None:
        """Drop the picture."""
        self._image.close()


class TiffPages:
    """A TIFF file: a page per directory that is neither a thumbnail nor a mask.

    Args:
        data: the bytes of the file.
        limits: checked before a page is decoded.

    Raises:
        DocumentError: FILE_CORRUPT: the file has no readable page.
    """

    def __init__(self, data: bytes, limits: DecodeLimits):
        # Shares the bytes of ``data`` until it is written to.
        self._file = io.BytesIO(data)
        self._limits = limits
        self._libtiff = LibtiffFile(data)
        found, complete = tiff.directories(data)
        # Where every directory calls itself a thumbnail, they are the pages.
        self._pages = [directory for directory in found if directory.is_page] or found
        self.page_count = len(self._pages)
        if not found:
            raise DocumentError(
                Category.FILE_CORRUPT, f"the TIFF file has no readable page (cut off or damaged): {RESAVE}"
            )
        self.remark = None if complete else _broken_list(len(found))

    def read(self, index: int) -> DecodedPage:
        """Decode a page, also where other pages are damaged.

        Args:
            index: of the page, from 0.

        Raises:
            DocumentError: the page is too large, damaged or of a rare kind. Pillow raises other exceptions,
                too.
        """
        directory = self._pages[index]
        tiff.check_tags(directory, self._file.getbuffer().nbytes)
        layout = None
        with self._libtiff.page(directory.offset, []) as page:
            if page is not None:
                layout = tiff_samples.Layout.of(page)
                if not page.can_decode(layout.compression):
                    raise tiff_samples.unsupported(layout)
                if layout.is_read and not layout.is_ordinary:
                    return _decode(tiff_samples.read(page, layout, self._limits), self._limits)
                if not layout.is_ordinary:
                    raise tiff_samples.unsupported(layout)
        try:
            return self._by_pillow(directory)
        except _RareTiffError as error:
            if layout is None or not layout.is_read:
                raise tiff_samples.unsupported(layout) from error
        with self._libtiff.page(directory.offset, []) as page:
            if page is None:
                raise tiff_samples.unsupported(layout)
            return _decode(tiff_samples.read(page, layout, self._limits), self._limits)

    def _by_pillow(self, directory: tiff.Directory) -> DecodedPage:
        # Each page is opened as if it came first, so that no earlier page can spoil it.
        tiff.put_first(self._file, directory.offset)
        try:
            image = _open_picture(self._file, "TIFF")
        except DocumentError as error:
            if directory.has_size and isinstance(error.__cause__, UnidentifiedImageError):
                raise _RareTiffError from error
            raise
        # Closing the picture would close the file, which the next page needs.
        page = _decode(image, self._limits)
        compression = getattr(image, "tag_v2", {}).get(_COMPRESSION)
        if compression in _NEVER_FAILS and self._libtiff.is_damaged(directory.offset):
            return replace(page, damage=_partly_damaged())
        return page

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._libtiff.close()


def _animation(frames: int) -> DocumentError:
    return DocumentError(
        Category.FORMAT_UNSUPPORTED,
        f"the file holds {frames:,} pictures (an animation or a series) and only the first was read: "
        "save each picture as a file of its own, or all as one TIFF or PDF",
    )


def _broken_list(pages: int) -> DocumentError:
    return DocumentError(
        Category.FILE_CORRUPT,
        f"the TIFF's list of pages breaks off after {pages:,}; pages behind it, if any, cannot be found "
        f"(cut off or damaged): copy the file again, or {RESAVE}",
    )


def _partly_damaged() -> DocumentError:
    return DocumentError(
        Category.FILE_CORRUPT,
        "the pixels of the page are damaged in places, where they were filled in; what could be read was "
        f"read: copy the file again, or {RESAVE}",
    )


class _RareTiffError(Exception):
    """Pillow does not know the layout of a page."""


def _pillow_format(file_format: str) -> str:
    """What Pillow calls a format; DocumentError where it cannot read it here."""
    if file_format == "heic":
        try:
            from pillow_heif import register_heif_opener
        except ImportError as error:
            raise DocumentError(
                Category.FORMAT_UNSUPPORTED,
                "the file is a HEIC picture: install the extra heif where pages are read "
                "(pip install 'beam-kie[heif]'), or convert it to JPEG",
            ) from error
        register_heif_opener()
        return "HEIF"
    if file_format in _OPTIONAL and not features.check(_OPTIONAL[file_format]):
        raise DocumentError(
            Category.FORMAT_UNSUPPORTED,
            f"this Pillow does not read {file_format}: install the one of PyPI, or convert the file",
        )
    return file_format.upper()


def _open_picture(file: BinaryIO, pillow_format: str) -> Image.Image:
    """Read a picture's header, as one format only; DocumentError where that fails."""
    try:
        with _no_bomb_check():
            return Image.open(file, formats=[pillow_format])
    except UnidentifiedImageError as error:
        message = f"the {pillow_format} header is damaged or of a rare kind ({SUPPORTED} are read): {RESAVE}"
        raise DocumentError(Category.FILE_CORRUPT, message) from error
    except Exception as error:  # a header may be damaged in any way
        raise decoding_error(error) from error


def _decode(image: Image.Image, limits: DecodeLimits) -> DecodedPage:
    """Decode an opened picture, after its size was checked."""
    check_pixels(*image.size, limits)
    tags = getattr(image, "tag_v2", {})
    if _TILE_WIDTH in tags and _TILE_LENGTH in tags:
        # A small page may be cut from one huge tile, which is decoded whole.
        check_pixels(tags[_TILE_WIDTH], tags[_TILE_LENGTH], limits, "a tile of the page")
    with _no_bomb_check():
        pixels, dpi = to_upright_rgb(image, limits.max_pixels)
    return DecodedPage(pixels, dpi)


_bomb_check_lock = threading.Lock()
_bomb_check_users = 0
_bomb_check_limit: int | None = None


@contextmanager
def _no_bomb_check() -> Iterator[None]:
    """Pillow without its own fixed pixel limit, which ``max_pixels`` replaces.

    The limit is a global of Pillow: it is off while any thread decodes here, then it is put back.
    """
    global _bomb_check_users, _bomb_check_limit
    with _bomb_check_lock:
        if _bomb_check_users == 0:
            _bomb_check_limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        _bomb_check_users += 1
    try:
        yield
    finally:
        with _bomb_check_lock:
            _bomb_check_users -= 1
            if _bomb_check_users == 0:
                Image.MAX_IMAGE_PIXELS = _bomb_check_limit
