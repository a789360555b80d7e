"""The job of ``scale.py``: files, OCR and the model are stubs, everything else is the job's own.

A module of its own, which worker processes import.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

LINES = 20
RUN_ID = "r"


def main() -> int:
    """Run the job, or go on with it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--part_pages", type=int, default=200)
    arguments, flags = parser.parse_known_args()
    run_job(Path(arguments.manifest), Path(arguments.output), flags, arguments.part_pages)
    return 0


def run_job(manifest: Path, output: Path, flags: list[str], part_pages: int = 200) -> None:
    """Run the job with stubs for files, OCR and the model."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_kie.options import from_values
    from transforms import pipeline as job
    from transforms.config import JobConfig
    from transforms.launch import scratch
    from transforms.launch.local_runner import no_timed_flush
    from transforms.runs import folders

    folder = scratch.scratch_folder(str(output), RUN_ID, local_run=True)
    assert folder is not None
    values = {
        "output": str(output),
        "run_id": RUN_ID,
        "manifest": str(manifest),
        "ocr_engine": "none",
        "overlays": "none",
        "part_pages": part_pages,
        "resume": True,
    }
    config = from_values(JobConfig, {**values, "scratch": folder})
    folders.clear_run(config.output, config.run_id, without_work=True)
    scratch.remove_left_over(config.output)
    scratch.make(folder)
    job.read_pages = stub_read
    job.FindEntities = lambda config, _handler: stub_model(config.scratch)
    options = PipelineOptions(flags)
    runner = options.get_all_options()["runner"] or "FnApiRunner"
    pipeline = beam.Pipeline(runner, options)
    job.build(pipeline, config)
    try:
        with no_timed_flush():
            pipeline.run().wait_until_finish()
    finally:
        scratch.remove(folder)


def stub_read(sources, _config, _pictures, **_of_ranges):
    """Every source as a document of one page with given lines."""
    import apache_beam as beam

    from transforms.pipeline import Read

    outputs = ("documents", "failures", "ranges")
    read = sources | "Read stubs" >> beam.ParDo(read_one).with_outputs(*outputs, main="pages")
    none = sources.pipeline | "No times" >> beam.Create([], reshuffle=False)
    return Read(read.pages, read.documents, read.failures, {"reading": none}, read.ranges)


def read_one(source):
    """The page of a source, then its document."""
    from apache_beam.pvalue import TaggedOutput

    from beam_kie.document import Document, PageText, TextLine, document_id

    number = int(source.uri[-13:-4])
    own = document_id(source.uri, f"{number:064x}")
    lines = tuple(
        TextLine(
            f"{'value' if n % 2 else 'key'} {number + n}", (10, 20 * n, 90, 20 * n, 90, 20 * n + 15), 0.9
        )
        for n in range(LINES)
    )
    yield PageText(own, source.uri, 1, 600, 800, lines=lines)
    document = Document(own, source.uri, f"{number:064x}", 1000, None, "pdf", 1)
    yield TaggedOutput("documents", document)


def stub_model(scratch: str):
    """A step that takes lines for keys and values in turn."""
    import apache_beam as beam

    names = ("failed_pages", "failures", "times")
    return beam.ParDo(find_all, scratch).with_outputs(*names, main="results")


def find_all(page, scratch: str):
    """The result of a page."""
    from beam_kie.document import Entity, LineSpan, PageResult, Relation
    from transforms.progress import record

    entities = tuple(
        Entity(
            "ANSWER" if n % 2 else "QUESTION",
            line.text,
            line.polygon,
            0.9,
            (LineSpan(n, 0, len(line.text)),),
        )
        for n, line in enumerate(page.lines)
    )
    record(scratch)
    yield PageResult(page, entities, tuple(Relation(n, n + 1, 0.8) for n in range(0, len(entities), 2)))


if __name__ == "__main__":
    sys.exit(main())
