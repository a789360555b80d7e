"""One run id, one run at a time: who comes second is refused before anything is written.

Under a local output a run holds a lock on a file there, which goes with its process however that ends, and is
the same file by whatever name the folder is reached. Elsewhere a run leaves a marker, which is made
only if there is none.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

from beam_kie.document import DocumentError
from transforms.runs import folders, paths
from transforms.storage import files
from transforms.storage.retries import TIMEOUT_S
from transforms.storage.uris import is_local, local_path

_PREFIX = ".beam-kie-lock~"
_LOOKS, _LOOK_S = 5, 0.05
_locks: dict[str, int] = {}


class RunTakenError(Exception):
    """Another run has this id; the message is one line that says what to do."""


def is_running(output: str, run_id: str) -> bool:
    """Whether another process holds the run, as far as its filesystem can tell; nothing is written.

    Args:
        output: The folder that the run writes to, an absolute URI.
        run_id: The run's name.
    """
    if not is_local(output):
        return False
    try:
        descriptor = os.open(_lock_path(output, run_id), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _lock(descriptor)
    finally:
        os.close(descriptor)


@dataclass
class Claim:
    """What a process has of a run. ``goes_on``: others make the run when this process has left."""

    goes_on: bool = False


class Replace(StrEnum):
    """What happens to what an earlier run of the same name left."""

    NOTHING = "nothing"
    """There must be nothing."""
    TABLES = "tables"
    """Tables go; parts and pictures stay: the run goes on from there."""
    ALL = "all"
    """All of it goes."""


@contextmanager
def claimed(output: str, run_id: str, replace: Replace, timeout_s: float = TIMEOUT_S) -> Iterator[Claim]:
    """Inside, this process is the only one that makes this run.

    Args:
        output: The folder that the run writes to, an absolute URI.
        run_id: The run's name.
        replace: What of an earlier run of that name is deleted.
        timeout_s: For how long transient errors are retried, in seconds, above 0.

    Raises:
        RunTakenError: Another process makes a run of that name, or has made one meanwhile.
        OSError: The output cannot be written to (StorageError for a remote storage).
    """
    if not is_local(output):
        _mark(output, run_id, replace, timeout_s)
        claim = Claim()
        try:
            yield claim
        finally:
            if not claim.goes_on:
                # What is left stands in the way of a run of that name only, and --overwrite takes it away.
                with suppress(OSError):
                    files.delete(paths.marker_path(output, run_id), timeout_s)
        return
    _acquire(output, run_id)
    try:
        if replace is not Replace.NOTHING:
            folders.clear_run(output, run_id, timeout_s, replace is Replace.TABLES)
        elif folders.run_exists(output, run_id, timeout_s):
            raise taken(output, run_id)
        yield Claim()
    finally:
        release(output, run_id)


def release(output: str, run_id: str) -> None:
    """Give the run free again; never an error, also where it is not held.

    Args:
        output: The folder that the run writes to, an absolute URI.
        run_id: The run's name.
    """
    path = _lock_path(output, run_id)
    descriptor = _locks.pop(path, None)
    if descriptor is not None:
        with suppress(OSError):
            os.unlink(path)  # while it is locked: who opened it meanwhile finds it gone
        os.close(descriptor)


def taken(output: str, run_id: str) -> RunTakenError:
    """The error for a run that another process makes.

    Args:
        output: The folder that the run writes to, an absolute URI.
        run_id: The run's name.
    """
    return RunTakenError(
        f"--run_id: another process is writing run {run_id} to {output!r}, or has just done so; "
        "wait for it, or give another --run_id"
    )


def _acquire(output: str, run_id: str) -> None:
    folder, path = local_path(output), _lock_path(output, run_id)
    os.makedirs(folder, exist_ok=True)
    _remove_left_over(folder)
    while True:
        descriptor = _open(path)
        if not _lock_soon(descriptor):
            os.close(descriptor)
            raise taken(output, run_id)
        if _is_file(descriptor, path):
            _locks[path] = descriptor
            return
        os.close(descriptor)  # the run before deleted it between the two


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError:
        # Another user's; there it can still be locked.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _lock(descriptor: int) -> bool:
    """Whether it could be locked; filesystems without locks always say so."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def _lock_soon(descriptor: int) -> bool:
    """As ``_lock``, but waits for others that only look whether it is locked."""
    for _ in range(_LOOKS):
        if _lock(descriptor):
            return True
        time.sleep(_LOOK_S)
    return False


def _is_file(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def _remove_left_over(folder: str) -> None:
    """Delete the files of runs that were killed."""
    for path in glob.glob(f"{glob.escape(os.path.join(folder, _PREFIX))}*"):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            if _lock(descriptor) and _is_file(descriptor, path):
                os.unlink(path)
            os.close(descriptor)


def _lock_path(output: str, run_id: str) -> str:
    return os.path.join(local_path(output), f"{_PREFIX}{run_id}")


def _mark(output: str, run_id: str, replace: Replace, timeout_s: float) -> None:
    if replace is not Replace.NOTHING:
        folders.clear_run(output, run_id, timeout_s, replace is Replace.TABLES)
    marker = json.dumps({"started_by": uuid.uuid4().hex}).encode()
    path = paths.marker_path(output, run_id)
    if not files.create(path, marker, timeout_s) and not _is_own(path, marker, timeout_s):
        raise taken(output, run_id)


def _is_own(path: str, marker: bytes, timeout_s: float) -> bool:
    """Whether the marker is of this run: a request that was repeated finds what it made before."""
    try:
        return files.read_bytes(path, timeout_s=timeout_s) == marker
    except DocumentError:
        return False
