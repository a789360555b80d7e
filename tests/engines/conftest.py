"""What the tests of engines share: a few real documents, the real command, and what it must leave."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.written_files import written_files

ROOT = Path(__file__).resolve().parents[2]
SCANS = ("en_invoice.jpg", "es_registration.webp", "broken.jpg")
LONG = 3
"""Pages of a file that engines read in ranges, and the local runner as a whole."""
SECTIONS = ("documents", "pages", "found", "failures", "overlays")


def named(variable: str, what: str) -> str:
    """The value of an environment variable; the test is skipped where there is none.

    Args:
        variable: Its name.
        what: What it names.
    """
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} names no {what}")
    return value


@pytest.fixture(scope="session")
def scans(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    for name in SCANS:
        shutil.copy(ROOT / "samples" / name, folder)
    with Image.open(ROOT / "samples" / SCANS[0]) as scan:
        pages = [scan.convert("L").crop((0, 0, scan.width, scan.height // 4))] * LONG
    pages[0].save(folder / "long.tif", save_all=True, append_images=pages[1:])
    return folder


def start(scans: Path, output: Path, *flags: str) -> subprocess.Popen:
    """The real command, running.

    Args:
        scans: What it reads.
        output: Where it writes.
        flags: The engine's.
    """
    command = [sys.executable, str(ROOT / "run_pipeline.py"), f"--input={scans}", f"--output={output}"]
    given = ["--run_id=r", "--num_shards=2", "--device=cpu", "--dtype=float32", "--review", "--range_pages=1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*command, *given, *flags],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(run: subprocess.Popen, timeout_s: float = 900) -> str:
    """Wait for a run that must succeed.

    Args:
        run: Of ``start``.
        timeout_s: For how long, in seconds.

    Returns:
        What it printed.
    """
    try:
        printed, _ = run.communicate(timeout=timeout_s)
    finally:
        if run.poll() is None:
            run.kill()
            run.communicate()
    assert run.returncode == 0, printed
    return printed


@pytest.fixture(scope="session")
def expected(scans, tmp_path_factory) -> Path:
    """The output of the local runner."""
    output = tmp_path_factory.mktemp("direct")
    finish(start(scans, output, "--direct_num_workers=1", "--range_pages=0"))
    return output


def check_equal(output: Path, expected: Path) -> None:
    """The files of two runs are the same, and so are the counts in their summaries.

    Args:
        output: Of the engine.
        expected: Of the local runner.
    """
    found, wanted = written_files(output), written_files(expected)
    assert found.keys() == wanted.keys()
    assert [name for name in found if found[name] != wanted[name]] == []
    summaries = [
        json.loads((folder / "runs" / "run_id=r" / "summary.json").read_text())
        for folder in (output, expected)
    ]
    for section in SECTIONS:
        assert summaries[0][section] == summaries[1][section], section
