"""What is missing on a rendered page because data in the PDF is cut off or corrupt.

PDFium draws as much as it can decode and reports nothing, so that half a scan would pass for a page.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Sequence

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from beam_kie.document import Category, DocumentError
from beam_kie.imaging.page_source import RESAVE
from beam_kie.imaging.pdf_filters import DamagedError, Decoded, decode
from beam_kie.imaging.pdf_streams import PageObjects, Stream, page_objects

_FONT = re.compile(rb"/Length[123] |/Subtype ?/(?:Type1C|CIDFontType0C|OpenType)\b")
# Where a file ends as it should, this stands in its last bytes.
_END, _END_WITHIN = b"%%EOF", 2048
# The dictionary of an inline picture, up to where its data begins.
_INLINE = re.compile(rb"(?:^|[\s\0])BI\s((?:(?!BI\s)[\x20-\x7e\s]){4,500}?)\bID[\s\0]")
_SIZE = re.compile(rb"/W(?:idth)?\b.*/H(?:eight)?\b|/H(?:eight)?\b.*/W(?:idth)?\b", re.DOTALL)


class DamageFinder:
    """Looks for damage in the pages of one file; call it only under the lock of ``beam_kie.imaging.pdf``.

    Pages may share streams, so that what was found of each is kept.

    Args:
        document: an open document.
    """

    def __init__(self, document: pdfium.PdfDocument):
        self._document = document
        self._whole: set[bytes] = set()

    def find(self, index: int, pictures: Sequence[pdfium.PdfImage]) -> DocumentError | None:
        """What is missing on a page.

        Args:
            index: of the page, from 0.
            pictures: those that the page draws, as PDFium lists them; still open.

        Returns:
            FILE_CORRUPT, naming what is damaged; None where nothing is.
        """
        try:
            objects = page_objects(self._document, index)
        except pdfium.PdfiumError:
            return _damage("a part of the PDF page")
        damaged: list[Stream] = []
        contents: list[bytes] = []
        own: list[bytes] = []  # of the page and its forms, of which PDFium lists the pictures
        for stream in objects.streams:
            found = self._look_at(stream, objects)
            if found is None:
                damaged.append(stream)
            elif found.data is not None and not stream.is_picture:
                contents.append(found.data)
                if objects.is_content(stream):
                    own.append(found.data)
        for stream in damaged:
            # What can be read of damaged contents says what they draw.
            if not stream.is_picture:
                contents.append(_readable(stream))
        drawn = [stream for stream in damaged if objects.is_drawn(stream, contents)]
        if drawn:
            return _damage(_kind(drawn[0]))
        if self._inline(pictures, own, objects):
            return _damage("a picture in the PDF page")
        return None

    def _look_at(self, stream: Stream, objects: PageObjects) -> Decoded | None:
        """The decoded stream; None where it is damaged."""
        digest = hashlib.blake2b(stream.dictionary + stream.data, digest_size=16).digest()
        if stream.is_picture and digest in self._whole:
            return Decoded(None, None)
        try:
            found = decode(stream.data, stream.filters, stream.fax)
        except DamagedError:
            return None
        if stream.is_picture:
            least = stream.least_bytes(objects)
            if found.length is not None and least is not None and found.length < least:
                return None
            self._whole.add(digest)
        return found

    def _inline(
        self, pictures: Sequence[pdfium.PdfImage], contents: Sequence[bytes], objects: PageObjects
    ) -> bool:
        """Whether a picture within the contents is damaged, or left out because it is."""
        found = [
            (content, begin)
            for content in contents
            for begin in _INLINE.finditer(content)
            if _SIZE.search(begin[1])
        ]
        drawn = {bytes(picture.get_data(decode_simple=False)) for picture in pictures} if found else set()
        for content, begin in found:
            data = next((each for each in drawn if each and content.startswith(each, begin.end())), None)
            if data is None:
                return True
            stream = Stream(0, b"/Subtype/Image" + begin[1], data)
            if self._look_at(stream, objects) is None:
                return True
        return False


def cut_off(document: pdfium.PdfDocument, data: bytes) -> DocumentError | None:
    """What to say of a file whose end is missing, and with it perhaps pages; None where it is there.

    Args:
        document: the open document.
        data: the bytes of the file.
    """
    if pdfium_c.FPDF_DocumentHasValidCrossReferenceTable(document) or _END in data[-_END_WITHIN:]:
        return None
    return DocumentError(
        Category.FILE_CORRUPT,
        "the end of the PDF is missing (cut off): what stood there cannot be found; copy the file again, or "
        + RESAVE,
    )


def _readable(stream: Stream) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream.data, 1 << 20)
    except zlib.error:
        return b""


def _kind(stream: Stream) -> str:
    if stream.is_picture:
        return "a picture in the PDF page"
    return "a font of the PDF page" if _FONT.search(stream.dictionary) else "the content of the PDF page"


def _damage(what: str) -> DocumentError:
    return DocumentError(
        Category.FILE_CORRUPT,
        f"{what} is cut off or damaged, and what it shows is missing; the rest was read: copy the file "
        f"again, print the PDF anew, or {RESAVE}",
    )
