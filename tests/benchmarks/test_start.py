import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import start

JOB = """
import sys, time
from pathlib import Path
folder = Path(sys.argv[sys.argv.index("--output") + 1], "overlays", "run_id=1")
folder.mkdir(parents=True)
{draw}
time.sleep(0.3)
print("the last words")
sys.exit({code})
"""
DRAW = '(folder / "p0001.jpg").touch()'


@pytest.fixture
def root(tmp_path):
    """Makes a folder with a job that draws a picture, or not, and ends with a code."""

    def make(draw=DRAW, code=0):
        (tmp_path / "run_pipeline.py").write_text(JOB.format(draw=draw, code=code))
        (tmp_path / "page.jpg").touch()
        return tmp_path

    return make


def test_the_first_picture_comes_before_the_end(root):
    folder = root()
    first, end = start.run(folder, "ppocr", folder / "page.jpg", [])
    assert 0 < first < end - 0.1


@pytest.mark.parametrize(("draw", "code"), [(DRAW, 1), ("", 0)])
def test_a_run_without_a_picture_is_no_measurement(root, draw, code):
    folder = root(draw, code)
    with pytest.raises(SystemExit, match="the last words"):
        start.run(folder, "ppocr", folder / "page.jpg", [])


def test_versions_and_engines_take_turns(root, capsys, monkeypatch):
    folder = root()
    seen = []
    monkeypatch.setattr(
        start,
        "run",
        lambda root, engine, page, flags: seen.append((engine, flags)) or (1.0 + len(seen), 9.0),
    )
    assert (
        start.main(["--roots", str(folder), "--page", str(folder / "page.jpg"), "--rounds", "2", "--x=1"])
        == 0
    )
    assert seen == [("ppocr", ["--x=1"]), ("rapidocr", ["--x=1"])] * 3
    assert "5.00 (4.00 to 6.00)" in capsys.readouterr().out


def test_a_folder_without_the_job_is_told_of(tmp_path):
    command = [sys.executable, Path(start.__file__), "--roots", tmp_path]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "run_pipeline.py" in ended.stderr
