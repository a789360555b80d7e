import itertools
import json
from datetime import UTC, datetime

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to

from beam_kie.document import Document, StageTime
from beam_kie.tables.rows import count_rows, page_tables
from beam_kie.tables.summary import RunSummary
from tests import pages
from transforms.config import JobConfig
from transforms.runs import paths
from transforms.sinks import summaries
from transforms.storage import files

COUNTS = count_rows(page_tables(pages.result(), pages.PROVENANCE))

FACTS = [
    summaries.document_fact(pages.document(pages=3)),
    summaries.page_fact(pages.page_text(page=1), COUNTS),
    summaries.page_fact(pages.page_text(page=2), COUNTS),
    summaries.failure_fact(pages.failure("form.jpg", 3)),
    summaries.skipped_fact(pages.document("known.jpg")),
]


def essence(tally):
    return (tally.document.uri, tally.status.value, tally.pages_ok, tally.pages_failed)


def test_documents_are_tallied_by_their_id():
    with beam.Pipeline("FnApiRunner") as pipeline:
        tallies = pipeline | beam.Create(FACTS) | summaries.TallyDocuments() | beam.Map(essence)
        expected = [("gs://scans/form.jpg", "PARTIAL", 2, 1), ("gs://scans/known.jpg", "SKIPPED", 0, 0)]
        assert_that(tallies, equal_to(expected))


def test_tally_does_not_depend_on_the_order_and_a_repeated_fact_counts_once():
    facts = [fact for _, fact in FACTS[:4]]
    identity = pages.document().document_id
    tallies = [
        summaries.tally_document((identity, order)) for order in itertools.permutations([*facts, facts[1]])
    ]
    assert all(tally == tallies[0] for tally in tallies)
    assert essence(tallies[0]) == ("gs://scans/form.jpg", "PARTIAL", 2, 1)
    assert tallies[0].document == pages.document(pages=3)
    assert tallies[0].pages == {1: COUNTS, 2: COUNTS}
    failure = pages.failure("form.jpg", 3)
    assert tallies[0].failures == {(3, failure.stage, failure.category)}


def test_a_fact_holds_all_of_a_document():
    full = Document("d", "uri", "sha", 3, 1.5, "pdf", 2, "version", "run")
    tally = summaries.tally_document(("d", [summaries.skipped_fact(full)[1]]))
    assert tally.document == full and tally.skipped


def test_facts_are_small():
    # Local runners hold it for every page of the run.
    assert all(len(what) < 250 for _, what in FACTS)


def test_run_without_documents_has_a_summary():
    combine = summaries.SummariseFn()
    assert combine.extract_output(combine.create_accumulator()) == RunSummary()


def test_times_of_a_stage_become_one():
    times = [StageTime("ocr", 1.0), StageTime("read", 0.5), StageTime("ocr", 2.0, 4)]
    with beam.Pipeline("FnApiRunner") as pipeline:
        added = pipeline | beam.Create(times) | summaries.AddUpTimes()
        assert_that(added, equal_to([StageTime("ocr", 3.0, 5), StageTime("read", 0.5, 1)]))


def test_times_of_a_bundle_leave_as_one_record_a_stage():
    times = [StageTime("ocr", 1.0), StageTime("read", 0.5), StageTime("ocr", 2.0, 4)]
    with beam.Pipeline("FnApiRunner") as pipeline:
        summed = pipeline | beam.Create(times, reshuffle=False) | beam.ParDo(summaries.SumTimesFn())
        assert_that(summed, equal_to([StageTime("ocr", 3.0, 5), StageTime("read", 0.5, 1)]))


def test_summary_holds_options_tables_and_times(tmp_path):
    config = JobConfig(output=str(tmp_path), run_id="a", input=("scans/**",), scratch="/tmp/internal")
    path = summaries.write_summary(
        RunSummary(),
        config,
        pages.PROVENANCE,
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        table_files=[paths.TableFile("lines", "x", 3), paths.TableFile("lines", "y", 4)],
        pictures=2,
        times=[StageTime("ocr", 1.0)],
        documents_in=0,
    )
    assert path == paths.summary_path(str(tmp_path), "a")
    summary = json.loads(files.read_bytes(path, 10**6))
    assert summary["started_at"] == "2026-01-02T03:04:05Z"
    assert summary["tables"]["lines"] == {"rows": 7, "files": 2}
    assert summary["tables"]["pages"] == {"rows": 0, "files": 0}
    assert summary["overlays"] == {"written": 2}
    assert summary["options"]["input"] == ["scans/**"]
    assert "/tmp/internal" not in json.dumps(summary)
