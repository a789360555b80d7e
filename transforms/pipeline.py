"""The pipeline: the whole job as a graph."""

from __future__ import annotations

import apache_beam as beam
from apache_beam.pvalue import PCollection

from transforms.config import JobConfig
from transforms.ptransform import outputs_of
from transforms.runs.earlier_runs import FailedSources, OnlyNamed, OnlyNew
from transforms.runs.provenance import model_card, provenance_of
from transforms.sinks.outputs import Streams, WriteOutputs
from transforms.sinks.summaries import SumTimesFn
from transforms.stages.kie import FindEntities
from transforms.stages.ocr import ReadText
from transforms.stages.reading import DecodeSources, FindSources


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
    sources = _find_sources(pipeline, config)
    skipped, new = None, sources
    if config.skip_done:
        parted = outputs_of(sources | "Leave out what is done" >> OnlyNew(config, provenance))
        skipped, new = parted.skipped, parted.new
    decoded = outputs_of(new | "Read and decode scans" >> DecodeSources(config))
    read = outputs_of(decoded.pages | "Read the text of pages" >> ReadText(config, model.pictures))
    found = outputs_of(read.pages | "Find entities and relations" >> FindEntities(config))
    failures = (decoded.failures, found.failures) | "Put failures together" >> beam.Flatten()
    times = [
        part.times | f"Sum times of {name}" >> beam.ParDo(SumTimesFn())
        for name, part in (("decoding", decoded), ("OCR", read), ("the model", found))
    ] | "Put times together" >> beam.Flatten()
    streams = Streams(
        results=found.results,
        failures=failures,
        documents=decoded.documents,
        failed_pages=found.failed_pages,
        sources=sources,
        skipped=skipped,
        times=times,
    )
    write = WriteOutputs(config, provenance, model.labels, model.key_labels)
    _ = streams | "Write tables, pictures and summary" >> write


def _find_sources(pipeline: beam.Pipeline, config: JobConfig) -> PCollection:
    """Every file that the run is asked to read, once."""
    if not config.retry_failures:
        return pipeline | "Find scans" >> FindSources(config)
    failed = pipeline | "Find what failed" >> FailedSources(config)
    if not (config.input or config.manifest):
        return failed
    found = pipeline | "Find scans" >> FindSources(config)
    return (failed, found) | "Leave out what did not fail" >> OnlyNamed()
