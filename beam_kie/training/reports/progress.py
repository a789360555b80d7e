"""How far a run is and how long it will take, on standard error: from its first steps on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from tqdm import tqdm

FIRST_AFTER, THEN_EVERY = 10.0, 20.0  # seconds


class Progress:
    """Says how far a run is: a bar on a terminal, else a line now and then with steps, loss and time left.

    In lines, the time left is that of the remaining steps at the mean pace of this run (not of what was done
    before it was interrupted), measurements included.

    Args:
        start: steps done when the run begins or goes on.
        steps: in all.
        clock: seconds that only rise; for the lines.
        stream: where the bar or the lines go; None: standard error.
    """

    def __init__(
        self,
        start: int,
        steps: int,
        clock: Callable[[], float] = time.monotonic,
        stream: TextIO | None = None,
    ):
        self._start, self._steps, self._clock = start, steps, clock
        self._began = clock()
        self._next = self._began + FIRST_AFTER
        self._stream = stream or sys.stderr
        self._bar: tqdm | None = None
        if self._stream.isatty():
            sizes: dict[str, Any] = {"total": steps, "initial": start, "unit": "step"}
            self._bar = tqdm(desc="training", dynamic_ncols=True, file=self._stream, **sizes)

    def done(self, step: int, loss: float) -> None:
        """Says that a step is done.

        Args:
            step: steps done by now.
            loss: of the step.
        """
        if self._bar is not None:
            self._bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
            self._bar.update(step - self._bar.n)
            return
        now = self._clock()
        if now < self._next and step != self._start + 1:
            return
        if step > self._start + 1:
            self._next = now + THEN_EVERY
        left = (now - self._began) / (step - self._start) * (self._steps - step)
        share = f"step {step} of {self._steps}, loss {loss:.3f}"
        print(f"{share}, about {spoken(left)} left", file=self._stream, flush=True)

    def close(self) -> None:
        """Leaves the bar as it is, on a line of its own."""
        if self._bar is not None:
            self._bar.close()


def say(line: str) -> None:
    """Prints a line on standard output, above a bar that may be on the terminal.

    Args:
        line: without its end.
    """
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


def spoken(seconds: float) -> str:
    """A time as one says it: 40 s, 12 min, 3 h 5 min.

    Args:
        seconds: not negative.
    """
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
