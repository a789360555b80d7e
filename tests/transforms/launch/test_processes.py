import os
import subprocess
import sys

from transforms.launch.processes import descendants


def test_children_and_their_children_are_found():
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        found = descendants(os.getpid())
        assert child.pid in found
        (grandchild,) = descendants(child.pid)
        assert grandchild in found
    assert child.pid not in descendants(os.getpid())


def test_process_that_has_ended_has_none():
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert descendants(child.pid) == []
