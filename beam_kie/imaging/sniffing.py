"""Which format a file has, by its first bytes; its name does not count."""

from __future__ import annotations

from beam_kie.document import Category, DocumentError

SUPPORTED = "JPEG, PNG, TIFF, BMP, WebP, AVIF, JPEG 2000, HEIC and PDF"

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # classic and BigTIFF, both byte orders
_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
_JPEG_2000_STARTS = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")  # JP2 file, bare codestream
# The brands of ISO/IEC 23008-12 (HEVC as the coding) and of AV1 Image File Format.
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_MOST_BRANDS = 64
# Readers accept a PDF whose header comes late; 1024 bytes is the tolerance of the PDF reference.
_PDF_HEADER_WITHIN = 1024

# Other formats that are given by mistake: (offset, bytes, name, what to do).
_CONVERT = "convert it to one of them"
_FOREIGN = (
    (0, b"GIF8", "a GIF picture", _CONVERT),
    (4, b"ftyp", "a video", "leave it out of the input"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture", _CONVERT),
    (0, b"\xff\x0a", "a JPEG XL picture", _CONVERT),
    (0, b"8BPS", "a Photoshop file", _CONVERT),
    (0, b"AT&TFORM", "a DjVu document", "convert it to PDF"),
    (0, b"%!PS", "a PostScript file", "convert it to PDF"),
    (0, b"{\\rtf", "an RTF document", "print it to PDF"),
    (
        0,
        b"PK\x03\x04",
        "a ZIP archive (DOCX and XLSX are such too)",
        "unpack it, or print the document to PDF",
    ),
    (0, b"\x1f\x8b", "a gzip file", "unpack it"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (0, b"Rar!", "a RAR archive", "unpack it"),
    (0, b"\xd0\xcf\x11\xe0", "an older Office document", "print it to PDF"),
    (0, b"\x7fELF", "a program", "leave it out of the input"),
    (0, b"MZ", "a program", "leave it out of the input"),
)


def sniff_format(data: bytes) -> str:
    """The format of a file.

    Args:
        data: the file's bytes; the first kilobytes decide.

    Returns:
        "jpeg", "png", "tiff", "bmp", "webp", "avif", "heic", "jpeg2000" or "pdf".

    Raises:
        DocumentError: FILE_EMPTY for no bytes, FILE_CORRUPT for nothing but zeros, FORMAT_UNSUPPORTED for
            everything else, naming what it looks like and what to do.
    """
    if not data:
        raise DocumentError(
            Category.FILE_EMPTY, "the file is empty (0 bytes): copy or upload it again, then rerun"
        )
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(_TIFF_STARTS):
        return "tiff"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return "bmp"
    if data.startswith(_JPEG_2000_STARTS):
        return "jpeg2000"
    brands = _brands(data)
    if brands & _AVIF_BRANDS:
        return "avif"
    if brands & _HEIC_BRANDS:
        return "heic"
    if b"%PDF-" in data[:_PDF_HEADER_WITHIN]:
        return "pdf"
    raise _unsupported(data)


def _brands(data: bytes) -> set[bytes]:
    """The brands that a file of the ISO base media file format names; none for other files."""
    if data[4:8] != b"ftyp":
        return set()
    size = min(int.from_bytes(data[:4], "big"), 16 + 4 * _MOST_BRANDS, len(data))
    return {bytes(data[8:12])} | {bytes(data[at : at + 4]) for at in range(16, size - 3, 4)}


def _unsupported(data: bytes) -> DocumentError:
    """The error for a file of no supported format, naming what it looks like."""
    if not data.strip(b"\0"):
        return DocumentError(
            Category.FILE_CORRUPT,
            "the file holds nothing but zero bytes: copy or upload it again, then rerun",
        )
    looks_like, remedy = "of an unknown format", _CONVERT
    for offset, start, name, advice in _FOREIGN:
        if data.startswith(start, offset):
            looks_like, remedy = name, advice
            break
    else:
        if _is_text(data[:4096]):
            looks_like, remedy = "a text file", "leave it out of the input, or print it to PDF"
    return DocumentError(
        Category.FORMAT_UNSUPPORTED, f"the file is {looks_like}; {SUPPORTED} are read: {remedy}"
    )


def _is_text(start: bytes) -> bool:
    """Whether the first bytes of a file are text: no control characters, and nearly all of it UTF-8."""
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in start):
        return False
    decoded = start.decode("utf-8", "replace")
    return decoded.count("\ufffd") <= len(decoded) // 20
