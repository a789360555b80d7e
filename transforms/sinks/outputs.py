"""The end of the job: tables, pictures and the summary, from the streams that the stages before it yield."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import apache_beam as beam

from beam_kie.document import Failure
from beam_kie.tables.infer_txt import STANDARD_LABELS
from beam_kie.tables.key_values import KEY_LABELS
from beam_kie.tables.rows import document_row, failure_row
from beam_kie.tables.schema import Provenance
from beam_kie.tables.summary import DocumentTally
from transforms.config import JobConfig
from transforms.sinks import summaries
from transforms.sinks.infer_txt import WriteInferTxt
from transforms.sinks.overlays import WriteOverlays
from transforms.sinks.tables import MakeRows, PlacedRows, WriteTables, place_rows

REQUIRED_STREAMS = ("results", "failures", "documents")
OPTIONAL_STREAMS = ("failed_pages", "sources", "skipped", "times")


class WriteOutputs(beam.PTransform):
    """Write everything that a run leaves behind. The one transform that the pipeline builder needs.

    Takes a dict of PCollections, of which the first three are required:

    - ``results`` PCollection[PageResult]: every page that came through, also empty ones; ``page.preview`` is
      set where ``overlays`` is "all".
    - ``failures`` PCollection[Failure]: of all stages before this one.
    - ``documents`` PCollection[Document]: every file that was read or tried, one each. Of a file that could
      not be read its Failure is enough.
    - ``failed_pages`` PCollection[FailedPage]: pages that failed after decoding, beside their Failure in
      ``failures``; ``page.preview`` is set where ``overlays`` is "all" or "failures".
    - ``sources`` PCollection[SourceFile]: every file that was matched, without duplicates: an independent
      count of the documents in.
    - ``skipped`` PCollection[Document]: known, but not processed on purpose.
    - ``times`` PCollection[StageTime].

    ``labels`` are the model's, in its order; only PaddleOCR's lines (``infer_txt``) number them.
    ``key_labels`` are those of keys: a key without a value has a row of its own.

    Yields PCollection[str] with one element: the path of summary.json, which is written last.
    """

    def __init__(
        self,
        config: JobConfig,
        provenance: Provenance,
        labels: Sequence[str] = STANDARD_LABELS,
        key_labels: Sequence[str] = KEY_LABELS,
    ):
        super().__init__()
        self.config = config
        self.provenance = provenance
        self.labels = tuple(labels)
        self.key_labels = tuple(key_labels)

    def expand(self, streams: Mapping[str, beam.PCollection]):
        """Wire the sinks."""
        pipeline = _check(streams)
        rows = streams["results"] | "Make rows" >> MakeRows(self.config, self.provenance, self.key_labels)
        drawn = self._draw(streams)
        texts = self._write_texts(streams)
        failures = (
            streams["failures"],
            rows.failures,
            *(each.failures for each in drawn),
            *(each["failures"] for each in texts),
        ) | "Put failures together" >> beam.Flatten()
        tallies = self._tally(streams, rows.told, failures)
        place_failure = beam.Map(_place_failure, self.config.num_shards, self.provenance)
        place_document = beam.Map(_place_document, self.config.num_shards, self.provenance)
        files = (
            rows.rows,
            failures | "Turn failures into rows" >> place_failure.with_output_types(PlacedRows),
            tallies | "Turn documents into rows" >> place_document.with_output_types(PlacedRows),
        ) | "Write tables" >> WriteTables(self.config)
        paths = [each.paths for each in drawn]
        times = [
            each.times | f"Sum times of pictures {number}" >> beam.ParDo(summaries.SumTimesFn())
            for number, each in enumerate(drawn)
        ] + [streams[name] for name in ("times",) if name in streams]
        return {
            "tallies": tallies,
            "files": files,
            "pictures": paths | "Put pictures together" >> beam.Flatten(pipeline=pipeline),
            "texts": [each["paths"] for each in texts]
            | "Put texts together" >> beam.Flatten(pipeline=pipeline),
            "times": times | "Put times together" >> beam.Flatten(pipeline=pipeline),
            **{name: streams[name] for name in ("sources",) if name in streams},
        } | "Summarise" >> summaries.WriteSummary(self.config, self.provenance)

    def _draw(self, streams: Mapping[str, beam.PCollection]) -> list:
        """What is drawn: all pages, those that failed after decoding, or none."""
        names = {"all": ("results", "failed_pages"), "failures": ("failed_pages",), "none": ()}
        return [
            streams[name] | f"Draw {name.replace('_', ' ')}" >> WriteOverlays(self.config, self.key_labels)
            for name in names[self.config.overlays]
            if name in streams
        ]

    def _write_texts(self, streams: Mapping[str, beam.PCollection]) -> list:
        """PaddleOCR's lines, where they are wanted."""
        if not self.config.infer_txt:
            return []
        return [streams["results"] | "Write PaddleOCR's lines" >> WriteInferTxt(self.config, self.labels)]

    def _tally(self, streams: Mapping[str, beam.PCollection], told_pages, failures):
        """One DocumentTally per document that anything is known of."""
        tellers = {"documents": summaries.told_document, "skipped": summaries.told_skipped}
        told = [
            streams[name]
            | f"Tell of {name}" >> beam.Map(teller).with_output_types(tuple[str, summaries.Told])
            for name, teller in tellers.items()
            if name in streams
        ]
        tell_failure = beam.Map(summaries.told_failure).with_output_types(tuple[str, summaries.Told])
        return (
            (*told, told_pages, failures | "Tell of failures" >> tell_failure)
            | "Put all that is known together" >> beam.Flatten()
            | "Tally documents" >> summaries.TallyDocuments()
        )


def _check(streams: Mapping[str, beam.PCollection]) -> beam.Pipeline:
    """The pipeline of the streams. Raises ValueError where one is missing or unknown."""
    missing = set(REQUIRED_STREAMS) - streams.keys()
    unknown = streams.keys() - {*REQUIRED_STREAMS, *OPTIONAL_STREAMS}
    if missing or unknown:
        raise ValueError(f"streams of WriteOutputs: missing {sorted(missing)}, unknown {sorted(unknown)}")
    return streams["results"].pipeline


def _place_failure(failure: Failure, num_shards: int, provenance: Provenance) -> PlacedRows:
    return place_rows("failures", failure.document_id, [failure_row(failure, provenance)], num_shards)


def _place_document(tally: DocumentTally, num_shards: int, provenance: Provenance) -> PlacedRows:
    row = document_row(tally, provenance)
    return place_rows("documents", row["document_id"], [row], num_shards)
