"""Outputs of earlier runs, made by hand: documents, failures and a summary."""

from dataclasses import asdict, replace

from beam_kie import __version__
from beam_kie.document import Category, Document, Failure, Stage
from beam_kie.options import values_of
from beam_kie.tables.rows import document_row, failure_row
from beam_kie.tables.summary import to_json
from beam_kie.tables.tallies import DocumentTally, PageCounts
from tests import pages
from tests.parquet_files import write_parquet
from transforms.config import LIMIT_OPTIONS, JobConfig
from transforms.runs import paths
from transforms.stages.finding import look_at
from transforms.stages.reading import describe
from transforms.storage import files

PROVENANCE = replace(pages.PROVENANCE, options_digest="0011223344556677")
DAYS = {name: f"2026-01-0{day}T02:00:00Z" for day, name in enumerate(("mon", "tue", "wed", "now"), start=1)}


def failure_of(document: Document, retryable: bool) -> Failure:
    stage, category = (
        (Stage.READ, Category.SOURCE_UNAVAILABLE) if retryable else (Stage.DECODE, Category.FILE_CORRUPT)
    )
    return Failure(document.document_id, document.uri, None, stage, category, "say why", retryable)


def tally_of(path, failures=(), pages_ok=1, skipped=None) -> DocumentTally:
    """How a document of these bytes ended; ``skipped`` names the run that holds its rows."""
    source = look_at(str(path), 10)
    document = describe(source, files.read_bytes(source.uri))
    tally = DocumentTally()
    if skipped:
        tally.add_document(replace(document, result_run_id=skipped), skipped=True)
        return tally
    tally.add_document(replace(document, page_count=pages_ok or None))
    for page in range(1, pages_ok + 1):
        tally.add_page(document, page, PageCounts())
    for retryable in failures:
        tally.add_failure(failure_of(document, retryable))
    return tally


def write_run(
    output,
    run_id,
    tallies,
    provenance=PROVENANCE,
    finished=True,
    version=__version__,
    started_at=None,
    **options,
):
    """What a run leaves: two shards of documents and failures, and the summary."""
    values = values_of(JobConfig(output=str(output), run_id=run_id))
    limits = {name: values[name] for name in LIMIT_OPTIONS}
    for shard in (0, 1):
        part = tallies[shard::2]
        failures = [
            failure_row(failure_of(tally.document, retryable), provenance)
            for tally in part
            for retryable in [told in tally.retryable for told in tally.failures]
        ]
        rows = {"documents": [document_row(tally, provenance) for tally in part], "failures": failures}
        for table, of_table in rows.items():
            files.write_bytes(
                paths.table_path(str(output), table, run_id, shard, 2), write_parquet(table, of_table)
            )
    summary = {
        "beam_kie_version": version,
        "run_id": run_id,
        "started_at": started_at or DAYS[run_id],
        "finished_at": started_at or DAYS[run_id],
        "provenance": asdict(provenance),
        "options": limits | options,
    }
    if finished:
        files.write_bytes(paths.summary_path(str(output), run_id), to_json(summary))
