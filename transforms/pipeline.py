"""The whole job as a graph; wiring only."""

from __future__ import annotations

import apache_beam as beam

from transforms.config import JobConfig
from transforms.runs.earlier_runs import FailedSources, OnlyNamed, OnlyNew
from transforms.runs.provenance import model_card, provenance_of
from transforms.sinks.outputs import WriteOutputs
from transforms.sinks.summaries import SumTimesFn
from transforms.stages.kie import FindEntities
from transforms.stages.ocr import ReadText
from transforms.stages.reading import DecodeSources, FindSources


def build(pipeline: beam.Pipeline, config: JobConfig) -> None:
    """Add the job to ``pipeline``: find scans, decode, read text, find entities, write everything.

    From the decoded pages on nothing is shuffled, flattened or used as a side input before the rows of the
    tables: the images and previews of one page at a time are all that a worker holds.

    Raises:
        ValueError: the model or the OCR engine cannot be set up as ``config`` says.
        FileNotFoundError: a model of the OCR engine is missing.
    """
    model = model_card(config.model, config.re_model)
    provenance = provenance_of(config, model)
    sources = _find_sources(pipeline, config)
    streams = {"sources": sources}
    if config.skip_done:
        parted = sources | "Leave out what is done" >> OnlyNew(config, provenance)
        sources, streams["skipped"] = parted.new, parted.skipped
    decoded = sources | "Read and decode scans" >> DecodeSources(config)
    read = decoded.pages | "Read the text of pages" >> ReadText(config, model.pictures)
    found = read.pages | "Find entities and relations" >> FindEntities(config)
    failures = (decoded.failures, found.failures) | "Put failures together" >> beam.Flatten()
    times = [
        part.times | f"Sum times of {name}" >> beam.ParDo(SumTimesFn())
        for name, part in (("decoding", decoded), ("OCR", read), ("the model", found))
    ] | "Put times together" >> beam.Flatten()
    streams |= {
        "documents": decoded.documents,
        "results": found.results,
        "failed_pages": found.failed_pages,
        "failures": failures,
        "times": times,
    }
    write = WriteOutputs(config, provenance, model.labels, model.key_labels)
    _ = streams | "Write tables, pictures and summary" >> write


def _find_sources(pipeline: beam.Pipeline, config: JobConfig) -> beam.PCollection:
    """Every file that the run is asked to read, once."""
    if not config.retry_failures:
        return pipeline | "Find scans" >> FindSources(config)
    failed = pipeline | "Find what failed" >> FailedSources(config)
    if not (config.input or config.manifest):
        return failed
    found = pipeline | "Find scans" >> FindSources(config)
    return (failed, found) | "Leave out what did not fail" >> OnlyNamed()
