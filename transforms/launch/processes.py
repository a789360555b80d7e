"""Processes that a process has started."""

from __future__ import annotations

from pathlib import Path


def descendants(pid: int, proc: Path = Path("/proc")) -> list[int]:
    """The processes that ``pid`` started and that those started, and so on; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    for status in proc.glob("[0-9]*/stat"):
        try:
            # "PID (name) STATE PARENT ...", where the name may hold anything.
            parent = int(status.read_text(errors="replace").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue  # it has ended meanwhile
        children.setdefault(parent, []).append(int(status.parent.name))
    found, waiting = [], [pid]
    while waiting:
        more = children.get(waiting.pop(), [])
        found += more
        waiting += more
    return found
