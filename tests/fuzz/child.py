"""The process in which parsers run: reads calls from a pipe, answers with what came of each."""

from __future__ import annotations

import importlib
import math
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.fuzz.sandbox import ADDRESS_BYTES

_PAGE = resource.getpagesize()


def main(descriptor: int) -> None:
    """Serves calls until the pipe is closed, in a folder of its own."""
    pipe = Connection(descriptor)
    targets: dict[str, Callable[[Any], None]] = {}
    with tempfile.TemporaryDirectory(prefix="beam-kie-fuzz-") as folder:
        tempfile.tempdir = folder
        while True:
            try:
                name, value = pipe.recv()
            except EOFError:
                return
            if name not in targets:
                module, _, function = name.partition(":")
                targets[name] = getattr(importlib.import_module(f"tests.fuzz.{module}"), function)
                _run(targets[name], value)  # imports and caches are not the input's
            pipe.send(_run(targets[name], value))


def _run(function: Callable[[Any], None], value: Any) -> tuple[str | None, float, int]:
    """The traceback of what must not be raised, processor time in seconds, and bytes that memory grew by."""
    _limit(function.cpu_s)  # type: ignore[attr-defined]
    counted = _count_peak_from_here()
    before, start, error = _memory("VmRSS"), time.process_time(), None
    try:
        function(value)
    except function.allowed:  # type: ignore[attr-defined]
        pass
    except BaseException:
        error = traceback.format_exc(limit=-12)
    grown = max(0, _memory("VmHWM") - before) if counted else 0
    return error, time.process_time() - start, grown


def _count_peak_from_here() -> bool:
    """Makes the memory in use now the peak; False where the system does not allow that (some containers)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _limit(cpu_s: float) -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE
    resource.setrlimit(resource.RLIMIT_AS, (size + ADDRESS_BYTES, resource.RLIM_INFINITY))
    # A call that runs away is killed; one that only takes long says so itself.
    most = math.ceil(time.process_time() + 2 * cpu_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (512 * 1024 * 1024, resource.RLIM_INFINITY))


def _memory(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"the system does not tell {field}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
