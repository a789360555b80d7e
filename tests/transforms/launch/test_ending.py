import subprocess
import sys
import threading

import pytest

from transforms.launch.ending import ends_with_its_workers

LEAVING = """
import atexit, threading, time
from concurrent.futures import ThreadPoolExecutor
from transforms.launch.ending import leave

class Part:
    def __del__(self):
        print("taken apart")

part = Part()
atexit.register(print, "cleared up")
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
ThreadPoolExecutor(1).submit(lambda: time.sleep(0.2) or print("worked"))
print("begun", end=" ")
leave(3)
"""


def run(name: str, error: Exception) -> None:
    """A thread of that name that ends with the error."""

    def fail():
        raise error

    thread = threading.Thread(target=fail, name=name)
    thread.start()
    thread.join()


@pytest.mark.parametrize(
    ("code", "how"),
    [("-9", "SIGKILL"), ("137", "SIGKILL"), ("-11", "SIGSEGV"), ("1", "exit code 1"), ("nothing", "nothing")],
)
def test_worker_process_that_fails_ends_the_run_and_how_it_ended_is_told(code, how):
    told = []
    with ends_with_its_workers(told.append):
        run("run_worker", RuntimeError(f"Worker subprocess exited with return code {code}"))
    assert len(told) == 1 and how in told[0]


def test_other_threads_are_left_to_who_heard_of_them_before(monkeypatch):
    heard, told = [], []
    monkeypatch.setattr(threading, "excepthook", heard.append)
    with ends_with_its_workers(told.append):
        run("another", RuntimeError("why"))
    assert len(heard) == 1 and not told
    run("run_worker", RuntimeError("return code -9"))
    assert len(heard) == 2 and not told


def test_a_process_ends_in_order_but_is_not_taken_apart_beneath_its_threads():
    done = subprocess.run([sys.executable, "-c", LEAVING], capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.split("\n") == ["begun worked", "cleared up", ""]
