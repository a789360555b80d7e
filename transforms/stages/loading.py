"""Models that are loaded beside other work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Loading(Generic[T]):
    """Something that a thread of its own loads soon.

    Args:
        load: loads it.
        wait_s: loading begins after so many seconds, or as soon as somebody asks for the result.
    """

    def __init__(self, load: Callable[[], T], wait_s: float = 0.0):
        self._future: Future[T] = Future()
        self._wait_s = wait_s
        self._is_asked = threading.Event()
        # One that is still loading does not keep the process from ending.
        threading.Thread(target=self._run, args=(load,), name="load-model", daemon=True).start()

    def _run(self, load: Callable[[], T]) -> None:
        self._is_asked.wait(self._wait_s)
        try:
            loaded = load()
        except BaseException as error:
            self._future.set_exception(error)
        else:
            self._future.set_result(loaded)

    def result(self) -> T:
        """What was loaded, as soon as it is there; raises what loading it raised."""
        self._is_asked.set()
        return self._future.result()
