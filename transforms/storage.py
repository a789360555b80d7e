"""Bytes from and to any filesystem: local paths, gs:// with one shared client per process, Beam's for the rest."""

from __future__ import annotations


def read_bytes(uri: str, max_bytes: int, size_bytes: int | None = None) -> bytes:
    """The whole file at ``uri``.

    ``size_bytes`` is its size where it is known already (from matching): it saves a request on gs://.

    Raises:
        DocumentError: SOURCE_UNAVAILABLE (``retryable`` says whether a later run may succeed), or
            FILE_TOO_LARGE when the file is larger than ``max_bytes``. Transient errors were retried before.
    """
    raise NotImplementedError


def write_bytes(path: str, data: bytes) -> None:
    """Write a file so that a reader sees the whole of it or nothing; an older one is replaced."""
    raise NotImplementedError


def exists(path: str) -> bool:
    """Whether there is a file at ``path``."""
    raise NotImplementedError


def list_files(folder: str) -> list[str]:
    """All files below ``folder``, sorted; empty where there is no such folder."""
    raise NotImplementedError


def delete_folder(folder: str) -> int:
    """Delete all files below ``folder``; how many there were."""
    raise NotImplementedError


def run_exists(output: str, run_id: str) -> bool:
    """Whether ``output`` holds any file of run ``run_id``, of a finished or a broken run."""
    raise NotImplementedError


def clear_run(output: str, run_id: str) -> int:
    """Delete every file of run ``run_id``, its summary first; how many there were.

    The launcher calls it just before it starts a run with ``--overwrite``.
    """
    raise NotImplementedError
