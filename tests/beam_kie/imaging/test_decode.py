import io
import struct
import tracemalloc
import warnings
import weakref
import zlib

import numpy as np
import pytest
from PIL import Image

from beam_kie.document import Category, DocumentError, Failure, PageImage, Stage
from beam_kie.imaging import tiff
from beam_kie.imaging.decode import (
    DecodeLimits,
    decode_pages,
    encode_preview,
    sniff_format,
    upright,
)

LIMITS = DecodeLimits()


def save(pillow_format: str, *pages: Image.Image, **options) -> bytes:
    pages = pages or (noise(),)
    buffer = io.BytesIO()
    if len(pages) > 1:
        options |= {"save_all": True, "append_images": list(pages[1:])}
    pages[0].save(buffer, pillow_format, **options)
    return buffer.getvalue()


def noise(seed: int = 0, size: tuple[int, int] = (60, 80)) -> Image.Image:
    """A picture that does not compress to nothing, so that cutting its file cuts its pixels."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8))


def greys(count: int, **options) -> bytes:
    """A TIFF whose page N is filled with grey N."""
    return save("TIFF", *(Image.new("L", (30, 40), index + 1) for index in range(count)), **options)


def decode(data: bytes, limits: DecodeLimits = LIMITS) -> list[PageImage | Failure]:
    return list(decode_pages(data, "id", "gs://bucket/scan", limits))


def directory_entry(data: bytes, page: int, tag: int) -> int:
    """Where the value of a tag stands in the directory of a page (from 1) of a classic TIFF."""
    start = tiff.directories(data)[0][page - 1].offset
    (count,) = struct.unpack_from("<H", data, start)
    entries = [start + 2 + 12 * index for index in range(count)]
    return next(at for at in entries if struct.unpack_from("<H", data, at)[0] == tag) + 8


def patched(data: bytes, page: int, tag: int, value: int) -> bytes:
    result = bytearray(data)
    struct.pack_into("<I", result, directory_entry(data, page, tag), value)
    return bytes(result)


# Formats


@pytest.mark.parametrize("pillow_format", ["JPEG", "PNG", "TIFF", "BMP", "WEBP"])
def test_a_picture_is_one_page(pillow_format):
    data = save(pillow_format, dpi=(150, 150))
    (page,) = decode(data)
    assert (page.document_id, page.uri, page.page) == ("id", "gs://bucket/scan", 1)
    assert page.pixels.shape == (80, 60, 3)
    assert page.pixels.dtype == np.uint8
    assert page.pixels.flags.c_contiguous and page.pixels.flags.writeable
    assert page.given_lines is None
    opened = decode_pages(data, "id", "gs://bucket/scan", LIMITS)
    assert (opened.file_format, opened.page_count) == (pillow_format.lower(), 1)
    if pillow_format != "WEBP":
        assert page.dpi == pytest.approx(150, abs=0.1)


@pytest.mark.parametrize("pillow_format", ["PNG", "TIFF", "BMP"])
def test_lossless_pictures_keep_their_pixels(pillow_format):
    (page,) = decode(save(pillow_format))
    assert np.array_equal(page.pixels, np.asarray(noise()))


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"subsampling": 2}),
        ("RGB", {"subsampling": 1, "progressive": True}),
        ("RGB", {"keep_rgb": True, "dpi": (300, 300)}),
        ("L", {"dpi": (300, 299)}),
    ],
    ids=str,
)
def test_a_whole_jpeg_is_decoded_once_to_the_pixels_of_pillow(mode, options, monkeypatch):
    data = save("JPEG", noise(size=(333, 211)).convert(mode), quality=80, **options)
    monkeypatch.setattr("beam_kie.imaging.jpeg.is_damaged", lambda data: pytest.fail("read a second time"))
    (page,) = decode(data)
    assert np.array_equal(page.pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    assert (page.damage, page.dpi) == (None, float(options["dpi"][0]) if "dpi" in options else None)


def test_content_decides_not_the_name():
    (page,) = decode_pages(save("PNG"), "id", "gs://bucket/scan.jpg", LIMITS)
    assert page.pixels.shape == (80, 60, 3)


def test_only_the_format_that_was_sniffed_is_opened():
    # A GIF behind the first bytes of a JPEG must not reach Pillow's other readers.
    with pytest.raises(DocumentError) as caught:
        decode(b"\xff\xd8\xff" + save("GIF"))
    assert caught.value.category is Category.FILE_CORRUPT


@pytest.mark.parametrize("pillow_format", ["JPEG", "PNG", "TIFF", "BMP", "WEBP"])
def test_pillow_may_open_one_format_only(monkeypatch, pillow_format):
    data, allowed, genuine = save(pillow_format), [], Image.open

    def watched(file, mode="r", formats=None):
        allowed.append(formats)
        return genuine(file, mode, formats)

    monkeypatch.setattr(Image, "open", watched)
    assert len(decode(data)) == 1
    assert allowed == [[pillow_format]]


def test_a_tiff_of_nothing_but_thumbnails_has_pages():
    data = save("TIFF", noise(), tiffinfo={254: 1})
    assert [page.page for page in decode(data)] == [1]


def test_all_pages_of_a_tiff():
    data = greys(5)
    pages = decode(data)
    assert [page.page for page in pages] == [1, 2, 3, 4, 5]
    assert [int(page.pixels[0, 0, 0]) for page in pages] == [1, 2, 3, 4, 5]
    assert decode_pages(data, "id", "gs://bucket/scan", LIMITS).page_count == 5


def test_pages_of_a_tiff_may_differ_in_everything():
    pages = [noise(size=(60, 80)), Image.new("1", (33, 44), 1), Image.new("CMYK", (10, 20))]
    shapes = [page.pixels.shape for page in decode(save("TIFF", *pages))]
    assert shapes == [(80, 60, 3), (44, 33, 3), (20, 10, 3)]


def test_a_multi_page_tiff_from_elsewhere(shared_data):
    pages = decode((shared_data / "robust" / "2206.01062.tif").read_bytes())
    assert [page.pixels.shape for page in pages] == [(792, 612, 3)] * 2
    assert all(page.pixels.min() < 50 and page.pixels.max() > 200 for page in pages)


def test_a_photograph(shared_data):
    (page,) = decode((shared_data / "robust" / "qr_bill_example.jpg").read_bytes())
    assert page.pixels.shape == (1423, 1021, 3)
    assert page.dpi == pytest.approx(300)


def test_second_pictures_of_a_camera_file_are_no_pages():
    data = save("MPO", noise(1), noise(2))
    assert sniff_format(data) == "jpeg"
    assert [page.page for page in decode(data)] == [1]


@pytest.mark.parametrize("pillow_format", ["PNG", "WEBP"])
def test_animations_give_their_first_picture_and_say_so(pillow_format):
    page, failure = decode(save(pillow_format, noise(1), noise(2), noise(3)))
    assert page.pixels.shape == (80, 60, 3)
    assert (failure.page, failure.category) == (2, Category.FORMAT_UNSUPPORTED)
    assert "3 pictures" in failure.message


# Limits


def test_too_many_bytes_raise_before_anything_is_opened():
    with pytest.raises(DocumentError) as caught:
        decode_pages(b"not even a picture", "id", "uri", DecodeLimits(max_file_bytes=10))
    assert caught.value.category is Category.FILE_TOO_LARGE


def bomb_png() -> bytes:
    """A PNG of a few bytes whose header promises 30000 x 30000 pixels of 3 bytes."""
    data = bytearray(save("PNG", Image.new("RGB", (8, 8))))
    struct.pack_into(">II", data, 16, 30000, 30000)
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    return bytes(data)


def test_a_bomb_is_refused_before_a_pixel_is_decoded():
    tracemalloc.start()
    try:
        (failure,) = decode(bomb_png())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (failure.page, failure.category) == (1, Category.IMAGE_TOO_LARGE)
    assert "30000 x 30000 = 900,000,000 pixels" in failure.message
    assert "max_pixels = 120,000,000" in failure.message
    assert peak < 1_000_000


def test_one_page_too_large_costs_only_itself():
    data = save("TIFF", noise(1), noise(2, size=(200, 300)), noise(3))
    first, failure, third = decode(data, DecodeLimits(max_pixels=60 * 80))
    assert (failure.page, failure.category) == (2, Category.IMAGE_TOO_LARGE)
    assert (first.page, third.page) == (1, 3)


def tiled_tiff(tile_side: int) -> bytes:
    """A grey page of 16 x 16 pixels in one uncompressed tile, which claims to be of that size."""
    tags = {256: 16, 257: 16, 258: 8, 259: 1, 262: 1, 277: 1, 322: tile_side, 323: tile_side}
    tags |= {324: 8 + 2 + 12 * 10 + 4, 325: 256}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + bytes([99]) * 256


def test_a_small_page_in_a_huge_tile_is_refused():
    (page,) = decode(tiled_tiff(16))
    assert (page.pixels == 99).all()
    (failure,) = decode(tiled_tiff(60000))
    assert failure.category is Category.IMAGE_TOO_LARGE
    assert "tile" in failure.message


@pytest.mark.parametrize("pillow_format", ["PNG", "TIFF"])
def test_pillows_own_limit_neither_warns_nor_refuses(monkeypatch, pillow_format):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    data = save(pillow_format)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (page,) = decode(data)
    assert page.pixels.shape == (80, 60, 3)
    assert Image.MAX_IMAGE_PIXELS == 100  # put back for everybody else


@pytest.mark.parametrize(("count", "limit"), [(5, 2), (3, 2)])
def test_pages_past_the_limit_are_counted_in_one_failure(count, limit):
    pages = decode(greys(count), DecodeLimits(max_pages=limit))
    assert [page.page for page in pages[:-1]] == [1, 2]
    failure = pages[-1]
    assert (failure.page, failure.category, failure.stage) == (3, Category.TOO_MANY_PAGES, Stage.DECODE)
    assert f"{count} pages" in failure.message and f": {count - limit} were left out" in failure.message


def test_as_many_pages_as_allowed_are_no_failure():
    assert [type(page) for page in decode(greys(2), DecodeLimits(max_pages=2))] == [PageImage, PageImage]


# Damage


@pytest.mark.parametrize("pillow_format", ["JPEG", "PNG", "TIFF", "BMP", "WEBP"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_file_that_was_cut_off_is_reported(pillow_format, kept):
    options = {"quality": 90} if pillow_format in ("JPEG", "WEBP") else {}
    data = save(pillow_format, noise(size=(400, 300)), **options)
    data = data[: max(12, int(kept * len(data)))]
    try:
        (failure,) = decode(data)
    except DocumentError as error:
        failure = error
    assert failure.category is Category.FILE_CORRUPT
    assert "scan or export it again" in failure.message


@pytest.mark.parametrize("pillow_format", ["JPEG", "PNG", "BMP"])
def test_truncated_page_is_distinguished_from_a_damaged_one(pillow_format):
    data = save(pillow_format, noise(size=(400, 300)))
    (failure,) = decode(data[: len(data) // 2])
    assert "cut off" in failure.message


@pytest.mark.parametrize("data", [b"", b"Dear Mr Li,\n", b"PK\x03\x04" + bytes(30), bytes(64)])
def test_a_document_that_cannot_be_read_raises_at_once(data):
    with pytest.raises(DocumentError):
        decode_pages(data, "id", "uri", LIMITS)


@pytest.mark.parametrize("bad", [1, 2, 3])
def test_a_page_whose_pixels_are_missing_costs_only_itself(bad):
    data = patched(greys(3, compression="tiff_lzw"), bad, 273, 2**31)  # its strip lies outside the file
    pages = decode(data)
    assert [page.page for page in pages] == [1, 2, 3]
    failure = pages[bad - 1]
    assert isinstance(failure, Failure)
    assert failure.category is Category.FILE_CORRUPT
    assert [int(p.pixels[0, 0, 0]) for p in pages if isinstance(p, PageImage)] == [
        p for p in (1, 2, 3) if p != bad
    ]


@pytest.mark.parametrize("bad", [1, 2])
def test_a_page_of_an_unknown_kind_costs_only_itself(bad):
    data = patched(greys(2), bad, 262, 77)  # no such colour model
    pages = decode(data)
    assert pages[bad - 1].category is Category.FORMAT_UNSUPPORTED
    assert "8-bit" in pages[bad - 1].message
    assert isinstance(pages[2 - bad], PageImage)


@pytest.mark.parametrize("bad", [1, 2])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_page_without_size_costs_only_itself(bad):
    data = patched(greys(2), bad, 256, 0)
    pages = decode(data)
    assert pages[bad - 1].category is Category.FILE_CORRUPT
    assert isinstance(pages[2 - bad], PageImage)


def test_a_break_in_the_list_of_pages_is_reported():
    data = greys(3)
    third = tiff.directories(data)[0][2].offset
    first, second, failure = decode(data[:third])
    assert (first.page, second.page, failure.page) == (1, 2, 3)
    assert failure.category is Category.FILE_CORRUPT
    assert "breaks off after 2" in failure.message


def test_running_out_of_memory_may_be_retried(monkeypatch):
    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr("beam_kie.imaging.raster.to_upright_rgb", exhausted)
    (failure,) = decode(save("PNG"))
    assert (failure.category, failure.retryable) == (Category.OUT_OF_MEMORY, True)


def test_running_out_of_memory_at_a_header_is_no_fault_of_the_file(monkeypatch):
    def exhausted(*_, **__):
        raise MemoryError

    png, tiff_file = save("PNG"), save("TIFF")
    monkeypatch.setattr(Image, "open", exhausted)
    with pytest.raises(DocumentError) as caught:
        decode(png)
    assert caught.value.category is Category.OUT_OF_MEMORY
    (failure,) = decode(tiff_file)
    assert failure.category is Category.OUT_OF_MEMORY


def test_messages_are_the_same_on_every_run():
    # Pillow's own name the address of the buffer.
    data = patched(greys(2), 1, 262, 77)
    assert decode(data)[0] == decode(bytes(bytearray(data)))[0]
    assert "0x" not in decode(data)[0].message


# Streaming


def test_pages_are_not_kept():
    alive = []
    for page in decode_pages(greys(40), "id", "uri", LIMITS):
        alive = [reference for reference in alive if reference() is not None]
        # The page before may still be held by this loop's variable while the next is decoded.
        assert len(alive) <= 1
        alive.append(weakref.ref(page.pixels))


def test_pages_are_decoded_only_when_asked_for():
    data = patched(greys(3, compression="tiff_lzw"), 2, 273, 2**31)
    pages = decode_pages(data, "id", "uri", LIMITS).pages
    assert isinstance(next(pages), PageImage)
    pages.close()  # the damaged second page was never touched


def test_memory_does_not_grow_with_the_number_of_pages():
    size = (600, 800)
    data = save("TIFF", *(Image.new("1", size, index % 2) for index in range(60)), compression="group4")
    tracemalloc.start()
    try:
        assert sum(page.pixels.shape == (800, 600, 3) for page in decode_pages(data, "i", "u", LIMITS)) == 60
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * 600 * 800 * 3


# Turning and previews


@pytest.mark.parametrize(
    ("rotation_deg", "expected"),
    [(0, [[1, 2], [3, 4]]), (90, [[3, 1], [4, 2]]), (180, [[4, 3], [2, 1]]), (270, [[2, 4], [1, 3]])],
)
def test_upright_turns_clockwise(rotation_deg, expected):
    page = np.array([[1, 2], [3, 4]], np.uint8)[:, :, None].repeat(3, axis=2)
    turned = upright(page, rotation_deg)
    assert turned[:, :, 0].tolist() == expected
    assert turned.flags.c_contiguous


@pytest.mark.parametrize("rotation_deg", [45, -90, 360])
def test_upright_refuses_other_angles(rotation_deg):
    with pytest.raises(ValueError, match="rotation_deg"):
        upright(np.zeros((2, 2, 3), np.uint8), rotation_deg)


def test_pages_are_decoded_in_ranges_as_in_the_whole():
    data = greys(7)
    for limit in (100, 5):
        limits = DecodeLimits(max_pages=limit)
        whole = [(page.page, type(page)) for page in decode(data, limits)]
        parts = [
            (page.page, type(page))
            for first, last in ((1, 2), (3, 3), (4, min(limit, 7)))
            for page in decode_pages(data, "id", "gs://bucket/scan", limits, first=first, last=last)
        ]
        assert parts == whole
        assert len(whole) == min(limit + 1, 7)


def test_previews_are_small_jpegs():
    pixels = np.asarray(noise(size=(300, 400)))
    preview = encode_preview(pixels, 100)
    with Image.open(io.BytesIO(preview)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (75, 100))
    assert preview == encode_preview(pixels, 100)
    assert len(encode_preview(pixels, 100, quality=20)) < len(preview)


def test_previews_do_not_grow():
    with Image.open(io.BytesIO(encode_preview(np.asarray(noise()), 1000))) as image:
        assert image.size == (60, 80)


def test_previews_keep_their_colours():
    red = np.full((20, 20, 3), (255, 0, 0), np.uint8)
    with Image.open(io.BytesIO(encode_preview(red, 20))) as image:
        assert np.abs(np.asarray(image)[10, 10].astype(int) - (255, 0, 0)).max() < 8
