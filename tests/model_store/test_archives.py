import gzip
import io
import struct
import tarfile
import time
import tracemalloc

import pytest

from model_store.archives import is_archive, unpack
from model_store.errors import SourceError


def tar_of(path, *members, mode="w"):
    with tarfile.open(path, mode) as tar:
        for member, data in members:
            if isinstance(member, str):
                member = tarfile.TarInfo(member)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def special(name, kind, link=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member, b""


@pytest.fixture
def folder(tmp_path):
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    return inner


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tgz", "tar.bz2", "tar.xz"])
def test_files_and_folders(tmp_path, folder, ending):
    mode = {"tar": "w", "tgz": "w:gz"}.get(ending) or f"w:{ending[4:]}"
    path = tmp_path / f"x.{ending}"
    members = (special("./m", tarfile.DIRTYPE), ("./m/a.bin", b"12345"), ("b/c/d", b""))
    tar_of(path, *members, mode=mode)
    assert is_archive(path.name)
    unpack(path, folder)
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert found == {"m/a.bin": b"12345", "b/c/d": b""}


@pytest.mark.parametrize(
    "member",
    [
        ("../evil", b"x"),
        ("a/../../evil", b"x"),
        ("/tmp/evil-beam-kie", b"x"),
        ("..\\evil", b"x"),
        special("evil", tarfile.SYMTYPE, "/etc/passwd"),
        special("evil", tarfile.SYMTYPE, "good"),
        special("evil", tarfile.LNKTYPE, "../evil"),
        special("evil", tarfile.FIFOTYPE),
        special("evil", tarfile.CHRTYPE),
        special("../evil", tarfile.DIRTYPE),
    ],
    ids=lambda member: str(getattr(member[0], "type", member[0])),
)
def test_harmful_members_are_refused(tmp_path, folder, member):
    path = tar_of(tmp_path / "x.tar", ("good", b"1"), member)
    with pytest.raises(SourceError, match=r"x\.tar: refused: '.*evil.*'"):
        unpack(path, folder)
    written = {p.name for p in tmp_path.rglob("*") if p.is_file() or p.is_symlink()}
    assert written <= {"x.tar", "good"}


def test_a_member_cannot_write_through_a_file_or_twice(tmp_path, folder):
    for second in ("a", "a/b"):
        path = tar_of(tmp_path / "x.tar", ("a", b"1"), (second, b"2"))
        with pytest.raises(SourceError):
            unpack(path, folder)
        (folder / "a").unlink()


def test_too_much(tmp_path, folder):
    path = tar_of(tmp_path / "x.tar.gz", ("a", b"0" * 900), ("b", b"0" * 200), mode="w:gz")
    with pytest.raises(SourceError, match="more than 1000 bytes"):
        unpack(path, folder, max_bytes=1000)
    assert not (folder / "b").exists()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.6])
def test_cut_archives(tmp_path, folder, mode, share):
    import random

    data = random.Random(1).randbytes(30_000)
    path = tar_of(tmp_path / "x.tar", ("a", data), ("b", data), mode=mode)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SourceError, match=r"x\.tar: cut off, or no tar archive"):
        unpack(path, folder)


def test_other_files(tmp_path, folder):
    (tmp_path / "x.tar").write_bytes(b"no archive at all" * 1000)
    with pytest.raises(SourceError, match="no tar archive"):
        unpack(tmp_path / "x.tar", folder)
    tar_of(tmp_path / "x.tar")
    with pytest.raises(SourceError, match="empty archive"):
        unpack(tmp_path / "x.tar", folder)


def header(name, size, kind):
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE])
def test_a_name_of_gigabytes_is_refused_before_it_is_read(tmp_path, folder, kind):
    path = tmp_path / "long.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header("././@LongLink", 6 * 2**30, kind))
        for _ in range(64):
            file.write(bytes(2**20))
    tracemalloc.start()
    with pytest.raises(SourceError, match=r"long\.tar\.gz: refused"):
        unpack(path, folder)
    assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    tracemalloc.stop()
    assert not list(folder.iterdir())


def test_sparse_files_are_refused(tmp_path, folder):
    block = bytearray(header("s", 0, tarfile.GNUTYPE_SPARSE))
    struct.pack_into("12s", block, 483, b"%011o\0" % (8 * 2**30 - 1))
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    path = tmp_path / "sparse.tar"
    path.write_bytes(bytes(block) + bytes(1024))
    with pytest.raises(SourceError, match="sparse"):
        unpack(path, folder)


@pytest.mark.parametrize("depth", [33, 900, 2000])
def test_deep_trees_are_refused(tmp_path, folder, depth):
    path = tar_of(tmp_path / "deep.tar", ("a/" * depth + "x", b"1"))
    with pytest.raises(SourceError, match="too deep"):
        unpack(path, folder)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
@pytest.mark.parametrize("count", [700, 5000])
def test_headers_without_end_are_refused(tmp_path, folder, kind, count):
    one = header("x", 8, kind) + b"8 a=bcd\n".ljust(512, b"\0")
    path = tmp_path / "m.tar"
    path.write_bytes(one * count + header("x", 0, tarfile.REGTYPE) + bytes(1024))
    with pytest.raises(SourceError, match="refused"):
        unpack(path, folder)
    assert not list(folder.iterdir())


def test_properties_that_take_long_to_search_are_refused(tmp_path, folder):
    one = header("x", 65_536, tarfile.XHDTYPE) + b"1" * 65_536 + header("x", 0, tarfile.REGTYPE)
    path = tmp_path / "m.tar"
    path.write_bytes(one * 40 + bytes(1024))
    before = time.process_time()
    with pytest.raises(SourceError, match="refused"):
        unpack(path, folder)
    assert time.process_time() - before < 5


def test_a_file_of_less_than_no_bytes_is_refused(tmp_path, folder):
    """Its end lies before its beginning, so that the archive would be read in a circle."""
    data = bytearray(header("x", 0, tarfile.REGTYPE))
    data[124:136] = b"\xff" * 11 + b"\x00"  # -256
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data)
    path = tmp_path / "m.tar"
    path.write_bytes(bytes(data) + bytes(1024))
    with pytest.raises(SourceError, match="less than no bytes"):
        unpack(path, folder)
