"""The table ``records`` and the warnings about missing fields, from what is known of whole documents."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.typehints.decorators import with_input_types, with_output_types

from beam_kie.fields.candidates import from_json
from beam_kie.fields.choosing import choose_all
from beam_kie.fields.definitions import FieldFile
from beam_kie.fields.records import missing_failure, record_row, records_schema
from beam_kie.tables.rows import document_row, failure_row
from beam_kie.tables.schema import RECORDS, Provenance
from beam_kie.tables.tallies import DocumentTally
from transforms.config import JobConfig
from transforms.metrics import count_failure
from transforms.ptransform import Transform
from transforms.sinks.segments import PlacedRows
from transforms.sinks.tables import place_rows

ROWS = "rows"


class MakeRecords(Transform):
    """The records of documents: PCollection[DocumentTally] to two PCollections.

    ``tallies`` DocumentTally with its warnings and without its candidates; ``rows`` (Place, encoded rows) of
    records and failures. The documents are whole already, so nothing is gathered for it.

    Args:
        config: of the job.
        provenance: of this run: models, OCR and options.
        fields: of --fields.
    """

    def __init__(self, config: JobConfig, provenance: Provenance, fields: FieldFile):
        super().__init__()
        self.num_shards = config.num_shards
        self.provenance = provenance
        self.fields = fields

    def expand(self, tallies):
        """Wire the one DoFn."""
        make = beam.ParDo(MakeRecordsFn(self.num_shards, self.provenance, self.fields))
        return tallies | "Choose values" >> make.with_outputs(ROWS, main="tallies")


@with_input_types(DocumentTally)
@with_output_types(DocumentTally, rows=PlacedRows)
class MakeRecordsFn(beam.DoFn):
    """One document to its record, and to a warning where required fields are missing.

    Args:
        num_shards: files of each table, at least 1.
        provenance: of this run: models, OCR and options.
        fields: of --fields.
    """

    def __init__(self, num_shards: int, provenance: Provenance, fields: FieldFile):
        self._num_shards = num_shards
        self._provenance = provenance
        self._fields = fields
        self._schema = records_schema(fields)

    def process(self, tally: DocumentTally) -> Iterator[DocumentTally | TaggedOutput]:
        """Yield the tally, the record and the warning, if any.

        Args:
            tally: all that is known of a document; it stays as it is.
        """
        document = document_row(tally, self._provenance)
        document_id = document["document_id"]
        pages = [from_json(candidates, self._fields) for candidates in tally.field_candidates.values()]
        chosen = choose_all(self._fields, pages, document["page_count"])
        record = record_row(document, chosen, self._fields, self._provenance)
        failure = missing_failure(document, chosen)
        judged = dataclasses.replace(
            tally,
            field_candidates={},
            warnings=set(tally.warnings),
            # Of a document of which no page was read, its failures say enough.
            missing_fields=tuple(record["missing"]) if failure else (),
            doubtful_fields=tuple(record["doubtful"]),
        )
        yield TaggedOutput(ROWS, place_rows(RECORDS, document_id, [record], self._num_shards, self._schema))
        if failure is not None:
            count_failure(failure)
            judged.add_failure(failure)
            row = failure_row(failure, self._provenance)
            yield TaggedOutput(ROWS, place_rows("failures", document_id, [row], self._num_shards))
        yield judged
