import io
import threading

import numpy as np
import pytest
from PIL import Image

from beam_kie.document import Category, DocumentError, Failure
from beam_kie.imaging import pdf
from beam_kie.imaging.decode import DecodeLimits, PdfTextLayer, decode_pages

A4 = (595, 842)
HELLO = "BT /F1 12 Tf 50 700 Td (Hello) Tj ET"
# A filled text field with an appearance, and one without (the reader has to draw it).
FIELDS = (
    "<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(Li Lei)/DA(/F1 12 Tf 0 g)/Rect[100 600 300 620]/F 4"
    "/AP<</N 90 0 R>>>>",
    "<</Type/Annot/Subtype/Widget/FT/Tx/T(b)/V(Han Mei)/DA(/F1 12 Tf 0 g)/Rect[100 500 300 520]/F 4>>",
)


def make_pdf(*pages: dict | str, objects: dict[int, bytes] | None = None, catalog: str = "") -> bytes:
    """A PDF of pages given as content, or as a dict of content, size, resources and extra entries.

    Objects 1 to 3 are catalog, page tree and the font /F1; pages begin at 4, two objects each;
    ``objects`` should begin at 90.
    """
    written = {
        1: f"<</Type/Catalog/Pages 2 0 R{catalog}>>".encode(),
        3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        **(objects or {}),
    }
    kids = []
    for index, page in enumerate(pages):
        page = {"content": page} if isinstance(page, str) else page
        number = 4 + 2 * index
        kids.append(f"{number} 0 R")
        width, height = page.get("size", A4)
        written[number] = (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width} {height}]/Contents {number + 1} 0 R"
            f"/Resources<</Font<</F1 3 0 R>>{page.get('resources', '')}>>{page.get('extra', '')}>>"
        ).encode()
        written[number + 1] = stream("", page["content"].encode("latin-1"))
    written[2] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(pages)}>>".encode()
    return serialise(written)


def stream(entries: str, content: bytes) -> bytes:
    return f"<<{entries}/Length {len(content)}>>stream\n".encode() + content + b"\nendstream"


def serialise(objects: dict[int, bytes]) -> bytes:
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


def picture_page(
    data: bytes, width: int, height: int, content: str = "", number: int = 90
) -> tuple[dict, dict]:
    """A page that a picture fills, and the objects it needs."""
    entries = (
        f"/Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace/DeviceGray"
        "/BitsPerComponent 8/Filter/DCTDecode"
    )
    page = {
        "content": f"q {A4[0]} 0 0 {A4[1]} 0 0 cm /I{number} Do Q {content}",
        "resources": f"/XObject<</I{number} {number} 0 R>>",
    }
    return page, {number: stream(entries, data)}


def jpeg(size: tuple[int, int] = (100, 140), grey: int = 200) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", size, grey).save(buffer, "JPEG")
    return buffer.getvalue()


def decode(data: bytes, limits: DecodeLimits | None = None, dpi: int = 72, text: bool = True) -> list:
    limits = limits or DecodeLimits()
    layer = PdfTextLayer.ALWAYS if text else PdfTextLayer.OFF
    return list(decode_pages(data, "id", "file:///form.pdf", limits, pdf_dpi=dpi, pdf_text_layer=layer))


def texts(page) -> list[str]:
    return sorted(line.text for line in page.given_lines)


def ink_box(pixels: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = (np.flatnonzero((pixels < 128).any(axis=(2, axis))) for axis in (1, 0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


# Rendering


def test_pages_are_rendered_at_the_dpi_asked_for():
    (page,) = decode(make_pdf(HELLO), dpi=144)
    assert page.pixels.shape == (2 * A4[1], 2 * A4[0], 3)
    assert page.pixels.dtype == np.uint8 and page.pixels.flags.c_contiguous
    assert page.dpi == pytest.approx(144)
    assert page.page == 1
    assert (page.pixels[0, 0] == 255).all()


def test_colours_are_rgb():
    (page,) = decode(make_pdf("1 0 0 rg 0 0 595 842 re f"))
    assert tuple(page.pixels[10, 10]) == (255, 0, 0)


@pytest.mark.parametrize("dpi", [0, -1])
def test_impossible_dpi_is_refused(dpi):
    with pytest.raises(ValueError, match="dpi"):
        decode(make_pdf(HELLO), dpi=dpi)


def test_rotation_of_the_page_is_honoured():
    upright, turned = decode(make_pdf(HELLO, {"content": HELLO, "extra": "/Rotate 90"}))
    assert turned.pixels.shape == (A4[0], A4[1], 3)
    assert np.abs(np.rot90(upright.pixels, -1).astype(int) - turned.pixels).mean() < 0.5


def test_a_page_too_large_is_rendered_at_a_lower_dpi():
    limits = DecodeLimits(max_pixels=1_000_000)
    (page,) = decode(make_pdf(HELLO), limits, dpi=200)
    height, width = page.pixels.shape[:2]
    assert 980_000 < width * height <= 1_000_000
    assert page.dpi == pytest.approx(72 * width / A4[0], abs=0.2)
    assert texts(page) == ["Hello"]


def test_a_page_too_large_even_at_72_dpi_is_a_failure_and_the_next_goes_on():
    poster = {"content": "", "size": (14400, 14400)}
    failure, page = decode(make_pdf(poster, HELLO), DecodeLimits(max_pixels=1_000_000))
    assert isinstance(failure, Failure)
    assert (failure.page, failure.category) == (1, Category.IMAGE_TOO_LARGE)
    assert "max_pixels" in failure.message and "72 dpi" in failure.message
    assert texts(page) == ["Hello"]


def test_a_picture_too_large_is_a_failure_before_it_is_decoded():
    # The header promises 40000 x 40000 pixels; there is nothing behind it.
    bomb, objects = picture_page(jpeg(), 40000, 40000)
    failure, page = decode(make_pdf(bomb, HELLO, objects=objects))
    assert (failure.page, failure.category) == (1, Category.IMAGE_TOO_LARGE)
    assert "picture in the PDF page" in failure.message
    assert page.page == 2


def test_filled_page_parts_are_seen_and_read():
    appearance = stream("/Type/XObject/Subtype/Form/BBox[0 0 200 20]/Resources<</Font<</F1 3 0 R>>>>",
                        b"/Tx BMC BT /F1 12 Tf 2 5 Td (Li Lei) Tj ET EMC")  # fmt: skip
    objects = {90: appearance, 91: FIELDS[0].encode(), 92: FIELDS[1].encode()}
    form = (
        "/AcroForm<</Fields[91 0 R 92 0 R]/DR<</Font<</F1 3 0 R>>>>/DA(/F1 12 Tf 0 g)/NeedAppearances true>>"
    )
    page = {"content": HELLO, "extra": "/Annots[91 0 R 92 0 R]"}
    (decoded,) = decode(make_pdf(page, objects=objects, catalog=form))
    assert (decoded.pixels[222:242, 100:300].min(axis=2) < 128).any()
    assert (decoded.pixels[322:342, 100:300].min(axis=2) < 128).any()
    assert texts(decoded) == ["Han Mei", "Hello", "Li Lei"]


# Damage


def test_a_damaged_page_is_a_failure_and_the_others_go_on():
    data = make_pdf(HELLO, HELLO, HELLO)
    first, failure, third = decode(data.replace(b"[4 0 R 6 0 R 8 0 R]", b"[4 0 R 3 0 R 8 0 R]"))
    assert (first.page, failure.page, third.page) == (1, 2, 3)
    assert failure.category is Category.FILE_CORRUPT
    assert texts(third) == ["Hello"]


def test_a_page_whose_only_picture_is_damaged_is_a_failure():
    good, objects = picture_page(jpeg(), 100, 140, number=90)
    bad, more = picture_page(b"\xff\xd8\xff\xe0 no more than that", 100, 140, number=91)
    first, failure = decode(make_pdf(good, bad, objects=objects | more), text=False)
    assert abs(int(first.pixels[400, 300, 0]) - 200) < 4
    assert (failure.page, failure.category) == (2, Category.FILE_CORRUPT)
    assert "picture" in failure.message


def test_an_empty_page_is_no_failure():
    blank_scan, objects = picture_page(jpeg(grey=255), 100, 140)
    pages = decode(make_pdf("", blank_scan, objects=objects))
    assert [page.given_lines for page in pages] == [None, None]


@pytest.mark.parametrize(
    ("data", "category"),
    [
        (b"%PDF-1.7\n", Category.FILE_CORRUPT),
        (b"%PDF-1.7\nnothing of a PDF follows", Category.FILE_CORRUPT),
        (make_pdf(), Category.FILE_CORRUPT),
        (make_pdf(HELLO)[:200], Category.FILE_CORRUPT),
        (
            make_pdf(HELLO, catalog="/NeedsRendering true/AcroForm<</XFA(x)/Fields[]>>"),
            Category.FORMAT_UNSUPPORTED,
        ),
    ],
)
def test_a_document_that_cannot_be_read_raises_at_once(data, category):
    with pytest.raises(DocumentError) as caught:
        decode_pages(data, "id", "uri", DecodeLimits())
    assert caught.value.category is category
    assert "print" in caught.value.message or "copy" in caught.value.message


def test_a_password_is_reported(shared_data):
    data = (shared_data / "robust" / "2206.01062_pg3.pdf").read_bytes()
    with pytest.raises(DocumentError) as caught:
        decode_pages(data, "id", "uri", DecodeLimits())
    assert caught.value.category is Category.FILE_ENCRYPTED
    assert "without" in caught.value.message


def test_rotated_scans_have_no_text_layer(shared_data):
    data = (shared_data / "robust" / "nemotron_multipage.pdf").read_bytes()
    pages = decode(data)
    assert [page.pixels.shape[:2] for page in pages] == [(842, 596), (842, 596), (596, 842), (596, 842)]
    assert all(page.given_lines is None for page in pages)
    assert all(page.pixels.min() < 100 for page in pages)


def test_only_one_thread_is_in_pdfium():
    data, pages = make_pdf(HELLO), []
    other = threading.Thread(target=lambda: pages.extend(decode(data)))
    with pdf._pdfium_lock:
        other.start()
        other.join(0.2)
        assert pages == []
    other.join()
    assert len(pages) == 1


# Many pages


def test_pages_past_the_limit_are_counted_in_one_failure():
    pages = decode(make_pdf(*[HELLO] * 5), DecodeLimits(max_pages=2))
    assert [page.page for page in pages] == [1, 2, 3]
    assert pages[2].category is Category.TOO_MANY_PAGES
    assert "5 pages" in pages[2].message and "3 were left out" in pages[2].message
    assert decode_pages(make_pdf(*[HELLO] * 5), "id", "uri", DecodeLimits(max_pages=2)).page_count == 5


def test_documents_may_be_read_in_several_threads_at_once():
    data = make_pdf(*[HELLO] * 8)
    found = []

    def work():
        found.append([texts(page) for page in decode(data)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[["Hello"]] * 8] * 4


def test_a_document_left_half_read_is_closed():
    data = make_pdf(*[HELLO] * 3)
    pages = decode_pages(data, "id", "uri", DecodeLimits()).pages
    next(pages)
    pages.close()
    assert len(decode(data)) == 3


# Text layer

FORM = """BT /F1 12 Tf 50 700 Td (Name: Li Lei) Tj 200 0 Td (Date:) Tj 100 0 Td (2024-01-02) Tj ET
BT /F1 12 Tf 50 650 Td (below) Tj ET"""


def test_no_text_is_read_unless_asked_for():
    assert decode(make_pdf(FORM), text=False)[0].given_lines is None


def test_cells_of_a_row_are_lines_of_their_own():
    (page,) = decode(make_pdf(FORM))
    assert [line.text for line in page.given_lines] == ["Name: Li Lei", "Date:", "2024-01-02", "below"]
    assert all(line.confidence is None for line in page.given_lines)


@pytest.mark.parametrize("dpi", [72, 200])
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_lines_lie_on_the_ink_of_the_rendered_page(rotate, dpi):
    # The text runs so that it stands upright once the page is turned.
    matrix = {0: "1 0 0 1 80 600", 90: "0 1 -1 0 200 300", 180: "-1 0 0 -1 500 600", 270: "0 -1 1 0 200 600"}
    content = f"BT /F1 24 Tf {matrix[rotate]} Tm (Hagby) Tj ET"
    (page,) = decode(make_pdf({"content": content, "extra": f"/Rotate {rotate}"}), dpi=dpi)
    (line,) = page.given_lines
    assert line.text == "Hagby"
    x0, y0, x1, y1 = ink_box(page.pixels)
    slack = 12 * dpi / 72
    assert line.box[0] == pytest.approx(x0, abs=slack) and line.box[2] == pytest.approx(x1, abs=slack)
    assert y0 - slack <= line.box[1] <= y0 + 1 and y1 - 1 <= line.box[3] <= y1 + slack
    assert line.polygon[:2] == line.box[:2]  # begins at the top left corner of the page as seen


def test_a_crop_box_moves_the_lines():
    whole, cropped = decode(make_pdf(HELLO, {"content": HELLO, "extra": "/CropBox[40 600 240 800]"}))
    assert cropped.pixels.shape == (200, 200, 3)
    moved = np.subtract(whole.given_lines[0].box, cropped.given_lines[0].box)
    assert moved == pytest.approx((40, 42, 40, 42), abs=0.5)


def test_text_outside_the_page_is_not_read():
    (page,) = decode(make_pdf(HELLO + " BT /F1 12 Tf -300 500 Td (outside) Tj ET"))
    assert texts(page) == ["Hello"]


def test_lines_do_not_leave_the_page():
    (page,) = decode(make_pdf("BT /F1 12 Tf -2 500 Td (Hello) Tj 595 0 Td (i) Tj ET"))
    hello, i = page.given_lines
    assert hello.box[0] == 0 and i.box[2] == 595


def test_hyphens_at_the_end_of_a_line_stay():
    (page,) = decode(make_pdf("BT /F1 12 Tf 50 700 Td (num-) Tj 0 -14 Td (ber) Tj ET"))
    assert texts(page) == ["ber", "num-"]


def test_sideways_text_beside_upright_text_is_read_too():
    (page,) = decode(make_pdf(HELLO + " BT /F1 12 Tf 0 1 -1 0 30 300 Tm (side) Tj ET"))
    side = next(line for line in page.given_lines if line.text == "side")
    x0, y0, x1, y1 = side.box
    assert x1 - x0 < 16 < y1 - y0
    assert 15 < x0 < x1 < 35 and y1 == pytest.approx(842 - 300, abs=1)


def test_a_page_whose_text_is_mostly_sideways_is_left_to_ocr():
    (page,) = decode(make_pdf("BT /F1 12 Tf 0 1 -1 0 30 300 Tm (a sideways table) Tj ET"))
    assert page.given_lines is None


def test_a_stamp_on_a_scan_is_left_to_ocr():
    stamped, objects = picture_page(jpeg(), 100, 140, HELLO)
    assert decode(make_pdf(stamped, objects=objects))[0].given_lines is None


def test_a_full_text_layer_on_a_scan_is_read():
    lines = " ".join(f"BT 3 Tr /F1 12 Tf 50 {700 - 20 * row} Td (recognised line) Tj ET" for row in range(10))
    scanned, objects = picture_page(jpeg(), 100, 140, lines)
    assert texts(decode(make_pdf(scanned, objects=objects))[0]) == ["recognised line"] * 10


def test_letters_that_the_file_does_not_name_are_left_to_ocr():
    # A font whose H, one letter of the five of Hello, maps to the private use area.
    to_unicode = stream("", b"""/CIDInit /ProcSet findresource begin begincmap /CMapName /X def
1 begincodespacerange <00> <ff> endcodespacerange 2 beginbfrange <48> <48> <e000> <49> <7a> <0049> endbfrange
endcmap end""")  # fmt: skip
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 90 0 R>>"
    assert decode(make_pdf(HELLO, objects={3: font, 90: to_unicode}))[0].given_lines is None
