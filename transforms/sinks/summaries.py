"""How documents ended and what the run adds up to: small records, combined."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import MIN_TIMESTAMP

from beam_kie import __version__
from beam_kie.document import Category, Document, Failure, PageText, Stage, StageTime
from beam_kie.tables.schema import SCHEMA_VERSION, Provenance
from beam_kie.tables.summary import (
    Confidences,
    DocumentTally,
    PageCounts,
    RunSummary,
    add_times,
    stage_time_section,
    to_json,
)
from transforms.config import JobConfig
from transforms.runs import paths
from transforms.storage import files

_LOGGER = logging.getLogger(__name__)

Told = bytes
"""Something known of a document, as JSON: small, since local runners hold all of them until the run's end."""

_INTERNAL_OPTIONS = ("scratch",)


def told_page(page: PageText, counts: PageCounts) -> tuple[str, Told]:
    """The page came through."""
    return page.document_id, _told("page", page.uri, page.page, *astuple(counts))


def told_document(document: Document) -> tuple[str, Told]:
    """The document was read, or at least tried."""
    return document.document_id, _told("document", *astuple(document)[1:])


def told_skipped(document: Document) -> tuple[str, Told]:
    """The document was left out on purpose."""
    return document.document_id, _told("skipped", *astuple(document)[1:])


def told_failure(failure: Failure) -> tuple[str, Told]:
    """The document or one of its pages failed."""
    what = (failure.uri, failure.page, failure.stage.value, failure.category.value, failure.retryable)
    return failure.document_id, _told("failure", *what)


def _told(kind: str, *what: Any) -> Told:
    return json.dumps((kind, *what), separators=(",", ":")).encode()


def tally_document(told: tuple[str, Iterable[Told]]) -> DocumentTally:
    """All that is told of one document, by its id, in any order; what is told twice counts once."""
    document_id, all_told = told
    tally = DocumentTally()
    for each in all_told:
        kind, *what = json.loads(each)
        if kind == "page":
            uri, page, *counts = what
            tally.add_page(Document(document_id, uri), page, _counts(*counts))
        elif kind == "failure":
            uri, page, stage, category, retryable = what
            failed = Failure(document_id, uri, page, Stage(stage), Category(category), "", retryable)
            tally.add_failure(failed)
        else:
            tally.add_document(Document(document_id, *what), skipped=kind == "skipped")
    return tally


def _counts(lines: list, entities: list, pairs: list, keys_without_value: int, labels: list) -> PageCounts:
    return PageCounts(
        *(Confidences(*each) for each in (lines, entities, pairs)),
        keys_without_value,
        tuple((label, count) for label, count in labels),
    )


class SummariseFn(beam.CombineFn):
    """All DocumentTally of a run as its RunSummary."""

    def create_accumulator(self) -> RunSummary:
        """A run without documents."""
        return RunSummary()

    def add_input(self, summary: RunSummary, tally: DocumentTally) -> RunSummary:
        """Add one document."""
        return summary.add(tally)

    def merge_accumulators(self, summaries: Iterable[RunSummary]) -> RunSummary:
        """Add parts of the run."""
        merged = RunSummary()
        for summary in summaries:
            merged.merge(summary)
        return merged

    def extract_output(self, summary: RunSummary) -> RunSummary:
        """The summary itself."""
        return summary


class TallyDocuments(beam.PTransform):
    """What is told of documents to one tally each: PCollection[(id, Told)] to PCollection[DocumentTally]."""

    def expand(self, told):
        """Wire the shuffle; it holds what is told as it came, where a combination would hold tallies."""
        return (
            told
            | "Gather what is known" >> beam.GroupByKey()
            | "Tally" >> beam.Map(tally_document).with_output_types(DocumentTally)
        )


@beam.typehints.with_input_types(StageTime)
@beam.typehints.with_output_types(StageTime)
class SumTimesFn(beam.DoFn):
    """The times of a bundle as one record a stage: a runner need not hold several for every page."""

    def start_bundle(self):
        """Begin with nothing."""
        self._times: dict[str, StageTime] = {}

    def process(self, time: StageTime) -> None:
        """Add one record; nothing is yielded before the bundle ends."""
        known = self._times.get(time.stage)
        self._times[time.stage] = time if known is None else _sum_of_stage([known, time])

    def finish_bundle(self):
        """Yield the sums."""
        for time in self._times.values():
            yield GlobalWindows.windowed_value(time, timestamp=MIN_TIMESTAMP)


class AddUpTimes(beam.PTransform):
    """PCollection[StageTime] to PCollection[StageTime] with one record per stage."""

    def expand(self, times):
        """Wire the sum."""
        return (
            times
            | "Key by stage" >> beam.Map(_by_stage).with_output_types(tuple[str, StageTime])
            | "Sum" >> beam.CombinePerKey(_sum_of_stage)
            | "Drop stages" >> beam.Values().with_output_types(StageTime)
        )


class WriteSummary(beam.PTransform):
    """Write summary.json when everything else is written: a dict of PCollections to PCollection[str].

    ``tallies`` DocumentTally is what is summed up; ``files`` TableFile, ``pictures`` str and ``times``
    StageTime are reported and waited for; so are ``sources`` SourceFile and ``texts`` str, which may be
    absent. Yields the path.
    """

    def __init__(self, config: JobConfig, provenance: Provenance):
        super().__init__()
        self.config = config
        self.provenance = provenance
        self.started_at = datetime.now(UTC)

    def expand(self, streams: Mapping[str, beam.PCollection]):
        """Wire the combinations and, behind them, the writer."""
        summary = streams["tallies"] | "Add up documents" >> beam.CombineGlobally(SummariseFn())
        pictures = streams["pictures"] | "Count pictures" >> beam.combiners.Count.Globally()
        times = streams["times"] | "Add up times" >> AddUpTimes()
        # Side inputs are complete before the one element is processed: the summary is the last file.
        waited_for = {
            "table_files": beam.pvalue.AsList(streams["files"]),
            "pictures": beam.pvalue.AsSingleton(pictures),
            "times": beam.pvalue.AsList(times),
        }
        if "sources" in streams:
            sources = streams["sources"] | "Count scans" >> beam.combiners.Count.Globally()
            waited_for["documents_in"] = beam.pvalue.AsSingleton(sources)
        if "texts" in streams:
            waited_for["texts"] = beam.pvalue.AsList(streams["texts"])
        write = beam.Map(write_summary, self.config, self.provenance, self.started_at, **waited_for)
        return summary | "Write summary" >> write.with_output_types(str)


def write_summary(
    summary: RunSummary,
    config: JobConfig,
    provenance: Provenance,
    started_at: datetime,
    *,
    table_files: Sequence[paths.TableFile],
    pictures: int,
    times: Sequence[StageTime],
    documents_in: int | None = None,
    texts: Sequence[str] = (),
) -> str:
    """Write summary.json and return its path."""
    sections = {
        "schema_version": SCHEMA_VERSION,
        "beam_kie_version": __version__,
        "run_id": config.run_id,
        "output": config.output,
        "started_at": _instant(started_at),
        "finished_at": _instant(datetime.now(UTC)),
        **summary.sections(documents_in),
        "tables": table_section(table_files),
        "overlays": {"written": pictures},
        "infer_txt": {"written": len(texts)},
        "provenance": asdict(provenance),
        "stage_times": stage_time_section(times),
        "options": {key: value for key, value in asdict(config).items() if key not in _INTERNAL_OPTIONS},
    }
    if not sections["documents"]["counts_add_up"]:
        _LOGGER.error(
            "%s documents went in, but %s came out: please report this defect",
            documents_in,
            summary.documents_out,
        )
    path = paths.summary_path(config.output, config.run_id)
    files.write_bytes(path, to_json(sections), config.storage_timeout_s)
    return path


def table_section(files: Iterable[paths.TableFile]) -> dict[str, Any]:
    """Rows and files of every table."""
    section = {table: {"rows": 0, "files": 0} for table in paths.TABLES}
    for file in files:
        section[file.table]["rows"] += file.rows
        section[file.table]["files"] += 1
    return section


def _by_stage(time: StageTime) -> tuple[str, StageTime]:
    return time.stage, time


def _sum_of_stage(times: Iterable[StageTime]) -> StageTime:
    # Of no times there is one too: combiners are tried on nothing, under any stage's name.
    return next(iter(add_times(times)), StageTime("", 0.0, 0))


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
