"""Makes Beam's in-process runner safe for runs of any length.

``FnApiRunner`` with more than one worker sends elements between its threads through buffers. By default a
timer thread empties each buffer once a second, without a lock against the thread that encodes elements
into it (``TimeBasedBufferingClosableOutputStream`` in Beam's ``runners/worker/data_plane.py``). An element
can be cut in two or lost; docs/beam-timed-flush.md has the analysis. Buffers that are emptied by size are
emptied by the encoding thread itself, between two elements.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker import data_plane

_NEVER_MS = 0  # Beam's own value for "no timed flush", and its default everywhere but in FnApiRunner


@contextmanager
def no_timed_flush() -> Iterator[None]:
    """Inside, in-process runners empty their buffers by size and at the end of a bundle only.

    Beam has no option for it: ``FnApiRunner`` reads a constant of its module whenever it starts workers.

    Raises:
        RuntimeError: this version of Beam would still use timed buffers.
    """
    before = getattr(worker_handlers, "DATA_BUFFER_TIME_LIMIT_MS", None)
    stream = data_plane.ClosableOutputStream.create(None, None, _NEVER_MS)
    if before is None or isinstance(stream, data_plane.TimeBasedBufferingClosableOutputStream):
        raise RuntimeError(
            "this version of Apache Beam cannot switch off timed flushes; install the version that "
            "constraints.txt names, or add --direct_num_workers 1"
        )
    worker_handlers.DATA_BUFFER_TIME_LIMIT_MS = _NEVER_MS
    try:
        yield
    finally:
        worker_handlers.DATA_BUFFER_TIME_LIMIT_MS = before
