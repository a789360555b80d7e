"""What a job server and its engine tell during a run: how far it is, and why the server ended."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from apache_beam.metrics.metric import MetricsFilter
from apache_beam.runners.runner import PipelineResult

from transforms.metrics import NAMESPACE

_PAGES = ("pages_ok", "pages_failed")
# Beam starts a job server as a process and logs what that prints below WARNING, with loggers of these names.
_SERVER_LOGGERS = ("FlinkJarJobServer", "SparkJarJobServer", "PrismJobServer")
_LINES_KEPT = 20
_INTERVAL_S = 30.0

_LOGGER = logging.getLogger(__name__)


class ServerOutput(logging.Handler):
    """The last lines that a job server printed.

    Attributes:
        lines: At most 20, the newest one last.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: deque[str] = deque(maxlen=_LINES_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line.

        Args:
            record: What Beam logs of it.
        """
        text = record.getMessage().rstrip()
        if text:
            self.lines.append(text)


@contextmanager
def server_output() -> Iterator[ServerOutput]:
    """Inside, what a job server prints is kept, whatever the log level is.

    Yields:
        The lines so far.
    """
    kept, shown = ServerOutput(), _AsBefore()
    loggers = [logging.getLogger(name) for name in _SERVER_LOGGERS]
    levels = [logger.level for logger in loggers]
    handlers = logging.getLogger().handlers[:]
    for handler in handlers:
        handler.addFilter(shown)
    for logger in loggers:
        logger.addHandler(kept)
        logger.setLevel(logging.DEBUG)
    try:
        yield kept
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
            logger.removeHandler(kept)
        for handler in handlers:
            handler.removeFilter(shown)


class _AsBefore(logging.Filter):
    """Lets a job server's lines through as the log level says, though their loggers take all."""

    def __init__(self) -> None:
        super().__init__()
        self._least = {name: logging.getLogger(name).getEffectiveLevel() for name in _SERVER_LOGGERS}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is shown.

        Args:
            record: Of any logger.
        """
        return record.levelno >= self._least.get(record.name, 0)


@contextmanager
def told_progress(result: PipelineResult, interval_s: float = _INTERVAL_S) -> Iterator[None]:
    """Inside, a line tells every now and then how far a run on another engine is.

    Args:
        result: What the runner returned when the job was launched.
        interval_s: Seconds between two looks, over 0; nothing is written where nothing has changed.
    """
    stop, started = threading.Event(), time.monotonic()

    def look() -> None:
        shown = None
        while not stop.wait(interval_s):
            told = _counts(result)
            if told is not None and told != shown:
                done, failed = shown = told
                minutes, seconds = divmod(int(time.monotonic() - started), 60)
                clock = f"{minutes}:{seconds:02d} min"
                _LOGGER.info("pages done %s  failed %s  %s", f"{done:,}", f"{failed:,}", clock)

    thread = threading.Thread(target=look, name="engine-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=interval_s)


def _counts(result: PipelineResult) -> tuple[int, int] | None:
    """Pages that left the job with and without a result; None where the engine does not say."""
    try:
        found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE).with_names(set(_PAGES)))
    except (
        Exception
    ) as error:  # an engine without metrics, or one that is just starting: not a reason to stop
        _LOGGER.debug("no counters: %s", error)
        return None
    total = dict.fromkeys(_PAGES, 0)
    for counter in found["counters"]:
        name = counter.key.metric.name
        total[name] += counter.attempted if counter.attempted is not None else counter.committed or 0
    return total["pages_ok"], total["pages_failed"]
