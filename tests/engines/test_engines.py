"""The real command on Prism, Flink and Spark: the files of the local runner, also where a worker is killed.

Each engine is run where an environment variable names it (docs/runners.md), and skipped elsewhere:
``BEAM_KIE_PRISM`` the Prism binary, ``BEAM_KIE_FLINK_JAR`` and ``BEAM_KIE_SPARK_JAR`` job servers' jars (with
``java`` on the PATH), ``BEAM_KIE_JOB_ENDPOINT`` HOST:PORT of a job server whose workers may run in
a pool on this machine.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import grpc
import pytest

from tests.engines.conftest import ROOT, check_equal, finish, named, start
from transforms.launch.processes import descendants

ENGINES = {
    "prism": ("BEAM_KIE_PRISM", "Prism binary", ["--runner=PrismRunner", "--prism_location={}"]),
    "flink": ("BEAM_KIE_FLINK_JAR", "job server", ["--runner=FlinkRunner", "--flink_job_server_jar={}"]),
    "spark": ("BEAM_KIE_SPARK_JAR", "job server", ["--runner=SparkRunner", "--spark_job_server_jar={}"]),
    "endpoint": ("BEAM_KIE_JOB_ENDPOINT", "job server", ["--runner=PortableRunner", "--job_endpoint={}"]),
}


def flags_of(engine: str) -> list[str]:
    variable, what, flags = ENGINES[engine]
    value = named(variable, what)
    return [flag.format(value) for flag in flags]


@contextmanager
def worker_pool(folder):
    """A pool of workers on this machine, as a supervisor would keep one: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"]
    with (folder / "pool.log").open("w") as log:
        pool = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        with grpc.insecure_channel(f"localhost:{port}") as channel:
            grpc.channel_ready_future(channel).result(timeout=120)
        yield f"localhost:{port}", pool
    finally:
        for pid in [*descendants(pool.pid), pool.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        pool.wait()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_engine_leaves_the_files_of_the_local_runner(engine, scans, request, tmp_path):
    flags = flags_of(engine)
    if engine != "prism":
        flags.append("--environment_type=LOOPBACK")
    finish(start(scans, tmp_path / "out", *flags))
    check_equal(tmp_path / "out", request.getfixturevalue("expected"))


@pytest.mark.slow
@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "prism"])
def test_worker_that_is_killed_costs_nothing_but_time(engine, scans, request, tmp_path):
    flags = flags_of(engine)
    with worker_pool(tmp_path) as (address, pool):
        external = ["--environment_type=EXTERNAL", f"--environment_config={address}"]
        run = start(scans, tmp_path / "out", *flags, *external)
        deadline = time.monotonic() + 300
        while not (workers := list(descendants(pool.pid))) and run.poll() is None:
            assert time.monotonic() < deadline, "no worker has started"
            time.sleep(0.5)
        time.sleep(5)
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        finish(run)
    check_equal(tmp_path / "out", request.getfixturevalue("expected"))
