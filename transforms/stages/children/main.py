"""The program of a child: ``python -m transforms.stages.children.main SOCKET PARENT``.

It imports what decodes and reads pages, and neither Beam nor (with OpenVINO or ONNX Runtime) PyTorch.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import resource
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

from transforms.stages.children.memory import Statm
from transforms.stages.children.messages import (
    HEADER,
    Broken,
    Closed,
    CloseDocument,
    OpenDocument,
    Prepare,
    ReaderSettings,
    ReadPage,
    Ready,
    Step,
    pack,
)

_PR_SET_PDEATHSIG = 1
# Where the machine runs out of memory, the kernel ends a child rather than a worker or the launcher.
_OOM_SCORE = "500"
# The rest of the budget is for what a page really needs.
_MOST_AHEAD = 0.5


def main(arguments: list[str]) -> None:
    """Serve the worker at the other end of the socket until it closes it.

    Args:
        arguments: the number of the socket's descriptor, and the id of the process that started this one.
    """
    descriptor, parent = map(int, arguments)
    _end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the launcher too, which ends its children
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write(_OOM_SCORE)
    channel = _Channel(socket.socket(fileno=descriptor))
    settings = channel.receive()
    if not isinstance(settings, ReaderSettings):
        return
    try:
        reader = _reader(settings)
    except Exception as error:  # whatever an engine raises: the worker tells it
        channel.send(Broken(_text_of(error)))
        return
    _limit_memory(settings.memory_bytes)
    channel.send(Ready())
    _silence()
    _serve(channel, reader, settings.memory_bytes)


class _Channel:
    """The child's end of the socket."""

    def __init__(self, connection: socket.socket):
        self._connection = connection

    def send(self, message: object) -> None:
        """Send one message."""
        body = pack(message)
        self._connection.sendall(HEADER.pack(len(body)))
        self._connection.sendall(body)

    @property
    def is_asked(self) -> bool:
        """Whether a message, or the end, is waiting."""
        return bool(select.select([self._connection], [], [], 0)[0])

    def receive(self) -> object:
        """The next message; None at the end."""
        header = self._bytes(HEADER.size)
        if header is None:
            return None
        body = self._bytes(*HEADER.unpack(header))
        return None if body is None else pickle.loads(body)

    def _bytes(self, size: int) -> bytearray | None:
        data = bytearray(size)
        view, got = memoryview(data), 0
        while got < size:
            count = self._connection.recv_into(view[got:])
            if not count:
                return None
            got += count
        return data


def _serve(channel: _Channel, reader: Any, memory_bytes: int) -> None:
    """Answer until the worker closes the socket; where it is gone, there is nobody to tell."""
    with suppress(BrokenPipeError, ConnectionResetError):
        while (request := channel.receive()) is not None:
            if isinstance(request, OpenDocument):
                channel.send(reader.open(request))
            elif isinstance(request, ReadPage):
                channel.send(reader.read(request.index, lambda stage: channel.send(Step(stage))))
            elif isinstance(request, CloseDocument):
                reader.close()
                channel.send(Closed())
            elif isinstance(request, Prepare):
                _prepare(channel, reader, _MOST_AHEAD * memory_bytes)
            del request


def _prepare(channel: _Channel, reader: Any, most_bytes: float) -> None:
    statm = Statm(os.getpid())
    # Whatever an engine raises: a page that needs it will tell.
    with suppress(Exception):
        for _ in reader.prepare():
            if channel.is_asked or statm.resident_bytes() > most_bytes:
                break
    statm.close()


def _reader(settings: ReaderSettings) -> Any:
    from transforms.stages.children.page_reader import PageReader  # seconds: after the worker was greeted

    return PageReader(settings)


def _text_of(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, ValueError | FileNotFoundError) else f"{type(error).__name__}: {text}"


def _end_with(parent: int) -> None:
    """Let the kernel end this process when the one that started it ends, whatever it is doing then."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)  # it had ended before


def _limit_memory(budget_bytes: int) -> None:
    """Refuse allocations far beyond the budget at once; the worker watches over what is really used.

    Libraries reserve more than they use, so the limit is what there is now and twice the budget.
    """
    with suppress(OSError, ValueError, IndexError):
        with open("/proc/self/statm") as statm:
            pages = int(statm.read().split()[5])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + 2 * budget_bytes
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        if most != resource.RLIM_INFINITY:
            limit = min(limit, most)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _silence() -> None:
    """From now on libraries write nowhere: their warnings may quote what is on a page."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)


if __name__ == "__main__":
    main(sys.argv[1:])
