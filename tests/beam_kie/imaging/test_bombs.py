"""Files that claim far more than they hold: refused, or read, within narrow limits of time and memory."""

import io
import resource
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from PIL import Image

from beam_kie.document import Category, DocumentError, Failure, PageImage
from beam_kie.imaging import exif, jpeg, tiff
from beam_kie.imaging.decode import DecodeLimits, decode_pages
from beam_kie.imaging.limits import MAX_SIDE, check_pixels
from tests import hostile

ROOT = Path(__file__).resolve().parents[3]
DECODE = """
import sys
from beam_kie.document import DocumentError, PageImage
from beam_kie.imaging.decode import DecodeLimits, decode_pages
try:
    for page in decode_pages(open(sys.argv[1], "rb").read(), "id", "uri", DecodeLimits()):
        print("page" if isinstance(page, PageImage) else page.category)
except DocumentError as error:
    print(error.category)
"""


def decoded(data: bytes, tmp_path) -> list[str]:
    """What comes of the file in a process that may take a GiB and ten seconds of CPU time."""
    path = tmp_path / "scan"
    path.write_bytes(data)

    def limited():
        resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (10, 10))

    done = subprocess.run(
        [sys.executable, "-c", DECODE, path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=limited,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout.split()


def saved(file_format: str, mode="L", size=(300, 300), **options) -> bytes:
    data = io.BytesIO()
    Image.new(mode, size, 255).save(data, file_format, **options)
    return data.getvalue()


def jpeg_with(block: bytes) -> bytes:
    """A JPEG with EXIF data in as many segments as it takes, and no JFIF segment: so readers ask for it."""
    whole = saved("JPEG")
    jfif = 2 + int.from_bytes(whole[4:6], "big")
    parts = [b"Exif\0\0" + block[at : at + 65_000] for at in range(0, len(block), 65_000)]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part for part in parts)
    return whole[:2] + segments + whole[2 + jfif :]


def png_with(block: bytes) -> bytes:
    whole = saved("PNG")
    chunk = struct.pack(">I", len(block)) + b"eXIf" + block
    return whole[:33] + chunk + struct.pack(">I", zlib.crc32(b"eXIf" + block)) + whole[33:]


@pytest.mark.parametrize("wrap", [jpeg_with, png_with, lambda block: saved("WEBP", "RGB", exif=block)])
def test_exif_bomb_does_not_cost_the_page(wrap, tmp_path):
    assert decoded(wrap(hostile.exif_bomb()), tmp_path) == ["page"]


def test_tags_that_claim_more_than_the_tiff_has_are_refused(tmp_path):
    assert decoded(hostile.tiff_bomb(), tmp_path) == ["FILE_CORRUPT"]


def test_directories_on_top_of_each_other_are_a_broken_list(tmp_path):
    assert decoded(hostile.overlapping_tiff(), tmp_path) == ["FILE_CORRUPT"] * 3


def test_jpeg_of_many_scans_is_refused(tmp_path):
    data = saved("JPEG", size=(2000, 2000), progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    assert decoded(data[:-2] + last * 300 + b"\xff\xd9", tmp_path) == ["FILE_CORRUPT"]


def claiming(width: int, height: int, data: bytes | None = None) -> bytes:
    """A JPEG that claims another size than it has."""
    changed = bytearray(data or saved("JPEG"))
    struct.pack_into(">HH", changed, changed.index(b"\xff\xc0") + 5, height, width)
    return bytes(changed)


def test_jpeg_that_cannot_hold_its_pixels_is_refused(tmp_path):
    assert decoded(claiming(10_900, 10_900), tmp_path) == ["FILE_CORRUPT"]


@pytest.mark.parametrize("options", [{"quality": 1}, {"quality": 1, "progressive": True, "optimize": True}])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_blank_jpeg_in_as_few_bytes_as_can_be_is_a_page(mode, options):
    data = saved("JPEG", mode, size=(4000, 5000), **options)
    (page,) = decode_pages(data, "id", "uri", DecodeLimits())
    assert isinstance(page, PageImage)


def test_picture_of_one_row_is_too_large_for_good():
    row = b"\0" + b"\xff" * 1_250_000
    header = struct.pack(">IIBBBBB", 10_000_000, 1, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(row)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
    (failure,) = decode_pages(data, "id", "uri", DecodeLimits())
    assert isinstance(failure, Failure)
    assert (failure.category, failure.retryable) == (Category.IMAGE_TOO_LARGE, False)


def test_longest_side_is_the_longest_of_jpeg():
    check_pixels(MAX_SIDE, 100, DecodeLimits())
    with pytest.raises(DocumentError):
        check_pixels(100, MAX_SIDE + 1, DecodeLimits())


def test_ordinary_exif_data_is_left_alone():
    turned = Image.Exif()
    turned[274] = 6
    turned[0x927C] = b"\1" * 20_000
    data = jpeg_with(turned.tobytes().removeprefix(b"Exif\0\0"))
    assert jpeg.without_exif_bomb(data) is data
    (page,) = decode_pages(data, "id", "uri", DecodeLimits())
    assert page.pixels.shape == (300, 300, 3)
    assert not exif.claims_too_much(turned.tobytes())


@pytest.mark.parametrize("block", [b"", b"II*\0", b"II*\0" + bytes(4), b"MM\0*\xff\xff\xff\xff", b"x" * 100])
def test_damaged_exif_data_claims_nothing(block):
    assert not exif.claims_too_much(block)


def test_tags_of_ordinary_tiffs_are_no_bomb():
    data = saved("TIFF", "RGB", size=(500, 700), compression="tiff_lzw")
    (directory,), complete = tiff.directories(data)
    assert complete
    tiff.check_tags(directory, len(data))
    assert directory.tag_bytes < len(data)


def test_overlapping_directories_are_noticed_before_they_cost_time():
    data = hostile.overlapping_tiff()
    started = time.process_time()
    found, complete = tiff.directories(data)
    assert not complete and len(found) < 4
    assert time.process_time() - started < 5
