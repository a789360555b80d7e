import io
from pathlib import Path

import pytest
from apache_beam.pvalue import TaggedOutput
from PIL import Image

from beam_kie.document import Category, FailedPage, Stage, StageTime
from tests import pages
from transforms.config import JobConfig
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


def test_failed_page_gets_another_picture(config):
    failure = pages.failure("form.jpg", 1, Stage.MODEL, Category.MODEL_FAILED)
    one = Path(draw(config, pages.result())[0]).read_bytes()
    other = Path(draw(config, FailedPage(failure, pages.page_text()))[0]).read_bytes()
    assert one != other


@pytest.mark.parametrize(
    ("error", "category", "retryable"),
    [
        (OSError("no space left on device"), Category.OVERLAY_FAILED, True),
        (PermissionError("secret"), Category.OVERLAY_FAILED, False),
        (MemoryError(), Category.OUT_OF_MEMORY, None),
    ],
)
def test_error_is_a_failure_of_the_page(config, monkeypatch, error, category, retryable):
    def fail(path, data, timeout_s):
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
