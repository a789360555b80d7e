"""The descendants of a process."""

from __future__ import annotations

import psutil


def descendants(pid: int) -> list[int]:
    """The processes that a process started, that those started, and so on.

    Args:
        pid: the id of the first process.

    Returns:
        Their ids; none where the process has ended.
    """
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
