import itertools
import json
import random
from dataclasses import replace

import pytest

from beam_kie.document import Category, Document, Stage, StageTime
from beam_kie.tables.summary import (
    MOST_INTERVALS,
    Confidences,
    DocumentTally,
    PageCounts,
    RunSummary,
    add_times,
    progress_section,
    stage_time_section,
    to_json,
)
from tests import pages

COUNTS = PageCounts.of(
    line_confidences=[0.1, 0.2, None],
    entity_confidences=[0.7, 0.9],
    pair_confidences=[0.35],
    labels=["ANSWER", "QUESTION"],
    keys_without_value=1,
)


def tally(name="form.jpg", pages_ok=(1,), page_count=1, failures=(), skipped=False):
    made = DocumentTally()
    made.add_document(pages.document(name, page_count), skipped)
    for page in pages_ok:
        made.add_page(pages.document(name), page, COUNTS)
    for failure in failures:
        made.add_failure(failure)
    return made


def test_means_are_exact_whatever_the_order():
    parts = [Confidences.of([value]) for value in (0.1, 0.2, 0.3, 1 / 3)]
    sums = {sum(order, Confidences()) for order in itertools.permutations(parts)}
    assert len(sums) == 1
    assert sums.pop().mean == 0.2333


def test_findings_without_confidence_are_counted_but_not_averaged():
    assert COUNTS.lines.count == 3
    assert COUNTS.lines.mean == 0.15
    assert Confidences.of([None]).mean is None


def test_status_of_a_document():
    overlay = pages.failure("form.jpg", 1, Stage.OVERLAY, Category.OVERLAY_FAILED)
    expected = [
        (tally(), "SUCCESS"),
        (tally(failures=[overlay]), "PARTIAL"),
        (tally(page_count=2, failures=[pages.failure("form.jpg", 2)]), "PARTIAL"),
        (tally(page_count=5, failures=[pages.failure("form.jpg")]), "PARTIAL"),
        (tally(page_count=2), "PARTIAL"),
        (tally(pages_ok=(), failures=[pages.failure("form.jpg", 1)]), "FAILURE"),
        (tally(pages_ok=(), failures=[pages.failure("form.jpg")]), "FAILURE"),
        (tally(pages_ok=()), "FAILURE"),
        (tally(pages_ok=(), skipped=True), "SKIPPED"),
    ]
    assert [made.status.value for made, _ in expected] == [status for _, status in expected]


def test_page_without_its_picture_came_through():
    made = tally(failures=[pages.failure("form.jpg", 1, Stage.OVERLAY, Category.OVERLAY_FAILED)])
    assert (made.pages_ok, made.pages_failed, made.pages_not_read) == (1, 0, 0)


def test_repeated_facts_count_once():
    once = tally(page_count=2, failures=[pages.failure("form.jpg", 2)])
    twice = tally(page_count=2, failures=[pages.failure("form.jpg", 2)] * 2)
    twice.add_document(once.document)
    twice.add_page(once.document, 1, once.pages[1])
    assert twice == once
    assert (twice.pages_ok, twice.pages_failed, twice.counts.entities.count) == (1, 1, 2)


def test_the_fuller_description_of_a_document_wins_in_any_order():
    full, poor = pages.document(), Document(pages.document().document_id, pages.document().uri)
    for order in itertools.permutations([full, poor, poor]):
        made = DocumentTally()
        for document in order:
            made.add_document(document)
        made.add_failure(pages.failure("form.jpg", 1))
        assert made.document == full


def test_pages_alone_name_their_document():
    made = DocumentTally()
    made.add_page(Document("d", "uri"), 1, COUNTS)
    assert made.document.uri == "uri"


def mixed_tallies():
    unread = replace(pages.failure("c", None, Stage.READ, Category.SOURCE_UNAVAILABLE), retryable=True)
    return [
        tally("a"),
        tally("b", page_count=3, failures=[pages.failure("b", 2), pages.failure("b", 3)]),
        tally("c", pages_ok=(), failures=[unread, unread]),
        tally("d", pages_ok=(), skipped=True),
        tally("e", pages_ok=(1, 2), page_count=10),
    ]


def test_run_summary_adds_up_in_any_grouping():
    sections = []
    for seed in range(5):
        tallies = mixed_tallies()
        random.Random(seed).shuffle(tallies)
        left, right = RunSummary(), RunSummary()
        for index, made in enumerate(tallies):
            (left if index % (seed + 1) else right).add(made)
        sections.append(left.merge(right).sections(5))
    assert all(section == sections[0] for section in sections)
    documents = sections[0]["documents"]
    assert documents == {
        "in": 5,
        "success": 1,
        "partial": 2,
        "failure": 1,
        "skipped": 1,
        "counts_add_up": True,
        "failure_ratio": 0.25,
    }
    assert sections[0]["pages"] == {"ok": 4, "failed": 2, "not_read": 9, "failure_ratio": 0.3333}
    assert sections[0]["found"]["entities_by_label"] == {"ANSWER": 4, "QUESTION": 4}
    assert sections[0]["found"]["entities"] == 8
    assert sections[0]["mean_confidence"] == {"lines": 0.15, "entities": 0.8, "pairs": 0.35}
    assert sections[0]["failures"] == {
        "total": 3,
        "retryable": 1,
        "by_category": {"FILE_CORRUPT": 2, "SOURCE_UNAVAILABLE": 1},
        "by_stage": {"DECODE": 2, "READ": 1},
    }


def test_counts_do_not_add_up_where_a_document_is_lost():
    summary = RunSummary().add(tally("a"))
    assert not summary.sections(documents_in=2)["documents"]["counts_add_up"]


def test_run_without_documents_has_no_ratio_by_zero():
    section = RunSummary().sections()
    assert section["documents"]["failure_ratio"] == 0.0
    assert section["mean_confidence"]["entities"] is None


def test_times_are_added_by_stage():
    times = [StageTime("ocr", 1.5), StageTime("read", 0.25), StageTime("ocr", 0.5, 3)]
    assert add_times(add_times(times)) == [StageTime("ocr", 2.0, 4), StageTime("read", 0.25, 1)]
    assert stage_time_section(times) == {
        "ocr": {"seconds": 2.0, "items": 4},
        "read": {"seconds": 0.25, "items": 1},
    }


def test_json_is_readable_text():
    data = to_json({"output": "/données/出力"})
    assert json.loads(data) == {"output": "/données/出力"}
    assert "出力".encode() in data and data.endswith(b"\n")


def test_pages_are_counted_by_the_interval_in_which_they_were_read():
    times = [
        StageTime("ocr", 1, 2, ((100, 2), (103, 1))),
        StageTime("ocr", 1, 1, ((100, 1),)),
        StageTime("read", 1),
    ]
    expected = {"begin": "1970-01-01T00:16:40Z", "interval_s": 10, "pages": [3, 0, 0, 1]}
    assert progress_section(times) == progress_section(add_times(times)) == expected
    assert progress_section([]) == {"begin": None, "interval_s": 10, "pages": []}


@pytest.mark.parametrize("last", [MOST_INTERVALS - 1, MOST_INTERVALS, 10_000, 1_000_000])
def test_long_runs_have_longer_intervals(last):
    found = progress_section([StageTime("ocr", 1, 1, ((0, 5), (last, 7)))])
    pages = found["pages"]
    assert MOST_INTERVALS / 2 <= len(pages) <= MOST_INTERVALS
    assert (pages[0], pages[-1], sum(pages)) == (5, 7, 12)
    assert (len(pages) - 1) * found["interval_s"] <= last * 10 < len(pages) * found["interval_s"]
