"""The files of one run under an output: whether there are any, and how to be rid of them."""

from __future__ import annotations

from transforms.runs import paths
from transforms.storage import files
from transforms.storage.retries import TIMEOUT_S


def run_exists(output: str, run_id: str, timeout_s: float = TIMEOUT_S) -> bool:
    """Whether ``output`` holds any file of run ``run_id``, of a finished or a broken run."""
    return any(not files.is_empty(folder, timeout_s) for folder in paths.run_folders(output, run_id))


def clear_run(output: str, run_id: str, timeout_s: float = TIMEOUT_S) -> int:
    """Delete every file of run ``run_id``, its summary first; how many there were.

    The launcher calls it just before it starts a run with ``--overwrite``.
    """
    return sum(files.delete_folder(folder, timeout_s) for folder in paths.run_folders(output, run_id))
