"""Bytes from and to any filesystem.

Local paths directly, gs:// through one shared client per process (Beam makes a new one for every file),
everything else through Beam's FileSystems. Transient errors of a remote storage are retried here.
"""

from __future__ import annotations

import contextlib
import functools
import mimetypes
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from google.api_core.exceptions import NotFound, RetryError
from google.api_core.retry import Retry
from google.auth.exceptions import TransportError
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption

from beam_kie.document import Category, DocumentError
from transforms import layout
from transforms.inputs import escape_pattern

T = TypeVar("T")

_GCS = "gs://"
_TRANSIENT_CODES = frozenset([408, 429, 500, 502, 503, 504])
_LASTING_ERRORS = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
_DELETES_AT_ONCE = 16


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed a little later."""
    code = getattr(error, "code", None)
    if isinstance(code, int):
        return code in _TRANSIENT_CODES
    if isinstance(error, _LASTING_ERRORS) or _says_not_found(error):
        return False
    # OSError is the base of the errors of requests, of sockets and of Beam's filesystems.
    return isinstance(error, RetryError | TransportError | DataCorruption | OSError)


# Waits 0.5 s, then twice as long each time, with jitter.
_RETRY = Retry(predicate=is_transient, initial=0.5, maximum=10.0, multiplier=2.0, timeout=60.0)


def read_bytes(uri: str, max_bytes: int, size_bytes: int | None = None) -> bytes:
    """The whole file at ``uri``.

    ``size_bytes`` is its size where it is known already (from matching): it saves a request on gs://.

    Raises:
        DocumentError: SOURCE_UNAVAILABLE (``retryable`` says whether a later run may succeed), or
            FILE_TOO_LARGE when the file is larger than ``max_bytes``. Transient errors were retried before.
    """
    _check_size(size_bytes, max_bytes)
    try:
        data = _read(uri, max_bytes, size_bytes)
    except DocumentError:
        raise
    except Exception as error:
        raise _unavailable(error) from error
    # The file may have grown since it was listed.
    _check_size(len(data), max_bytes)
    return data


def write_bytes(path: str, data: bytes) -> None:
    """Write a file so that a reader sees the whole of it or nothing; an older one is replaced.

    Raises OSError, or the storage's own error, after transient ones were retried.
    """
    if is_local(path):
        _write_local(_local(path), data)
    elif path.startswith(_GCS):
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        _retried(lambda: _blob(path).upload_from_string(data, content_type=kind, retry=None))
    else:
        _retried(lambda: _write_with_beam(path, data))


def exists(path: str) -> bool:
    """Whether there is a file at ``path``."""
    if is_local(path):
        return os.path.isfile(_local(path))
    if path.startswith(_GCS):
        return _retried(lambda: _blob(path).exists(retry=None))
    return _retried(lambda: FileSystems.exists(path))


def list_files(folder: str) -> list[str]:
    """All files below ``folder``, sorted; empty where there is no such folder."""
    return sorted(_files_below(folder))


def delete_folder(folder: str) -> int:
    """Delete all files below ``folder``; how many there were."""
    paths = list_files(folder)
    if is_local(folder):
        if os.path.isdir(_local(folder)):
            shutil.rmtree(_local(folder))
    elif folder.startswith(_GCS):
        with ThreadPoolExecutor(_DELETES_AT_ONCE) as pool:
            list(pool.map(_delete_blob, paths))
    elif paths:
        _retried(lambda: FileSystems.delete(paths))
    return len(paths)


def run_exists(output: str, run_id: str) -> bool:
    """Whether ``output`` holds any file of run ``run_id``, of a finished or a broken run."""
    folders = layout.run_folders(output, run_id)
    return any(next(_files_below(folder), None) is not None for folder in folders)


def clear_run(output: str, run_id: str) -> int:
    """Delete every file of run ``run_id``, its summary first; how many there were.

    The launcher calls it just before it starts a run with ``--overwrite``.
    """
    return sum(delete_folder(folder) for folder in layout.run_folders(output, run_id))


def is_local(path: str) -> bool:
    """Whether ``path`` is one of this machine: a plain path or a file:// URI."""
    return "://" not in path or path.startswith("file://")


# ---------------------------------------------------------------- reading


def _read(uri: str, max_bytes: int, size_bytes: int | None) -> bytes:
    if is_local(uri):
        return _read_local(_local(uri), max_bytes)
    if uri.startswith(_GCS):
        return _retried(lambda: _read_blob(uri, max_bytes, size_bytes))
    return _retried(lambda: _read_with_beam(uri, max_bytes))


def _read_local(path: str, max_bytes: int) -> bytes:
    status = os.stat(path)
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        # Opening a pipe would wait for its other end.
        raise DocumentError(
            Category.SOURCE_UNAVAILABLE, "this is a pipe or device, not a file; name files only"
        )
    _check_size(status.st_size, max_bytes)
    with open(path, "rb") as file:
        return file.read(max_bytes + 1)


def _read_blob(uri: str, max_bytes: int, size_bytes: int | None) -> bytes:
    blob = _blob(uri)
    if size_bytes is None:
        blob.reload(retry=None)
        _check_size(blob.size, max_bytes)
    # The whole object at once, so that the client verifies its checksum.
    return blob.download_as_bytes(retry=None)


def _read_with_beam(uri: str, max_bytes: int) -> bytes:
    with FileSystems.open(uri, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return file.read(max_bytes + 1)


def _check_size(size_bytes: int | None, max_bytes: int) -> None:
    if size_bytes is not None and size_bytes > max_bytes:
        raise DocumentError(
            Category.FILE_TOO_LARGE,
            f"the file is larger than --max_file_bytes ({max_bytes:,}); raise the limit or make it smaller",
        )


def _unavailable(error: Exception) -> DocumentError:
    """What to tell a user about a file that could not be read."""
    code = getattr(error, "code", None)
    if isinstance(error, FileNotFoundError) or code == 404 or _says_not_found(error):
        message = "there is no such file; check the path, or whether it was deleted during the run"
    elif isinstance(error, PermissionError) or code in (401, 403):
        message = "no permission to read the file; give the account of the workers read access"
    elif isinstance(error, IsADirectoryError):
        message = "this is a folder, not a file; end the pattern with /**"
    else:
        message = f"the file could not be read ({type(error).__name__}); run it again"
    return DocumentError(Category.SOURCE_UNAVAILABLE, message, retryable=is_transient(error))


def _says_not_found(error: Exception) -> bool:
    """Beam's filesystems report a missing object as a plain OSError with this text."""
    return str(error).lower().startswith("not found")


# ---------------------------------------------------------------- writing and listing


def _write_local(path: str, data: bytes) -> None:
    folder, name = os.path.split(path)
    os.makedirs(folder or ".", exist_ok=True)
    # In the same folder, so that the rename stays within one filesystem and is atomic.
    temporary = os.path.join(folder, f".{name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise


def _write_with_beam(path: str, data: bytes) -> None:
    with FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(data)


def _files_below(folder: str) -> Iterator[str]:
    folder = folder.rstrip("/")
    if is_local(folder):
        for parent, _, names in os.walk(_local(folder)):
            yield from (os.path.join(parent, name) for name in names)
    elif folder.startswith(_GCS):
        bucket, _, prefix = folder.removeprefix(_GCS).partition("/")
        within = f"{prefix}/" if prefix else None
        for blob in _client().list_blobs(bucket, prefix=within, retry=_RETRY):
            yield f"{_GCS}{bucket}/{blob.name}"
    else:
        (found,) = _retried(lambda: FileSystems.match([f"{escape_pattern(folder)}/**"]))
        yield from (metadata.path for metadata in found.metadata_list)


def _delete_blob(path: str) -> None:
    with contextlib.suppress(NotFound):  # somebody else was faster
        _retried(lambda: _blob(path).delete(retry=None))


# ---------------------------------------------------------------- clients


def _retried(request: Callable[[], T]) -> T:
    return _RETRY(request)()


def _local(path: str) -> str:
    return path.removeprefix("file://")


def _blob(uri: str) -> storage.Blob:
    bucket, _, name = uri.removeprefix(_GCS).partition("/")
    return _client().bucket(bucket).blob(name)


def _client() -> storage.Client:
    # A client's connections must not be shared with a forked process, nor outlive another emulator.
    return _client_of(os.getpid(), os.environ.get("STORAGE_EMULATOR_HOST"))


@functools.lru_cache(maxsize=1)
def _client_of(_process: int, _emulator: str | None) -> storage.Client:
    # No project: reading and writing objects needs none.
    return storage.Client(project=None)
