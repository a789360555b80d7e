"""What the job measures about itself, the same way everywhere: counters, distributions and a stage timer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from apache_beam.metrics import Metrics

from beam_kie.document import Failure, StageTime

T = TypeVar("T")

NAMESPACE = "beam_kie"


def count(name: str, amount: int = 1) -> None:
    """Add ``amount`` to the Beam counter ``name``. Outside of a running pipeline it does nothing."""
    Metrics.counter(NAMESPACE, name).inc(amount)


def count_failure(failure: Failure) -> None:
    """Add one to the counter of the failure's category, for example ``failures_file_corrupt``."""
    count(f"failures_{failure.category.lower()}")


def observe(name: str, value: float) -> None:
    """Add ``value``, rounded to an integer, to the Beam distribution ``name``."""
    Metrics.distribution(NAMESPACE, name).update(round(value))


class StageTimer:
    """The wall time of one piece of work: ``with StageTimer("ocr") as timer: ...``.

    Behind it ``timer.spent(items)``, to be asked once, tells the distribution ``{stage}_ms`` and gives the
    record that the run's summary adds up.
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

    def spent(self, items: int = 1) -> StageTime:
        """The measured seconds as a record for ``items`` files or pages."""
        observe(f"{self.stage}_ms", self.seconds * 1000)
        return StageTime(stage=self.stage, seconds=self.seconds, items=items)


def timed_steps(stage: str, steps: Iterable[T]) -> Iterator[tuple[T, StageTime]]:
    """Each element of a lazy ``steps`` with the time it took to make; the consumer's time does not count."""
    iterator = iter(steps)
    end = object()
    while True:
        with StageTimer(stage) as timer:
            step = next(iterator, end)
        if step is end:
            return
        yield step, timer.spent()
        step = None  # an image of tens of megabytes must not live on while the next one is decoded
