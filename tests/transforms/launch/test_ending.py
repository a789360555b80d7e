import threading

import pytest

from transforms.launch.ending import ends_with_its_workers


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
