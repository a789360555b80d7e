"""The summary of a run: outcomes of documents and totals, combined from small records."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import apache_beam as beam
from apache_beam.pvalue import AsList, AsSingleton, PCollection
from apache_beam.transforms.window import GlobalWindows
from apache_beam.typehints.decorators import with_input_types, with_output_types
from apache_beam.utils.timestamp import MIN_TIMESTAMP

from beam_kie import __version__
from beam_kie.document import Category, Document, Failure, PageText, Stage, StageTime
from beam_kie.options import values_of
from beam_kie.tables.schema import SCHEMA_VERSION, Provenance
from beam_kie.tables.summary import RunSummary, add_times, progress_section, stage_time_section, to_json
from beam_kie.tables.tallies import Confidences, DocumentTally, PageCounts
from transforms.config import JobConfig
from transforms.ptransform import Transform
from transforms.runs import paths
from transforms.sinks.passed_over import PassedOver, PassedOverFn
from transforms.storage import files

_LOGGER = logging.getLogger(__name__)

Fact = bytes
"""Something known of a document, as JSON: small, since local runners hold all of them until the run's end."""


def page_fact(page: PageText, counts: PageCounts) -> tuple[str, Fact]:
    """The page came through.

    Args:
        page: of any document.
        counts: what was found on it.

    Returns:
        The id of the document, and the fact.
    """
    return page.document_id, _fact("page", page.uri, page.page, *counts.values())


def fields_fact(page: PageText, candidates: list[Any]) -> tuple[str, Fact]:
    """What the page has for the fields of a field file.

    Args:
        page: of any document.
        candidates: as JSON, of ``beam_kie.fields.candidates.to_json``.

    Returns:
        The id of the document, and the fact.
    """
    return page.document_id, _fact("fields", page.page, candidates)


def document_fact(document: Document) -> tuple[str, Fact]:
    """The document was read, or at least tried.

    Args:
        document: what is known of it.

    Returns:
        The id of the document, and the fact.
    """
    return document.document_id, _fact("document", *astuple(document)[1:])


def skipped_fact(document: Document) -> tuple[str, Fact]:
    """The document was left out on purpose.

    Args:
        document: what is known of it.

    Returns:
        The id of the document, and the fact.
    """
    return document.document_id, _fact("skipped", *astuple(document)[1:])


def failure_fact(failure: Failure) -> tuple[str, Fact]:
    """The document or one of its pages failed.

    Args:
        failure: of the document or page.

    Returns:
        The id of the document, and the fact.
    """
    what = (failure.uri, failure.page, failure.stage.value, failure.category.value, failure.retryable)
    return failure.document_id, _fact("failure", *what)


def _fact(kind: str, *what: Any) -> Fact:
    return json.dumps((kind, *what), separators=(",", ":")).encode()


def tally_document(known: tuple[str, Iterable[Fact]]) -> DocumentTally:
    """Add up one document.

    Args:
        known: the document's id, and all facts of it in any order; a repeated fact counts once.

    Returns:
        What became of the document and its pages.
    """
    document_id, facts = known
    tally = DocumentTally()
    for fact in facts:
        kind, *what = json.loads(fact)
        if kind == "page":
            uri, page, *counts = what
            tally.add_page(Document(document_id, uri), page, _counts(*counts))
        elif kind == "fields":
            page, candidates = what
            tally.field_candidates[page] = candidates
        elif kind == "failure":
            uri, page, stage, category, retryable = what
            failed = Failure(document_id, uri, page, Stage(stage), Category(category), "", retryable)
            tally.add_failure(failed)
        else:
            tally.add_document(Document(document_id, *what), skipped=kind == "skipped")
    return tally


def _counts(lines: list, entities: list, pairs: list, keys_without_value: int, labels: list) -> PageCounts:
    return PageCounts(
        Confidences(*lines),
        Confidences(*entities),
        Confidences(*pairs),
        keys_without_value,
        tuple((label, count) for label, count in labels),
    )


class SummariseFn(beam.CombineFn):
    """All DocumentTally of a run as its RunSummary."""

    def create_accumulator(self) -> RunSummary:
        """A run without documents."""
        return RunSummary()

    def add_input(self, summary: RunSummary, tally: DocumentTally) -> RunSummary:
        """Add one document.

        Args:
            summary: of a part of the run; it is changed.
            tally: of the document.
        """
        return summary.add(tally)

    def merge_accumulators(self, summaries: Iterable[RunSummary]) -> RunSummary:
        """Add parts of the run.

        Args:
            summaries: of parts of the run; they stay as they are.
        """
        merged = RunSummary()
        for summary in summaries:
            merged.merge(summary)
        return merged

    def extract_output(self, summary: RunSummary) -> RunSummary:
        """The summary itself.

        Args:
            summary: of the run.
        """
        return summary


class TallyDocuments(Transform):
    """One tally for each document: PCollection[(id, Fact)] to PCollection[DocumentTally]."""

    def expand(self, facts):
        """Wire the shuffle; it holds the facts as they came, where a combination would hold tallies."""
        return (
            facts
            | "Gather facts of a document" >> beam.GroupByKey()
            | "Tally" >> beam.Map(tally_document).with_output_types(DocumentTally)
        )


@with_input_types(StageTime)
@with_output_types(StageTime)
class SumTimesFn(beam.DoFn):
    """The times of a bundle as one record a stage: a runner need not hold several for every page."""

    def start_bundle(self):
        """Start with empty sums."""
        self._times: dict[str, StageTime] = {}

    def process(self, time: StageTime) -> None:
        """Add one record; nothing is yielded before the bundle ends.

        Args:
            time: of one stage.
        """
        known = self._times.get(time.stage)
        self._times[time.stage] = time if known is None else _sum_of_stage([known, time])

    def finish_bundle(self) -> Any:  # Beam declares None, but takes what is yielded
        """Yield the sums."""
        for time in self._times.values():
            yield GlobalWindows.windowed_value(time, timestamp=MIN_TIMESTAMP)


class AddUpTimes(Transform):
    """PCollection[StageTime] to PCollection[StageTime] with one record per stage."""

    def expand(self, times):
        """Wire the sum."""
        return (
            times
            | "Key by stage" >> beam.WithKeys(_stage_of).with_output_types(tuple[str, StageTime])
            | "Sum" >> beam.CombinePerKey(_sum_of_stage)
            | "Drop stages" >> beam.Values().with_output_types(StageTime)
        )


class SummaryInputs(NamedTuple):
    """The inputs of the summary.

    ``tallies`` PCollection[DocumentTally] is what is summed up; ``files`` PCollection[TableFile],
    ``pictures``, ``texts`` and ``exports`` PCollection[str] (paths), ``times`` PCollection[StageTime],
    ``sources`` PCollection[SourceFile], or None where the files of the input are not counted; ``resumed``
    PCollection[str] the URIs of files that were done before the run was resumed, or None; ``left_out``
    PCollection[int] numbers of documents skipped without a row, or None.
    """

    tallies: PCollection
    files: PCollection
    pictures: PCollection
    texts: PCollection
    exports: PCollection
    times: PCollection
    sources: PCollection | None = None
    passed_over: PCollection | None = None
    resumed: PCollection | None = None
    left_out: PCollection | None = None


class WriteSummary(Transform):
    """Write summary.json when everything else is written: SummaryInputs to PCollection[str], its path.

    Args:
        config: the job.
        provenance: names and revisions of OCR and model.
    """

    def __init__(self, config: JobConfig, provenance: Provenance):
        super().__init__()
        self.config = config
        self.provenance = provenance
        self.started_at = datetime.now(UTC)

    def expand(self, streams: SummaryInputs):
        """Wire the combinations and, behind them, the writer."""
        summary = streams.tallies | "Add up documents" >> beam.CombineGlobally(SummariseFn())
        # A replayed bundle, or a resumed run, names a picture twice.
        once = streams.pictures | "Drop repeated pictures" >> beam.Distinct()
        pictures = once | "Count pictures" >> beam.combiners.Count.Globally()
        times = streams.times | "Add up times" >> AddUpTimes()
        # Side inputs are complete before the element is processed: the summary is the last file.
        waited_for = {
            "table_files": AsList(streams.files),
            "pictures": AsSingleton(cast(PCollection, pictures)),
            "times": AsList(cast(PCollection, times)),
            "texts": AsList(streams.texts),
            "exports": AsList(streams.exports),
        }
        combined = {
            "documents_in": (streams.sources, beam.combiners.Count.Globally()),
            "documents_resumed": (streams.resumed, beam.combiners.Count.Globally()),
            "documents_left_out": (streams.left_out, beam.CombineGlobally(sum)),
            "passed_over": (streams.passed_over, beam.CombineGlobally(PassedOverFn())),
        }
        for name, (values, combine) in combined.items():
            if values is not None:
                waited_for[name] = AsSingleton(cast(PCollection, values | f"Combine {name}" >> combine))
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
    passed_over: PassedOver | None = None,
    exports: Sequence[str] = (),
    documents_resumed: int = 0,
    documents_left_out: int = 0,
) -> str:
    """Write ``summary.json``.

    Args:
        summary: all documents of the run.
        config: the job.
        provenance: names and revisions of OCR and model, for every row.
        started_at: when the job was built, in UTC.
        table_files: all files of all tables.
        pictures: how many were written.
        times: one record per stage.
        documents_in: how many files were matched; None where they were not counted.
        texts: paths of PaddleOCR's files.
        passed_over: files that are no documents; None: there are none.
        exports: paths of tables as text.
        documents_resumed: how many files were done before the run was resumed.
        documents_left_out: how many were skipped without a row.

    Returns:
        The path of the file.

    Raises:
        OSError: it cannot be written.
    """
    summary = RunSummary().merge(summary).skip(documents_left_out)
    sections = {
        **_head(config, started_at),
        **summary.sections(documents_in),
        "passed_over": (passed_over or PassedOver(Counter(), ())).section(),
        "tables": table_section(table_files),
        "overlays": {"written": pictures},
        "infer_txt": {"written": len(texts)},
        "exports": {"written": len(exports)},
        "resumed": {"documents": documents_resumed},
        "provenance": asdict(provenance),
        "stage_times": stage_time_section(times),
        "progress": progress_section(times),
        "options": values_of(config),
    }
    if not sections["documents"]["counts_add_up"]:
        told = "%s documents went in, but %s came out: please report this defect"
        _LOGGER.error(told, documents_in, summary.documents_out)
    path = paths.summary_path(config.output, config.run_id)
    files.write_bytes(path, to_json(sections), config.storage_timeout_s)
    return path


def _head(config: JobConfig, started_at: datetime) -> dict[str, Any]:
    """The run's id and version, and when it began and ended."""
    return {
        "schema_version": SCHEMA_VERSION,
        "beam_kie_version": __version__,
        "run_id": config.run_id,
        "output": config.output,
        "started_at": _instant(started_at),
        "finished_at": _instant(datetime.now(UTC)),
    }


def table_section(files: Iterable[paths.TableFile]) -> dict[str, Any]:
    """Rows and files of every table.

    Args:
        files: all files of all tables.

    Returns:
        Both numbers by name of the table.
    """
    section = {table: {"rows": 0, "files": 0} for table in paths.TABLES}
    for file in files:
        known = section.setdefault(file.table, {"rows": 0, "files": 0})
        known["rows"] += file.rows
        known["files"] += 1
    return section


def _stage_of(time: StageTime) -> str:
    return time.stage


def _sum_of_stage(times: Iterable[StageTime]) -> StageTime:
    # Of no times there is one too: combiners are also called without elements, under any stage's name.
    return next(iter(add_times(times)), StageTime("", 0.0, 0))


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
