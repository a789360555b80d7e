import shutil

import pyarrow.parquet as pq
import pytest

from benchmarks import long_file, scale, scale_job
from benchmarks.watching import Usage
from transforms import pipeline

PAGES = 12
FLAGS = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A run of stub pages that nobody disturbed."""
    place = tmp_path_factory.mktemp("scale")
    arguments, flags = scale.parse_arguments([f"--pages={PAGES}"])
    scale.prepare(place, arguments, flags)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("read_pages", "FindEntities"):  # the stubs take their place
            patch.setattr(pipeline, name, getattr(pipeline, name))
        scale_job.run_job(place / "manifest.txt", place / "out", FLAGS)
    return place / "out"


def test_all_rows_of_stub_pages_are_there(out):
    found = scale.check(out, PAGES, is_stub=True)
    assert found["rows"]["lines"] == PAGES * scale_job.LINES and found["resumed"] == 0
    with pytest.raises(SystemExit, match="expected 13"):
        scale.check(out, PAGES + 1, is_stub=True)
    assert not scale.scratch_folders(out) and not scale.kept_pages(out)


def test_a_row_that_differs_is_found(out, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(out, other)
    scale.compare(out, other)
    (path,) = scale.files_of(other, "lines")
    rows = pq.read_table(path)
    # The same rows, in another order: another file.
    pq.write_table(rows.take(list(range(len(rows)))[::-1]), path)
    scale.compare(out, other)
    pq.write_table(rows.slice(1), path)
    with pytest.raises(SystemExit, match="lines: rows differ"):
        scale.compare(out, other)


def test_cpu_time_is_of_the_pages_that_an_attempt_did():
    attempt = scale.Attempt(before=100, pages=300, seconds=4.0, cpu_s=2.0, peak_mib=9, mib_by_tenth=[9])
    assert attempt.cpu_ms_a_page == 10.0
    assert scale.Attempt(300, 300, 1.0, 1.0, 9, []).cpu_ms_a_page is None
    assert len(list(scale.table([attempt], attempt))) == 3


def test_long_file_has_as_many_pages_as_were_asked_for(tmp_path):
    from PIL import Image

    for number in range(2):
        Image.new("RGB", (30 + number, 40), "white").save(tmp_path / f"{number}.png")
    long_file.write_file(tmp_path / "long.tiff", tmp_path, 5)
    assert Image.open(tmp_path / "long.tiff").n_frames == 5
    used = {"ranges": [Usage(10.0, 20.0, 1, "")], "as a whole": [Usage(15.0, 20.0, 1, "")]}
    assert "1.50 times as fast" in long_file.table(used, 5)[-1]
