"""The real command with a job server and a worker of its own process, which knows only installed packages."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from PIL import Image, ImageDraw

from tests.written_files import written_files
from transforms.launch import cli
from transforms.launch.processes import descendants

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "samples" / "es_registration.webp"
LINES = ("Name: Li Lei", "Date", "2024-05-01")
JOB_SERVER = "apache_beam.runners.portability.local_job_service_main"
WORKER_POOL = "apache_beam.runners.worker.worker_pool_main"


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder for PYTHONPATH with what setup.py installs: the packages, nothing else of the checkout."""
    home = tmp_path_factory.mktemp("installed")
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    for package in {name.split(".")[0] for name in packages}:
        shutil.copytree(ROOT / package, home / package, ignore=shutil.ignore_patterns("__pycache__"))
    return home


@dataclass(frozen=True)
class Server:
    """A process that listens on a port of this machine."""

    process: subprocess.Popen
    address: str
    log: Path


@contextmanager
def server(module: str, flag: str, folder: Path, pythonpath: Path):
    """Start a Beam server in an empty folder; end it and the workers that it started."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    # The pool starts workers as "python", whichever comes first on the PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(pythonpath), "OMP_NUM_THREADS": "1"}
    log = folder / f"{module}.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", module, f"{flag}={port}"],
            cwd=folder,
            env=environment,
            stdout=stream,
            stderr=stream,
        )
    try:
        with grpc.insecure_channel(f"localhost:{port}") as channel:
            grpc.channel_ready_future(channel).result(timeout=120)
        yield Server(process, f"localhost:{port}", log)
    finally:
        for pid in [*descendants(process.pid), process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def job_server(tmp_path_factory):
    with server(JOB_SERVER, "--port", tmp_path_factory.mktemp("server"), Path()) as started:
        yield started


@pytest.fixture(scope="module")
def pool(tmp_path_factory, installed):
    """A pool of workers that starts far from the checkout and finds the job on PYTHONPATH."""
    with server(WORKER_POOL, "--service_port", tmp_path_factory.mktemp("pool"), installed) as started:
        yield started


@pytest.fixture(scope="module")
def scans(tmp_path_factory) -> Path:
    """Pages with given lines in several formats, one that OCR reads, and one that is broken."""
    folder = tmp_path_factory.mktemp("scans")
    image = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(image).rectangle((10, 10, 290, 190), outline="black")
    image.save(folder / "a.png")
    image.save(folder / "b.tif", save_all=True, append_images=[image, image])
    image.save(folder / "c.pdf", save_all=True, append_images=[image])
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:60])
    shutil.copy(SAMPLE, folder / "real.webp")
    lines = [
        {"text": text, "box": [20, 20 + 40 * n, 180, 40 + 40 * n], "confidence": 0.9}
        for n, text in enumerate(LINES)
    ]
    records = [
        {"uri": str(folder / name), "page": page + 1, "lines": lines}
        for name, pages in (("a.png", 1), ("b.tif", 3), ("c.pdf", 2))
        for page in range(pages)
    ]
    (folder.parent / "lines.jsonl").write_text("\n".join(map(json.dumps, records)))
    return folder


def flags(scans: Path, output: Path) -> list[str]:
    given = [f"--input={scans}", f"--ocr_lines={scans.parent / 'lines.jsonl'}", f"--output={output}"]
    return [
        *given,
        "--run_id=r",
        "--num_shards=2",
        "--device=cpu",
        "--dtype=float32",
        "--overlay_max_side=400",
        "--review",
    ]


def on(job_server: Server, pool: Server) -> list[str]:
    runner = ["--runner", "PortableRunner", "--job_endpoint", job_server.address]
    return [*runner, "--environment_type", "EXTERNAL", "--environment_config", pool.address]


def summary(output: Path) -> dict:
    return json.loads((output / "runs" / "run_id=r" / "summary.json").read_text())


@pytest.mark.slow
def test_separate_worker_leaves_the_files_of_the_direct_runner(
    scans, job_server, pool, tmp_path, monkeypatch
):
    command = [sys.executable, str(ROOT / "run_pipeline.py"), *flags(scans, tmp_path / "portable")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, *on(job_server, pool)], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr + job_server.log.read_text()[-3000:]
    assert "documents  5 (success 4, failure 1)" in done.stdout
    assert "Starting worker with command" in pool.log.read_text()

    direct = [*flags(scans, tmp_path / "direct"), "--runner=DirectRunner", "--direct_num_workers=1"]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cli.main(direct) == cli.OK
    found, expected = written_files(tmp_path / "portable"), written_files(tmp_path / "direct")
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
    for section in ("documents", "pages", "found", "tables", "overlays", "failures"):
        assert summary(tmp_path / "portable")[section] == summary(tmp_path / "direct")[section]
    assert summary(tmp_path / "portable")["found"]["lines"] > 6 * len(LINES), "OCR read nothing"


@pytest.mark.slow
def test_worker_without_the_job_installed_is_reported_as_such(scans, job_server, tmp_path, capfd):
    with server(WORKER_POOL, "--service_port", tmp_path, tmp_path / "nothing") as bare:
        assert cli.main([*flags(scans, tmp_path / "out"), *on(job_server, bare)]) == cli.FAILED
    said = capfd.readouterr().err
    assert "run r failed: ModuleNotFoundError: No module named 'transforms'" in said
    assert not (tmp_path / "out" / "runs").exists()
