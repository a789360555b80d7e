import json
import random
from dataclasses import replace

import pytest

from beam_kie.document import Category, Stage, StageTime
from beam_kie.tables.summary import (
    MOST_INTERVALS,
    RunSummary,
    add_times,
    progress_section,
    stage_time_section,
    to_json,
)
from tests import pages
from tests.tallies import tally


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
