"""The children of one worker process: as many as it has cores for, shared by its threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from transforms.stages.children.child import Budget, Child, ChildLostError, ChildrenUnusableError
from transforms.stages.children.messages import CloseDocument, ReaderSettings

_STARTS = 3
_CLOSE_S = 30.0
# A child that has grown past this share of its budget is replaced: what the allocator keeps for later pages
# must not be counted against them.
_WORN = 0.6


class Pool:
    """Up to ``size`` children, each lent to one document at a time."""

    def __init__(self, settings: ReaderSettings, budget: Budget, size: int):
        """Start no child yet.

        Args:
            settings: how the children read.
            budget: what reading one page may cost.
            size: how many children there may be, at least 1.
        """
        self.budget = budget
        self.size = size
        self._settings = settings
        self._condition = threading.Condition()
        self._idle: list[Child] = []
        self._free = size
        self._waiting = 0
        self.threads = ThreadPoolExecutor(size, thread_name_prefix="children")

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for a child."""
        return self._waiting > 0

    def start_first(self) -> None:
        """Start a child if there is none, and do not wait for it; it prepares until it is asked for a page.

        Others are started when they are asked for: where there are few pages, they would only take time from
        the one that reads.
        """
        with self._condition:
            if not self._idle and self._free == self.size:
                self._idle.append(Child(self._settings, is_ahead=True))

    def lend(self) -> Child:
        """Wait for a child that nobody uses.

        Returns:
            The child, ready to be asked; to be given back.

        Raises:
            ChildrenUnusableError: children cannot be started, or cannot load the OCR engine.
        """
        with self._condition:
            self._waiting += 1
            self._condition.wait_for(lambda: self._free)
            self._waiting -= 1
            self._free -= 1
        return self._ready()

    def try_lend(self) -> Child | None:
        """Like ``lend``, without waiting.

        Returns:
            The child, or None where all are lent or somebody waits for one.
        """
        with self._condition:
            if not self._free or self._waiting:
                return None
            self._free -= 1
        return self._ready()

    def renew(self, child: Child) -> Child:
        """A new child in the place of one that is lent.

        Args:
            child: it is ended.

        Raises:
            ChildrenUnusableError: none can be started; the place is still that of ``child``.
        """
        child.kill()
        new = Child(self._settings)
        new.wait_until_ready()
        return new

    def give_back(self, child: Child) -> None:
        """Take back a child, which may have ended.

        Args:
            child: one that was lent.
        """
        if child.is_alive and child.document is not None:
            child.document = None
            try:
                child.ask(CloseDocument(), _CLOSE_S)
            except ChildLostError:
                child.kill()
        if child.resident_bytes > _WORN * self.budget.memory_bytes:
            child.kill()
        with self._condition:
            if child.is_alive:
                self._idle.append(child)
            self._free += 1
            self._condition.notify()

    def close(self) -> None:
        """End all children that are not lent."""
        with self._condition:
            idle, self._idle = self._idle, []
        for child in idle:
            child.kill()
        self.threads.shutdown(wait=False)

    def _ready(self) -> Child:
        """An idle child or a new one, for the place that was just taken."""
        try:
            for left in reversed(range(_STARTS)):
                child = self._idle_child() or Child(self._settings)
                try:
                    child.wait_until_ready()
                    return child
                except ChildrenUnusableError as error:
                    # A machine that is short of memory for a moment must not end the run.
                    if error.is_lasting or not left:
                        raise
            raise AssertionError("the last attempt returns or raises")
        except BaseException:
            with self._condition:
                self._free += 1
                self._condition.notify()
            raise

    def _idle_child(self) -> Child | None:
        with self._condition:
            while self._idle:
                child = self._idle.pop()
                if child.is_alive:
                    return child
                child.kill()
        return None


_pools: dict[tuple[ReaderSettings, Budget, int], tuple[Pool, int]] = {}
_lock = threading.Lock()


def acquire(settings: ReaderSettings, budget: Budget, size: int, is_in_use: bool = True) -> Pool:
    """The process's pool for these arguments.

    Args:
        settings: how children read.
        budget: what a page may cost.
        size: the most children at work, at least 1.
        is_in_use: whether the first child is started now, and not when it is asked for.

    Returns:
        The pool, shared with others who asked for the same; to be given to ``release`` once.
    """
    key = (settings, budget, size)
    with _lock:
        pool, users = _pools.get(key) or (Pool(settings, budget, size), 0)
        _pools[key] = (pool, users + 1)
    if is_in_use:
        pool.start_first()
    return pool


def release(pool: Pool) -> None:
    """End the pool's children when its last user has gone.

    Args:
        pool: what ``acquire`` returned.
    """
    with _lock:
        for key, (known, users) in list(_pools.items()):
            if known is pool:
                if users > 1:
                    _pools[key] = (pool, users - 1)
                    return
                del _pools[key]
    pool.close()
