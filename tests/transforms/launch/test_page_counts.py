import io

import pytest
from PIL import Image

from tests.transforms.launch.test_input_counts import counts
from transforms.config import JobConfig
from transforms.launch import page_counts
from transforms.launch.page_counts import PageCounts, count_pages

CONFIG = JobConfig(output="out", run_id="r", input=("scans",))


def pages(form: str, count: int) -> bytes:
    data = io.BytesIO()
    first, *others = [Image.new("L", (40, 60), "white") for _ in range(count)]
    first.save(data, form, save_all=True, append_images=others)
    return data.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    (folder / "a.pdf").write_bytes(pages("PDF", 3))
    (folder / "b.tif").write_bytes(pages("TIFF", 2))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    (folder / "c.png").write_bytes(pages("PNG", 1))
    return folder


def test_pages_of_files_on_this_machine_are_counted(folder):
    found = counts(str(folder))
    assert found["files"].startswith("4, ")
    assert found["pages"].startswith("6 (1 PDF")


def test_what_is_elsewhere_large_or_late_is_not_opened(folder, monkeypatch):
    small = [str(folder / "b.tif"), f"file://{folder}/b.tif"]
    others = ["gs://bucket/a.pdf", str(folder / "gone.pdf")]
    assert count_pages([*small, *others], CONFIG) == PageCounts(pages=4, not_opened=2)
    monkeypatch.setattr(page_counts, "LARGEST_BYTES", (folder / "b.tif").stat().st_size - 1)
    assert count_pages(small, CONFIG) == PageCounts(not_opened=2)
    monkeypatch.undo()
    monkeypatch.setattr(page_counts, "LONGEST_S", -1)
    assert count_pages(small, CONFIG) == PageCounts(not_opened=2)
