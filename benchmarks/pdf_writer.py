"""Small PDF files written by hand: text in several kinds of fonts, pictures, annotations, layers."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.basePen import BasePen
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw

from beam_kie.forms import fonts

WIDTH, HEIGHT = 420, 300
"""Of a page, in points."""

_EM = 1000


class Pdf:
    """One page and the objects that it needs.

    Object 1 is the catalog, 2 the page tree, 3 the page, 4 its content, 5 the font /F1 (Helvetica).
    """

    def __init__(self) -> None:
        self.content: list[str] = []
        self.fonts = {"F1": "5 0 R"}
        self.xobjects: dict[str, str] = {}
        self.properties: dict[str, str] = {}
        self.annotations: list[str] = []
        self.catalog = ""
        self.extra = ""
        self.size: tuple[float, float] = (WIDTH, HEIGHT)
        self._objects: dict[int, bytes] = {
            5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
        }
        self._next = 6

    def add(self, entries: str, data: bytes | None = None) -> str:
        """Add an object, or a stream where there is data; returns how it is referred to."""
        number, self._next = self._next, self._next + 1
        self._objects[number] = _object(entries, data)
        return f"{number} 0 R"

    def text(
        self, text: str, x: float, y: float, size: float = 12, before: str = "", font: str = "F1"
    ) -> None:
        """Draw text; ``before`` are operators for it, such as a colour."""
        self.content.append(f"q {before} BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm ({escaped(text)}) Tj ET Q")

    def codes(self, codes: bytes, x: float, y: float, font: str, size: float = 12) -> None:
        """Draw the characters with these codes."""
        self.content.append(f"BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm <{codes.hex()}> Tj ET")

    def picture(self, pixels: np.ndarray, x: float, y: float, width: float, height: float) -> None:
        """Draw a picture, H x W x 3 uint8 RGB."""
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
        rows, columns = pixels.shape[:2]
        entries = (
            f"/Type/XObject/Subtype/Image/Width {columns}/Height {rows}/ColorSpace/DeviceRGB"
            "/BitsPerComponent 8/Filter/DCTDecode"
        )
        name = f"I{len(self.xobjects)}"
        self.xobjects[name] = self.add(entries, buffer.getvalue())
        self.content.append(f"q {width} 0 0 {height} {x} {y} cm /{name} Do Q")

    def form(self, content: str, box: Sequence[float], more: str = "") -> str:
        """A form XObject with /F1, such as the appearance of an annotation."""
        entries = f"/Type/XObject/Subtype/Form/BBox[{numbers(box)}]/Resources<</Font<</F1 5 0 R>>{more}>>"
        return self.add(entries, content.encode("latin-1"))

    def annotation(self, entries: str) -> str:
        """Add an annotation to the page."""
        reference = self.add(f"/Type/Annot{entries}")
        self.annotations.append(reference)
        return reference

    def save(self) -> bytes:
        """The file."""
        resources = (
            f"/Font<<{_entries(self.fonts)}>>/XObject<<{_entries(self.xobjects)}>>"
            f"/Properties<<{_entries(self.properties)}>>"
        )
        annotations = f"/Annots[{' '.join(self.annotations)}]" if self.annotations else ""
        objects = self._objects | {
            1: _object(f"/Type/Catalog/Pages 2 0 R{self.catalog}"),
            2: _object("/Type/Pages/Kids[3 0 R]/Count 1"),
            3: _object(
                f"/Type/Page/Parent 2 0 R/MediaBox[0 0 {numbers(self.size)}]/Contents 4 0 R"
                f"/Resources<<{resources}>>{annotations}{self.extra}"
            ),
            4: _object("", "\n".join(self.content).encode("latin-1")),
        }
        return serialise(objects)


def _object(entries: str, data: bytes | None = None) -> bytes:
    if data is None:
        return f"<<{entries}>>".encode("latin-1")
    head = f"<<{entries}/Length {len(data)}>>stream\n".encode("latin-1")
    return head + data + b"\nendstream"


def _entries(values: Mapping[str, str]) -> str:
    return "".join(f"/{name} {value} " for name, value in values.items())


def numbers(values: Sequence[float]) -> str:
    """Numbers with blanks between them."""
    return " ".join(f"{value:g}" for value in values)


def escaped(text: str) -> str:
    """Text inside a PDF's round brackets."""
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def serialise(objects: Mapping[int, bytes]) -> bytes:
    """A file of these objects; 1 is the catalog."""
    data, places = bytearray(b"%PDF-1.7\n"), {}
    for number, content in sorted(objects.items()):
        places[number] = len(data)
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start, size = len(data), max(objects) + 1
    data += b"xref\n0 %d\n" % size
    for number in range(size):
        kind = b"00000 n" if number in places else b"65535 f"
        data += b"%010d %s \n" % (places.get(number, 0), kind)
    return bytes(data + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, start))


# Letters that the file brings along


@lru_cache(maxsize=1)
def _outlines() -> tuple[Any, Mapping[int, str]]:
    source = TTFont(fonts._noto_path(), fontNumber=2)
    return source.getGlyphSet(), source.getBestCmap()


def add_truetype(pdf: Pdf, name: str, codes: Mapping[int, str], to_unicode: Mapping[int, str] | None) -> None:
    """Embed a font whose characters have these codes (two bytes each).

    Args:
        pdf: the file.
        name: of the font on the page.
        codes: code -> the letter that is drawn.
        to_unicode: code -> the letter that the file says it is; None: the file says nothing.
    """
    glyphs, names = _outlines()
    order = [".notdef"] + [f"g{code}" for code in range(1, max(codes) + 1)]
    drawn, widths = {}, {}
    for place, glyph in enumerate(order):
        pen = TTGlyphPen(None)
        char = codes.get(place)
        if char is not None:
            glyphs[names[ord(char)]].draw(Cu2QuPen(pen, 1.0, reverse_direction=True))
        drawn[glyph] = pen.glyph()
        widths[glyph] = (round(glyphs[names[ord(char)]].width) if char else 500, 0)
    builder = FontBuilder(_EM, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap({})
    builder.setupGlyf(drawn)
    builder.setupHorizontalMetrics(widths)
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupPost()
    buffer = io.BytesIO()
    builder.save(buffer)
    file = pdf.add("", buffer.getvalue())
    described = "/Type/FontDescriptor/FontName/AAAAAA+Own/Flags 4/FontBBox[-100 -200 1100 900]/ItalicAngle 0"
    descriptor = pdf.add(f"{described}/Ascent 880/Descent -120/CapHeight 700/StemV 80/FontFile2 {file}")
    listed = " ".join(f"{place} [{widths[glyph][0]}]" for place, glyph in enumerate(order))
    descendant = pdf.add(
        "/Type/Font/Subtype/CIDFontType2/BaseFont/AAAAAA+Own/CIDSystemInfo<</Registry(Adobe)"
        f"/Ordering(Identity)/Supplement 0>>/CIDToGIDMap/Identity/W[{listed}]/FontDescriptor {descriptor}"
    )
    mapped = "" if to_unicode is None else f"/ToUnicode {pdf.add('', _cmap(to_unicode, 4))}"
    pdf.fonts[name] = pdf.add(
        f"/Type/Font/Subtype/Type0/BaseFont/AAAAAA+Own/Encoding/Identity-H/DescendantFonts[{descendant}]{mapped}"
    )


def add_type3(pdf: Pdf, name: str, codes: Mapping[int, str], to_unicode: Mapping[int, str] | None) -> None:
    """Add a Type 3 font, whose letters are drawings; arguments as of ``add_truetype`` (one byte each)."""
    glyphs, names = _outlines()
    procedures, widths = {}, []
    for code in range(max(codes) + 1):
        char = codes.get(code)
        width = round(glyphs[names[ord(char)]].width) if char else 0
        widths.append(width)
        if char:
            body = f"{width} 0 -100 -200 1100 900 d1 {outline(char)}"
            procedures[f"g{code}"] = pdf.add("", body.encode())
    differences = " ".join(f"{code}/g{code}" for code in sorted(codes))
    mapped = "" if to_unicode is None else f"/ToUnicode {pdf.add('', _cmap(to_unicode, 2))}"
    pdf.fonts[name] = pdf.add(
        "/Type/Font/Subtype/Type3/FontBBox[-100 -200 1100 900]/FontMatrix[.001 0 0 .001 0 0]/Resources<<>>"
        f"/CharProcs<<{_entries(procedures)}>>/Encoding<</Type/Encoding/Differences[{differences}]>>"
        f"/FirstChar 0/LastChar {max(codes)}/Widths[{' '.join(map(str, widths))}]{mapped}"
    )


def add_mapped_helvetica(pdf: Pdf, name: str, to_unicode: Mapping[int, str]) -> None:
    """Add Helvetica with a list of letters of its own; code -> the letter that the file says it is."""
    font = "/Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding"
    pdf.fonts[name] = pdf.add(f"{font}/ToUnicode {pdf.add('', _cmap(to_unicode, 2))}")


def _cmap(letters: Mapping[int, str], digits: int) -> bytes:
    pairs = [
        f"<{code:0{digits}x}> <{text.encode('utf-16-be').hex()}>" for code, text in sorted(letters.items())
    ]
    blocks = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
    listed = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    space = f"<{'0' * digits}> <{'f' * digits}>"
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def\n"
        f"1 begincodespacerange {space} endcodespacerange\n{listed}\nendcmap end end"
    ).encode()


class _PdfPen(BasePen):
    """Draws an outline with the operators of PDF."""

    def __init__(self) -> None:
        super().__init__(None)
        self.operators: list[str] = []

    def _moveTo(self, pt):
        self.operators.append(f"{numbers(pt)} m")

    def _lineTo(self, pt):
        self.operators.append(f"{numbers(pt)} l")

    def _curveToOne(self, pt1, pt2, pt3):
        self.operators.append(f"{numbers((*pt1, *pt2, *pt3))} c")

    def _closePath(self):
        self.operators.append("h")


def outline(char: str) -> str:
    """A letter as a filled outline, in thousandths of an em."""
    glyphs, names = _outlines()
    pen = _PdfPen()
    glyphs[names[ord(char)]].draw(pen)
    return " ".join(pen.operators) + " f" if pen.operators else ""


def outlined(text: str, x: float, y: float, size: float = 12) -> str:
    """Operators that draw text as outlines, one path for each letter."""
    glyphs, names = _outlines()
    scale, drawn = size / _EM, []
    for char in text:
        drawn.append(f"q {numbers((scale, 0, 0, scale, x, y))} cm {outline(char)} Q")
        x += glyphs[names[ord(char)]].width * scale
    return "\n".join(drawn)


# Scans


def scan(
    lines: Sequence[tuple[str, float, float]], width: float = WIDTH, height: float = HEIGHT, dpi: int = 200
) -> np.ndarray:
    """A picture of text lines at (x, y) points from the lower left, on grey paper with some noise."""
    scale = dpi / 72
    image = Image.new("RGB", (round(width * scale), round(height * scale)), (247, 246, 243))
    draw = ImageDraw.Draw(image)
    for text, x, y in lines:
        place = (x * scale, (height - y) * scale)
        draw.text(place, text, (35, 35, 40), font=fonts.font("noto-sc", 12 * scale), anchor="ls")
    pixels = np.asarray(image).astype(np.int16)
    noise = np.random.default_rng(5).integers(-5, 6, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)
