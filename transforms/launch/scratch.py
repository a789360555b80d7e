"""The scratch folder of one run: the launcher makes and removes it, the workers count and keep rows in it."""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import tempfile
import uuid
from contextlib import suppress

from transforms.storage.uris import is_local, local_path

_PREFIX = ".beam-kie-scratch~"
# Locked by the process that made the folder: a lock goes with its process, also when that is killed.
_OWNER = ".owner"
_locks: dict[str, int] = {}


def scratch_folder(output: str, run_id: str, local_run: bool) -> str | None:
    """The folder in which the workers of a run keep what is too large for memory.

    That is beside the tables, where all of them write, if ``output`` is a path: it has room, and a folder for
    temporary files is often memory. With ``output`` elsewhere a run on this machine takes the machine's
    folder for temporary files.

    Args:
        output: The folder that the run writes to, an absolute URI.
        run_id: The run's name.
        local_run: Whether this machine does the work.

    Returns:
        The path of a new folder, which is not made yet; None where the workers share no disk.
    """
    name = f"{_PREFIX}{run_id}~{uuid.uuid4().hex[:8]}"
    if is_local(output):
        return os.path.join(output, name)
    return os.path.join(tempfile.gettempdir(), name) if local_run else None


def make(folder: str) -> None:
    """Make the folder, for this user only: what is in it can hold recognised text.

    This process owns the folder until it ends, however it ends.

    Args:
        folder: What ``scratch_folder`` returned.

    Raises:
        OSError: It cannot be made.
    """
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    os.mkdir(folder, 0o700)
    lock = os.open(os.path.join(folder, _OWNER), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _locks[folder] = lock
    with suppress(OSError):  # a filesystem without locks
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def remove(folder: str) -> None:
    """Remove the folder and all in it; never an error.

    Args:
        folder: What ``scratch_folder`` returned.
    """
    gone = f"{folder}.gone"
    with suppress(OSError):
        # Threads that are still at work can then not add a file while the others are deleted.
        os.rename(folder, gone)
    shutil.rmtree(gone, ignore_errors=True)
    lock = _locks.pop(folder, None)
    if lock is not None:
        os.close(lock)


def remove_left_over(output: str) -> None:
    """Remove what runs under this output left in scratch folders when they were killed; never an error.

    The folder of a run that is still active stays.

    Args:
        output: The folder that the runs wrote to, an absolute URI.
    """
    parent = local_path(output) if is_local(output) else tempfile.gettempdir()
    for folder in glob.glob(f"{glob.escape(os.path.join(parent, _PREFIX))}*"):
        if not _has_owner(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _has_owner(folder: str) -> bool:
    """Whether the process that made the folder is still running, as far as its filesystem shows."""
    path = os.path.join(folder, _OWNER)
    try:
        if os.stat(folder, follow_symlinks=False).st_uid != os.getuid():
            return True  # of another user
        lock = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(lock)
