"""The child process notices what a parser must not do, and the one after it goes on."""

import os
import signal
import time

import pytest

from tests.fuzz import sandbox as module
from tests.fuzz.sandbox import target


@target(KeyError, memory_bytes=50_000_000, cpu_s=0.1)
def behave(how: str) -> None:
    if how == "as documented":
        raise KeyError
    if how == "another error":
        raise IndexError
    if how == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "balloon":
        bytearray(b"x") * 200_000_000
    if how == "linger":
        start = time.process_time()
        while time.process_time() < start + 0.3:
            pass


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("another error", "IndexError"),
        ("crash", "SIGSEGV"),
        ("balloon", "memory grew"),
        ("linger", "processor time"),
    ],
)
def test_what_a_parser_must_not_do_is_a_finding(sandbox, monkeypatch, tmp_path, how, says):
    monkeypatch.setattr(module, "FINDINGS", tmp_path)
    sandbox.check(behave, "as documented")
    with pytest.raises(AssertionError, match=says):
        sandbox.check(behave, how)
    sandbox.check(behave, "well")
    assert how.encode() in (tmp_path / "test_sandbox-behave.input").read_bytes()
