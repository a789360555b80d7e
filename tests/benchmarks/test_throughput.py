import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCAN = ROOT / "samples" / "es_registration.webp"


@pytest.fixture(scope="module")
def throughput():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import throughput
    finally:
        sys.path.pop(0)
    return throughput


def test_files_are_repeated_as_documents_of_their_own(throughput, tmp_path):
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in files:
        path.write_text(path.name)
    folder = throughput.link(files, 5, str(tmp_path), "memory")
    assert [path.read_text() for path in sorted(folder.iterdir())] == ["a.png", "b.png"] * 2 + ["a.png"]
    assert list(throughput.files_below([str(folder)])) == sorted(folder.iterdir())


@pytest.mark.slow
def test_the_job_is_measured_against_ocr_alone(throughput):
    command = [
        sys.executable,
        "benchmarks/throughput.py",
        "--input",
        str(SCAN),
        "--json",
        "--overlays",
        "none",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    for measured in (report["ocr"], report["job"]):
        assert measured["pages"] == 1
        assert measured["pages_per_s"] > 0
        assert measured["peak_mib"] > 100
    assert report["ocr"]["lines"] == report["job"]["lines"] > 10
    assert {"read", "decode", "ocr", "model"} <= report["job"]["seconds_per_page"].keys()
    assert not {"preview", "overlay"} & report["job"]["seconds_per_page"].keys()
    text = throughput.table(report)
    assert "OCR alone" in text and f"{report['job_to_ocr']:.2f} of its pages/s" in text
