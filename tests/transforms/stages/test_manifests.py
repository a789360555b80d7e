import gzip

import pytest

from transforms.stages.manifests import InputError, read_manifest

TWO = ["gs://b/a.png", "gs://b/c, d;e.png"]


def read(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(read_manifest(str(path)))


@pytest.mark.parametrize(
    "text",
    [
        'uri\ngs://b/a.png\n"gs://b/c, d;e.png"\n',
        'id,uri\n1,gs://b/a.png\n2,"gs://b/c, d;e.png"\n',
        'id;uri\r\n1;gs://b/a.png\r\n2;"gs://b/c, d;e.png"\r\n',
        "id\turi\n1\tgs://b/a.png\n2\tgs://b/c, d;e.png\n",
        'sep=;\nid;uri\n1;gs://b/a.png\n2;"gs://b/c, d;e.png"\n',
        'id;Path\n1;gs://b/a.png\n2;"gs://b/c, d;e.png"\n',
        'id,note,File Name\n1,"a, b",gs://b/a.png\n2,,"gs://b/c, d;e.png"\n',
        '"uri","id"\r"gs://b/a.png","1"\r"gs://b/c, d;e.png","2"\r',
        '# scans of May\n\nuri,id\ngs://b/a.png,1\n,\n"gs://b/c, d;e.png",2,,\n',
        'gs://b/a.png;1\n"gs://b/c, d;e.png";2\n',
        'which;size\ngs://b/a.png;1\n"gs://b/c, d;e.png";2\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables(tmp_path, text, encoding):
    for name, pack in (("list.csv", bytes), ("list.tsv", bytes), ("list.csv.gz", gzip.compress)):
        assert read(tmp_path, name, pack(text.encode(encoding))) == TWO


@pytest.mark.parametrize(
    "text", ["gs://b/a.png\ngs://b/c, d;e.png\n", "uri\r\ngs://b/a.png\r\n\r\n gs://b/c, d;e.png"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_texts(tmp_path, text, encoding):
    assert read(tmp_path, "list.txt", text.encode(encoding)) == TWO


@pytest.mark.parametrize(
    ("name", "data", "line"),
    [
        ("list.txt", "gs://b/a.png\ngs://b/b.png\t5\n", 2),
        ("list.txt", "uri;size\ngs://b/a.png;5\n", 1),
        ("list.txt", b"gs://b/a.png\n\xe4.png\n", 2),
        ("list.txt", "a.png\nb\0.png\n", 2),
        ("list.csv", b"uri\na.png\n\xe4.png\n", 3),
        ("list.csv", "uri\na.png\n# a comment\n\nb, c.png\n", 5),
        ("list.csv", 'uri,id\na.png,1\n"b.png,2\nc.png,3\n', 3),
        ("list.csv", "number;size\n1;5\n", 2),
        ("list.csv", "gs://b/a,b.png;5\n", 1),
        ("list.csv.gz", gzip.compress(b"uri\na.png\nb, c.png\n", mtime=0), 3),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path, name, data, line):
    with pytest.raises(InputError, match=rf"list.*line {line}: ") as caught:
        read(tmp_path, name, data)
    assert "\n" not in str(caught.value)


def test_what_is_no_manifest_is_one_line(tmp_path):
    for name, data, message in (
        ("list.txt.gz", b"not packed", "cannot read the manifest"),
        ("list.csv.gz", gzip.compress(b"uri\na.png\n" * 99, mtime=0)[:-9], "cut off or damaged"),
    ):
        with pytest.raises(InputError, match=message):
            read(tmp_path, name, data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_line_that_is_too_long_is_refused_with_its_number(tmp_path, encoding):
    with pytest.raises(InputError, match="line 2: it has more than"):
        read(tmp_path, "list.txt", ("a.png\n" + "x" * 1_500_000).encode(encoding))


def test_long_files_of_old_macs_are_read(tmp_path):
    assert len(read(tmp_path, "list.txt", b"scans/a.png\r" * 100_000)) == 100_000
