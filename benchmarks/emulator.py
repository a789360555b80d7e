"""A Cloud Storage emulator in a process of its own, for as long as a benchmark needs it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUCKET = "benchmark"
_PATIENCE_S = 30.0


@contextmanager
def cloud_storage(folder: Path) -> Iterator[None]:
    """Inside, ``gs://benchmark`` is the emulator's, for this process and its children.

    Objects are in memory. ``folder`` takes a file of made-up credentials: without one, Beam would ask a
    metadata server that is not there.
    """
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    credentials = {"type": "authorized_user", "token": "none", "expiry": "2099-01-01T00:00:00Z"}
    credentials |= {"client_id": "none", "client_secret": "none", "refresh_token": "none"}
    (folder / "credentials.json").write_text(json.dumps(credentials))
    environment = {
        "STORAGE_EMULATOR_HOST": f"http://localhost:{port}",
        "GOOGLE_APPLICATION_CREDENTIALS": str(folder / "credentials.json"),
        "GOOGLE_CLOUD_PROJECT": "test",
    }
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--host=localhost", "--in-memory", "-q"]
    command += [f"--port={port}", f"--default-bucket={BUCKET}"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        _wait_for(port)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        server.terminate()
        server.wait()


def upload(files: list[Path], prefix: str) -> str:
    """Copy files under ``gs://benchmark/prefix`` and return that address."""
    bucket = _bucket()
    for path in files:
        bucket.blob(f"{prefix}/{path.name}").upload_from_filename(str(path))
    return f"gs://{BUCKET}/{prefix}"


def download(name: str) -> bytes:
    """An object of the bucket."""
    return _bucket().blob(name).download_as_bytes()


def _bucket():
    from google.cloud import storage

    return storage.Client(project="test").bucket(BUCKET)


def _wait_for(port: int) -> None:
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
