"""Progress of a local run: workers count pages in two small files, the launcher shows a line on stderr."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import Protocol

_DONE = "pages_done"
_FAILED = "pages_failed"


@dataclass(frozen=True, slots=True)
class Counts:
    """Pages that left the job so far: with a result, and without."""

    done: int = 0
    failed: int = 0


def record(folder: str | None, pages_ok: int = 1, pages_failed: int = 0) -> None:
    """Count pages; cheap, safe from any thread or process of this machine, and never an error.

    A count is the size of a file: appending one byte a page needs no lock.

    Args:
        folder: The scratch folder of the run; None does nothing.
        pages_ok: Pages that left the job with a result.
        pages_failed: Pages that left it without one.
    """
    if folder is None:
        return
    for name, pages in ((_DONE, pages_ok), (_FAILED, pages_failed)):
        if pages:
            _append(os.path.join(folder, name), b"." * pages)


def read_counts(folder: str) -> Counts:
    """What all workers have counted so far.

    Args:
        folder: The scratch folder of the run.

    Returns:
        The counts; zeros where the folder does not exist.
    """
    return Counts(done=_size(os.path.join(folder, _DONE)), failed=_size(os.path.join(folder, _FAILED)))


def progress_line(counts: Counts, elapsed_s: float) -> str:
    """The line that is shown.

    Args:
        counts: Pages so far.
        elapsed_s: Seconds since the run began.

    Returns:
        The line, without a line break at the end.
    """
    pages = counts.done + counts.failed
    rate = pages / elapsed_s if elapsed_s > 0 else 0.0
    minutes, seconds = divmod(int(elapsed_s), 60)
    clock = f"{minutes}:{seconds:02d} min"
    return f"pages done {counts.done:,}  failed {counts.failed:,}  {rate:.2f} pages/s  {clock}"


class Stream(Protocol):
    """The part of a text file's interface that the progress line needs."""

    def isatty(self) -> bool:
        """Whether a line can be rewritten."""
        ...

    def write(self, text: str, /) -> object:
        """Write the text.

        Args:
            text: to be written.
        """
        ...

    def flush(self) -> object:
        """Show what was written."""
        ...


class ProgressLine:
    """Shows the progress of a run while its ``with`` block runs.

    On a terminal one line is rewritten; elsewhere a line is written, and at the end, if anything happened
    since the last one.

    Args:
        folder: where workers leave their counts.
        stream: where the line goes; None: standard error.
        interval_s: seconds between two lines, above 0; None: 0.5 on a terminal, else 10.
    """

    def __init__(self, folder: str, stream: Stream | None = None, interval_s: float | None = None):
        self._folder = folder
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._interval_s = interval_s or (0.5 if self._terminal else 10.0)
        self._shown = Counts()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._show_until_stopped, name="progress", daemon=True)

    def __enter__(self) -> ProgressLine:
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()
        self._show()
        if self._terminal:
            self._write("\n")

    def _show_until_stopped(self) -> None:
        while not self._stop.wait(self._interval_s):
            self._show()

    def _show(self) -> None:
        counts = read_counts(self._folder)
        line = progress_line(counts, time.monotonic() - self._started)
        if self._terminal:
            # \x1b[K clears what a longer line before this one left behind.
            self._write(f"\r{line}\x1b[K")
        elif counts != self._shown:
            self._write(f"{line}\n")
        self._shown = counts

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._stop.set()  # the stream is closed; the run continues


def _append(path: str, data: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError:
        pass  # a page must not fail because it could not be counted


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
