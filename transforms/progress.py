"""Progress of a local run: workers count pages in small files, the launcher shows a bar or lines."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol, cast

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

_DONE = "pages_done"
_FAILED = "pages_failed"
_FOUND = "files_found"
_OPENED = "files_opened"
_KNOWN = "pages_known"
_NAMES = (_DONE, _FAILED, _FOUND, _OPENED, _KNOWN)


@dataclass(frozen=True, slots=True)
class Counts:
    """Pages that left the job so far, with a result (``done``) and without (``failed``), and what is to come.

    ``found`` are the files of the run, 0 where they are not counted; ``opened`` those of them that were
    opened or could not be, ``known`` the pages of these.
    """

    done: int = 0
    failed: int = 0
    found: int = 0
    opened: int = 0
    known: int = 0

    @property
    def pages(self) -> int:
        """Pages that left the job."""
        return self.done + self.failed

    @property
    def is_exact(self) -> bool:
        """Whether the pages of every file are known."""
        return 0 < self.found <= self.opened

    @property
    def total(self) -> int | None:
        """Pages of the run; files that were not opened yet count as much as the others on average.

        None where the files are not counted, or none was opened yet.
        """
        if not self.found or not self.opened:
            return None
        to_come = max(0, self.found - self.opened) * self.known / self.opened
        return max(self.pages, self.known + round(to_come))


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


def record_files(folder: str | None, found: int = 0, opened: int = 0, pages: int = 0) -> None:
    """Count files as ``record`` counts pages.

    Args:
        folder: The scratch folder of the run; None does nothing.
        found: Files that the run will read.
        opened: Files that were opened, or cannot be.
        pages: The pages of these, as far as they will be read.
    """
    if folder is None:
        return
    for name, number in ((_FOUND, found), (_OPENED, opened), (_KNOWN, pages)):
        if number:
            _append(os.path.join(folder, name), b"." * number)


def read_counts(folder: str) -> Counts:
    """What all workers have counted so far.

    Args:
        folder: The scratch folder of the run.

    Returns:
        The counts; zeros where the folder does not exist.
    """
    return Counts(*(_size(os.path.join(folder, name)) for name in _NAMES))


def progress_line(counts: Counts, elapsed_s: float) -> str:
    """The line that is shown.

    Args:
        counts: Pages so far.
        elapsed_s: Seconds since the run began.

    Returns:
        The line, without a line break at the end.
    """
    rate = counts.pages / elapsed_s if elapsed_s > 0 else 0.0
    total, of, left = counts.total, "", ""
    if total is not None:
        of = f" of {total:,}" if counts.is_exact else f" of about {total:,}"
        if rate > 0 and total > counts.pages:
            left = f"  {_clock((total - counts.pages) / rate)} left"
    head = f"pages done {counts.done:,}{of}  failed {counts.failed:,}"
    return f"{head}  {rate:.2f} pages/s  {_clock(elapsed_s)} min{left}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


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

    A terminal gets a bar with the rate and the time left. Elsewhere a line is written now and then, and at
    the end, if anything happened since the last one.

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
        self._open = ExitStack()
        self._bar: tqdm | None = None

    def __enter__(self) -> ProgressLine:
        self._started = time.monotonic()
        if self._terminal:
            # Log lines go above the bar.
            self._open.enter_context(logging_redirect_tqdm())
            self._bar = _new_bar(self._stream)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()
        self._write(self._show)
        if self._bar is not None:
            self._write(self._bar.close)
        self._open.close()

    def _show_until_stopped(self) -> None:
        while not self._stop.wait(self._interval_s):
            self._write(self._show)

    def _show(self) -> None:
        counts = read_counts(self._folder)
        if self._bar is not None:
            _move(self._bar, counts)
        elif counts != self._shown:
            self._stream.write(f"{progress_line(counts, time.monotonic() - self._started)}\n")
            self._stream.flush()
        self._shown = counts

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except (OSError, ValueError):
            self._stop.set()  # the stream is closed; the run continues


_NO_TOTAL = "{n_fmt} pages [{elapsed}, {rate_fmt}{postfix}]"
_TOTAL = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} pages [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


def _new_bar(stream: Stream) -> tqdm:
    # Some terminals do not know how large they are.
    has_size = min(shutil.get_terminal_size(fallback=(0, 0))) > 0
    return tqdm(
        file=cast(Any, stream),
        unit="page",
        bar_format=_NO_TOTAL,
        dynamic_ncols=has_size,
        ncols=None if has_size else 80,
        nrows=None if has_size else 24,
    )


def _move(bar: tqdm, counts: Counts) -> None:
    """Show the counts on a bar."""
    bar.total = counts.total
    bar.bar_format = _NO_TOTAL if counts.total is None else _TOTAL
    if counts.failed:
        bar.set_postfix_str(f"{counts.failed:,} failed", refresh=False)
    bar.update(counts.pages - bar.n)
    bar.refresh()


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
