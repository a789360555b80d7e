import gc
import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from beam_kie.document import Category, Document, DocumentError, Stage, document_id
from beam_kie.options import from_values
from transforms.config import JobConfig
from transforms.stages import page_ranges
from transforms.stages.page_ranges import PageRange, cut, long_file, range_failures


def config(**values) -> JobConfig:
    return from_values(JobConfig, {"output": "out", "run_id": "r"} | values)


def document(path, data: bytes, **known) -> Document:
    sha256 = hashlib.sha256(data).hexdigest()
    return Document(document_id(str(path), sha256), str(path), sha256, len(data), **known)


@pytest.mark.parametrize(
    ("pages", "values", "ranges"),
    [
        (50, {}, []),
        (51, {}, [(1, 25), (26, 51)]),
        (51, {"range_pages": 0}, []),
        (9, {"range_pages": 4, "max_pages": 5}, [(1, 2), (3, 5)]),
        (9, {"range_pages": 4, "max_pages": 4}, []),
        (None, {"range_pages": 1}, []),
    ],
)
def test_only_the_pages_that_are_read_of_long_documents_are_cut(pages, values, ranges):
    known = Document("id", "uri", page_count=pages)
    assert cut(known, config(**values)) == [PageRange(known, first, last) for first, last in ranges]


def test_threads_read_a_file_once_and_it_is_given_back(tmp_path, monkeypatch):
    path = tmp_path / "long.pdf"
    path.write_bytes(b"bytes")
    reads, read = [], page_ranges.read_bytes

    def reading(*arguments, **options):
        reads.append(arguments[0])
        return read(*arguments, **options)

    monkeypatch.setattr(page_ranges, "read_bytes", reading)
    known = document(path, b"bytes")
    held = [long_file(known) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda file: file.read(known, config()), held))
    assert reads == [str(path)]
    assert all(data is found[0] for data in found)
    held.clear()
    gc.collect()
    assert long_file(known).read(known, config()) == b"bytes"
    assert len(reads) == 2


def test_a_file_that_has_changed_is_not_read_on_but_one_that_could_not_be_read_is_tried_again(tmp_path):
    path = tmp_path / "long.pdf"
    known = document(path, b"bytes")
    file = long_file(known)
    assert isinstance(file.read(known, config()), DocumentError)
    path.write_bytes(b"other")
    changed = file.read(known, config())
    assert isinstance(changed, DocumentError)
    assert (changed.category, changed.retryable) == (Category.SOURCE_UNAVAILABLE, True)
    path.write_bytes(b"bytes")
    assert file.read(known, config()) == b"bytes"


def test_every_page_of_a_range_that_cannot_be_read_fails():
    part = PageRange(Document("id", "uri"), 3, 5)
    failures = list(range_failures(part, Stage.READ, OSError("gone")))
    assert [failure.page for failure in failures] == [3, 4, 5]
    assert {(failure.stage, failure.category, failure.retryable) for failure in failures} == {
        (Stage.READ, Category.SOURCE_UNAVAILABLE, True)
    }
    (failure,) = set(range_failures(PageRange(Document("id", "uri"), 7, 7), Stage.DECODE, KeyError("text")))
    assert (failure.page, failure.category, failure.retryable) == (7, Category.FILE_CORRUPT, False)
    assert "text" not in failure.message
