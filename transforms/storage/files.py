"""Reads, writes, lists and deletes files on any filesystem.

Local paths directly, gs:// and s3:// through one shared client per process (Beam makes a new one for every
file), everything else through Beam's FileSystems. Transient errors of a remote storage are retried here, for
``timeout_s`` seconds in all; a listing has that long for each of its pages.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO, TypeVar

from beam_kie.document import Category, DocumentError
from beam_kie.imaging.limits import check_file_size
from transforms.storage import local
from transforms.storage.asking import asked, explain, listed, store_of
from transforms.storage.patterns import fixed_prefix, has_magic, matcher
from transforms.storage.retries import (
    TIMEOUT_S,
    StorageError,
    is_forbidden,
    is_not_found,
    is_transient,
    retried,
)
from transforms.storage.stored import StoredFile
from transforms.storage.uris import is_local, local_path

T = TypeVar("T")

_DELETES_AT_ONCE = 16


def read_bytes(
    uri: str, max_bytes: int = local.ANY_SIZE, size_bytes: int | None = None, timeout_s: float = TIMEOUT_S
) -> bytes:
    """The whole of a file.

    Args:
        uri: a local path or URI.
        max_bytes: a larger file is not read.
        size_bytes: its size where it is known already (from matching).
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        DocumentError: SOURCE_UNAVAILABLE (``retryable`` says whether a later run may succeed), or
            FILE_TOO_LARGE when the file is larger than ``max_bytes``. Transient errors were retried before.
    """
    if size_bytes is not None:
        check_file_size(size_bytes, max_bytes)
    try:
        if is_local(uri):
            data = local.read(uri, max_bytes)
        else:
            store = store_of(uri)
            data = retried(lambda attempt: store.read(uri, max_bytes, attempt), timeout_s)
    except DocumentError:
        raise
    except Exception as error:
        raise _unavailable(uri, error, timeout_s) from error
    # The file may have grown since it was listed.
    check_file_size(len(data), max_bytes)
    return data


def write_bytes(
    path: str, data: bytes, timeout_s: float = TIMEOUT_S, unfinished_in: str | None = None
) -> None:
    """Write a file so that a reader sees the whole of it or nothing; an older one is replaced.

    Args:
        path: a local path or URI; folders are made.
        data: the whole file.
        timeout_s: for how long transient errors are retried, in seconds, above 0.
        unfinished_in: the folder of this machine in which a local file lies until it is whole, and stays if
            the process is killed; None: that of ``path``.

    Raises:
        OSError: a local file could not be written.
        StorageError: a remote file, likewise, after transient errors were retried.
    """
    if is_local(path):
        _write_local(local_path(path), data, unfinished_in)
    else:
        asked("write", path, lambda store, attempt: store.write(path, data, attempt), timeout_s)


def create(uri: str, data: bytes, timeout_s: float = TIMEOUT_S) -> bool:
    """Make a file of a remote storage unless it is there.

    Args:
        uri: of the file, not a local path.
        data: the whole file.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Returns:
        Whether it was made; False also where an attempt that seemed to fail had made it.

    Raises:
        StorageError: the storage does not answer, after transient errors were retried.
    """
    # Some servers that speak a storage's protocol do not know the condition.
    if look(uri, timeout_s) is not None:
        return False
    return asked("write", uri, lambda store, attempt: store.create(uri, data, attempt), timeout_s)


def delete(uri: str, timeout_s: float = TIMEOUT_S) -> None:
    """Delete a file of a remote storage, if it is there.

    Args:
        uri: of the file, not a local path.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: it cannot be deleted, after transient errors were retried.
    """
    _delete(uri, timeout_s)


@contextmanager
def writing(path: str, timeout_s: float = TIMEOUT_S) -> Iterator[BinaryIO]:
    """A file to write to in a ``with`` block; it replaces the one at ``path`` if the block ends well.

    On this machine what is written goes to the disk as it comes, elsewhere from memory at the end.

    Args:
        path: a local path or URI; folders are made.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        OSError: a local file cannot be written.
        StorageError: a remote file, likewise, after transient errors were retried.
    """
    if is_local(path):
        with _replacing(local_path(path)) as file:
            yield file
        return
    memory = io.BytesIO()
    yield memory
    write_bytes(path, memory.getvalue(), timeout_s)


def look(path: str, timeout_s: float = TIMEOUT_S) -> StoredFile | None:
    """The size and time of a file; None where there is none.

    Args:
        path: a local path or URI.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: the storage does not say, after transient errors were retried.
    """
    if is_local(path):
        return local.look(path)
    return asked("read", path, lambda store, attempt: store.look(path, attempt), timeout_s)


def exists(path: str, timeout_s: float = TIMEOUT_S) -> bool:
    """Whether there is a file.

    Args:
        path: a local path or URI.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: the storage does not say, after transient errors were retried.
    """
    return os.path.isfile(local_path(path)) if is_local(path) else look(path, timeout_s) is not None


def match(
    pattern: str, limit: int | None = None, timeout_s: float = TIMEOUT_S, unreadable: bool = False
) -> Iterator[StoredFile]:
    """The files that a Beam pattern matches.


    A listing is read page by page while it is iterated, so that memory does not grow with its length, nor
    time where a few files are enough.

    Args:
        pattern: a Beam pattern.
        limit: the largest number of files; None for all.
        timeout_s: for how long transient errors are retried, in seconds, above 0.
        unreadable: also give links of this machine that lead nowhere, and folders that cannot be listed;
            reading them says why.

    Raises:
        StorageError: the storage does not answer, after transient errors were retried.
    """
    return islice(_matching(pattern, timeout_s, unreadable), limit)


def list_files(folder: str, timeout_s: float = TIMEOUT_S) -> list[str]:
    """All files below a folder, sorted; empty where there is no such folder.

    Args:
        folder: a local path or URI.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: the storage does not answer, after transient errors were retried.
    """
    return sorted(_files_below(folder, timeout_s))


def is_empty(folder: str, timeout_s: float = TIMEOUT_S) -> bool:
    """Whether no file lies below a folder, or there is no such folder.

    Args:
        folder: a local path or URI.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: the storage does not answer, after transient errors were retried.
    """
    return next(_files_below(folder, timeout_s), None) is None


def delete_folder(folder: str, timeout_s: float = TIMEOUT_S) -> int:
    """Delete all files below a folder.

    Args:
        folder: a local path or URI.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Returns:
        How many there were.

    Raises:
        OSError: a local file cannot be deleted.
        StorageError: a remote file, likewise, after transient errors were retried.
    """
    found = list_files(folder, timeout_s)
    if not is_local(folder):
        with ThreadPoolExecutor(_DELETES_AT_ONCE) as pool:
            list(pool.map(lambda path: _delete(path, timeout_s), found))
    elif os.path.isdir(local_path(folder)):
        shutil.rmtree(local_path(folder))
    return len(found)


def _unavailable(uri: str, error: Exception, timeout_s: float) -> DocumentError:
    """The error for a file that could not be read: why, and what to do."""
    if is_not_found(error):
        message = "there is no such file; check the path, or whether it was deleted during the run"
    elif isinstance(error, IsADirectoryError):
        message = "this is a folder, not a file; end the pattern with /**"
    elif is_local(uri) and is_forbidden(error):
        message = "no permission to read this file or folder; give the account that runs the job access to it"
    elif is_local(uri):
        message = f"the file could not be read ({type(error).__name__}); run it again"
    else:
        usual = explain(error, store_of(uri).PERMISSIONS["read"], timeout_s)
        message = f"the file could not be read: {usual or type(error).__name__ + '; run it again'}"
    return DocumentError(Category.SOURCE_UNAVAILABLE, message, retryable=is_transient(error))


def _matching(pattern: str, timeout_s: float, unreadable: bool) -> Iterator[StoredFile]:
    if is_local(pattern):
        yield from local.match(pattern, unreadable)
    elif not has_magic(pattern):
        found = look(pattern, timeout_s)
        yield from [found] if found else []
    elif "/" not in fixed_prefix(pattern).partition("://")[2]:
        raise StorageError(f"cannot list {pattern}: the name of the bucket must not hold *, ? or [")
    else:
        matches = matcher(pattern)
        yield from (file for file in listed(fixed_prefix(pattern), timeout_s) if matches(file.uri))


def _files_below(folder: str, timeout_s: float) -> Iterator[str]:
    folder = folder.rstrip("/")
    if is_local(folder):
        yield from local.files_below(folder)
    else:
        yield from (file.uri for file in listed(f"{folder}/", timeout_s))


def _delete(path: str, timeout_s: float) -> None:
    asked("delete", path, lambda store, attempt: store.delete(path, attempt), timeout_s)


# ---------------------------------------------------------------- this machine


def _write_local(path: str, data: bytes, unfinished_in: str | None) -> None:
    try:
        with _replacing(path, unfinished_in) as file:
            file.write(data)
    except OSError as error:
        if unfinished_in is None or error.errno != errno.EXDEV:
            raise
        # A link leads to another disk, where a file can only be renamed within it.
        _write_local(path, data, None)


@contextmanager
def _replacing(path: str, unfinished_in: str | None = None) -> Iterator[BinaryIO]:
    folder, name = os.path.split(path)
    os.makedirs(folder or ".", exist_ok=True)
    # On the same filesystem, so that the file can be renamed, which is atomic.
    temporary = os.path.join(unfinished_in or folder, f".{name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise
