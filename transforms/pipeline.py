"""The pipeline: the whole job as a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

import apache_beam as beam
from apache_beam.pvalue import DoOutputsTuple, PCollection
from apache_beam.utils.shared import Shared

from beam_kie.document import Document
from transforms.config import GpuStage, JobConfig
from transforms.ptransform import Transform, outputs_of
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
    PAGE_RANGES,
    READ_FAILURES,
    BeginPageFn,
    Keeping,
    RemoveParts,
)
from transforms.runs.taking_up import TakeUp
from transforms.sinks.failure_ratio import FailBadRuns
from transforms.sinks.outputs import Streams, WriteOutputs
from transforms.sinks.summaries import SumTimesFn
from transforms.stages.finding import FindSources, Found, is_local_run
from transforms.stages.isolated_reading import ReadPages, isolates_pages
from transforms.stages.kie import FindEntities, KieModelHandler
from transforms.stages.ocr import OcrModelHandler, ReadText
from transforms.stages.page_ranges import PageRange
from transforms.stages.reading import DecodeSources


def build(pipeline: beam.Pipeline, config: JobConfig) -> None:
    """Add the job to ``pipeline``: find scans, decode, read text, find entities, write everything.

    From the decoded pages on nothing is shuffled, flattened or used as a side input before the rows of the
    tables: the images and previews of one page at a time are all that a worker holds. Therefore the steps
    from there on are there twice: for files that are read as a whole, and for ranges of long ones.

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
    new, left, resumed, keeping = _go_on(new, config, part_settings(config, provenance))
    shared = Shared()
    whole = read_pages(new, config, model.pictures, shared=shared)
    ranges = (whole.ranges, *left) | "Put ranges together" >> beam.Flatten()
    read_ranges = ReadRanges(config, model.pictures, shared)
    in_ranges = cast(Read, ranges | "Read page ranges" >> read_ranges)
    reads = {"": whole, " of page ranges": in_ranges}
    found = _find(reads, config, keeping)
    streams = Streams(
        results=tuple(each.results for each in found.values()),
        failures=_failures(reads, found, keeping),
        documents=_documents(whole, in_ranges, keeping),
        failed_pages=tuple(each.failed_pages for each in found.values()),
        sources=sources,
        skipped=skipped,
        left_out=left_out,
        times=_times(reads, found),
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
) -> tuple[PCollection, tuple[PCollection, ...], PCollection | None, Keeping]:
    """The files and ranges that are left to do, the URIs of files that are done, and the work before."""
    if not config.resume:
        return sources, (), None, Keeping(settings)
    taken = outputs_of(sources | "Take up what is done" >> TakeUp(settings, config))
    return taken["new"], (taken["ranges"],), taken["done"], Keeping(settings, taken["entries"])


class Read(NamedTuple):
    """The text of pages, with what else comes of the files; ``times`` by the name of what took them.

    ``ranges`` are those of long files: still to be read, or, where ranges were to be read, the same.
    """

    pages: PCollection
    documents: PCollection
    failures: PCollection
    times: Mapping[str, PCollection]
    ranges: PCollection


def read_pages(
    sources: PCollection,
    config: JobConfig,
    pictures: str | None,
    of_ranges: bool = False,
    shared: Shared | None = None,
) -> Read:
    """Read files and the text of their pages, in child processes where the run isolates pages.

    Args:
        sources: PCollection[SourceFile | GivenFile], or PCollection[PageRange].
        config: what to do.
        pictures: what the model takes beside the text, as of ``KieModel.pictures``; None: text only.
        of_ranges: whether they are ranges.
        shared: for what several such steps load once in a process; None: there is one.

    Returns:
        PCollections of pages, documents, failures and ranges, and the times that they took.
    """
    if isolates_pages(config):
        reading = ReadPages(config, pictures, of_ranges, shared)
        read = outputs_of(sources | "Read scans in child processes" >> reading)
        return Read(read.pages, read.documents, read.failures, {"reading": read.times}, read.ranges)
    handler = OcrModelHandler(config, pictures, shared)
    decoded = outputs_of(sources | "Read and decode scans" >> DecodeSources(config, of_ranges))
    read = outputs_of(decoded.pages | "Read the text of pages" >> ReadText(config, handler=handler))
    times = {"decoding": decoded.times, "OCR": read.times}
    return Read(read.pages, decoded.documents, decoded.failures, times, decoded.ranges)


class ReadRanges(Transform):
    """Read the pages of ranges: PCollection[PageRange] to ``Read``.

    The ranges are shuffled, so that all workers share those of one file. A worker reads the file anew.

    Args:
        config: the job.
        pictures: what the model takes beside the text, as of ``KieModel.pictures``; None: text only.
        shared: for what the steps that read whole files have loaded.
    """

    def __init__(self, config: JobConfig, pictures: str | None, shared: Shared):
        super().__init__()
        self.shared = shared
        self.config = config
        self.pictures = pictures

    def expand(self, ranges):
        """Wire the shuffle and the steps that read."""
        spread = ranges | "Spread ranges over workers" >> beam.Reshuffle()
        return read_pages(spread, self.config, self.pictures, of_ranges=True, shared=self.shared)


def _find(reads: Mapping[str, Read], config: JobConfig, keeping: Keeping) -> Mapping[str, DoOutputsTuple]:
    """The model's results, by what they are of; with one handler, all steps of a process share the model.

    Where the pages are shuffled for the model anyway, there is one step for all of them.
    """
    handler = KieModelHandler(config)
    pages = {
        of: read.pages | f"Begin pages{of}" >> beam.ParDo(BeginPageFn(keeping.settings))
        for of, read in reads.items()
    }
    if config.gpu_stage is GpuStage.SEPARATE:
        pages = {"": tuple(pages.values()) | "Put pages together" >> beam.Flatten()}
    return {
        of: outputs_of(each | f"Find entities and relations{of}" >> FindEntities(config, handler))
        for of, each in pages.items()
    }


def _failures(
    reads: Mapping[str, Read], found: Mapping[str, DoOutputsTuple], keeping: Keeping
) -> PCollection:
    """The failures of reading and of the model, now and before."""
    of_reading = ((each.failures, f"failures of reading{of}") for of, each in reads.items())
    of_model = ((each.failures, f"failures of the model{of}") for of, each in found.items())
    failures = (
        *(keeping.keep(READ_FAILURES, each, name) for each, name in of_reading),
        *(keeping.keep(FAILURES, each, name) for each, name in of_model),
        *keeping.taken_up(READ_FAILURES),
        *keeping.taken_up(FAILURES),
    ) | "Put failures together" >> beam.Flatten()
    return cast(PCollection, failures)


def _documents(whole: Read, ranges: Read, keeping: Keeping) -> PCollection:
    """The documents that were read, now and before: long ones once for each range."""
    read = (keeping.keep(PAGE_RANGES, ranges.ranges, "page ranges"), *keeping.taken_up(PAGE_RANGES))
    take = beam.Map(_document_of).with_output_types(Document)
    of_ranges = (
        each | f"Take documents of ranges {when}" >> take
        for when, each in zip(("now", "before"), read, strict=False)
    )
    documents = (
        keeping.keep(DOCUMENTS, whole.documents, "documents"),
        *of_ranges,
        *keeping.taken_up(DOCUMENTS),
    ) | "Put documents together" >> beam.Flatten()
    return cast(PCollection, documents)


def _times(reads: Mapping[str, Read], found: Mapping[str, DoOutputsTuple]) -> PCollection:
    """The times of reading and of the model, summed up by bundle."""
    named = {f"{name}{of}": part for of, read in reads.items() for name, part in read.times.items()}
    named |= {f"the model{of}": each.times for of, each in found.items()}
    times = [
        part | f"Sum times of {name}" >> beam.ParDo(SumTimesFn()) for name, part in named.items()
    ] | "Put times together" >> beam.Flatten()
    return cast(PCollection, times)


def _document_of(part: PageRange) -> Document:
    return part.document


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
