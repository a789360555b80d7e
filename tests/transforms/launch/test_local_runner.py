"""Beam's in-process runner with its timed flush forced to one millisecond, where it breaks in seconds."""

import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker import data_plane

from transforms.launch.local_runner import no_timed_flush

ROOT = Path(__file__).resolve().parents[3]
FILES = 10_000
RUN_WITH_FLUSH_EVERY_MS = """
import sys
from apache_beam.runners.portability.fn_api_runner import worker_handlers
worker_handlers.DATA_BUFFER_TIME_LIMIT_MS = 1
import runpy
sys.argv = ["run_pipeline.py", *sys.argv[1:]]
runpy.run_path("run_pipeline.py", run_name="__main__")
"""


def _limits():
    # An element that is cut in two can claim any size: a broken run must not take the machine's memory.
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (240, 240))


def test_every_file_of_a_run_of_many_threads_has_its_own_row(tmp_path):
    scans, out = tmp_path / "scans", tmp_path / "out"
    scans.mkdir()
    for number in range(FILES):
        (scans / f"scan{number}.png").write_bytes(b"x")
    flags = ["--input", str(scans), "--output", str(out), "--run_id", "r", "--direct_num_workers", "4"]
    flags += ["--direct_running_mode", "multi_threading", "--overlays", "none"]
    done = subprocess.run(
        [sys.executable, "-c", RUN_WITH_FLUSH_EVERY_MS, *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=_limits,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for table in ("documents", "failures"):
        rows = duckdb.sql(f"SELECT uri FROM '{out}/{table}/run_id=r/*.parquet'").fetchall()
        counts = Counter(Path(uri.removeprefix("file://")).name for (uri,) in rows)
        assert counts == {f"scan{number}.png": 1 for number in range(FILES)}, table


def test_no_buffer_is_emptied_by_a_timer():
    with no_timed_flush():
        limit = worker_handlers.DATA_BUFFER_TIME_LIMIT_MS
        stream = data_plane.ClosableOutputStream.create(None, None, limit)
        assert not isinstance(stream, data_plane.TimeBasedBufferingClosableOutputStream)
    assert worker_handlers.DATA_BUFFER_TIME_LIMIT_MS == 1000


def test_beam_that_cannot_switch_it_off_is_refused(monkeypatch):
    monkeypatch.delattr(worker_handlers, "DATA_BUFFER_TIME_LIMIT_MS")
    with pytest.raises(RuntimeError, match="direct_num_workers"), no_timed_flush():
        pass
