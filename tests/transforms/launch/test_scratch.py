import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from transforms.launch import scratch


def test_it_lies_beside_the_tables_where_the_output_is_a_path(tmp_path):
    for local_run in (True, False):  # workers of a job server write to that path too
        folder = scratch.scratch_folder(str(tmp_path), "r", local_run)
        assert os.path.dirname(folder) == str(tmp_path)
        assert os.path.basename(folder).startswith(".")


def test_elsewhere_only_a_run_on_this_machine_has_one(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = scratch.scratch_folder("gs://bucket/out", "r", local_run=True)
    assert os.path.dirname(folder) == str(tmp_path)
    assert scratch.scratch_folder("gs://bucket/out", "r", local_run=False) is None


def test_two_runs_of_one_id_do_not_share_it(tmp_path):
    first, second = (scratch.scratch_folder(str(tmp_path), "r", True) for _ in range(2))
    assert first != second


def test_it_is_removed_with_all_in_it_and_twice_is_no_error(tmp_path):
    folder = scratch.scratch_folder(str(tmp_path / "out"), "r", True)
    scratch.make(folder)
    Path(folder, "rows").write_bytes(b"x")
    scratch.remove(folder)
    scratch.remove(folder)
    assert not any((tmp_path / "out").iterdir())


def killed_run(folder: str) -> None:
    """Make a scratch folder in a process that is killed."""
    code = "import os, signal, sys; from transforms.launch import scratch; scratch.make(sys.argv[1]); "
    code += "open(f'{sys.argv[1]}/rows', 'w').write('recognised text'); os.kill(os.getpid(), signal.SIGKILL)"
    root = Path(scratch.__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code, folder], cwd=root).returncode == -signal.SIGKILL


def test_later_run_removes_scratch_of_a_killed_one(tmp_path):
    left = scratch.scratch_folder(str(tmp_path), "r", True)
    killed_run(left)
    broken_off = f"{scratch.scratch_folder(str(tmp_path), 'q', True)}.gone"
    os.mkdir(broken_off)
    assert Path(left, "rows").exists()
    scratch.remove_left_over(str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_folder_of_a_running_run_stays(tmp_path):
    folder = scratch.scratch_folder(str(tmp_path), "r", True)
    scratch.make(folder)
    scratch.remove_left_over(str(tmp_path))
    assert os.path.isdir(folder)
    scratch.remove(folder)


def test_what_a_run_with_an_output_elsewhere_left_is_removed_too(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    os.mkdir(scratch.scratch_folder("gs://bucket/out", "r", local_run=True))
    scratch.remove_left_over("gs://bucket/other")
    assert not list(tmp_path.iterdir())


def test_it_is_readable_by_its_user_only(tmp_path):
    folder = scratch.scratch_folder(str(tmp_path / "out"), "r", True)
    before = os.umask(0)
    try:
        scratch.make(folder)
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    scratch.remove(folder)
