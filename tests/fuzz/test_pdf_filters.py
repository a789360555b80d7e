"""Streams of PDFs through their filters, and pages as PDFium writes them: whole, or DamagedError."""

from hypothesis import given
from hypothesis import strategies as st

from beam_kie.imaging.pdf_filters import DamagedError, Fax, decode
from beam_kie.imaging.pdf_streams import PageObjects, Stream
from tests.beam_kie.imaging.test_pdf_damage import PICTURES, pdf, picture
from tests.fuzz.mutations import arbitrary, mutated
from tests.fuzz.sandbox import target

FILTERS = [Stream(0, entries.encode(), b"").filters for entries, _ in PICTURES.values()]
NAMES = sorted({name for names in FILTERS for name in names} | {"A85", "Fl", "Crypt"})
WORDS = (
    b"~>",
    b"\x80",
    b"\xff\x90",
    b"\xff\xd9",
    b">>stream\r\n",
    b" 0 obj\r\n",
    b"\r\nendobj",
    b"/Length 99999",
)
PAGES = [pdf(picture(*each)).replace(b"\n", b"\r\n") for each in PICTURES.values()]


@target(DamagedError)
def undo(stream: tuple[bytes, list[str], int, int, int]) -> None:
    data, names, k, width, height = stream
    found = decode(data, tuple(names), Fax(k, width, height, k == 0, False))
    assert found.data is None or found.length == len(found.data)


@target()
def search(data: bytes) -> None:
    objects = PageObjects(data)
    for stream in objects.streams:
        assert isinstance(stream.filters, tuple)
        least = stream.least_bytes(objects)
        assert least is None or least > 0
        objects.is_drawn(stream, [stream.data])
        objects.is_content(stream)


@given(
    data=mutated([data for _, data in PICTURES.values()], WORDS),
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
    k=st.sampled_from([-1, 0, 4]),
    width=st.sampled_from([1, 120, 5000]),
    height=st.sampled_from([0, 160, 5000]),
)
def test_damaged_streams(sandbox, data, names, k, width, height):
    sandbox.check(undo, (data, names, k, width, height))


@given(data=arbitrary(b"%PDF-1.7\r\n1 0 obj\r\n<<"))
def test_any_bytes_as_a_page(sandbox, data):
    sandbox.check(search, data)


@given(data=mutated(PAGES, WORDS))
def test_damaged_pages(sandbox, data):
    sandbox.check(search, data)
