"""Manifests: URIs that are text, or an InputError with one line."""

import gzip
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.mutations import arbitrary, mutated
from tests.fuzz.sandbox import target
from transforms.stages.inputs import InputError, read_manifest

NAMES = ("m.txt", "m.csv", "m.tsv", "m.txt.gz", "m.csv.gz")
TEXT = b"# scans\ngs://scans/a b.png\n\n/scans/b.pdf\nfile:///scans/%FFc.png\n~/d.tif\n"
TABLE = '\ufeffid,uri\r\n1,gs://scans/a.png\r\n2,"/scans/b,""c"".pdf"\r\n'.encode()
SEEDS = [TEXT, TABLE, TABLE.replace(b",", b"\t"), gzip.compress(TEXT), gzip.compress(TABLE)]
WORDS = (
    b"\n",
    b"\r",
    b'"',
    b",",
    b"\t",
    b"#",
    b"\0",
    b"file://",
    b"%00",
    b"~",
    b"~root/",
    b"\xed\xa0\x80",
    b"gs://",
    b"x" * 140_000,
)


@target()
def read(call: tuple[str, bytes]) -> None:
    name, data = call
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        try:
            for uri in read_manifest(str(path)):
                uri.encode()
                assert uri.strip()
        except InputError as error:
            assert "\n" not in str(error)


@given(name=st.sampled_from(NAMES), data=arbitrary(b"", b"\x1f\x8b\x08\0"))
def test_any_bytes(sandbox, name, data):
    sandbox.check(read, (name, data))


@given(name=st.sampled_from(NAMES), data=mutated(SEEDS, WORDS))
def test_damaged_manifests(sandbox, name, data):
    sandbox.check(read, (name, data))


@given(name=st.sampled_from([name for name in NAMES if name.endswith(".gz")]), data=mutated(SEEDS[:3], WORDS))
def test_damaged_text_in_an_archive(sandbox, name, data):
    sandbox.check(read, (name, gzip.compress(data, 1)))
