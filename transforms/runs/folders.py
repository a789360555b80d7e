"""The files of one run under an output: whether there are any, and how to delete them."""

from __future__ import annotations

from transforms.runs import paths
from transforms.storage import files
from transforms.storage.retries import TIMEOUT_S


def run_exists(output: str, run_id: str, timeout_s: float = TIMEOUT_S) -> bool:
    """Whether there is any file of a run, finished or broken off.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: the storage does not answer.
    """
    return any(not files.is_empty(folder, timeout_s) for folder in paths.run_folders(output, run_id))


def work_exists(output: str, run_id: str, timeout_s: float = TIMEOUT_S) -> bool:
    """Whether there is any picture or part of a run.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: the storage does not answer.
    """
    others = paths.run_folders(output, run_id, without_work=True)
    work = (folder for folder in paths.run_folders(output, run_id) if folder not in others)
    return any(not files.is_empty(folder, timeout_s) for folder in work)


def clear_run(output: str, run_id: str, timeout_s: float = TIMEOUT_S, without_work: bool = False) -> int:
    """Delete every file of a run, its summary first.

    The launcher calls it just before it starts a run with ``--overwrite`` or ``--resume``.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
        timeout_s: for how long transient errors are retried, in seconds, above 0.
        without_work: leave parts and pictures, which a resumed run does not make again.

    Returns:
        How many files there were.

    Raises:
        OSError: a file cannot be deleted (StorageError for a remote storage).
    """
    found = paths.run_folders(output, run_id, without_work)
    return sum(files.delete_folder(folder, timeout_s) for folder in found)
