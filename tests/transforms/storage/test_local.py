"""Listing and reading of folders with files of any kind."""

import os
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from apache_beam.io.filesystems import FileSystems

from beam_kie.document import Category, DocumentError
from transforms.storage import local, uris

NOT_UTF8 = os.fsdecode(b"M\xfcller.png")


def names(folder, pattern="**", **options):
    found = local.match(f"{folder}/{pattern}", **options)
    return [os.path.relpath(uris.local_path(file.uri), folder) for file in found]


@pytest.fixture
def tree(tmp_path):
    for name in ("b.png", "a.png", "deep/c.png", "deep/er/d.tif", "x[1]/e.png", "new\nline.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    return tmp_path


@pytest.mark.parametrize(
    "pattern", ["**", "*", "*.png", "*/*", "**/*.png", "deep/**", "dee*/e?/*", "x[[]1]/*", "[ab].png", "no/*"]
)
def test_patterns_mean_what_they_mean_to_beam(tree, pattern):
    (theirs,) = FileSystems.match([f"{tree}/{pattern}"])
    ours = list(local.match(f"{tree}/{pattern}"))
    assert sorted(file.uri for file in ours) == sorted(found.path for found in theirs.metadata_list)
    assert all(file.size_bytes == 5 and file.updated_at_s == os.path.getmtime(file.uri) for file in ours)


def test_a_pattern_of_one_level_opens_no_deeper_folder(tree, monkeypatch):
    opened, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: opened.append(path) or scandir(path))
    assert names(tree, "*.png")
    assert opened == [str(tree)]


def test_folders_nested_without_end_are_listed(tmp_path):
    where = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=where)
        where, before = os.open("d", os.O_RDONLY, dir_fd=where), where
        os.close(before)
    os.close(os.open("deep.txt", os.O_WRONLY | os.O_CREAT, dir_fd=where))
    os.close(where)
    try:
        assert names(tmp_path) == ["d/" * 1500 + "deep.txt"]
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # Python's own removal recurses


def test_a_name_that_is_not_utf8_has_a_uri_that_leads_back_to_it(tmp_path):
    (tmp_path / NOT_UTF8).write_bytes(b"1")
    (found,) = local.match(f"{tmp_path}/**")
    assert found.uri.encode().startswith(b"file://") and found.uri.endswith("M%FCller.png")
    assert local.read(found.uri, 10) == b"1"
    assert uris.absolute_uri(found.uri) == found.uri
    assert local.look(found.uri) == found


def test_a_folder_that_is_not_utf8_is_listed(tmp_path):
    folder = tmp_path / NOT_UTF8 / "100%"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(b"1")
    (found,) = local.match(uris.absolute_uri(str(tmp_path / NOT_UTF8)) + "/**")
    assert uris.local_path(found.uri) == str(folder / "a.png")


def test_what_cannot_be_read_is_given_where_that_is_asked_for(tree, monkeypatch):
    (tree / "dangling.png").symlink_to(tree / "nowhere")
    (tree / "self.png").symlink_to("self.png")
    locked, scandir = str(tree / "deep"), os.scandir

    def refusing(path):
        if path == locked:
            raise PermissionError(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    unreadable = {"dangling.png", "self.png", "deep"}
    assert unreadable <= set(names(tree, unreadable=True))
    assert not unreadable & set(names(tree))
    with pytest.raises(PermissionError):
        local.read(locked, 10)


def test_links_to_folders_are_not_followed(tree):
    (tree / "loop").symlink_to(".")
    assert not [name for name in names(tree) if "loop" in name]


def test_pipes_and_sockets_are_refused_and_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DocumentError, match="pipe"):
        local.read(str(tmp_path / "pipe.png"), 10)
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        with pytest.raises(OSError):
            local.read(str(tmp_path / "socket.png"), 10)


@pytest.mark.parametrize("path", ["/proc/kmsg", "/dev/kmsg", "/dev/zero"])
def test_files_of_the_kernel_do_not_block(path):
    if not Path(path).exists():
        pytest.skip(f"no {path} here")
    # Refused or read: what counts is that the call comes back.
    with suppress(OSError, DocumentError):
        local.read(path, 10)


def test_what_is_too_large_is_refused_unread(tree):
    with pytest.raises(DocumentError) as caught:
        local.read(str(tree / "a.png"), 4)
    assert caught.value.category is Category.FILE_TOO_LARGE
    assert local.read(str(tree / "a.png"), 5) == local.read(str(tree / "a.png"), local.ANY_SIZE) == b"12345"


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "x" * 300])
def test_there_is_no_file_of_a_name_that_none_can_have(tmp_path, name):
    assert local.look(f"{tmp_path}/{name}") is None
