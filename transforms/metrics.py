"""Metrics of the job: counters, distributions and a stage timer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from apache_beam.metrics.metric import Metrics

from beam_kie.document import INTERVAL_S, Failure, StageTime

T = TypeVar("T")

NAMESPACE = "beam_kie"


def count(name: str, amount: int = 1) -> None:
    """Add to a Beam counter. Outside of a running pipeline it does nothing.

    Args:
        name: of the counter.
        amount: at least 0.
    """
    Metrics.counter(NAMESPACE, name).inc(amount)


def count_failure(failure: Failure) -> None:
    """Add one to the counter of the failure's category, for example ``failures_file_corrupt``.

    Args:
        failure: of a document or page.
    """
    count(f"failures_{failure.category.lower()}")


def observe(name: str, value: float) -> None:
    """Add a value to a Beam distribution.

    Args:
        name: of the distribution.
        value: rounded to an integer.
    """
    Metrics.distribution(NAMESPACE, name).update(round(value))


def read_now(pages: int) -> tuple[tuple[int, int], ...]:
    """The interval that it is now and a number of pages, for ``StageTime.read``.

    Args:
        pages: that have their text now.
    """
    return ((int(time.time() // INTERVAL_S), pages),)


class StageTimer:
    """The wall time of one piece of work: ``with StageTimer("ocr") as timer: ...``.

    After it ``timer.spent(items)``, called once, updates the distribution ``{stage}_ms`` and returns the
    record that the run's summary adds up.

    Args:
        stage: its name, as in the metrics.
    """

    clock = staticmethod(time.perf_counter)
    """Seconds; benchmarks put the process's CPU time in its place."""

    def __init__(self, stage: str):
        self.stage = stage
        self.seconds = 0.0

    def __enter__(self) -> StageTimer:
        self._started = self.clock()
        return self

    def __exit__(self, *_error: object) -> None:
        self.seconds = self.clock() - self._started

    def spent(self, items: int = 1, read: int = 0) -> StageTime:
        """The measured seconds as a record; to be called once.

        Args:
            items: how many files or pages they were spent on.
            read: how many pages have their text now.
        """
        observe(f"{self.stage}_ms", self.seconds * 1000)
        return StageTime(self.stage, self.seconds, items, read_now(read) if read else ())


def timed_steps(stage: str, steps: Iterable[T]) -> Iterator[tuple[T, StageTime]]:
    """Each element of a lazy iterable with the time it took to make.

    Args:
        stage: its name in the summary.
        steps: a lazy iterable; the time that its consumer takes between elements does not count.
    """
    iterator = iter(steps)
    while True:
        with StageTimer(stage) as timer:
            try:
                step = next(iterator)
            except StopIteration:
                return
        yield step, timer.spent()
        del step  # an image of tens of megabytes must not live on while the next one is decoded
