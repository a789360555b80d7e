"""Documents through real child processes: hostile pages, killed children, and the pages beside them."""

import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from beam_kie.document import Category, Failure, PageText, Stage, TextLine
from beam_kie.imaging.limits import DecodeLimits
from beam_kie.ocr import OcrOptions
from beam_kie.ocr.given import GivenPage
from tests import hostile
from transforms.stages.children.child import Budget, Child, ChildrenUnusableError
from transforms.stages.children.documents import read_document, read_range
from transforms.stages.children.messages import NotOpened, OpenDocument, Opened, ReaderSettings
from transforms.stages.children.pool import Pool

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
ROOT = Path(__file__).resolve().parents[4]
MIB = 1024 * 1024
LINE = TextLine("Name", (1.0, 1.0, 9.0, 1.0, 9.0, 9.0, 1.0, 9.0), 0.9)
# What a child may hold: several times what it does without OCR models.
MEMORY_MIB = 250


@contextmanager
def children(seconds=20.0, memory_mib=MEMORY_MIB, size=1, **settings):
    """A pool of children that take given lines."""
    limits = settings.pop("limits", DecodeLimits())
    ocr = settings.pop("ocr", OcrOptions(engine="none"))
    memory = memory_mib * MIB
    settings = ReaderSettings(ocr=ocr, limits=limits, memory_bytes=memory, pdf_dpi=72, **settings)
    pool = Pool(settings, Budget(seconds, memory), size)
    try:
        yield pool
    finally:
        pool.close()


def document(data: bytes, pages: int = 10) -> OpenDocument:
    return OpenDocument("id", "scan", data, {page: GivenPage((LINE,)) for page in range(1, pages + 1)})


def read(pool, data, max_pages=100):
    opened, *pages = read_document(pool, document(data), max_pages)
    return opened, [page.outcome for page in pages]


def categories(outcomes):
    """The category of every failure, None for every page that was read."""
    return [outcome.category if isinstance(outcome, Failure) else None for outcome in outcomes]


def tiff(pages: int) -> bytes:
    first, *others = [Image.new("L", (20 + number, 30), 255) for number in range(pages)]
    data = io.BytesIO()
    first.save(data, "TIFF", save_all=True, append_images=others)
    return data.getvalue()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_come_in_their_order(size):
    with children(size=size) as pool:
        for _ in range(3):
            opened, pages = read(pool, tiff(7))
            assert opened == Opened("tiff", 7)
            assert [(page.page, page.width_px, page.lines) for page in pages] == [
                (number + 1, 20 + number, (LINE,)) for number in range(7)
            ]


def test_ranges_of_a_document_are_read_as_the_whole_is():
    with children(size=2) as pool:
        for limit in (7, 5):
            _, whole = read(pool, tiff(7), limit)
            assert list(read_document(pool, document(tiff(7)), limit, most=4)) == [Opened("tiff", 7)]
            ranges = [(1, 2), (3, 3), (4, limit)]
            parts = [read_range(pool, document(tiff(7)), *part, limit) for part in ranges]
            assert [page.outcome for part in parts for page in part] == whole
        opened, *pages = read_document(pool, document(tiff(4)), 5, most=4)
        assert (opened.page_count, len(pages)) == (4, 4)


def test_every_page_of_a_range_fails_where_the_file_cannot_be_opened():
    with children() as pool:
        pages = [page.outcome for page in read_range(pool, document(b"no picture"), 3, 5, 10)]
    assert [page.page for page in pages] == [3, 4, 5]
    assert categories(pages) == [Category.FORMAT_UNSUPPORTED] * 3


def test_page_that_takes_too_long_costs_only_itself():
    data = hostile.shading_pdf([hostile.GOOD, hostile.SLOW, hostile.GOOD])
    with children(seconds=2) as pool:
        started = time.monotonic()
        opened, pages = read(pool, data)
        assert time.monotonic() - started < 20
    assert opened == Opened("pdf", 3)
    assert categories(pages) == [None, Category.PAGE_TIMEOUT, None]
    assert (pages[1].page, pages[1].stage, pages[1].retryable) == (2, Stage.DECODE, False)
    assert "--page_timeout_s" in pages[1].message


def test_page_that_takes_too_much_memory_costs_only_itself():
    with children() as pool:
        _, pages = read(pool, hostile.inflating_pdf(300))
        assert categories(pages) == [None, Category.PAGE_TOO_LARGE, None]
        assert "--page_memory_mb 250" in pages[1].message
        _, pages = read(pool, tiff(2))
        assert categories(pages) == [None, None]


def test_what_a_child_holds_of_other_files_does_not_count_against_a_page():
    slow = hostile.shading_pdf([b"/S sh ", hostile.GOOD])
    with children() as pool:
        _, pages = read(pool, slow)
        assert categories(pages) == [None, None]
        child = pool.lend()
        child._memory_bytes = MIB  # as if it held nearly all of its budget
        pool.give_back(child)
        worn = child.pid
        _, pages = read(pool, slow)
        assert categories(pages) == [None, None]
        assert pool.lend().pid != worn


def test_document_that_ends_two_children_is_left_alone():
    slow, good = hostile.SLOW, hostile.GOOD
    with children(seconds=1) as pool:
        _, pages = read(pool, hostile.shading_pdf([slow, good, slow, good, good]))
        assert [page.page for page in pages] == [1, 2, 3, 4, 5]
        timeout = Category.PAGE_TIMEOUT
        assert categories(pages) == [timeout, None, timeout, timeout, timeout]
        assert "left unread, because reading page 1 and 3" in pages[3].message
        _, pages = read(pool, tiff(1))
        assert categories(pages) == [None]


def test_file_that_is_too_much_to_open_is_a_failure_of_the_document():
    with children(memory_mib=200) as pool:
        data = hostile.pdf([hostile.GOOD]) + bytes(150 * MIB)
        opened, pages = read(pool, data)
        assert isinstance(opened, NotOpened) and not pages
        assert (opened.format, opened.failure.page) == ("pdf", None)
        assert opened.failure.category is Category.PAGE_TOO_LARGE


@pytest.mark.parametrize(
    ("number", "retryable"), [(signal.SIGSEGV, False), (signal.SIGABRT, False), (signal.SIGKILL, True)]
)
def test_page_whose_process_crashes_costs_only_itself(number, retryable):
    data = hostile.shading_pdf([hostile.GOOD, hostile.SLOW, hostile.GOOD])
    others = set(child_processes())
    with children() as pool:
        pages = read_document(pool, document(data), 100)
        next(pages), next(pages)
        (child,) = set(child_processes()) - others
        threading.Timer(0.3, os.kill, (child, number)).start()
        crashed = next(pages).outcome
        assert (crashed.category, crashed.retryable) == (Category.PAGE_CRASHED, retryable)
        assert number.name in crashed.message
        assert categories([page.outcome for page in pages]) == [None]


def child_processes(parent: int | None = None) -> list[int]:
    children = Path(f"/proc/{parent or os.getpid()}/task").glob("*/children")
    return [int(pid) for each in children for pid in each.read_text().split()]


def test_slow_document_does_not_hold_up_others():
    slow, quick = hostile.shading_pdf([hostile.SLOW]), hostile.pdf([hostile.GOOD])
    others = set(child_processes())
    with children(seconds=30, size=2) as pool:
        reading = read_document(pool, document(slow), 100)
        next(reading)
        thread = threading.Thread(target=next, args=(reading,))
        thread.start()
        time.sleep(0.3)
        for _ in range(3):
            assert categories(read(pool, quick)[1]) == [None]
        assert thread.is_alive(), "the slow page was read first"
        for child in set(child_processes()) - others:
            os.kill(child, signal.SIGKILL)
        thread.join(10)


def test_reading_that_nobody_goes_on_with_gives_its_children_back():
    data = hostile.shading_pdf([hostile.GOOD, hostile.SLOW, hostile.SLOW, hostile.GOOD])
    with children(seconds=60, size=2) as pool:
        pages = read_document(pool, document(data), 100)
        next(pages), next(pages)
        started = time.monotonic()
        pages.close()
        assert categories(read(pool, tiff(2))[1]) == [None, None]
        assert time.monotonic() - started < 20


def test_pages_past_the_limit_and_a_break_in_the_list_are_told():
    broken = bytearray(tiff(3))
    with children() as pool:
        opened, pages = read(pool, bytes(broken), max_pages=2)
        assert opened.page_count == 3
        assert categories(pages) == [None, None, Category.TOO_MANY_PAGES]
        assert pages[-1].page == 3


def test_damaged_and_foreign_files_fail_as_they_do_without_children():
    with children() as pool:
        assert read(pool, b"hello")[0].failure.category is Category.FORMAT_UNSUPPORTED
        opened, _ = read(pool, b"%PDF-1.7 nothing more")
        assert (opened.format, opened.failure.category) == ("pdf", Category.FILE_CORRUPT)
        (failure,) = read(pool, tiff(1), max_pages=1)[1][:1]
        assert isinstance(failure, PageText)


def test_page_without_given_lines_is_a_failed_page_with_its_size():
    with children(preview_side=100) as pool:
        _, page = read_document(pool, OpenDocument("id", "scan", tiff(1)), 10)
        assert page.outcome.failure.category is Category.OCR_MISSING
        assert (page.outcome.page.width_px, page.outcome.page.height_px) == (20, 30)
        assert page.outcome.page.preview.startswith(b"\xff\xd8")
        assert set(page.seconds) == {"decode", "ocr", "preview"}


def test_engine_that_cannot_be_loaded_ends_the_run_with_its_own_message():
    with (
        children(memory_mib=4000, ocr=OcrOptions(det_model_dir="no-such-folder")) as pool,
        pytest.raises(ChildrenUnusableError, match="no-such-folder"),
    ):
        read(pool, tiff(1))


def test_budget_that_the_child_itself_exceeds_is_refused():
    with children(memory_mib=30) as pool, pytest.raises(ChildrenUnusableError, match="--page_memory_mb 30"):
        read(pool, tiff(1))


WORKER = """
import sys, time
from tests import hostile
from tests.transforms.stages.children.test_documents import children, document, child_processes
from transforms.stages.children.documents import read_document
with children(seconds=600) as pool:
    pages = read_document(pool, document(hostile.shading_pdf([hostile.SLOW])), 10)
    next(pages)
    print(child_processes()[0], flush=True)
    next(pages)
"""


def test_busy_child_ends_with_a_worker_that_is_killed():
    with subprocess.Popen(
        [sys.executable, "-c", WORKER],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as worker:
        child = int(worker.stdout.readline())
        time.sleep(0.3)
        worker.kill()
    end = time.monotonic() + 10
    while is_running(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_running(child)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_child_imports_neither_beam_nor_torch():
    code = "import sys, transforms.stages.children.main, transforms.stages.children.page_reader\n"
    code += "assert not {'apache_beam', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_child_that_is_asked_twice_answers_twice():
    settings = ReaderSettings(ocr=OcrOptions(engine="none"), limits=DecodeLimits())
    child = Child(settings)
    try:
        child.wait_until_ready()
        assert child.is_alive
        for pages in (1, 2):
            assert child.ask(document(tiff(pages)), 20).page_count == pages
    finally:
        child.kill()
    assert not child.is_alive


def test_document_that_has_taken_all_of_its_time_is_left_alone(monkeypatch):
    monkeypatch.setattr("transforms.stages.children.documents._MORE_LIMITS", 0)
    monkeypatch.setattr("transforms.stages.children.documents._PAGES_PER_LIMIT", 1e9)
    with children() as pool:
        _, pages = read(pool, tiff(4))
        timeout = Category.PAGE_TIMEOUT
        assert categories(pages)[1:] == [timeout, timeout, timeout]
        assert "4 pages" in pages[-1].message


def test_default_timeout_of_sockets_is_no_matter():
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(5)
    try:
        with children(size=2) as pool:
            for _ in range(2):
                _, pages = read(pool, tiff(4))
                assert categories(pages) == [None] * 4
                time.sleep(0.1)  # a child that waits for its next request
    finally:
        socket.setdefaulttimeout(before)
