import errno
import os
from pathlib import Path

import psutil
import pytest

from beam_kie.tables.parquet import by_page, encode_rows, write_pages
from beam_kie.tables.rows import page_tables
from tests import pages
from tests.parquet_files import parquet_from_encoded
from transforms.sinks import segments
from transforms.sinks.segments import KeepRowsFn, ScratchError, Segment, pages_of, pages_on_disk

PLACE = ("lines", 0)


def encoded(name="form.jpg", page=1, table="lines"):
    return encode_rows(table, page_tables(pages.result(name, page), pages.PROVENANCE)[table])


ROWS = [encoded(page=10), encoded("other.jpg"), encoded(page=9), encoded(page=10), encoded()]


def worker(folder) -> KeepRowsFn:
    made = KeepRowsFn(str(folder))
    made.setup()
    return made


def bundle(keep, *placed) -> dict:
    """The segments that a bundle of placed rows yields, by place."""
    keep.start_bundle()
    for each in placed:
        assert keep.process(each) is None
    return dict(windowed.value for windowed in keep.finish_bundle())


def test_a_bundle_yields_one_segment_for_each_place(tmp_path):
    others = [(("lines", 1), ROWS[0]), (("pages", 0), encoded(table="pages"))]
    made = bundle(worker(tmp_path), *((PLACE, rows) for rows in ROWS), *others)
    assert set(made) == {PLACE, ("lines", 1), ("pages", 0)}
    assert made[PLACE].end - made[PLACE].start == sum(len(rows) + 4 for rows in ROWS)


def test_rows_come_back_sorted_by_page_as_from_memory(tmp_path):
    made = bundle(worker(tmp_path), *((PLACE, rows) for rows in ROWS))
    assert list(pages_of(made.values())) == list(by_page(ROWS))
    assert [len(page) for page in pages_of(made.values())].count(2) == 1


@pytest.mark.parametrize("in_memory", [1, 2**20])
def test_rows_that_were_shuffled_are_put_in_order_on_disk(monkeypatch, in_memory):
    monkeypatch.setattr(segments, "_IN_MEMORY", in_memory)
    with pages_on_disk([*ROWS, encode_rows("lines", [])]) as found:
        assert list(found) == list(by_page(sorted(ROWS)))


@pytest.mark.parametrize("cut", range(len(ROWS) + 1))
def test_file_is_the_same_from_any_segments(tmp_path, cut):
    first, second = worker(tmp_path), worker(tmp_path)
    kept = []
    for keep, rows in ((first, ROWS[cut:]), (second, ROWS[:cut]), (first, ROWS[:1])):  # the last is a replay
        kept.extend(bundle(keep, *((PLACE, each) for each in rows)).values())
    with (tmp_path / "file").open("wb") as file:
        written = write_pages("lines", pages_of([Segment("", 0, 0), *kept]), file)
    assert ((tmp_path / "file").read_bytes(), written) == parquet_from_encoded("lines", ROWS)


@pytest.mark.parametrize("is_written", [True, False])
def test_what_a_failed_bundle_left_is_in_no_segment(tmp_path, monkeypatch, is_written):
    if is_written:
        monkeypatch.setattr(segments, "_MOST_WAITING", 1)
    keep = worker(tmp_path)
    keep.start_bundle()
    keep.process((PLACE, encoded("lost.jpg")))  # its bundle fails and does not finish
    made = bundle(keep, (PLACE, ROWS[0]))
    assert list(pages_of(made.values())) == [[ROWS[0]]]
    assert (made[PLACE].start > 0) is is_written


def test_more_files_than_are_held_open(tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "_MOST_OPEN", 2)
    kept = [bundle(worker(tmp_path), (PLACE, rows))[PLACE] for rows in (*ROWS, *ROWS)]
    pages = list(pages_of(kept))
    assert sorted(rows for page in pages for rows in page) == sorted([*ROWS, *ROWS])
    assert not [file for file in psutil.Process().open_files() if file.path.startswith(str(tmp_path))]


def test_threads_and_processes_write_files_of_their_own(tmp_path):
    first, second = worker(tmp_path), worker(tmp_path)
    paths = {bundle(keep, (PLACE, ROWS[0]))[PLACE].path for keep in (first, second)}
    assert len(paths) == 2


def test_pages_are_read_one_at_a_time(tmp_path, monkeypatch):
    made = bundle(worker(tmp_path), *((PLACE, rows) for rows in ROWS))
    read = []
    whole = segments._OpenFiles.read
    monkeypatch.setattr(segments._OpenFiles, "read", lambda *where: read.append(where) or whole(*where))
    found = pages_of(made.values())
    assert not read
    page = next(found)
    assert len(read) == len(page)


def test_full_disk_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    class Full:
        def __init__(self, *_):
            pass

        def __enter__(self):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(segments, "open", Full, raising=False)
    with pytest.raises(ScratchError, match=r"cannot be kept in .*No space left.*make room there"):
        bundle(worker(tmp_path), (PLACE, ROWS[0]))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_disk_that_is_really_full(monkeypatch):
    with pytest.raises(ScratchError, match="No space left on device"):
        segments._append("/dev/full", b"rows")


def test_folder_that_a_worker_does_not_see_is_refused(tmp_path):
    with pytest.raises(ScratchError, match="No such file or directory"):
        bundle(worker(tmp_path / "elsewhere"), (PLACE, ROWS[0]))
    with pytest.raises(ScratchError, match="all workers must see --output as one folder"):
        list(pages_of([Segment(str(tmp_path / "gone"), 0, 5)]))


def test_rows_that_were_cut_off_are_not_taken_for_whole(tmp_path):
    made = bundle(worker(tmp_path), (PLACE, ROWS[0]))
    os.truncate(made[PLACE].path, made[PLACE].end - 1)
    with pytest.raises(ScratchError, match="shorter than it was written"):
        list(pages_of(made.values()))
