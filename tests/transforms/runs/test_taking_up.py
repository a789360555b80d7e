"""What of a file is taken up, from the entries of real parts."""

from dataclasses import replace

import pytest
from apache_beam.pvalue import TaggedOutput

from beam_kie.document import Category, Document, Failure, SourceFile, Stage
from beam_kie.options import from_values
from transforms.config import JobConfig
from transforms.runs import taking_up
from transforms.runs.parts import Entry, Journal, PartSettings
from transforms.runs.resuming import DOCUMENTS, FAILURES, PAGE_RANGES, READ_FAILURES, READS
from transforms.runs.taking_up import PartDoneFn, entries_of, marks_of, packed_marks_of, unpacked
from transforms.stages.page_ranges import PageRange

URI = "/scans/long.pdf"
DOCUMENT = Document("0" * 32, URI, "sha", 1_000, 5.0, "pdf", 10)
SOURCE = SourceFile(URI, 1_000, 5.0)
CONFIG = from_values(JobConfig, {"output": "out", "run_id": "r", "range_pages": 2, "max_pages": 9})


def read(*numbers) -> list[Entry]:
    """Pages that were begun, and of which there is a row and a fact."""
    entries = []
    for number in numbers:
        entries.append(Entry(READS, DOCUMENT.document_id, f'["{URI}", {number}]'.encode()))
        entries.append(Entry("facts", DOCUMENT.document_id, f'["page", "{URI}", {number}]'.encode(), number))
        entries.append(Entry("rows", DOCUMENT.document_id, b"row", number))
    return entries


def entry(stream, value) -> Entry:
    return Entry(stream.name, DOCUMENT.document_id, stream.encode(value), stream.page_of(value))


def range_read(first, last) -> Entry:
    return entry(PAGE_RANGES, PageRange(DOCUMENT, first, last))


def failed(page, retryable=False, category=Category.FILE_CORRUPT) -> Failure:
    return Failure(DOCUMENT.document_id, URI, page, Stage.DECODE, category, "why", retryable)


def taken(tmp_path, entries, source=SOURCE):
    """What is left to do of the file, and the pages of entries that are taken up."""
    settings = PartSettings(str(tmp_path), "alike", 1, 10.0)
    for half in (entries[::2], entries[1::2]):  # the order among parts does not matter
        journal = Journal(settings)
        for each in half:
            journal.add(each)
        journal.write()
    parts = [str(path) for path in tmp_path.glob("part-*")]
    marks = [mark for part in parts for uri, mark in packed_marks_of(part, settings) if uri == URI]
    found = list(PartDoneFn(CONFIG).process((URI, {"sources": [source], "marks": marks})))
    outputs = {"new": [], "done": [], "ranges": [], "refused": []}
    for each in found:
        tagged = each if isinstance(each, TaggedOutput) else TaggedOutput("new", each)
        outputs[tagged.tag].append(tagged.value)
    kept = sorted(
        (each.stream, each.page or 0)
        for part in parts
        for each in entries_of(part, settings, outputs["refused"])
    )
    left = [(part.first, part.last) for part in outputs["ranges"]]
    return outputs["new"], outputs["done"], left, kept


def of_pages(*numbers, extra=()):
    return sorted([*((stream, n) for n in numbers for stream in ("facts", "rows")), *extra])


def test_a_long_document_is_done_when_all_of_its_ranges_are(tmp_path):
    entries = [*read(*range(1, 10)), range_read(1, 4), range_read(5, 9), entry(FAILURES, failed(10))]
    new, done, left, kept = taken(tmp_path, entries)
    assert (new, done, left) == ([], [URI], [])
    assert kept == of_pages(*range(1, 10), extra=[("failures", 10), ("ranges", 0), ("ranges", 0)])


def test_ranges_that_are_missing_are_read_and_nothing_of_their_pages_is_taken_up(tmp_path):
    # Page 3 was read, but not the rest of its range; of page 7 there is no outcome.
    begun = Entry(READS, DOCUMENT.document_id, f'["{URI}", 7]'.encode())
    entries = [*read(1, 2, 3, 5, 6), begun, range_read(1, 2), range_read(5, 6), range_read(7, 7)]
    new, done, left, kept = taken(tmp_path, entries)
    assert (new, done) == ([], [])
    assert left == [(3, 4), (7, 7), (8, 9)]
    assert kept == of_pages(1, 2, 5, 6, extra=[("ranges", 0)] * 3)


def test_a_range_with_a_page_that_may_succeed_now_is_read_again(tmp_path):
    entries = [*read(1, 2, 4, 5, 6, 7, 8, 9), range_read(1, 4), range_read(5, 9)]
    assert taken(tmp_path / "a", [*entries, entry(READ_FAILURES, failed(3))])[1] == [URI]
    again = [*entries, entry(READ_FAILURES, failed(3, retryable=True))]
    new, done, left, kept = taken(tmp_path / "b", again)
    assert (new, done, left) == ([], [], [(1, 2), (3, 4)])
    assert {page for _, page in kept} == {0, 5, 6, 7, 8, 9}


def test_what_is_wrong_behind_the_last_page_belongs_to_the_last_range(tmp_path):
    remark = entry(READ_FAILURES, failed(10, category=Category.TOO_MANY_PAGES))
    entries = [*read(*range(1, 10)), remark, range_read(1, 4)]
    _, _, left, kept = taken(tmp_path / "a", entries)
    assert left == [(5, 5), (6, 7), (8, 9)]
    assert ("read_failures", 10) not in kept
    _, _, left, kept = taken(tmp_path / "b", [*read(8, 9), remark, range_read(8, 9)])
    assert left[-1][1] == 7 and ("read_failures", 10) in kept


@pytest.mark.parametrize(
    "source", [replace(SOURCE, size_bytes=999), replace(SOURCE, updated_at_s=6.0)], ids=["size", "time"]
)
def test_nothing_is_taken_up_of_a_file_that_has_changed(tmp_path, source):
    entries = [*read(1, 2), range_read(1, 2)]
    assert taken(tmp_path, entries, source) == ([source], [], [], [])


def test_nothing_is_taken_up_of_a_document_that_was_only_begun(tmp_path):
    assert taken(tmp_path, read(1, 2, 3)) == ([SOURCE], [], [], [])


def test_a_short_document_is_taken_up_as_a_whole(tmp_path):
    short = replace(DOCUMENT, page_count=2)
    new, done, left, kept = taken(tmp_path / "a", [*read(1, 2), entry(DOCUMENTS, short)])
    assert (new, done, left) == ([], [URI], [])
    assert kept == of_pages(1, 2, extra=[("documents", 0)])
    again = [*read(1, 2), entry(DOCUMENTS, short), entry(FAILURES, failed(2, retryable=True))]
    assert taken(tmp_path / "b", again) == ([SOURCE], [], [], [])


@pytest.mark.parametrize("together", [1, 3, 1_000])
def test_the_marks_of_a_file_lie_together_and_none_is_lost(tmp_path, monkeypatch, together):
    monkeypatch.setattr(taking_up, "_FILES_TOGETHER", together)
    settings = PartSettings(str(tmp_path), "alike", 1, 10.0)
    journal = Journal(settings)
    files = [replace(DOCUMENT, document_id=f"{n:032}", uri=f"/scans/{n}.png") for n in range(5)]
    for each in files:
        journal.add(Entry(READS, each.document_id, f'["{each.uri}", 1]'.encode()))
    for each in files:
        journal.add(Entry(DOCUMENTS.name, each.document_id, DOCUMENTS.encode(each)))
        journal.add(entry(PAGE_RANGES, PageRange(each, 1, 4)))
    journal.write()
    (part,) = map(str, tmp_path.glob("part-*"))
    packed = list(packed_marks_of(part, settings))
    assert len(packed) == (5 if together >= 5 else 10)
    found = [(uri, mark) for uri, marks in packed for mark in unpacked(marks)]
    assert sorted(found, key=repr) == sorted(marks_of(part, settings), key=repr)
    assert {mark.document for _, mark in found} == {None, *files}
