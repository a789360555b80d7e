"""Archives of models: files within one folder and one limit, or a SourceError."""

import gzip
import io
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from model_store.archives import unpack
from model_store.errors import SourceError
from tests.fuzz.mutations import BOUNDS, arbitrary, mutated
from tests.fuzz.sandbox import target

MAX_BYTES = 1024 * 1024
BLOCK = 512


def packed(tar_format: int, mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode, format=tar_format) as tar:
        for name, size in (
            ("model/config.json", 40),
            ("model/" + "long" * 60 + ".bin", 700),
            ("model/täg.txt", 0),
        ):
            member = tarfile.TarInfo(name)
            member.size = size
            tar.addfile(member, io.BytesIO(bytes(size)))
        for name, kind in (("model/sub", tarfile.DIRTYPE), ("model/link", tarfile.SYMTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "../../etc/passwd" if kind == tarfile.SYMTYPE else ""
            tar.addfile(member)
    return file.getvalue()


PLAIN = [packed(each).rstrip(b"\0") + bytes(1024) for each in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)]
PRESSED = [packed(tarfile.PAX_FORMAT, mode) for mode in ("w:gz", "w:bz2", "w:xz")]
WORDS = (
    *(
        b"../",
        b"/etc/x",
        b"\0",
        b"\\",
        b"GNU.sparse.map=0,1",
        b"GNU.sparse.major=1",
        b"30 path=../../../../../etc/x\n",
    ),
    *(
        b"18 size=99999999\n",
        b"9 size=-1\n",
        b"\x80" + b"\xff" * 11,
        b"77777777777\0",
        b"ustar  \0",
        b"ustar\0" + b"00",
    ),
    *(b"x", b"g", b"L", b"K", b"S", b"5", b"2", b"7"),
)


@target(SourceError)
def unpack_one(call: tuple[str, bytes]) -> None:
    name, data = call
    with tempfile.TemporaryDirectory() as outer:
        archive, folder = Path(outer, name), Path(outer, "in")
        archive.write_bytes(data)
        folder.mkdir()
        try:
            unpack(archive, folder, MAX_BYTES)
        finally:
            found = [path for path in folder.rglob("*") if not path.is_dir()]
            assert not any(path.is_symlink() for path in folder.rglob("*"))
            assert sum(path.stat().st_size for path in found) <= MAX_BYTES
            assert sorted(path.name for path in Path(outer).iterdir()) == sorted(["in", name])


def with_sums(data: bytes) -> bytes:
    """Every header that has one gets a right checksum, so that what is in it is looked at."""
    changed = bytearray(data)
    for start in range(0, len(changed) - BLOCK + 1, BLOCK):
        if changed[start + 257 : start + 262] == b"ustar":
            changed[start + 148 : start + 156] = b" " * 8
            changed[start + 148 : start + 156] = b"%06o\0 " % sum(changed[start : start + BLOCK])
    return bytes(changed)


@st.composite
def headers(draw) -> bytes:
    """An archive with a few fields of its headers changed, and right checksums."""
    data = bytearray(draw(st.sampled_from(PLAIN)))
    for _ in range(draw(st.integers(1, 4))):
        start = BLOCK * draw(st.integers(0, len(data) // BLOCK - 1))
        place, width = draw(
            st.sampled_from(
                [(0, 100), (100, 8), (124, 12), (136, 12), (156, 1), (157, 100), (345, 155), (386, 97)]
            )
        )
        number = draw(st.sampled_from(BOUNDS))
        octal = b"%0*o" % (width - 1, abs(number))
        binary = b"\x80" + (number % (1 << 8 * width)).to_bytes(width, "big")[1:]
        value = draw(st.sampled_from([octal[:width], binary, *WORDS]) | st.binary(max_size=width))[:width]
        data[start + place : start + place + len(value)] = value
    return with_sums(bytes(data))


@given(data=arbitrary(b"", b"\x1f\x8b\x08\0", b"BZh9", b"\xfd7zXZ\0", PLAIN[0][:BLOCK]))
def test_any_bytes(sandbox, data):
    sandbox.check(unpack_one, ("m.tar", data))


@st.composite
def chains(draw) -> bytes:
    """Headers before headers: long names, lists of properties, in any number and size."""
    data = b""
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from([b"L", b"K", b"x", b"g", b"X", b"S", b"0", b"5"]))
        content = draw(st.binary(max_size=600) | st.sampled_from([b"1" * 4000, b"9" * 65_000, *WORDS]))
        member = tarfile.TarInfo("x")
        member.type, member.size = kind, draw(st.just(len(content)) | st.integers(0, 2**40))
        one = member.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % BLOCK)
        data += one * draw(st.sampled_from([1, 2, 50, 2000]))
    return data[:4_000_000] + bytes(2 * BLOCK)


@given(data=chains(), pressed=st.booleans())
def test_headers_before_headers(sandbox, data, pressed):
    sandbox.check(unpack_one, ("m.tar.gz", gzip.compress(data, 1)) if pressed else ("m.tar", data))


@given(data=headers())
def test_headers_with_other_fields(sandbox, data):
    sandbox.check(unpack_one, ("m.tar", data))


@given(data=mutated(PLAIN, WORDS).map(with_sums), pressed=st.booleans())
def test_damaged_archives(sandbox, data, pressed):
    sandbox.check(unpack_one, ("m.tar.gz", gzip.compress(data, 1)) if pressed else ("m.tar", data))


@given(data=mutated(PRESSED))
def test_damaged_compression(sandbox, data):
    sandbox.check(unpack_one, ("m.tar.gz", data))
