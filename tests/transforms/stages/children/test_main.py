import pickle
import socket
import threading
from contextlib import contextmanager

import pytest

from transforms.stages.children import main
from transforms.stages.children.messages import HEADER, Closed, CloseDocument, Prepare, pack

PLENTY = 1 << 40


class Reader:
    """A reader whose steps of preparing wait for the test, and whose pages are none."""

    def __init__(self, steps, error=None):
        self.steps = steps
        self.error = error
        self.done = 0
        self.left = threading.Event()
        self.may_go_on = threading.Semaphore(0)

    def prepare(self):
        try:
            for _ in range(self.steps):
                assert self.may_go_on.acquire(timeout=600)
                self.done += 1
                yield
            if self.error:
                raise self.error
        finally:
            self.left.set()

    def close(self):
        pass


@contextmanager
def served(reader, memory_bytes=PLENTY):
    """A function that sends messages, and one that waits for a reply; the child's loop runs in a thread."""
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    thread = threading.Thread(target=main._serve, args=(main._Channel(theirs), reader, memory_bytes))

    def send(*messages):
        for body in map(pack, messages):
            ours.sendall(HEADER.pack(len(body)) + body)

    def reply():
        (size,) = HEADER.unpack(ours.recv(HEADER.size, socket.MSG_WAITALL))
        return pickle.loads(ours.recv(size, socket.MSG_WAITALL))

    thread.start()
    try:
        yield send, reply
    finally:
        ours.close()
        reader.may_go_on.release(reader.steps + 1)
        thread.join(60)
        theirs.close()
    assert not thread.is_alive()


def test_a_child_prepares_while_nothing_is_asked():
    reader = Reader(3)
    reader.may_go_on.release(3)
    with served(reader) as (send, reply):
        send(Prepare())
        assert reader.left.wait(60)
        assert reader.done == 3
        send(CloseDocument())
        assert reply() == Closed()


def test_what_is_asked_comes_before_the_rest_of_preparing():
    reader = Reader(3)
    with served(reader) as (send, reply):
        send(Prepare(), CloseDocument())
        reader.may_go_on.release()
        assert reply() == Closed()
        assert reader.done == 1


def test_preparing_leaves_memory_for_pages():
    reader = Reader(3)
    reader.may_go_on.release(3)
    with served(reader, memory_bytes=1) as (send, reply):
        send(Prepare())
        assert reader.left.wait(60)
        assert reader.done == 1
        send(CloseDocument())
        assert reply() == Closed()


@pytest.mark.parametrize("error", [RuntimeError("no such network"), MemoryError()])
def test_what_cannot_be_prepared_is_left_to_the_page(error):
    reader = Reader(0, error)
    with served(reader) as (send, reply):
        send(Prepare(), CloseDocument())
        assert reply() == Closed()
