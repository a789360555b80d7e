"""Pictures, contents and fonts of PDF pages that are cut off or corrupt: the page says so, others do not."""

import base64
import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from beam_kie.document import Category, PageImage
from beam_kie.imaging.decode import DecodeLimits, decode_pages
from tests.beam_kie.imaging.test_pdf import A4, HELLO, make_pdf, serialise, stream

WIDTH, HEIGHT = 120, 160
GREY = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH), np.uint8)


def saved(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def fax(compression: str) -> bytes:
    """The strip of a TIFF of black and white stripes, which is what a PDF holds of it."""
    stripes = Image.fromarray((np.kron(GREY[::8, ::8] > 128, np.ones((8, 8))) * 255).astype(np.uint8))
    data = saved(stripes.convert("1"), "TIFF", compression=compression, tiffinfo={278: HEIGHT})
    image = Image.open(io.BytesIO(data))
    (start,), (size,) = image.tag_v2[273], image.tag_v2[279]
    return data[start : start + size]


def lzw() -> bytes:
    data = saved(Image.fromarray(GREY), "TIFF", compression="tiff_lzw", tiffinfo={278: HEIGHT})
    image = Image.open(io.BytesIO(data))
    (start,), (size,) = image.tag_v2[273], image.tag_v2[279]
    return data[start : start + size]


def jbig2() -> bytes:
    """A page, a region of fax data, and the end of the page; as embedded in PDFs, without a file header."""
    page = struct.pack(">IIIIBH", WIDTH, HEIGHT, 0, 0, 0, 0)
    region = struct.pack(">IIIIBB", WIDTH, HEIGHT, 0, 0, 0, 1) + fax("group4")
    return b"".join(
        struct.pack(">IBBBI", number, kind, 0, 1, len(data)) + data
        for number, (kind, data) in enumerate([(48, page), (38, region), (49, b"")])
    )


def run_lengths() -> bytes:
    data = GREY.tobytes()
    return b"".join(b"\x7f" + data[at : at + 128] for at in range(0, len(data), 128)) + b"\x80"


PHOTO = Image.fromarray(GREY)
FAX = f"/BitsPerComponent 1/DecodeParms<</K %d/Columns {WIDTH}/Rows {HEIGHT}%s>>"
PICTURES = {
    "DCT": ("/Filter/DCTDecode", saved(PHOTO, "JPEG")),
    "DCT progressive": ("/Filter/DCTDecode", saved(PHOTO, "JPEG", progressive=True)),
    "JPX": ("/Filter/JPXDecode", saved(PHOTO, "JPEG2000")),
    "Flate": ("/Filter/FlateDecode", zlib.compress(GREY.tobytes())),
    "LZW": ("/Filter/LZWDecode", lzw()),
    "RunLength": ("/Filter/RunLengthDecode", run_lengths()),
    "ASCII85": ("/Filter/ASCII85Decode", base64.a85encode(GREY.tobytes()) + b"~>"),
    "ASCIIHex": ("/Filter[/ASCIIHexDecode]", GREY.tobytes().hex().encode() + b">"),
    "ASCII85 and DCT": (
        "/Filter[/ASCII85Decode/DCTDecode]",
        base64.a85encode(saved(PHOTO, "JPEG")) + b"~>",
    ),
    "no filter": ("", GREY.tobytes()),
    "CCITT G4": ("/Filter/CCITTFaxDecode" + FAX % (-1, ""), fax("group4")),
    "CCITT G3": ("/Filter/CCITTFaxDecode" + FAX % (0, "/EndOfLine true"), fax("group3")),
    "JBIG2": ("/Filter/JBIG2Decode/BitsPerComponent 1", jbig2()),
}


def picture(entries: str, data: bytes) -> bytes:
    bits = "" if "BitsPerComponent" in entries else "/BitsPerComponent 8"
    head = f"/Type/XObject/Subtype/Image/Width {WIDTH}/Height {HEIGHT}/ColorSpace/DeviceGray{bits}{entries}"
    return stream(head, data)


def pdf(*pictures: bytes, content: str = HELLO) -> bytes:
    """A page with a line of text for each picture, which it draws below the text."""
    pages = [
        {
            "content": f"{content} q 400 0 0 500 50 100 cm /I{number} Do Q",
            "resources": f"/XObject<</I{number} {number} 0 R>>",
        }
        for number in range(90, 90 + len(pictures))
    ]
    return make_pdf(*pages, objects=dict(enumerate(pictures, 90)))


def decode(data: bytes) -> list:
    return list(decode_pages(data, "id", "file:///scan.pdf", DecodeLimits(), pdf_dpi=72, pdf_text_layer=True))


def damaged(data: bytes) -> list[int]:
    """The pages that say that something is missing; all were read."""
    pages = decode(data)
    for page in pages:
        assert isinstance(page, PageImage)
        if page.damage is not None:
            assert (page.damage.page, page.damage.category) == (page.page, Category.FILE_CORRUPT)
    return [page.page for page in pages if page.damage is not None]


# Pictures


@pytest.mark.parametrize("kind", PICTURES)
def test_a_whole_picture_is_drawn_and_not_damaged(kind):
    (page,) = decode(pdf(picture(*PICTURES[kind])))
    assert page.damage is None
    assert np.ptp(page.pixels[300:600, 60:400]) > 100


@pytest.mark.parametrize("part", [0.3, 0.7, 0.95])
@pytest.mark.parametrize("kind", PICTURES)
def test_a_cut_picture_is_told_of_its_page_alone(kind, part):
    entries, data = PICTURES[kind]
    whole = picture(*PICTURES["DCT"])
    cut = picture(entries, data[: int(len(data) * part)])
    assert damaged(pdf(whole, cut, whole)) == [2]


@pytest.mark.parametrize("kind", ["Flate", "CCITT G4", "CCITT G3", "DCT progressive"])
def test_corrupt_data_in_the_middle_is_told(kind):
    entries, data = PICTURES[kind]
    middle = len(data) // 2
    corrupt = picture(entries, data[:middle] + b"\x10\xff\x00\x55" * 4 + data[middle + 16 :])
    assert damaged(pdf(corrupt)) == [1]


def test_a_wrong_checksum_is_told_and_a_missing_one_is_not():
    entries, data = PICTURES["Flate"]
    assert damaged(pdf(picture(entries, data[:-4] + b"\0\0\0\1"))) == [1]
    assert damaged(pdf(picture(entries, data[:-4]))) == []


def test_a_picture_with_fewer_rows_than_it_says_is_told():
    short = zlib.compress(GREY[: HEIGHT // 2].tobytes())
    assert damaged(pdf(picture("/Filter/FlateDecode", short))) == [1]


def test_what_could_be_read_is_read():
    (page,) = decode(pdf(picture("/Filter/FlateDecode", PICTURES["Flate"][1][:-4000])))
    assert [line.text for line in page.given_lines] == ["Hello"]
    assert page.damage is not None
    assert "Hello" not in page.damage.message


def test_a_page_of_which_nothing_can_be_seen_is_a_failure():
    (failure,) = decode(pdf(picture("/Filter/DCTDecode", b"\xff\xd8\xff\xe0 no more"), content=""))
    assert (failure.page, failure.category) == (1, Category.FILE_CORRUPT)


def test_a_soft_mask_is_told():
    mask = picture("/Filter/FlateDecode", PICTURES["Flate"][1][:-4000])
    page = {"content": f"{HELLO} q 400 0 0 500 50 100 cm /I Do Q", "resources": "/XObject<</I 90 0 R>>"}
    image = picture(PICTURES["DCT"][0] + "/SMask 91 0 R", PICTURES["DCT"][1])
    assert damaged(make_pdf(page, objects={90: image, 91: mask})) == [1]


def test_a_shared_list_of_pictures_spoils_only_the_page_that_draws_the_damaged_one():
    cut = picture("/Filter/DCTDecode", PICTURES["DCT"][1][:2000])
    shared = "/XObject<</Im1 90 0 R/Im10 91 0 R>>"
    pages = [
        {"content": f"{HELLO} q 400 0 0 500 50 100 cm /{name} Do Q", "resources": shared}
        for name in ("Im10", "Im1", "Im10")
    ]
    assert damaged(make_pdf(*pages, objects={90: cut, 91: picture(*PICTURES["DCT"])})) == [2]


@pytest.mark.parametrize("kind", ["DCT", "Flate", "RunLength", "CCITT G4"])
@pytest.mark.parametrize("is_cut", [True, False])
def test_inline_pictures(kind, is_cut):
    entries, data = PICTURES[kind]
    bits = "" if "BitsPerComponent" in entries else "/BPC 8"
    if is_cut:
        data = data[: len(data) // 2]
    inline = f"/W {WIDTH}/H {HEIGHT}/CS/G{bits}{entries}".replace("Filter", "F").replace("DecodeParms", "DP")
    content = f"{HELLO} q 400 0 0 500 50 100 cm BI {inline} ID ".encode() + data + b" EI Q"
    (page,) = decode(make_pdf(content.decode("latin-1")))
    assert (page.damage is not None) is is_cut


# Contents, fonts and files


def contents(*streams: bytes) -> bytes:
    kids = " ".join(f"{4 + number} 0 R" for number in range(len(streams)))
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: f"<</Type/Pages/Kids[{kids}]/Count {len(streams)}>>".encode(),
        3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    }
    for number, data in enumerate(streams):
        objects[4 + number] = (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {A4[0]} {A4[1]}]/Contents[{50 + number} 0 R]"
            "/Resources<</Font<</F1 3 0 R>>>>>>"
        ).encode()
        objects[50 + number] = stream("/Filter/FlateDecode", data)
    return serialise(objects)


def test_cut_contents_are_told():
    lines = "\n".join(f"BT /F1 9 Tf 50 {800 - 9 * n} Td ({n * n * 7919}) Tj ET" for n in range(80)).encode()
    whole = zlib.compress(lines)
    first, second, third = decode(contents(whole, whole[: len(whole) // 2], whole))
    assert first.damage is None and third.damage is None
    assert second.damage is not None
    assert 10 < len(second.given_lines) < len(first.given_lines) == 80


def test_a_cut_font_is_told():
    page = {"content": "BT /F2 12 Tf 50 700 Td (Hello) Tj ET " + HELLO, "resources": ""}
    page["extra"] = "/Resources<</Font<</F1 3 0 R/F2 90 0 R>>>>"
    font = b"<</Type/Font/Subtype/TrueType/BaseFont/X/FontDescriptor 91 0 R>>"
    descriptor = (
        b"<</Type/FontDescriptor/FontName/X/Flags 32/FontBBox[0 0 9 9]/ItalicAngle 0/FontFile2 92 0 R>>"
    )
    program = zlib.compress(GREY.tobytes())
    for data, pages in ((program[:-5000], [1]), (program, [])):
        objects = {90: font, 91: descriptor, 92: stream("/Filter/FlateDecode/Length1 19200", data)}
        made = make_pdf(page, objects=objects).replace(b"/Resources<</Font<</F1 3 0 R>>>>/Res", b"/Res")
        assert damaged(made) == pages


def test_a_file_whose_end_is_missing_has_a_remark():
    data = pdf(*[picture(*PICTURES["DCT"])] * 3)
    *pages, remark = decode(data[: data.rindex(b"xref")])
    assert remark.category is Category.FILE_CORRUPT
    assert remark.page == len(pages) + 1
    # A table that is only wrong is put right.
    assert damaged(data.replace(b"xref\n0 ", b"xref\n9 ", 1)) == []


def test_pages_from_elsewhere_are_whole(shared_data):
    for path in sorted((shared_data / "robust").glob("ocr_test*.pdf")):
        assert damaged(path.read_bytes()) == [], path.name


def test_the_same_file_gives_the_same_whatever_was_read_before():
    cut = pdf(picture("/Filter/DCTDecode", PICTURES["DCT"][1][:2000]), picture(*PICTURES["CCITT G4"]))
    whole = pdf(*(picture(*each) for each in PICTURES.values()))

    def outcome(data: bytes) -> list:
        return [(page.pixels.tobytes(), page.damage) for page in decode(data)]

    alone = [outcome(cut), outcome(whole)]
    assert [outcome(each) for each in (whole, cut, whole, cut)] == [*alone[::-1], *alone[::-1]]


# Encryption with an empty password, as of files that may not be changed


PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) & 255
        state[i], state[j] = state[j], state[i]
    i = j = 0
    out = bytearray()
    for byte in data:
        i = (i + 1) & 255
        j = (j + state[i]) & 255
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) & 255])
    return bytes(out)


def encrypted(data: bytes) -> bytes:
    """A page with one picture in a file that opens without a password (40 bits, ISO 32000-1, 7.6)."""
    owner = rc4(hashlib.md5(PADDING).digest()[:5], PADDING)
    key = hashlib.md5(PADDING + owner + struct.pack("<i", -4) + b"0123456789abcdef").digest()[:5]

    def secret(number: int, content: bytes) -> bytes:
        return rc4(hashlib.md5(key + struct.pack("<I", number)[:3] + b"\0\0").digest()[:10], content)

    head = (
        f"/Type/XObject/Subtype/Image/Width {WIDTH}/Height {HEIGHT}/ColorSpace/DeviceGray/BitsPerComponent 8"
    )
    made = serialise(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 500 600]/Contents 4 0 R"
            b"/Resources<</XObject<</I 5 0 R>>>>>>",
            4: stream("", secret(4, b"q 400 0 0 500 50 50 cm /I Do Q 0 0 20 20 re f")),
            5: stream(f"{head}/Filter/FlateDecode", secret(5, data)),
        }
    )
    entries = f"<</Filter/Standard/V 1/R 2/P -4/O<{owner.hex()}>/U<{rc4(key, PADDING).hex()}>>>"
    trailer = f"trailer<</Encrypt {entries}/ID[<{b'0123456789abcdef'.hex()}><00>]"
    return made.replace(b"trailer<<", trailer.encode())


@pytest.mark.parametrize("is_cut", [True, False])
def test_encrypted_files_without_a_password(is_cut):
    _, data = PICTURES["Flate"]
    (page,) = decode(encrypted(data[: len(data) // 2] if is_cut else data))
    assert np.ptp(page.pixels[100:300, 60:400]) > 100
    assert (page.damage is not None) is is_cut
