"""The scratch folder of one run: the launcher makes and removes it, the workers count and keep rows in it."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
import uuid
from contextlib import suppress

from transforms.storage.uris import is_local


def scratch_folder(output: str, run_id: str, local_run: bool) -> str | None:
    """Where the workers of a run may keep what is too much for memory; None where they share no disk.

    That is beside the tables, where all of them write, if ``output`` is a path: it has room, and a folder for
    temporary files is often memory. With ``output`` elsewhere a run on this machine (``local_run``) takes
    the machine's folder for temporary files.
    """
    name = f"{_prefix(run_id)}{uuid.uuid4().hex[:8]}"
    if is_local(output):
        return os.path.join(output, name)
    return os.path.join(tempfile.gettempdir(), name) if local_run else None


def make(folder: str) -> None:
    """Make the folder, readable to whom the output is. Raises OSError where that cannot be."""
    os.makedirs(folder)


def remove(folder: str) -> None:
    """Remove the folder and all in it; never an error."""
    gone = f"{folder}.gone"
    with suppress(OSError):
        # Threads that are still at work can then not add a file while the others are deleted.
        os.rename(folder, gone)
    shutil.rmtree(gone, ignore_errors=True)


def remove_left_over(output: str, run_id: str) -> None:
    """Remove what runs of this id left beside their tables when they were killed."""
    if is_local(output):
        for folder in glob.glob(f"{glob.escape(os.path.join(output, _prefix(run_id)))}*"):
            shutil.rmtree(folder, ignore_errors=True)


def _prefix(run_id: str) -> str:
    # No run id holds a "~": the prefix of one is never that of another.
    return f".beam-kie-scratch~{run_id}~"
