"""Runs a program and measures its time, CPU time and memory, with all processes that it starts."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from transforms.launch.processes import descendants  # noqa: E402 (needs the path)

MIB = 1024 * 1024
_EVERY_S = 1.0
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Usage:
    """The cost of a program from its start to its end; ``output`` is what it printed.

    ``cpu_s`` and ``peak_mib`` are those of all its processes. The latter is the largest sum of their
    proportional set sizes (a page of memory that several share counts once), sampled every second.
    """

    wall_s: float
    cpu_s: float
    peak_mib: int
    output: str


def watch(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Usage:
    """Run ``command`` to its end; RuntimeError with the end of its error output where it fails.

    Its end is that of all processes that it started.
    """
    _adopt_orphans()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=errors, env={**os.environ, **(environment or {})}
        )
        memory = _PeakMemory(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        peak_of_tree = memory.stop()
        cpu = sum(own.ru_utime + own.ru_stime for own in (used, *_ended(memory.seen)))
        # What one process had at most is known exactly, also between two samples.
        peak = max(peak_of_tree, used.ru_maxrss * 1024)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{errors.read()[-2000:]}")
        return Usage(wall, cpu, round(peak / MIB), output.read())


def _adopt_orphans() -> None:
    """Let processes whose parent ends become this process's children, so that their times can be asked."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _ended(processes: Iterable[int]) -> Iterator[resource.struct_rusage]:
    """The times of those processes that their own parent did not wait for, once they have ended."""
    for process in processes:
        with suppress(ChildProcessError):
            yield os.wait4(process, 0)[2]


class _PeakMemory:
    """Samples the memory of a process and its descendants until it is stopped."""

    def __init__(self, pid: int):
        self._pid = pid
        self._peak = 0
        self.seen: set[int] = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """The largest sum in bytes."""
        self._done.set()
        self._thread.join()
        return self._peak

    def _look_on(self) -> None:
        while not self._done.wait(_EVERY_S):
            children = descendants(self._pid)
            self.seen.update(children)
            self._peak = max(self._peak, sum(map(_memory_of, [self._pid, *children])))


def _memory_of(pid: int) -> int:
    """The proportional set size of a process in bytes; 0 where it has ended, or where there is no /proc."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
