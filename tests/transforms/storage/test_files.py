import os

import pytest

from beam_kie.document import Category, DocumentError
from transforms.runs import folders, paths
from transforms.storage import files, gcs


@pytest.fixture(params=["local", "gcs"])
def root(request, tmp_path):
    """The same tests on a folder and on a bucket."""
    return str(tmp_path) if request.param == "local" else request.getfixturevalue("gcs_bucket")


def test_written_bytes_are_read_back(root):
    path = f"{root}/new/folder/file.bin"
    files.write_bytes(path, b"first")
    files.write_bytes(path, b"second")
    assert files.read_bytes(path, max_bytes=100) == b"second"
    assert files.read_bytes(path, max_bytes=6, size_bytes=6) == b"second"
    assert files.exists(path)
    assert files.list_files(root) == [path]


def test_empty_file_is_read_as_no_bytes(root):
    files.write_bytes(f"{root}/empty", b"")
    assert files.read_bytes(f"{root}/empty", max_bytes=1) == b""
    assert files.read_bytes(f"{root}/empty", max_bytes=1, size_bytes=0) == b""


@pytest.mark.parametrize("known_size", [None, 11, 3])
def test_file_above_the_limit_is_refused_also_when_it_has_grown_since_it_was_listed(root, known_size):
    files.write_bytes(f"{root}/big", b"x" * 11)
    with pytest.raises(DocumentError) as caught:
        files.read_bytes(f"{root}/big", max_bytes=10, size_bytes=known_size)
    assert caught.value.category == Category.FILE_TOO_LARGE
    assert not caught.value.retryable


def test_known_size_above_the_limit_is_refused_without_a_request():
    with pytest.raises(DocumentError) as caught:
        files.read_bytes("gs://no-such-bucket/big", max_bytes=10, size_bytes=11)
    assert caught.value.category == Category.FILE_TOO_LARGE


@pytest.mark.parametrize("known_size", [None, 5])
def test_missing_file_is_unavailable_for_good(root, known_size):
    with pytest.raises(DocumentError) as caught:
        files.read_bytes(f"{root}/none.jpg", max_bytes=10, size_bytes=known_size)
    assert caught.value.category == Category.SOURCE_UNAVAILABLE
    assert not caught.value.retryable
    assert "no such file" in caught.value.message


def test_folder_and_pipe_are_not_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, word in ((tmp_path, "folder"), (tmp_path / "pipe", "pipe")):
        with pytest.raises(DocumentError) as caught:
            files.read_bytes(str(path), max_bytes=10_000_000)
        assert caught.value.category == Category.SOURCE_UNAVAILABLE
        assert word in caught.value.message


def test_file_uri_is_a_local_path(tmp_path):
    files.write_bytes(f"file://{tmp_path}/a", b"1")
    assert (tmp_path / "a").read_bytes() == b"1"
    assert files.read_bytes(f"file://{tmp_path}/a", max_bytes=1) == b"1"


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "table.parquet"
    path.write_bytes(b"old")

    def no_space(source, target):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    with pytest.raises(OSError, match="no space"):
        files.write_bytes(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["table.parquet"]


def test_other_filesystems_go_through_beam(monkeypatch, tmp_path):
    # Beam's own local filesystem stands in for one that only Beam knows.
    monkeypatch.setattr(files, "is_local", lambda path: False)
    path = str(tmp_path / "file.bin")
    files.write_bytes(path, b"123456")
    assert files.read_bytes(path, max_bytes=6) == b"123456"
    assert files.exists(path) and not files.exists(path + ".none")
    assert files.list_files(str(tmp_path)) == [path]
    with pytest.raises(DocumentError, match="max_file_bytes"):
        files.read_bytes(path, max_bytes=5)
    with pytest.raises(DocumentError, match="no such file"):
        files.read_bytes(path + ".none", max_bytes=5)
    assert files.delete_folder(str(tmp_path)) == 1
    assert not files.exists(path)


def test_delete_folder_leaves_its_neighbours(root):
    for name in ("run_id=1/a", "run_id=1/deep/b", "run_id=10/c"):
        files.write_bytes(f"{root}/{name}", b"1")
    assert files.delete_folder(f"{root}/run_id=1") == 2
    assert files.list_files(root) == [f"{root}/run_id=10/c"]
    assert files.delete_folder(f"{root}/run_id=1") == 0


def test_a_run_exists_with_its_first_file_and_is_gone_when_cleared(root):
    output = f"{root}/out"
    other = paths.summary_path(output, "b")
    files.write_bytes(other, b"{}")
    assert not folders.run_exists(output, "a")
    written = [
        paths.summary_path(output, "a"),
        paths.table_path(output, "lines", "a", 0, 4),
        paths.overlay_path(output, "a", "0" * 32, 1),
    ]
    for number, path in enumerate(written, 1):
        files.write_bytes(path, b"1")
        assert folders.run_exists(output, "a")
        assert folders.clear_run(output, "a") == 1, number
    assert not folders.run_exists(output, "a")
    assert files.list_files(output) == [other]


def test_one_client_serves_all_reads_of_a_process(gcs_bucket):
    files.write_bytes(f"{gcs_bucket}/a", b"1")
    client = gcs._client()
    files.read_bytes(f"{gcs_bucket}/a", max_bytes=1)
    assert gcs._client() is client


def test_what_is_there_is_looked_up_and_matched(root):
    for name in ("scans/a.png", "scans/b.jpg", "scans/deep/c.png", "scans-old/d.png"):
        files.write_bytes(f"{root}/{name}", b"123")
    found = files.look(f"{root}/scans/a.png")
    assert (found.uri, found.size_bytes) == (f"{root}/scans/a.png", 3)
    assert found.updated_at_s > 1_700_000_000
    assert files.look(f"{root}/scans/none.png") is None
    assert list(files.match(f"{root}/scans/a.png")) == [found]
    names = sorted(file.uri.removeprefix(f"{root}/") for file in files.match(f"{root}/scans/**.png"))
    assert names == ["scans/a.png", "scans/deep/c.png"]
    assert len(list(files.match(f"{root}/**", limit=2))) == 2
    assert found in files.match(f"{root}/scans/?.png")


def test_bucket_must_be_named():
    with pytest.raises(files.StorageError, match="name of the bucket"):
        list(files.match("gs://buck*/**"))


def test_file_that_is_written_bit_by_bit_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "table.parquet"
    with files.writing(str(path)) as file:
        file.write(b"one ")
        assert not path.exists()
        file.write(b"two")
    assert path.read_bytes() == b"one two"
    with pytest.raises(KeyError), files.writing(str(path)) as file:
        file.write(b"half")
        raise KeyError
    assert path.read_bytes() == b"one two"
    assert [each.name for each in path.parent.iterdir()] == ["table.parquet"]


def test_file_that_is_written_bit_by_bit_is_sent_at_the_end(gcs_bucket):
    path = f"{gcs_bucket}/table.parquet"
    with files.writing(path) as file:
        file.write(b"one ")
        assert not files.exists(path)
        file.write(b"two")
    assert files.read_bytes(path) == b"one two"
    with pytest.raises(KeyError), files.writing(f"{gcs_bucket}/other") as file:
        file.write(b"half")
        raise KeyError
    assert not files.exists(f"{gcs_bucket}/other")
