"""Runs parsers on hostile bytes in a child process, which may crash, hang or balloon without harm.

A target is a function of a test module of this folder. It takes one value that pickles, runs a parser on it,
and lets out no other exceptions than those that its decorator names:

    @target(SourceError)
    def unpickle(data: bytes) -> None: ...

The child (child.py) is started once and serves many calls; it is replaced when it dies.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
FINDINGS = REPOSITORY / "build" / "fuzz"

CPU_S = 20
"""Seconds of processor time for one input; the clock on the wall says little on a loaded machine."""

WALL_S = 300
MEMORY_BYTES = 256 * 1024 * 1024
"""By how much one input may raise the peak of memory in use."""

ADDRESS_BYTES = 2 * 1024**3
"""By how much one input may raise the size of the address space: it ends what takes memory at once."""


@dataclass(frozen=True)
class Outcome:
    """What one call came to: a traceback if it raised what it must not, and what it cost."""

    error: str | None
    cpu_s: float
    grown_bytes: int


def target(*allowed: type[Exception], memory_bytes: int = MEMORY_BYTES, cpu_s: float = CPU_S) -> Callable:
    """Marks a function that the child may run, with the exceptions that it may raise, and its limits."""

    def mark(function: Callable[[Any], None]) -> Callable[[Any], None]:
        function.allowed = allowed  # type: ignore[attr-defined]
        function.memory_bytes = memory_bytes  # type: ignore[attr-defined]
        function.cpu_s = cpu_s  # type: ignore[attr-defined]
        return function

    return mark


class Sandbox:
    """The child process. ``calls`` counts what it was given."""

    def __init__(self) -> None:
        self.calls = 0
        self._process: subprocess.Popen | None = None
        self._pipe: Connection | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as this object

    def check(self, function: Callable, value: Any) -> None:
        """Fails where a target raises what it must not, dies, hangs, or takes more than its limits."""
        name = f"{Path(function.__code__.co_filename).stem}:{function.__name__}"
        outcome = self._call(name, value)
        self.calls += 1
        if outcome.error is None and outcome.grown_bytes > function.memory_bytes:
            outcome = Outcome(f"memory grew by {outcome.grown_bytes:,} bytes", outcome.cpu_s, 0)
        if outcome.error is None and outcome.cpu_s > function.cpu_s:
            outcome = Outcome(f"{outcome.cpu_s:.1f} s of processor time", outcome.cpu_s, 0)
        if outcome.error is not None:
            _keep(name, value, outcome.error)
            raise AssertionError(f"{name}: {outcome.error}")

    def close(self) -> None:
        """Ends the child."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def _call(self, name: str, value: Any) -> Outcome:
        pipe = self._start()
        try:
            pipe.send((name, value))
            if not pipe.poll(WALL_S):
                self.close()
                return Outcome(f"no end within {WALL_S} s", WALL_S, 0)
            return Outcome(*pipe.recv())
        except (EOFError, OSError):
            return Outcome(self._last_words(), 0, 0)

    def _last_words(self) -> str:
        """Why the child died."""
        assert self._process is not None
        code = self._process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self._log.seek(0)
        words = self._log.read().decode("utf-8", "replace")[-4000:]
        self.close()
        return f"the process died: {how}\n{words}"

    def _start(self) -> Connection:
        if self._pipe is not None:
            return self._pipe
        self._pipe, theirs = Pipe()
        self._log.seek(0)
        self._log.truncate()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.child", str(theirs.fileno())],
                cwd=REPOSITORY,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
            )
        return self._pipe


def _keep(name: str, value: Any, error: str) -> None:
    """Leaves the last failing input, which is the smallest at the end, and what it did."""
    FINDINGS.mkdir(parents=True, exist_ok=True)
    stem = name.replace(":", "-")
    (FINDINGS / f"{stem}.input").write_bytes(value if isinstance(value, bytes) else repr(value).encode())
    (FINDINGS / f"{stem}.txt").write_text(error)
