import io
import multiprocessing
import re
import threading

from transforms import progress
from transforms.progress import Counts, ProgressLine, progress_line, read_counts, record, record_files


def count_many(folder: str) -> None:
    for _ in range(500):
        record(folder)
        record(folder, pages_ok=0, pages_failed=2)


def test_counts_of_processes_and_threads_add_up(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=count_many, args=(str(tmp_path),)) for _ in range(2)]
    workers += [threading.Thread(target=count_many, args=(str(tmp_path),)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert read_counts(str(tmp_path)) == Counts(done=2000, failed=4000)


def test_nothing_to_count_in_is_no_error(tmp_path):
    record(None)
    record(str(tmp_path / "gone"))
    assert read_counts(str(tmp_path / "gone")) == Counts()


def test_line_says_pages_failures_rate_and_time():
    line = progress_line(Counts(done=1200, failed=34), elapsed_s=617)
    assert line == "pages done 1,200  failed 34  2.00 pages/s  10:17 min"
    assert "0.00 pages/s" in progress_line(Counts(), elapsed_s=0)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def wait_for(condition) -> None:
    waiting = threading.Event()
    for _ in range(1000):
        if condition():
            return
        waiting.wait(0.01)
    raise AssertionError("it never happened")


def test_the_total_is_estimated_until_every_file_is_open():
    assert Counts(done=3).total is None and Counts(done=3, found=5).total is None
    some = Counts(done=3, failed=1, found=4, opened=2, known=6)
    assert (some.total, some.is_exact) == (12, False)
    assert "done 3 of about 12 " in progress_line(some, 4.0) and progress_line(some, 4.0).endswith(
        "0:08 left"
    )
    every = Counts(done=3, found=4, opened=4, known=13)
    assert (every.total, every.is_exact) == (13, True) and "done 3 of 13 " in progress_line(every, 4.0)
    # A file may be named twice, and pages may fail that no file announced.
    assert Counts(done=5, failed=2, found=2, opened=3, known=6).total == 7


def test_files_are_counted_where_workers_leave_them(tmp_path):
    record_files(str(tmp_path), found=3)
    record_files(str(tmp_path), opened=1, pages=20)
    record_files(None, found=9)
    assert read_counts(str(tmp_path)) == Counts(found=3, opened=1, known=20)


def test_a_terminal_gets_a_bar_with_rate_and_time_left(tmp_path):
    stream = Terminal()
    folder = str(tmp_path)
    with ProgressLine(folder, stream, interval_s=0.01):
        record(folder)
        wait_for(lambda: "1 pages [" in stream.getvalue())
        record_files(folder, found=2, opened=2, pages=4)
        record(folder, pages_failed=1)
        wait_for(lambda: "3/4 pages [" in stream.getvalue())
    shown = stream.getvalue()
    assert shown.count("\n") == 1 and shown.endswith("\n") and shown.count("\r") >= 2
    last = shown.rstrip().rpartition("\r")[2]
    assert last.startswith(" 75%|") and "1 failed" in last and re.search(r"\[\d\d:\d\d<", last)


def test_log_file_gets_a_line_only_when_something_happened(tmp_path):
    stream = io.StringIO()
    with ProgressLine(str(tmp_path), stream, interval_s=0.01):
        record(str(tmp_path), pages_failed=1)
        wait_for(lambda: "done 1" in stream.getvalue())
        threading.Event().wait(0.1)
    lines = stream.getvalue().splitlines()
    assert [line.split("  ")[:2] for line in lines] == [["pages done 1", "failed 1"]]
    assert "\r" not in stream.getvalue()


def test_closed_stream_does_not_stop_the_run(tmp_path):
    stream = io.StringIO()
    with ProgressLine(str(tmp_path), stream, interval_s=0.01):
        stream.close()
    assert progress.read_counts(str(tmp_path)) == Counts()
