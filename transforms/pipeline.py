"""The pipeline: the whole job as a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

import apache_beam as beam
from apache_beam.pvalue import PCollection

from transforms.config import JobConfig
from transforms.ptransform import outputs_of
from transforms.runs.clearing import AfterClearing, clears_on_workers
from transforms.runs.earlier_runs import FailedSources, OnlyNamed
from transforms.runs.field_files import load_fields
from transforms.runs.ledger.compacting import KeepLedger
from transforms.runs.ledger.skipping import OnlyNew
from transforms.runs.parts import PartSettings, part_settings
from transforms.runs.provenance import model_card, provenance_of
from transforms.runs.resuming import (
    DOCUMENTS,
    FAILURES,
    READ_FAILURES,
    BeginPageFn,
    Keeping,
    RemoveParts,
    TakeUp,
)
from transforms.sinks.failure_ratio import FailBadRuns
from transforms.sinks.outputs import Streams, WriteOutputs
from transforms.sinks.summaries import SumTimesFn
from transforms.stages.finding import FindSources, Found, is_local_run
from transforms.stages.isolated_reading import ReadPages, isolates_pages
from transforms.stages.kie import FindEntities
from transforms.stages.ocr import ReadText
from transforms.stages.reading import DecodeSources


def build(pipeline: beam.Pipeline, config: JobConfig) -> None:
    """Add the job to ``pipeline``: find scans, decode, read text, find entities, write everything.

    From the decoded pages on nothing is shuffled, flattened or used as a side input before the rows of the
    tables: the images and previews of one page at a time are all that a worker holds.

    Args:
        pipeline: A pipeline without steps.
        config: What to do.

    Raises:
        ValueError: The model or the OCR engine cannot be set up as ``config`` says.
        FileNotFoundError: A model of the OCR engine is missing.
    """
    model = model_card(config.model, config.re_model)
    provenance = provenance_of(config, model)
    sources, passed_over = _find_sources(pipeline, config)
    if clears_on_workers(config):
        cleared = sources | "Begin when the run before is deleted" >> AfterClearing(config)
        sources = cast(PCollection, cleared)
    skipped, left_out, new = None, None, sources
    if config.skip_done:
        parted = outputs_of(sources | "Leave out what is done" >> OnlyNew(config, provenance))
        skipped, left_out, new = parted["skipped"], parted["left_out"], parted["new"]
    new, resumed, keeping = _go_on(new, config, part_settings(config, provenance))
    read = read_pages(new, config, model.pictures)
    pages = read.pages | "Begin pages" >> beam.ParDo(BeginPageFn(keeping.settings))
    found = outputs_of(pages | "Find entities and relations" >> FindEntities(config))
    failures = (
        keeping.keep(READ_FAILURES, read.failures, "failures of reading"),
        keeping.keep(FAILURES, found.failures, "failures of the model"),
        *keeping.taken_up(READ_FAILURES),
        *keeping.taken_up(FAILURES),
    ) | "Put failures together" >> beam.Flatten()
    documents = (
        keeping.keep(DOCUMENTS, read.documents, "documents"),
        *keeping.taken_up(DOCUMENTS),
    ) | "Put documents together" >> beam.Flatten()
    times = [
        part | f"Sum times of {name}" >> beam.ParDo(SumTimesFn())
        for name, part in (*read.times.items(), ("the model", found.times))
    ] | "Put times together" >> beam.Flatten()
    streams = Streams(
        results=found.results,
        failures=failures,
        documents=documents,
        failed_pages=found.failed_pages,
        sources=sources,
        skipped=skipped,
        left_out=left_out,
        times=times,
        passed_over=passed_over,
        resumed=resumed,
    )
    fields = load_fields(config.records.fields, config.storage_timeout_s) if config.records.fields else None
    write = WriteOutputs(config, provenance, model.labels, model.key_labels, fields, keeping)
    summary = streams | "Write tables, pictures and summary" >> write
    removed = summary | "Remove parts" >> RemoveParts(keeping.settings)
    if config.skip_done:
        _ = summary | "Keep the ledger" >> KeepLedger(config)
    if config.max_failure_ratio < 1 and not is_local_run(pipeline):
        _ = summary | "Fail where too much failed" >> FailBadRuns(config, removed)


def _go_on(
    sources: PCollection, config: JobConfig, settings: PartSettings
) -> tuple[PCollection, PCollection | None, Keeping]:
    """The files that are left to do, the URIs of those that an attempt before has done, and its work."""
    if not config.resume:
        return sources, None, Keeping(settings)
    taken = outputs_of(sources | "Take up what is done" >> TakeUp(settings))
    return taken["new"], taken["done"], Keeping(settings, taken["entries"])


class Read(NamedTuple):
    """The text of all pages, with what else comes of the files; ``times`` by the name of what took them."""

    pages: PCollection
    documents: PCollection
    failures: PCollection
    times: Mapping[str, PCollection]


def read_pages(sources: PCollection, config: JobConfig, pictures: str | None) -> Read:
    """Read files and the text of their pages, in child processes where the run isolates pages.

    Args:
        sources: PCollection[SourceFile | GivenFile].
        config: what to do.
        pictures: what the model takes beside the text, as of ``KieModel.pictures``; None: text only.

    Returns:
        PCollections of pages, documents and failures, and the times that they took.
    """
    if isolates_pages(config):
        read = outputs_of(sources | "Read scans in child processes" >> ReadPages(config, pictures))
        return Read(read.pages, read.documents, read.failures, {"reading": read.times})
    decoded = outputs_of(sources | "Read and decode scans" >> DecodeSources(config))
    read = outputs_of(decoded.pages | "Read the text of pages" >> ReadText(config, pictures))
    times = {"decoding": decoded.times, "OCR": read.times}
    return Read(read.pages, decoded.documents, decoded.failures, times)


def _find_sources(pipeline: beam.Pipeline, config: JobConfig) -> tuple[PCollection, PCollection | None]:
    """Every file that the run is asked to read, once, and the URIs of those that are no documents."""
    if not config.retry_failures:
        return _found(pipeline, config)
    failed = pipeline | "Find what failed" >> FailedSources(config)
    if not (config.input or config.manifest):
        return failed, None
    return (failed, _found(pipeline, config).sources) | "Leave out what did not fail" >> OnlyNamed(), None


def _found(pipeline: beam.Pipeline, config: JobConfig) -> Found:
    return cast(Found, pipeline | "Find scans" >> FindSources(config))
