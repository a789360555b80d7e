import gc
import importlib.util
import json
import logging
import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import launched

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Modules and tests stay: no search for garbage goes through them, neither now nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_sessionfinish() -> None:
    """The end looks for garbage everywhere: DuckDB complains of what is left there."""
    gc.unfreeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules with slow tests come first: one that began last would run alone, while other processes wait."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pages, which are not part of the repository."""
    folder = Path(os.environ.get("BEAM_KIE_SHARED_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; BEAM_KIE_SHARED_DATA names another place")
    return folder


@pytest.fixture(scope="session")
def chrome():
    """A running browser for all tests of a process."""
    with launched() as running:
        yield running


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of the reference implementations' numbers; see its README."""
    return REPOSITORY / "tests" / "reference"


@pytest.fixture(scope="session")
def paddle_package() -> None:
    """Skips where the PaddleOCR engine cannot be installed, as on Python 3.14."""
    if importlib.util.find_spec("paddleocr") is None:
        pytest.skip("the extra paddle is not installed")


@pytest.fixture(scope="session")
def _gcs_emulator():
    """The address of a Cloud Storage emulator that holds its objects in memory; one per test process."""
    server = pytest.importorskip("gcp_storage_emulator.server", reason="the dev extra is not installed")
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    with server.create_server("localhost", port, in_memory=True):
        yield f"http://localhost:{port}"


@pytest.fixture(scope="session")
def _s3_server():
    """The address of an S3 server that holds its objects in memory; one per test process."""
    server = pytest.importorskip("moto.server", reason="the dev extra is not installed")
    # Its lines about requests would be part of what a command under test prints.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def s3_bucket(_s3_server, monkeypatch) -> str:
    """A fresh ``s3://bucket``; this process and its children reach it by environment variables."""
    import boto3

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", _s3_server)
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    return f"s3://{bucket}"


@pytest.fixture
def gcs_bucket(_gcs_emulator, monkeypatch, tmp_path_factory) -> str:
    """A fresh ``gs://bucket``; this process and its children reach it by environment variables."""
    from google.cloud import storage

    # Without a file of credentials, Beam asks a metadata server that is not there for 24 seconds.
    credentials = {"type": "authorized_user", "token": "none", "expiry": "2099-01-01T00:00:00Z"}
    credentials |= {"client_id": "none", "client_secret": "none", "refresh_token": "none"}
    path = tmp_path_factory.mktemp("gcs") / "credentials.json"
    path.write_text(json.dumps(credentials))
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", _gcs_emulator)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "test")
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    storage.Client(project="test").create_bucket(bucket)
    return f"gs://{bucket}"
