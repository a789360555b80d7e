"""Finished runs under an output folder: those with a ``summary.json``, which is written last."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from beam_kie.document import DocumentError
from transforms.runs import paths
from transforms.storage import files
from transforms.storage.patterns import escape_pattern
from transforms.storage.retries import TIMEOUT_S


class UnreadableRunError(Exception):
    """A file of an earlier run that cannot be used; the message says which and what to do."""


def find_summary(output: str, run_id: str, timeout_s: float) -> dict[str, Any] | None:
    """``summary.json`` of a run; None where the run is not finished, or not there.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        UnreadableRunError: it cannot be read.
        StorageError: the storage does not say whether there is one.
    """
    path = paths.summary_path(output, run_id)
    return read_summary(path, timeout_s) if files.exists(path, timeout_s) else None


def list_summaries(output: str, running: str, timeout_s: float) -> Iterator[str]:
    """The summaries of all finished runs under an output folder but the one that is running.

    Args:
        output: the output folder, a local path or URI.
        running: id of the run that is left out.
        timeout_s: for how long transient errors are retried, in seconds, above 0.
    """
    own = paths.summary_path(output, running)
    pattern = paths.summary_path(escape_pattern(output), "*")
    for file in files.match(pattern, timeout_s=timeout_s):
        if file.uri != own:
            yield file.uri


def newest_run(output: str, timeout_s: float = TIMEOUT_S) -> str:
    """The id of the run that finished last.

    Args:
        output: the output folder, as an absolute URI.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Returns:
        Its run id.

    Raises:
        FileNotFoundError: no run has finished.
        StorageError: the storage does not answer.
    """
    pattern = paths.summary_path(escape_pattern(output), "*")
    found = list(files.match(pattern, timeout_s=timeout_s))
    if not found:
        raise FileNotFoundError(f"{output!r} holds no finished run")
    newest = max(found, key=lambda file: (file.updated_at_s or 0, file.uri))
    return newest.uri.rpartition("run_id=")[2].partition("/")[0]


def read_summary(path: str, timeout_s: float) -> dict[str, Any]:
    """One ``summary.json``.

    Args:
        path: of the summary.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        UnreadableRunError: it cannot be read, or is none.
    """
    try:
        summary = json.loads(files.read_bytes(path, timeout_s=timeout_s))
    except RecursionError as error:
        raise unreadable(path, "it is nested too deeply") from error
    except (DocumentError, ValueError) as error:
        raise unreadable(path, error) from error
    if not isinstance(summary, dict) or not isinstance(summary.get("run_id"), str):
        raise unreadable(path, "it is no summary of a run")
    return summary


def unreadable(path: str, why: object) -> UnreadableRunError:
    """The error for a file of an earlier run, and what to do about it.

    Args:
        path: of the file.
        why: the error, or a few words.
    """
    run = re.search(r"run_id=[^/]+", path)
    advice = f"delete the folders {run.group()} of that run, or restore the file" if run else "restore it"
    return UnreadableRunError(f"{path} of an earlier run cannot be used: {why}; {advice}")
