"""Pictures that a PDF page draws without listing them: in masks, patterns, annotations and fonts."""

import zlib

import pytest

from beam_kie.document import Category, DocumentError
from beam_kie.imaging.limits import DecodeLimits
from beam_kie.imaging.pdf import PdfPages
from beam_kie.imaging.pdf_images import picture_sizes

LIMITS = DecodeLimits(max_pixels=1_000_000)


def picture(side: int, more: bytes = b"") -> bytes:
    data = zlib.compress(bytes((side + 7) // 8 * side), 1)
    return (
        b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 1"
        b"/Filter/FlateDecode/Length %d%s>>stream\n%s\nendstream" % (side, side, len(data), more, data)
    )


def stream(dictionary: bytes, data: bytes) -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (dictionary, len(data), data)


def pdf(first_page: bytes, content: bytes, objects: list[bytes]) -> bytes:
    """A PDF with a page of that dictionary and content, an empty one, and objects from number 6 on."""
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 2/Kids[3 0 R 5 0 R]/MediaBox[0 0 200 200]>>",
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R%s>>" % first_page,
        stream(b"", content),
        b"<</Type/Page/Parent 2 0 R>>",
        *objects,
    ]
    made = b"%PDF-1.7\n"
    offsets = []
    for number, part in enumerate(parts, 1):
        offsets.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(parts) + 1
    return made + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (size, table, size, len(made))
    )


XOBJECT = b"/Resources<</XObject<</I 6 0 R>>>>"
DRAW = b"200 0 0 200 0 0 cm /I Do"
PATTERN = (
    b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 200 200]/XStep 200/YStep 200"
    b"/Resources<</XObject<</I 7 0 R>>>>"
)
FORM = b"/Type/XObject/Subtype/Form/BBox[0 0 200 200]/Resources<</XObject<</I 8 0 R>>>>"
LARGE = picture(2_000)
HIDDEN = {
    "soft mask": pdf(XOBJECT, DRAW, [picture(10, b"/SMask 7 0 R"), LARGE]),
    "pattern": pdf(
        b"/Resources<</Pattern<</P 6 0 R>>>>",
        b"/Pattern cs /P scn 0 0 200 200 re f",
        [stream(PATTERN, DRAW), LARGE],
    ),
    "annotation": pdf(
        b"/Annots[6 0 R]",
        b"",
        [
            b"<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 200 200]/AP<</N 7 0 R>>>>",
            stream(FORM, DRAW),
            LARGE,
        ],
    ),
}


@pytest.mark.parametrize("data", HIDDEN.values(), ids=HIDDEN)
def test_a_large_picture_that_no_page_lists_is_refused(data):
    pages = PdfPages(data, LIMITS, dpi=36)
    with pytest.raises(DocumentError) as caught:
        pages.read(0)
    assert caught.value.category is Category.IMAGE_TOO_LARGE


def test_a_large_picture_of_a_page_costs_that_page_alone():
    pages = PdfPages(pdf(XOBJECT, DRAW, [LARGE]), LIMITS, dpi=36)
    with pytest.raises(DocumentError) as caught:
        pages.read(0)
    assert caught.value.category is Category.IMAGE_TOO_LARGE
    assert pages.read(1).pixels.shape == (100, 100, 3)


def test_small_pictures_in_masks_pass():
    data = pdf(XOBJECT, DRAW, [picture(10, b"/SMask 7 0 R"), picture(900)])
    assert PdfPages(data, LIMITS, dpi=36).read(0).pixels.shape == (100, 100, 3)
    assert sorted(picture_sizes(data)) == [(10, 10), (900, 900)]


@pytest.mark.parametrize(
    "data", [b"", b"/Subtype/Image", b"obj<</Subtype /Image/Width 5>>stream", b"x" * 9000]
)
def test_bytes_without_sizes_have_none(data):
    assert list(picture_sizes(data)) == []
