"""Runs that are killed with SIGKILL and go on: the real command, threads, processes and a portable runner."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.written_files import written_files
from transforms.launch import cli
from transforms.runs import paths

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 900
SINGLE, LONG = 20, 24
RUNNERS = {
    "threads": ["--direct_num_workers=2", "--direct_running_mode=multi_threading"],
    "processes": ["--direct_num_workers=2", "--direct_running_mode=multi_processing"],
    "portable": ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Pages in files of their own, one file of several pages and one that is broken; lines for all pages."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "scans").mkdir()
    for number in range(SINGLE):
        Image.new("RGB", (300, 400), (200, 200, number)).save(folder / "scans" / f"page{number:02d}.png")
    images = [Image.new("RGB", (300, 400), (100, 200, number)) for number in range(LONG)]
    images[0].save(folder / "scans" / "long.tif", save_all=True, append_images=images[1:])
    (folder / "scans" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    given = [(f"page{number:02d}.png", 1) for number in range(SINGLE)]
    given += [("long.tif", page) for page in range(1, LONG + 1)]
    # Long texts and the smallest batches: the model runs after every second page.
    lines = [
        {"text": text + " and so on" * 20, "confidence": 0.9, "box": [20, top, 200, top + 20]}
        for top, text in zip((30, 80, 130), ("Name: Li Lei", "Date of birth", "2001-02-03"), strict=True)
    ]
    rows = [{"uri": str(folder / "scans" / name), "page": page, "lines": lines} for name, page in given]
    (folder / "lines.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def flags(place, output, *more):
    given = [f"--input={place / 'scans'}", f"--ocr_lines={place / 'lines.jsonl'}", "--ocr_engine=none"]
    kept = ["--run_id=r", "--part_pages=1", "--num_shards=2", "--infer_txt", "--review=false"]
    kept += ["--range_pages=3"]
    return [
        f"--output={output}",
        *given,
        *kept,
        "--device=cpu",
        "--dtype=float32",
        "--batch_tokens=512",
        *more,
    ]


def summary_of(output):
    return json.loads(Path(paths.summary_path(str(output), "r")).read_bytes())


@pytest.fixture(scope="module")
def undisturbed(place, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("undisturbed") / "out"
    whole = ["--direct_num_workers=1", "--range_pages=0"]
    assert cli.main(flags(place, output, *whole)) == cli.OK
    assert not Path(paths.parts_folder(str(output), "r")).exists(), "a finished run needs no parts"
    return output


def pictures_of_long_file(output: Path) -> int:
    """How many pages of the file of several pages are drawn, without those that are being written."""
    return max((len(list(each.glob("p*.jpg"))) for each in output.glob("overlays/run_id=r/*")), default=0)


def parts_of(output: Path) -> int:
    """How many parts the run has written."""
    return len(list(Path(paths.parts_folder(str(output), "r")).glob("part-*.arrow")))


def kill_at(number: int, of: Callable[[Path], int], command: list[str], output: Path) -> None:
    """Start the command and end it like the kernel does as soon as it has written so many of something."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run_pipeline.py"), *command],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    waited_until = time.monotonic() + PATIENCE_S
    while of(output) < number:
        assert time.monotonic() < waited_until
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not Path(paths.summary_path(str(output), "r")).exists()


@pytest.mark.slow
@pytest.mark.parametrize("runner", RUNNERS)
def test_a_run_that_is_killed_again_and_again_goes_on(place, undisturbed, tmp_path, runner):
    output = tmp_path / "out"
    resumed = flags(place, output, "--resume", *RUNNERS[runner])
    kill_at(2, parts_of, flags(place, output, *RUNNERS[runner]), output)
    # By then all files of one page are done, and some ranges of the long one.
    kill_at(9, pictures_of_long_file, resumed, output)
    assert cli.main(resumed) == cli.OK
    assert written_files(output) == written_files(undisturbed)
    summary, expected = summary_of(output), summary_of(undisturbed)
    for section in ("documents", "pages", "found", "failures", "tables", "overlays"):
        assert summary[section] == expected[section]
    assert summary["resumed"]["documents"] == SINGLE + 1
    # Only the ranges that were left were read by the last attempt.
    assert 0 < summary["stage_times"]["decode"]["items"] < LONG


@pytest.mark.slow
def test_what_was_made_with_other_options_or_of_another_file_is_not_taken_up(place, tmp_path):
    output = tmp_path / "out"
    one = ["--direct_num_workers=1"]
    kill_at(16, parts_of, flags(place, output, *one), output)
    changed = place / "scans" / "page00.png"
    Image.new("RGB", (310, 410), "white").save(changed)
    assert cli.main(flags(place, output, *one, "--resume", "--overlay_max_side=500")) == cli.OK
    assert summary_of(output)["resumed"]["documents"] == 0

    again = tmp_path / "again"
    kill_at(16, parts_of, flags(place, again, *one), again)
    Image.new("RGB", (300, 400), (200, 200, 0)).save(changed)
    assert cli.main(flags(place, again, *one, "--resume")) == cli.OK
    expected = tmp_path / "expected"
    assert cli.main(flags(place, expected, *one)) == cli.OK
    tables = {name: data for name, data in written_files(again).items() if not name.startswith("overlays")}
    assert tables.items() <= written_files(expected).items()
    assert summary_of(again)["documents"] == summary_of(expected)["documents"]
    assert 0 < summary_of(again)["resumed"]["documents"] < SINGLE + 2
