"""All sinks of the job: tables, pictures and the summary, from the streams of the stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection

from beam_kie.document import Failure
from beam_kie.fields.definitions import FieldFile
from beam_kie.fields.records import records_schema
from beam_kie.tables.cell_rows import CELLS_SCHEMA
from beam_kie.tables.infer_txt import STANDARD_LABELS
from beam_kie.tables.key_values import KEY_LABELS
from beam_kie.tables.rows import document_row, failure_row
from beam_kie.tables.schema import RECORDS, TABLE_CELLS, Provenance
from beam_kie.tables.tallies import DocumentTally
from transforms.config import JobConfig
from transforms.ptransform import Transform, outputs_of
from transforms.runs.resuming import FACTS, FAILURES, Keeping, KeptStream
from transforms.sinks import summaries
from transforms.sinks.infer_txt import WriteInferTxt
from transforms.sinks.overlays import PICTURES, WriteOverlays
from transforms.sinks.records import MakeRecords
from transforms.sinks.tables import MakeRows, PlacedRows, WriteTables, kept_rows, place_rows
from transforms.sinks.text_files import WriteTextFiles, wanted_formats


class Streams(NamedTuple):
    """What the stages before the sinks yield; None where a stream does not exist in this run.

    - ``results`` PCollection[PageResult], or several: every page that came through, also empty ones;
      ``page.preview`` is set where ``overlays`` is "all". Several are not put together: to local runners
      that is a shuffle.
    - ``failures`` PCollection[Failure]: of all stages before the sinks.
    - ``documents`` PCollection[Document]: every file that was read or tried, at least once each. Of a file
      that could not be read its Failure is enough.
    - ``failed_pages`` PCollection[FailedPage], or several: pages that failed after decoding, beside their
      Failure in ``failures``; ``page.preview`` is set where ``overlays`` is "all" or "failures".
    - ``sources`` PCollection[SourceFile]: every file that was matched, without duplicates: an independent
      count of the documents in.
    - ``skipped`` PCollection[Document]: known, but not processed on purpose.
    - ``left_out`` PCollection[int]: numbers of documents that are skipped without a row.
    - ``times`` PCollection[StageTime].
    - ``passed_over`` PCollection[str]: URIs of files that patterns found and that are no documents.
    - ``resumed`` PCollection[str]: URIs of files that an interrupted attempt of this run has done.
    """

    results: PCollection | tuple[PCollection, ...]
    failures: PCollection
    documents: PCollection
    failed_pages: PCollection | tuple[PCollection, ...] | None = None
    sources: PCollection | None = None
    skipped: PCollection | None = None
    left_out: PCollection | None = None
    times: PCollection | None = None
    passed_over: PCollection | None = None
    resumed: PCollection | None = None


class WriteOutputs(Transform):
    """Write all files of a run. The one sink that the pipeline builder needs.

    Takes ``Streams`` and yields PCollection[str] with one element: the path of summary.json, which is
    written last.

    Args:
        config: the job.
        provenance: names and revisions that go on every row.
        labels: the model's, in its order; only PaddleOCR's lines (``infer_txt``) number them.
        key_labels: labels of keys; a key without a value has a row of its own.
        fields: of --fields; None: no table of records is written.
        keeping: keeps rows and facts in parts; None: an interrupted run starts anew.
    """

    def __init__(
        self,
        config: JobConfig,
        provenance: Provenance,
        labels: Sequence[str] = STANDARD_LABELS,
        key_labels: Sequence[str] = KEY_LABELS,
        fields: FieldFile | None = None,
        keeping: Keeping | None = None,
    ):
        super().__init__()
        self.config = config
        self.provenance = provenance
        self.labels = tuple(labels)
        self.key_labels = tuple(key_labels)
        self.fields = fields
        self.keeping = keeping

    def expand(self, streams: Streams):
        """Wire the sinks."""
        results = _several(streams.results)
        rows = [self._rows(each, name) for name, each in _named("rows", results)]
        drawn = self._draw(streams)
        texts = self._write_texts(results)
        failed = (
            *(each.failures for each in rows),
            *(each.failures for each in drawn),
            *(failures for each in texts for failures in each["failures"]),
        )
        failures = (
            streams.failures,
            *(self._keep(FAILURES, each, f"failures {number}") for number, each in enumerate(failed)),
        ) | "Put failures together" >> beam.Flatten()
        tallies = self._tally(streams, self._kept(FACTS, [each.facts for each in rows], "facts"), failures)
        placed = self._kept(kept_rows(self.config.num_shards), [each.rows for each in rows], "rows")
        more = {TABLE_CELLS: CELLS_SCHEMA} if self.config.records.wants_cells else {}
        if self.fields is not None:
            make_records = MakeRecords(self.config, self.provenance, self.fields)
            made = outputs_of(tallies | "Make records" >> make_records)
            tallies = made.tallies
            placed.append(made.rows)
            more[RECORDS] = records_schema(self.fields)
        files = self._write_tables(placed, failures, tallies, more)
        pictures = self._kept(PICTURES, [each.paths for each in drawn], "pictures")
        return summaries.SummaryInputs(
            tallies=tallies,
            files=files,
            pictures=self._flatten("pictures", streams, pictures),
            texts=self._flatten("texts", streams, [each["paths"] for each in texts]),
            exports=self._flatten("exports", streams, self._write_exports(files)),
            times=self._flatten("times", streams, self._times(streams, drawn)),
            sources=streams.sources,
            passed_over=streams.passed_over,
            resumed=streams.resumed,
            left_out=streams.left_out,
        ) | "Summarise" >> summaries.WriteSummary(self.config, self.provenance)

    def _rows(self, results: PCollection, name: str):
        make = MakeRows(self.config, self.provenance, self.key_labels, self.fields)
        return outputs_of(results | f"Make {name}" >> make)

    def _keep(self, stream: KeptStream, values: PCollection, name: str) -> PCollection:
        """Keep what a stream yields now."""
        return values if self.keeping is None else self.keeping.keep(stream, values, name)

    def _kept(self, stream: KeptStream, values: list, name: str) -> list:
        """Keep what the parts of a stream yield now, and add what was kept before."""
        kept = [self._keep(stream, each, f"{name} {number}") for number, each in enumerate(values)]
        return kept if self.keeping is None else [*kept, *self.keeping.taken_up(stream)]

    def _draw(self, streams: Streams) -> list:
        """The pages to draw: all, those that failed after decoding, or none."""
        drawn = {
            "all": {"results": streams.results, "failed pages": streams.failed_pages},
            "failures": {"failed pages": streams.failed_pages},
            "none": {},
        }[self.config.overlays]
        return [
            pages | f"Draw {name}" >> WriteOverlays(self.config, self.key_labels)
            for what, streams_of in drawn.items()
            for name, pages in _named(what, _several(streams_of))
        ]

    def _write_texts(self, results: tuple[PCollection, ...]) -> list:
        """PaddleOCR's lines, where they are wanted."""
        if not self.config.infer_txt:
            return []
        return [results | "Write PaddleOCR's lines" >> WriteInferTxt(self.config, self.labels, self.keeping)]

    def _write_exports(self, table_files: PCollection) -> list:
        """The tables as text, where that is wanted."""
        formats = wanted_formats(self.config)
        if not formats:
            return []
        return [table_files | "Write tables as text" >> WriteTextFiles(self.config, formats)]

    def _write_tables(self, rows: list, failures, tallies, more):
        """All tables: the given rows, and those of failures and documents."""
        place_failure = beam.Map(_place_failure, self.config.num_shards, self.provenance)
        place_document = beam.Map(_place_document, self.config.num_shards, self.provenance)
        return (
            *rows,
            failures | "Turn failures into rows" >> place_failure.with_output_types(PlacedRows),
            tallies | "Turn documents into rows" >> place_document.with_output_types(PlacedRows),
        ) | "Write tables" >> WriteTables(self.config, more)

    def _tally(self, streams: Streams, page_facts: list, failures):
        """One DocumentTally for each document."""
        known = {
            "documents": (streams.documents, summaries.document_fact),
            "skipped": (streams.skipped, summaries.skipped_fact),
            "failures": (failures, summaries.failure_fact),
        }
        facts = [
            values | f"Facts of {name}" >> beam.Map(fact_of).with_output_types(tuple[str, summaries.Fact])
            for name, (values, fact_of) in known.items()
            if values is not None
        ]
        return (
            (*page_facts, *facts)
            | "Put facts together" >> beam.Flatten()
            | "Tally documents" >> summaries.TallyDocuments()
        )

    def _times(self, streams: Streams, drawn: list) -> list:
        """Times of the stages before the sinks, and of the pictures, these summed up by bundle."""
        times = [
            each.times | f"Sum times of pictures {number}" >> beam.ParDo(summaries.SumTimesFn())
            for number, each in enumerate(drawn)
        ]
        return times if streams.times is None else [*times, streams.times]

    def _flatten(self, name: str, streams: Streams, parts: list):
        """Some PCollections, or none, as one."""
        return parts | f"Put {name} together" >> beam.Flatten(pipeline=streams.documents.pipeline)


def _several(streams: PCollection | tuple[PCollection, ...] | None) -> tuple[PCollection, ...]:
    """A stream in any number of PCollections."""
    if streams is None:
        return ()
    return (streams,) if isinstance(streams, PCollection) else streams


def _named(what: str, streams: Sequence[PCollection]) -> Iterator[tuple[str, PCollection]]:
    """Every PCollection of a stream, with a name for the steps that take it."""
    return ((f"{what} {number}" if number else what, each) for number, each in enumerate(streams))


def _place_failure(failure: Failure, num_shards: int, provenance: Provenance) -> PlacedRows:
    return place_rows("failures", failure.document_id, [failure_row(failure, provenance)], num_shards)


def _place_document(tally: DocumentTally, num_shards: int, provenance: Provenance) -> PlacedRows:
    row = document_row(tally, provenance)
    return place_rows("documents", row["document_id"], [row], num_shards)
