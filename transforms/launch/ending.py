"""How a process of the job ends: at its end, interrupted, or because one of its worker processes is gone."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from transforms.launch.processes import descendants

# The thread in which Beam waits for a worker process; it raises where the process fails, and nobody hears it.
_WAITS_FOR_WORKER = "run_worker"

_STDERR = 2  # the file descriptor, as every process has it


@contextmanager
def ends_when_interrupted(end: Callable[[], None]) -> Iterator[None]:
    """Inside, Ctrl-C and SIGTERM (a stopped container or service) call ``end``, which must not return.

    Without it, the interrupt would be taken for the failure of the page that is just worked on, and the
    process would wait for all pages that worker threads still have before them.

    Args:
        end: ends the process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are somebody else's business
        return
    wanted = [
        number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) != signal.SIG_IGN
    ]
    before = {number: signal.signal(number, lambda *_: end()) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ends_with_its_workers(end: Callable[[str], None]) -> Iterator[None]:
    """Inside, a worker process that ends too early calls ``end`` with how it ended; that must not return.

    With ``--direct_running_mode multi_processing`` Beam would wait for the answer of a worker that was killed
    forever, in a call that no signal interrupts.

    Args:
        end: ends the process; its argument says how the worker ended.
    """
    before = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        thread = arguments.thread
        if thread is None or thread.name != _WAITS_FOR_WORKER:
            before(arguments)
            return
        code = getattr(arguments.exc_value, "args", ("",))[0]
        end(_how(str(code).rpartition(" ")[2]))

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before


def _how(code: str) -> str:
    """How a process with that exit code, or a shell's for it, ended."""
    try:
        number = int(code)
        # A shell between Beam and the worker adds 128 to the signal.
        name = signal.Signals(-number if number < 0 else number - 128).name
    except ValueError:
        return f"with exit code {code}"
    advice = ", most likely because the machine had no memory left" if name == "SIGKILL" else ""
    return f"killed by {name}{advice}"


def end_at_once(text: str, exit_code: int, clear_up: Callable[[], None]) -> None:
    """End this process and all that it started, saying ``text`` on stderr; never returns.

    Args:
        text: what is said on stderr.
        exit_code: of this process.
        clear_up: called when nothing else runs any more.
    """
    threading.excepthook = lambda _: None  # who watches over a worker process need not report its end
    for process in descendants(os.getpid()):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    stderr = sys.__stderr__.fileno() if sys.__stderr__ else _STDERR
    os.write(stderr, f"\n{text}\n".encode())
    # Worker threads that are still running fail from here on; their errors are of no interest.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stderr)
    clear_up()
    os._exit(exit_code)


def leave(exit_code: int) -> NoReturn:
    """End this process after its threads and functions for the exit, without taking the interpreter apart.

    Beam leaves daemon threads behind, gRPC and PyTorch threads of C++. If one still runs while the
    interpreter and the statics of these libraries are destroyed beneath it, the process may abort
    ("terminate called without an active exception") although the run was a success. ``multiprocessing`` ends
    its processes in the same way.

    Args:
        exit_code: of this process.
    """
    # Neither has a public name: the first waits for executors, the second removes temporary folders.
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or nobody reads it any more
            stream.flush()
    os._exit(exit_code)
