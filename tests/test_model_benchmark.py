"""benchmarks/model.py."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from beam_kie.layoutxlm.inputs.strips import unpack_strips
from tests.small_networks import BUNDLED_KIND, save_model, small_network

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import model  # pyright: ignore[reportMissingImports]
    finally:
        sys.path.pop(0)
    return model


def test_pages_are_of_about_seventy_lines_and_all_different(benchmark):
    pages = benchmark.form_pages(6)

    assert all(65 <= len(page.lines) <= 75 for page in pages)
    assert len({page.lines for page in pages}) == 6
    assert len({page.uri[:2] for page in pages}) > 2
    for page in pages:
        assert all(0 <= x <= page.width_px for line in page.lines for x in line.polygon[0::2])
    assert benchmark.form_pages(1) == pages[:1]


def test_the_median_round_counts_and_the_first_does_not(benchmark, monkeypatch):
    # Rounds of 1, 5 and 2 seconds after one that is not timed.
    clock = iter([0, 1, 10, 15, 20, 22])
    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: next(clock))
    calls = []

    assert benchmark.milliseconds(lambda: calls.append(1), 3) == 2000
    assert len(calls) == 4


def test_model_with_line_images_gets_pixels(benchmark):
    pages = benchmark.form_pages(2)
    assert benchmark.with_noise(pages, None) == pages
    for page in benchmark.with_noise(pages, "strips"):
        assert len(unpack_strips(page.picture)) == len(page.lines)


@pytest.mark.parametrize(("native", "types"), [(True, ["bfloat16", "float32"]), (False, ["float32"])])
def test_types_that_are_only_emulated_are_left_out(benchmark, monkeypatch, capsys, native, types):
    monkeypatch.setattr("beam_kie.devices.precision.is_native", lambda dtype, device: native)
    assert benchmark.native_types("cpu") == types
    assert ("bfloat16" in capsys.readouterr().err) != native


def test_the_command_reports_every_type_and_batch_beside_the_limits(benchmark, tmp_path):
    folder = save_model(tmp_path / "model", small_network(**BUNDLED_KIND))
    command = [sys.executable, "benchmarks/model.py", "--model", str(folder), "--json", "--threads", "1"]
    command += ["--pages", "1", "2", "--rounds", "2", "--dtype", "bfloat16", "float32"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    measured = [(row["dtype"], row["pages"]) for row in report["speed"]]
    assert measured == [("bfloat16", 1), ("bfloat16", 2), ("float32", 1), ("float32", 2)]
    assert all(row["ms_per_page"] > 0 for row in report["speed"])
    assert report["megabytes"] == round((folder / "model.safetensors").stat().st_size / 1e6, 1)
    assert 65 <= report["lines"] <= 75 and report["tokens"] > report["lines"]
    text = benchmark.table(report)
    assert "limit" in text and str(benchmark.MAX_MS) in text and str(report["megabytes"]) in text
    assert all(str(row["ms_per_page"]) in text for row in report["speed"])
