"""The streams that a page of a PDF needs: its contents, pictures, masks, forms, appearances and fonts.

PDFium gives no access to them, but it writes a page on its own as a new file, decrypted, with everything that
the page refers to. That file is plain enough to be searched: PDFium compresses no objects.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

import pypdfium2 as pdfium

from beam_kie.imaging.pdf_filters import Fax

_OBJECT = re.compile(rb"(?:^|[\r\n])(\d+) 0 obj\r\n")
_STREAM = re.compile(rb">>stream\r\n")
_LENGTH = re.compile(rb"/Length (\d+)")
_FILTER = re.compile(rb"/F(?:ilter)?\s*(\[[^\]]*\]|/\w+)")
_NAME = re.compile(rb"/([^\s/<>\[\]()]+)")
_REFERENCE = re.compile(rb"/([^\s/<>\[\]()]+)\s*\[?\s*((?:\d+ 0 R\s*)+)")
_NUMBER = re.compile(rb"(\d+) 0 R")
# What is drawn without its name in any content.
_DRAWN = {b"Contents", b"SMask", b"Mask", b"G", b"N", b"FontFile", b"FontFile2", b"FontFile3"}
_COMPONENTS = {b"DeviceGray": 1, b"CalGray": 1, b"G": 1, b"Indexed": 1, b"I": 1, b"Separation": 1} | {
    b"DeviceRGB": 3,
    b"CalRGB": 3,
    b"RGB": 3,
    b"Lab": 3,
    b"DeviceCMYK": 4,
    b"CMYK": 4,
}


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream: the number of its object, its dictionary as text, and its data as it lies in the file."""

    number: int
    dictionary: bytes
    data: bytes

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture."""
        return b"/Subtype/Image" in self.dictionary or b"/Subtype /Image" in self.dictionary

    @property
    def filters(self) -> tuple[str, ...]:
        """The names of its filters in the order in which they are undone."""
        found = _FILTER.search(self.dictionary)
        return tuple(name.decode("latin-1") for name in _NAME.findall(found[1])) if found else ()

    @property
    def fax(self) -> Fax:
        """The parameters of CCITTFaxDecode, with their defaults."""
        return Fax(
            k=self._integer(rb"K", 0),
            width=self._integer(rb"Columns", 1728),
            height=self._integer(rb"Rows", 0) or self._integer(rb"H(?:eight)?", 0),
            has_line_ends=bool(re.search(rb"/EndOfLine\s+true", self.dictionary)),
            is_byte_aligned=bool(re.search(rb"/EncodedByteAlign\s+true", self.dictionary)),
        )

    def least_bytes(self, objects: PageObjects) -> int | None:
        """How long the data of a picture is at least once its filters are undone; None where it is unknown.

        Args:
            objects: of the page, for colour spaces.
        """
        width, height = self._integer(rb"W(?:idth)?", 0), self._integer(rb"H(?:eight)?", 0)
        is_mask = bool(re.search(rb"/I(?:mage)?M(?:ask)?\s+true", self.dictionary))
        bits = 1 if is_mask else self._integer(rb"(?:BitsPerComponent|BPC)", 0)
        components = 1 if is_mask else objects.components(self.dictionary)
        if not (width and height and bits and components):
            return None
        return height * (-(-width * bits * components // 8) + (self._integer(rb"Predictor", 1) >= 10))

    def _integer(self, name: bytes, default: int) -> int:
        found = re.search(rb"/" + name + rb"\s+(-?\d{1,9})\b", self.dictionary)
        return int(found[1]) if found else default


class PageObjects:
    """The objects of one page, as PDFium writes them.

    Args:
        data: a PDF file that PDFium has written.
    """

    def __init__(self, data: bytes):
        self._texts: dict[int, bytes] = {}
        self.streams: list[Stream] = []
        at = 0
        while found := _OBJECT.search(data, at):
            number, at = int(found[1]), found.end()
            stream, end = _STREAM.search(data, at), data.find(b"\r\nendobj", at)
            if stream is None or 0 <= end < stream.start():
                self._texts[number] = data[at : end if end >= 0 else len(data)]
                continue
            dictionary = data[at : stream.start()]
            length = _LENGTH.findall(dictionary)
            at = stream.end() + int(length[-1] if length else 0)
            self._texts[number] = dictionary
            self.streams.append(Stream(number, dictionary, data[stream.end() : at]))
        self._references: dict[int, set[bytes]] = {}
        for text in self._texts.values():
            for reference in _REFERENCE.finditer(text):
                for number in _NUMBER.findall(reference[2]):
                    self._references.setdefault(int(number), set()).add(reference[1])

    def components(self, dictionary: bytes) -> int | None:
        """How many components a pixel of a picture has; None where that is unknown.

        Args:
            dictionary: of the picture.
        """
        space = re.search(rb"/C(?:olor)?S(?:pace)?\s*(.*)", dictionary, re.DOTALL)
        text = space[1] if space else b""
        for _ in range(3):
            if reference := re.match(rb"\s*(\d+) 0 R", text):
                text = self._texts.get(int(reference[1]), b"")
            elif profile := re.match(rb"\s*\[\s*/ICCBased\s+(\d+) 0 R", text):
                count = re.search(rb"/N (\d)", self._texts.get(int(profile[1]), b""))
                return int(count[1]) if count else None
        name = re.match(rb"\s*\[?\s*/(\w+)", text)
        return _COMPONENTS.get(name[1]) if name else None

    def is_content(self, stream: Stream) -> bool:
        """Whether a stream is the contents of the page itself, or of a form but that of an annotation.

        Args:
            stream: one of the page's.
        """
        names = self._names(stream)
        is_form = b"/Subtype/Form" in stream.dictionary and not names & _DRAWN
        return b"Contents" in names or is_form

    def _names(self, stream: Stream) -> set[bytes]:
        """By which names the objects of the page refer to a stream."""
        return self._references.get(stream.number, set())

    def is_drawn(self, stream: Stream, contents: Iterable[bytes]) -> bool:
        """Whether the page draws a stream, and does not only share a list of resources that names it.

        Args:
            stream: one of the page's.
            contents: what the page and its forms draw, decoded.
        """
        names = self._names(stream)
        if names & _DRAWN:
            return True
        used = re.compile(rb"/(?:" + b"|".join(map(re.escape, names)) + rb")(?![^\s/<>\[\]()])")
        return bool(names) and any(used.search(content) for content in contents)


def page_objects(document: pdfium.PdfDocument, index: int) -> PageObjects:
    """The objects of a page; call it only under the lock of ``beam_kie.imaging.pdf``.

    Args:
        document: an open document.
        index: of the page, from 0.

    Raises:
        pdfium.PdfiumError: PDFium cannot write the page.
    """
    alone = pdfium.PdfDocument.new()
    try:
        alone.import_pages(document, [index])
        buffer = io.BytesIO()
        alone.save(buffer)
        return PageObjects(buffer.getvalue())
    finally:
        alone.close()
