import io
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from apache_beam.pvalue import TaggedOutput
from PIL import Image

from beam_kie.document import Category, FailedPage, Stage, StageTime
from tests import pages
from transforms.config import JobConfig
from transforms.launch import scratch
from transforms.runs import paths
from transforms.sinks.overlays import FAILURES, TIMES, WriteOverlayFn
from transforms.storage import files


@pytest.fixture
def config(tmp_path) -> JobConfig:
    return JobConfig(output=str(tmp_path), run_id="a", overlay_max_side=800)


def draw(config, page):
    """Path or None, failure or None, and time."""
    found = {None: None, FAILURES: None, TIMES: None}
    for output in WriteOverlayFn(config).process(page):
        tag, value = (output.tag, output.value) if isinstance(output, TaggedOutput) else (None, output)
        assert found[tag] is None
        found[tag] = value
    return found[None], found[FAILURES], found[TIMES]


def test_picture_is_written_under_the_documents_id_in_the_size_asked_for(config):
    path, failure, time = draw(config, pages.result(page=12))
    assert Path(path).relative_to(config.output).parts == (
        "overlays",
        "run_id=a",
        pages.document().document_id,
        "p0012.jpg",
    )
    image = Image.open(io.BytesIO(Path(path).read_bytes()))
    assert (image.format, max(image.size) <= 800) == ("JPEG", True)
    assert failure is None
    assert isinstance(time, StageTime) and (time.stage, time.items) == ("overlay", 1)


def test_review_gets_the_page_without_marks_and_a_small_picture(config):
    config = replace(config, review=True)
    for page in (pages.result(), FailedPage(pages.failure("form.jpg", 2), pages.page_text(page=2))):
        path, failure, _ = draw(config, page)
        assert path and failure is None
        place = (config.output, config.run_id, page.page.document_id, page.page.page)
        assert Path(paths.review_picture_path(*place)).read_bytes() == page.page.preview
        small = Image.open(paths.review_thumbnail_path(*place))
        assert max(small.size) < 300


# The kernel ends the process in the middle of the file, as it does when the machine has no memory left.
KILLED = """
import resource, signal, sys
from beam_kie.document import FailedPage
from tests import pages
from transforms.config import JobConfig
from transforms.launch import scratch
from transforms.sinks.overlays import WriteOverlayFn
output, folder = sys.argv[1:]
scratch.make(folder)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
list(WriteOverlayFn(JobConfig(output=output, run_id="a", scratch=folder)).process(pages.result()))
"""


def test_what_a_killed_process_leaves_of_a_picture_goes_with_the_scratch_folder(config):
    output = Path(config.output)
    folder = scratch.scratch_folder(config.output, "a", local_run=True)
    root = Path(scratch.__file__).resolve().parents[2]
    command = [sys.executable, "-c", KILLED, config.output, folder]
    assert subprocess.run(command, cwd=root).returncode == -signal.SIGXFSZ
    left = [path for path in output.rglob("*") if path.is_file() and path.stat().st_size == 1000]
    assert [path.parent for path in left] == [Path(folder)], "of the picture, which was not whole"
    scratch.remove_left_over(config.output)
    assert not [path for path in output.rglob("*") if path.is_file()]

    scratch.make(folder)
    path, failure, _ = draw(replace(config, scratch=folder), pages.result())
    assert failure is None and Image.open(path).format == "JPEG"
    assert [each.name for each in Path(folder).iterdir()] == [".owner"]
    scratch.remove(folder)


def test_picture_is_written_where_its_folder_leads_to_another_disk(config, tmp_path):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        assert os.stat(elsewhere).st_dev != os.stat(tmp_path).st_dev
        (tmp_path / "overlays").symlink_to(elsewhere)
        folder = tmp_path / "scratch"
        folder.mkdir()
        path, failure, _ = draw(replace(config, scratch=str(folder)), pages.result())
        assert failure is None and Image.open(path).format == "JPEG"
        assert not list(folder.iterdir()) and len(list(Path(path).parent.iterdir())) == 1


def test_without_a_review_nothing_else_is_written(config):
    draw(config, pages.result())
    assert [path.name for path in Path(config.output).iterdir()] == ["overlays"]


def test_picture_of_a_failed_page_has_a_banner(config):
    failure = pages.failure("form.jpg", 1, Stage.MODEL, Category.MODEL_FAILED)
    found = Path(draw(config, pages.result())[0])
    assert banner_colour(found) == "white"
    failed = Path(draw(config, FailedPage(failure, pages.page_text()))[0])
    assert failed == found
    assert banner_colour(failed) == "red"


def banner_colour(picture: Path) -> str:
    """What the middle of the upper edge looks like."""
    image = Image.open(picture).convert("RGB")
    red, green, blue = image.getpixel((image.width // 2, 1))
    return "white" if min(red, green, blue) > 240 else "red" if red > 2 * max(green, blue) else "another"


@pytest.mark.parametrize(
    ("error", "category", "retryable"),
    [
        (OSError("no space left on device"), Category.OVERLAY_FAILED, True),
        (PermissionError("secret"), Category.OVERLAY_FAILED, False),
        (MemoryError(), Category.OUT_OF_MEMORY, None),
    ],
)
def test_error_is_a_failure_of_the_page(config, monkeypatch, error, category, retryable):
    def fail(path, data, timeout_s, unfinished_in):
        raise error

    monkeypatch.setattr(files, "write_bytes", fail)
    path, failure, time = draw(config, pages.result(page=3))
    assert path is None and time is not None
    assert (failure.page, failure.stage, failure.category) == (3, Stage.OVERLAY, category)
    assert retryable is None or failure.retryable is retryable
    assert "secret" not in failure.message


def test_page_without_preview_is_a_failure(config):
    _, failure, _ = draw(config, pages.result(preview=None))
    assert failure.category is Category.OVERLAY_FAILED
