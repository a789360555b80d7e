"""PDF files to pages and to lines of their text layer."""

import zlib

from hypothesis import given
from hypothesis import strategies as st

from beam_kie.document import DocumentError
from beam_kie.imaging.pdf_lines import Glyph, assemble_lines
from tests.fuzz import test_decode
from tests.fuzz.mutations import arbitrary, mutated
from tests.fuzz.sandbox import target

CONTENT = (
    b"q 1 0 0 rg 10 10 50 50 re f Q "
    b"BT /F1 12 Tf 1 0 0 1 20 150 Tm (Hello World) Tj 0 -14 Td (a\\222\\(b) Tj ET "
    b"/X1 Do q 60 0 0 40 100 100 cm /I1 Do Q /Pattern cs /P1 scn 0 0 30 30 re f /S1 sh"
)
WORDS = (
    *(
        b"endobj",
        b"stream",
        b"endstream",
        b"xref",
        b"trailer",
        b"startxref",
        b"/Kids[2 0 R]",
        b"2 0 R",
        b"4 0 R",
    ),
    *(b"/Rotate 90", b"/Filter/FlateDecode", b"/Filter/LZWDecode", b"/Filter[/ASCIIHexDecode/DCTDecode]"),
    *(
        b"/Encrypt 9 0 R",
        b"/SMask 7 0 R",
        b"/Annots[8 0 R]",
        b"/ObjStm",
        b"/CropBox[0 0 1 1]",
        b"/UserUnit 9",
    ),
    *(b"(\xfe\xff\xd8\x00)Tj", b"/X1 Do ", b"q ", b"BT ", b"0 0 1e9 1e9 re f ", b"9 0 0 9 0 0 cm "),
    *(
        b"/MediaBox[0 0 1e9 1e9]",
        b"/MediaBox[0 0 0 0]",
        b"nan",
        b"<</Type/Page>>",
        b"/JBIG2Decode",
        b"/JPXDecode",
    ),
)


def stream(entries: bytes, content: bytes) -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(content), content)


def made(packed: bool) -> bytes:
    """A page with text, a picture, a form, a tiling, a shading and a filled field."""
    content = zlib.compress(CONTENT) if packed else CONTENT
    box = b"/BBox[0 0 30 30]"
    resources = (
        b"/Font<</F1 3 0 R>>/XObject<</X1 6 0 R/I1 7 0 R>>/Pattern<</P1 10 0 R>>"
        b"/Shading<</S1<</ShadingType 2/ColorSpace/DeviceRGB/Coords[0 0 99 99]/Function"
        b"<</FunctionType 2/Domain[0 1]/C0[1 0 0]/C1[0 0 1]/N 1>>>>>>"
    )
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[8 0 R]/DA(/F1 9 Tf 0 g)/DR<</Font<</F1 3 0 R>>>>>>>>",
        b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 5 0 R/Resources<<%s>>/Annots[8 0 R]>>"
        % resources,
        stream(b"/Filter/FlateDecode" if packed else b"", content),
        stream(b"/Type/XObject/Subtype/Form" + box, b"0 0 1 RG 0 0 m 30 30 l S"),
        stream(
            b"/Type/XObject/Subtype/Image/Width 4/Height 3/BitsPerComponent 8/ColorSpace/DeviceGray",
            b"0123456789ab",
        ),
        b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(Li Lei)/DA(/F1 9 Tf 0 g)/Rect[10 60 90 80]/F 4>>",
        b"<</Producer(a test)>>",
        stream(b"/PatternType 1/PaintType 1/TilingType 1/XStep 9/YStep 9" + box, b"0 0 4 4 re f"),
    ]
    data, places = bytearray(b"%PDF-1.7\n"), []
    for number, each in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(data + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start))


SEEDS = [made(False), made(True)]


@target(DocumentError)
def decode(data: bytes) -> None:
    test_decode.decode(data)


@target()
def assemble(glyphs: list[tuple[str, tuple[float, float, float, float] | None]]) -> None:
    for line in assemble_lines([Glyph(text, box) for text, box in glyphs]):
        line.text.encode()
        assert line.text == " ".join(line.text.split())
        assert len(line.polygon) == 8


def boxes() -> st.SearchStrategy:
    number = st.floats(-100, 2000) | st.sampled_from([0.0, 1e9, -1e9])
    return st.tuples(number, number, number, number).map(
        lambda box: (min(box[::2]), min(box[1::2]), max(box[::2]), max(box[1::2]))
    )


@given(data=arbitrary(b"%PDF-1.7\n"))
def test_any_bytes_behind_a_header(sandbox, data):
    sandbox.check(decode, data)


@given(data=mutated(SEEDS, WORDS))
def test_damaged_files(sandbox, data):
    sandbox.check(decode, data)


@given(data=mutated([CONTENT], WORDS))
def test_damaged_content(sandbox, data):
    # The table of places is then wrong, too: pdfium makes it anew.
    sandbox.check(decode, SEEDS[0].replace(CONTENT, data))


def glyphs() -> st.SearchStrategy:
    inked = st.tuples(st.characters(exclude_categories=()), boxes())
    return st.lists(inked | st.just((" ", None)), max_size=60)


@given(glyphs=glyphs())
def test_any_characters_anywhere(sandbox, glyphs):
    sandbox.check(assemble, glyphs)
