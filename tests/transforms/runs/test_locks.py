import os
import subprocess
import sys
from pathlib import Path

import pytest

from transforms.runs import folders, locks, paths
from transforms.storage import files

HOLD = """
from transforms.runs import locks
with locks.claimed({!r}, "r", locks.Replace.NOTHING):
    print("held", flush=True)
    input()
"""
ROOT = Path(__file__).resolve().parents[3]


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_a_run_is_claimed_once_at_a_time(tmp_path):
    output = str(tmp_path / "out")
    with locks.claimed(output, "r", locks.Replace.NOTHING):
        assert locks.is_running(output, "r")
        for replace in locks.Replace:
            with pytest.raises(locks.RunTakenError, match="run r"), locks.claimed(output, "r", replace):
                pass
        with locks.claimed(output, "other", locks.Replace.NOTHING):
            assert locks.is_running(output, "other")
        assert locks.is_running(output, "r")
    assert not locks.is_running(output, "r")
    assert names(output) == []
    with locks.claimed(output, "r", locks.Replace.NOTHING):
        pass


def test_another_name_of_the_folder_is_the_same_folder(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to("out")
    with locks.claimed(str(tmp_path / "out"), "r", locks.Replace.NOTHING):
        assert locks.is_running(str(tmp_path / "link"), "r")


def test_the_lock_of_a_killed_run_is_none(tmp_path):
    output = str(tmp_path / "out")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(output)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    assert locks.is_running(output, "r")
    with pytest.raises(locks.RunTakenError), locks.claimed(output, "r", locks.Replace.ALL):
        pass
    holder.kill()
    holder.communicate()
    assert names(output) == [".beam-kie-lock~r"]
    assert not locks.is_running(output, "r")
    with locks.claimed(output, "other", locks.Replace.NOTHING):
        assert names(output) == [".beam-kie-lock~other"]


def test_a_run_that_ended_meanwhile_is_not_written_over(tmp_path):
    output = str(tmp_path)
    files.write_bytes(paths.summary_path(output, "r"), b"{}")
    with pytest.raises(locks.RunTakenError), locks.claimed(output, "r", locks.Replace.NOTHING):
        pass
    with locks.claimed(output, "r", locks.Replace.ALL):
        assert not folders.run_exists(output, "r")


def test_an_output_of_somebody_else_is_an_error_of_the_system(tmp_path):
    (tmp_path / "out").write_text("a file")
    with (
        pytest.raises(OSError, match="out"),
        locks.claimed(str(tmp_path / "out"), "r", locks.Replace.NOTHING),
    ):
        pass
    locks.release(str(tmp_path / "out"), "r")


def test_a_run_in_a_bucket_leaves_a_marker(gcs_bucket):
    with locks.claimed(gcs_bucket, "r", locks.Replace.NOTHING):
        assert folders.run_exists(gcs_bucket, "r")
        with pytest.raises(locks.RunTakenError), locks.claimed(gcs_bucket, "r", locks.Replace.NOTHING):
            pass
        with locks.claimed(gcs_bucket, "other", locks.Replace.NOTHING) as claim:
            claim.goes_on = True
    assert not folders.run_exists(gcs_bucket, "r")
    with pytest.raises(locks.RunTakenError), locks.claimed(gcs_bucket, "other", locks.Replace.NOTHING):
        pass
    with locks.claimed(gcs_bucket, "other", True):
        pass
    assert os.path.basename(paths.marker_path(gcs_bucket, "r")).startswith("_")


def test_of_two_markers_one_is_made(gcs_bucket):
    uri = f"{gcs_bucket}/out/_started.json"
    assert files.create(uri, b"first")
    assert not files.create(uri, b"second")
    assert files.read_bytes(uri) == b"first"
