import os
import tempfile
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("run_id", ["r", "r.1-a_b"])
def test_only_what_is_left_of_the_same_run_is_removed(tmp_path, run_id):
    left, other = (scratch.scratch_folder(str(tmp_path), name, True) for name in (run_id, f"{run_id}-2"))
    broken_off = f"{scratch.scratch_folder(str(tmp_path), run_id, True)}.gone"
    for folder in (left, other, broken_off):
        scratch.make(folder)
    scratch.remove_left_over(str(tmp_path), run_id)
    assert [str(path) for path in tmp_path.iterdir()] == [other]
    scratch.remove_left_over("gs://bucket/out", run_id)
