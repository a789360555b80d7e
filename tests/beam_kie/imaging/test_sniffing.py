import io
import zipfile

import pytest
from PIL import Image

from beam_kie.document import Category, DocumentError
from beam_kie.imaging.sniffing import SUPPORTED, sniff_format


def picture(pillow_format: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(buffer, pillow_format)
    return buffer.getvalue()


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("word/document.xml", "<x/>")
    return buffer.getvalue()


@pytest.mark.parametrize("pillow_format", ["JPEG", "PNG", "TIFF", "BMP", "WebP", "AVIF", "JPEG2000", "PDF"])
def test_supported_formats_are_recognised_by_content(pillow_format):
    assert sniff_format(picture(pillow_format)) == pillow_format.lower()


def test_big_and_classic_tiff_in_both_byte_orders():
    for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        assert sniff_format(start + bytes(12)) == "tiff"


def test_pdf_header_may_come_late_but_not_too_late():
    assert sniff_format(b"\n" * 500 + b"%PDF-1.4") == "pdf"
    with pytest.raises(DocumentError):
        sniff_format(b"\n" * 2000 + b"%PDF-1.4")


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (picture("GIF"), "a GIF picture"),
        (b"\0\0\0\x18ftypisom" + bytes(16), "a video"),
        (b"\0\0\0\x0cJXL " + bytes(16), "a JPEG XL picture"),
        (archive(), "a ZIP archive"),
        (b"BMW invoices of the year\n", "a text file"),
        ("姓名:李雷\n".encode(), "a text file"),
        (b"<!DOCTYPE html><html></html>", "a text file"),
        (b"\x93\x01\x02\xfe", "of an unknown format"),
    ],
)
def test_foreign_files_are_named_with_the_formats_that_are_read(data, named):
    with pytest.raises(DocumentError) as caught:
        sniff_format(data)
    assert caught.value.category is Category.FORMAT_UNSUPPORTED
    assert named in caught.value.message
    assert f"{SUPPORTED} are read" in caught.value.message


def test_text_of_a_file_never_enters_the_message():
    with pytest.raises(DocumentError) as caught:
        sniff_format(b"Account 4711 belongs to Li Lei")
    assert "4711" not in caught.value.message


@pytest.mark.parametrize(
    ("data", "category"), [(b"", Category.FILE_EMPTY), (bytes(100), Category.FILE_CORRUPT)]
)
def test_files_of_nothing(data, category):
    with pytest.raises(DocumentError) as caught:
        sniff_format(data)
    assert caught.value.category is category
    assert "copy or upload it again" in caught.value.message
