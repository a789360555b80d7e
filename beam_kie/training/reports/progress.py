"""How far a run is and how long it will take, on standard error: from its first steps on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

FIRST_AFTER, THEN_EVERY = 10.0, 20.0  # seconds


class Progress:
    """Writes a line now and then: steps done, loss, time left.

    The time left is that of the remaining steps at the mean pace of this run (not of what was done before it
    was interrupted), measurements included.

    Args:
        start: steps done when the run begins or goes on.
        steps: in all.
        clock: seconds that only rise.
    """

    def __init__(self, start: int, steps: int, clock: Callable[[], float] = time.monotonic):
        self._start, self._steps, self._clock = start, steps, clock
        self._began = clock()
        self._next = self._began + FIRST_AFTER

    def done(self, step: int, loss: float) -> None:
        """Says that a step is done.

        Args:
            step: steps done by now.
            loss: of the step.
        """
        now = self._clock()
        if now < self._next and step != self._start + 1:
            return
        if step > self._start + 1:
            self._next = now + THEN_EVERY
        left = (now - self._began) / (step - self._start) * (self._steps - step)
        share = f"step {step} of {self._steps}, loss {loss:.3f}"
        print(f"{share}, about {spoken(left)} left", file=sys.stderr, flush=True)


def spoken(seconds: float) -> str:
    """A time as one says it: 40 s, 12 min, 3 h 5 min.

    Args:
        seconds: not negative.
    """
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
