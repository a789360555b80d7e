"""A child process as its worker holds it: asked one thing at a time, ended when it takes too much."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from beam_kie.document import Category, Stage
from transforms.stages.children import messages
from transforms.stages.children.memory import MIB, Statm
from transforms.stages.children.messages import Broken, Prepare, ReaderSettings, Ready, Step

START_S = 300.0
"""How long a child may take to load its models; seconds, but for machines that are very busy."""

_MAIN = "transforms.stages.children.main"
_ROOT = str(Path(__file__).resolve().parents[3])
# Memory grows by less than 150 MB in this time.
_LOOK_EVERY_S = 0.05
_CHUNK = 1 << 20
# How long a process that has closed its socket may take to end.
_LET_END_S = 10.0
# Models that take more of the budget than this leave no room for a page.
_MOST_AT_REST = 0.9
# A process that crashes while it holds this much of its budget was most likely refused memory.
_MUCH = 0.8
_MOST_WORDS = 100_000

# The kernel ends a child when the thread that started it ends, so all are started by one that stays.
_starter = ThreadPoolExecutor(1, thread_name_prefix="start-children")


@dataclass(frozen=True, slots=True)
class Budget:
    """What reading one page may cost: seconds of wall time, and bytes that the child holds in all."""

    seconds: float
    memory_bytes: int


class ChildrenUnusableError(RuntimeError):
    """Children cannot be started or cannot load their models: no page could be read.

    Args:
        message: one line that says why.
        is_lasting: whether another attempt would end alike.
    """

    def __init__(self, message: str, is_lasting: bool):
        super().__init__(message)
        self.is_lasting = is_lasting


class ChildLostError(Exception):
    """A child was ended, or ended by itself, over what it was asked; it is of no more use.

    Args:
        category: of the failure that the page gets.
        message: one line for ``failures``.
        stage: where in the page it was.
        retryable: whether a later run may succeed.
    """

    def __init__(self, category: Category, message: str, stage: Stage, retryable: bool = False):
        super().__init__(message)
        self.category = category
        self.message = message
        self.stage = stage
        self.retryable = retryable


class Child:
    """One child process; for one thread at a time.

    ``document`` is for its user to note what is open in it, ``is_fresh`` whether it has read nothing yet.
    """

    def __init__(self, settings: ReaderSettings, is_ahead: bool = False):
        """Start the process and return at once; ``wait_until_ready`` says whether it works.

        Args:
            settings: how it reads, and the memory that it may take.
            is_ahead: whether it prepares for its first page until it is asked for one.
        """
        self.document: object = None
        self.is_fresh = True
        self._memory_bytes = settings.memory_bytes
        self._stage = Stage.DECODE
        self._held_bytes = 0
        self._ready = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        self._last_words: list[str] = []
        self._socket, theirs = socket.socketpair()
        # A default timeout, which any library may set, makes sockets non-blocking, in the child as well.
        theirs.setblocking(True)
        try:
            self._process = _starter.submit(_start, theirs, self._errors.fileno()).result()
        finally:
            theirs.close()
        self._statm = Statm(self._process.pid)
        self._socket.settimeout(_LOOK_EVERY_S)
        # At once: it loads its models while others load theirs. Whether it lives shows when it answers.
        with suppress(OSError, ChildLostError):
            for message in (settings, Prepare()) if is_ahead else (settings,):
                self._send(messages.pack(message), time.monotonic() + START_S, START_S)

    @property
    def is_alive(self) -> bool:
        """Whether the process may be asked something."""
        return self._process.poll() is None and self._socket.fileno() >= 0

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def resident_bytes(self) -> int:
        """What the process holds in memory now."""
        return self._statm.resident_bytes()

    def wait_until_ready(self, seconds: float = START_S) -> None:
        """Return when the models are loaded.

        Args:
            seconds: how long that may take.

        Raises:
            ChildrenUnusableError: they cannot be, or the process does not start.
        """
        if self._ready:
            return
        try:
            reply = self._answer(None, seconds)
        except ChildLostError as error:
            if error.category is Category.PAGE_TOO_LARGE:
                raise self._too_little() from error
            said = f" ({self._last_words[-1][:300]})" if self._last_words else ""
            raise ChildrenUnusableError(
                f"a process to read pages could not be started: {error.message}{said}", is_lasting=False
            ) from error
        if isinstance(reply, Broken):
            self.kill()
            raise ChildrenUnusableError(reply.message, is_lasting=True)
        if self.resident_bytes > _MOST_AT_REST * self._memory_bytes:
            self.kill()
            raise self._too_little()
        self._ready = isinstance(reply, Ready)

    def _too_little(self) -> ChildrenUnusableError:
        return ChildrenUnusableError(
            f"--page_memory_mb {self._memory_bytes // MIB} is too little: the models of OCR alone take more",
            is_lasting=True,
        )

    def ask(self, request: object, seconds: float) -> object:
        """Send a request and wait for the answer; a process that takes too long or too much is killed.

        Args:
            request: one of the messages of a worker.
            seconds: how long the answer may take.

        Returns:
            The answer.

        Raises:
            ChildLostError: there is no answer, and no process any more.
        """
        return self._answer(request, seconds)

    def _answer(self, request: object | None, seconds: float) -> object:
        """See ``ask``; None: the answer to what was sent before."""
        self._stage = Stage.DECODE
        self._held_bytes = 0
        deadline = time.monotonic() + seconds
        try:
            if request is not None:
                self._send(messages.pack(request), deadline, seconds)
            while isinstance(reply := self._receive(deadline, seconds), Step):
                self._stage = reply.stage
        except (OSError, EOFError):
            raise self._buried() from None
        except ChildLostError:
            self.kill()
            raise
        return reply

    def end(self) -> None:
        """End the process; for any thread, also while another one waits for an answer, which is then lost."""
        with suppress(ProcessLookupError):
            self._process.kill()

    def kill(self) -> None:
        """End the process and give back what this side holds; nothing happens where that was done."""
        self.end()
        self._process.wait()
        if not self._errors.closed:
            self._errors.seek(0)
            text = self._errors.read(_MOST_WORDS).decode("utf-8", "replace")
            self._last_words = text.strip().splitlines()
        self._socket.close()
        self._errors.close()
        self._statm.close()

    def _send(self, body: bytes, deadline: float, seconds: float) -> None:
        for part in (messages.HEADER.pack(len(body)), memoryview(body)):
            sent = 0
            while sent < len(part):
                try:
                    sent += self._socket.send(part[sent : sent + _CHUNK])
                except TimeoutError:
                    self._check(deadline, seconds)

    def _receive(self, deadline: float, seconds: float) -> object:
        (size,) = messages.HEADER.unpack(b"".join(self._bytes(messages.HEADER.size, deadline, seconds)))
        if size > messages.MOST_REPLY_BYTES:
            raise self._lost(Category.PAGE_CRASHED, "the process that read the page answered nonsense")
        body = b"".join(self._bytes(size, deadline, seconds))
        try:
            return messages.unpack_reply(body)
        except (
            pickle.UnpicklingError,
            AttributeError,
            EOFError,
            ImportError,
            IndexError,
            TypeError,
        ) as error:
            raise self._lost(
                Category.PAGE_CRASHED, "the process that read the page answered nonsense"
            ) from error

    def _bytes(self, size: int, deadline: float, seconds: float) -> Iterator[bytes]:
        """Parts that are ``size`` bytes together; the limits are looked at while nothing comes."""
        while size:
            try:
                part = self._socket.recv(min(size, _CHUNK))
            except TimeoutError:
                self._check(deadline, seconds)
                continue
            if not part:
                raise EOFError
            size -= len(part)
            yield part

    def _check(self, deadline: float, seconds: float) -> None:
        # Not the kernel's own peak: a process inherits that from the one that started it.
        self._held_bytes = self._statm.resident_bytes() or self._held_bytes
        if self._held_bytes > self._memory_bytes:
            raise self._too_large()
        if time.monotonic() > deadline:
            raise self._lost(
                Category.PAGE_TIMEOUT,
                f"it took longer than {seconds:.0f} s: raise --page_timeout_s, or scan or export it again",
            )

    def _too_large(self) -> ChildLostError:
        return self._lost(
            Category.PAGE_TOO_LARGE,
            f"it took more memory than --page_memory_mb {self._memory_bytes // MIB}: raise that option, or "
            "scan or export it again",
        )

    def _buried(self) -> ChildLostError:
        """What to say of a process that has ended by itself."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LET_END_S)
        self.kill()
        code = self._process.returncode
        if code == -signal.SIGKILL:
            return self._lost(
                Category.PAGE_CRASHED,
                "its process was killed from outside (SIGKILL), most likely because the machine had no "
                "memory left: run the document again, with fewer workers or on a larger machine",
                retryable=True,
            )
        # A library that is refused memory ends its process in ways of its own.
        if code < 0 and self._held_bytes > _MUCH * self._memory_bytes:
            return self._too_large()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return self._lost(
            Category.PAGE_CRASHED,
            f"its process crashed ({how}): scan or export it again; if other programs show it, please "
            "report it",
        )

    def _lost(self, category: Category, message: str, retryable: bool = False) -> ChildLostError:
        return ChildLostError(category, message, self._stage, retryable)


def _start(theirs: socket.socket, errors: int) -> subprocess.Popen:
    path = os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", _MAIN, str(theirs.fileno()), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        pass_fds=[theirs.fileno()],
        env={**os.environ, "PYTHONPATH": path},
    )
