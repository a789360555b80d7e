import io
import multiprocessing
import threading

from transforms import progress
from transforms.progress import Counts, ProgressLine, progress_line, read_counts, record


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


def test_terminal_gets_one_line_rewritten(tmp_path):
    stream = Terminal()
    with ProgressLine(str(tmp_path), stream, interval_s=0.01):
        record(str(tmp_path))
        wait_for(lambda: "done 1" in stream.getvalue())
        record(str(tmp_path))
        wait_for(lambda: "done 2" in stream.getvalue())
    shown = stream.getvalue()
    assert shown.count("\n") == 1 and shown.endswith("\n")
    assert shown.count("\r") >= 2


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
