import os
import subprocess
import sys
from pathlib import Path

import pytest

from transforms.launch.processes import descendants


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")
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


def test_name_of_a_process_may_hold_anything(tmp_path):
    for pid, line in ((7, "7 (a) b) S 1 7"), (8, "8 (c (d) S 7 8"), (9, "broken")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(line)
    assert descendants(7, tmp_path) == [8]
    assert descendants(1, tmp_path) == [7, 8]


def test_system_without_proc_has_none(tmp_path):
    assert descendants(1, tmp_path / "none") == []
