from pathlib import Path

import pytest

from transforms.config import JobConfig
from transforms.launch import input_counts
from transforms.stages.inputs import normalise_inputs


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, size in (("a.jpg", 1_000_000), ("b.PDF", 500_000), ("notes.txt", 7), (".hidden", 9)):
        (tmp_path / name).write_bytes(bytes(size))
    return tmp_path


def counts(*patterns: str, **more) -> dict[str, str]:
    config = JobConfig(output="out", run_id="r", input=normalise_inputs(patterns), **more)
    return dict(input_counts.count_inputs(config))


def test_files_bytes_and_pages_are_counted_each_file_once(folder):
    found = counts(str(folder), str(folder / "*.jpg"))
    assert found["files"] == "2, 1.5 MB"
    assert found["pages"].startswith("1 (1 PDF")  # no PDF but for its name
    assert found["passed over"].startswith("1 ")
    assert counts(str(folder / "*.jpg")) == {"files": "1, 1.0 MB", "pages": "1"}


def test_sizes_of_a_manifest_are_not_known(folder):
    manifest = folder / "list.csv"
    manifest.write_text(f"uri\n{folder}/a.jpg\n{folder}/gone.jpg\n")
    assert counts(manifest=str(manifest))["files"] == "2, 0.0 MB (of 2 it is not known)"


def test_long_listings_are_not_counted_to_their_end(folder, monkeypatch):
    monkeypatch.setattr(input_counts, "MOST_FILES", 2)
    assert counts(str(folder))["files"].startswith(("1 or more", "2 or more"))
