"""``make test`` ends a test that hangs, says where its threads are, and goes on with the others."""

import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HANGING = """
import threading
import pytest

@pytest.mark.parametrize("number", range(6))
def test_fine(number):
    pass

def test_hangs():
    waiting = threading.Thread(target=lose_patience_never, daemon=True)
    waiting.start()
    waiting.join()

def lose_patience_never():
    threading.Event().wait()
"""


def test_a_test_that_hangs_fails_with_all_threads_and_the_others_run(tmp_path):
    (tmp_path / "test_it.py").write_text(HANGING)
    made = ["make", "--dry-run", "test", "HANGS_AFTER_S=3", "COVERAGE="]
    told = subprocess.run(made, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (command,) = [line.partition(" -m pytest ")[2] for line in told.splitlines() if " -m pytest " in line]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *shlex.split(command), "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "FAILED test_it.py::test_hangs" in ran.stdout and "1 failed, 6 passed" in ran.stdout
    assert "in lose_patience_never" in ran.stderr and "in test_hangs" in ran.stderr
