"""What a file is by its first bytes: one of the formats, or a DocumentError with one line."""

from hypothesis import given

from beam_kie.document import DocumentError
from beam_kie.imaging.sniffing import sniff_format
from tests.fuzz.mutations import arbitrary, mutated
from tests.fuzz.sandbox import target

STARTS = (
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\0\0\0\0WEBP",
    b"BM",
    b"II*\0",
    b"%PDF-",
    b"GIF8",
    b"PK\x03\x04",
)
FORMATS = {"jpeg", "png", "tiff", "bmp", "webp", "pdf"}


@target()
def sniff(data: bytes) -> None:
    try:
        assert sniff_format(data) in FORMATS
    except DocumentError as error:
        assert error.message and "\n" not in error.message


@given(data=arbitrary(*STARTS))
def test_any_bytes(sandbox, data):
    sandbox.check(sniff, data)


@given(data=mutated([start + bytes(range(64)) for start in STARTS]))
def test_damaged_starts(sandbox, data):
    sandbox.check(sniff, data)
