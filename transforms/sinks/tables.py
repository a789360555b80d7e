"""The sink of tables: rows of pages, and deterministic Parquet files of bounded size."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, BinaryIO

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.typehints.decorators import with_output_types

from beam_kie.document import Category, Failure, PageResult, Stage
from beam_kie.failures import failure_of
from beam_kie.fields.candidates import PageReader, to_json
from beam_kie.fields.definitions import FieldFile
from beam_kie.tables.cell_rows import CELLS_SCHEMA, cell_rows
from beam_kie.tables.conventions import NO_VALUE_OPTIONS, ValueOptions
from beam_kie.tables.key_values import KEY_LABELS
from beam_kie.tables.parquet import encode_rows, page_key, write_files
from beam_kie.tables.rows import count_rows, page_tables
from beam_kie.tables.schema import TABLE_CELLS, Provenance, Row
from transforms.config import JobConfig
from transforms.metrics import count, count_failure
from transforms.ptransform import Transform
from transforms.runs import paths
from transforms.runs.resuming import KeptStream
from transforms.sinks.segments import KeepRowsFn, Place, PlacedRows, Segment, pages_of, pages_on_disk
from transforms.sinks.summaries import Fact, fields_fact, page_fact
from transforms.storage import files

FAILURES = "failures"
FACTS = "facts"

_ADVICE = "This is a defect of the job: please report it with the scan, if you may share it."


def shard_of(document_id: str, num_shards: int) -> int:
    """The shard, from 0, that holds all rows of a document; the same in every process.

    Args:
        document_id: 32 hex digits.
        num_shards: at least 1.
    """
    return zlib.crc32(document_id.encode()) % num_shards


def place_rows(
    table: str, document_id: str, rows: list[Row], num_shards: int, schema: pa.Schema | None = None
) -> PlacedRows:
    """Rows of one document as they are shuffled: compressed, keyed by the file that will hold them.

    Args:
        table: name of the table.
        document_id: of all rows.
        rows: of one page, or of the document.
        num_shards: files per table, at least 1.
        schema: of a table that is none of SCHEMAS.

    Raises:
        ValueError: the rows do not fit the schema.
    """
    return (table, shard_of(document_id, num_shards)), encode_rows(table, rows, schema)


def kept_rows(num_shards: int) -> KeptStream:
    """How a run keeps rows; the number of shards may be another when they are taken up.

    Args:
        num_shards: files per table, at least 1.
    """
    decode = partial(_rows_of, num_shards)
    return KeptStream("rows", PlacedRows, _id_of_rows, _rows_bytes, decode, _page_of_rows)


def _id_of_rows(placed: PlacedRows) -> str:
    return page_key(placed[1]).partition(b"\0")[0].decode()


def _page_of_rows(placed: PlacedRows) -> int | None:
    return int.from_bytes(page_key(placed[1])[-4:], "big") or None


def _rows_bytes(placed: PlacedRows) -> bytes:
    (table, _), encoded = placed
    return table.encode() + b"\0" + encoded


def _rows_of(num_shards: int, document_id: str, data: bytes) -> PlacedRows:
    table, _, encoded = data.partition(b"\0")
    return (table.decode(), shard_of(document_id, num_shards)), encoded


class MakeRows(Transform):
    """Rows of pages: PCollection[PageResult] to three PCollections.

    ``rows`` (Place, encoded rows), at most one per table and page; ``facts`` what the summary needs to know
    of each page; ``failures`` the Failure of a page whose values no table can hold.

    Args:
        config: of the job.
        provenance: of this run: models, OCR and options.
        key_labels: the labels of keys.
        fields: whose values are looked for among the pairs; None: none.
    """

    def __init__(
        self,
        config: JobConfig,
        provenance: Provenance,
        key_labels: Sequence[str] = KEY_LABELS,
        fields: FieldFile | None = None,
    ):
        super().__init__()
        self.fields = fields
        self.cells = config.records.wants_cells
        self.num_shards = config.num_shards
        self.provenance = provenance
        self.key_labels = tuple(key_labels)
        self.values = config.values

    def expand(self, results):
        """Wire the one DoFn; rows are its main output."""
        make = MakeRowsFn(
            self.num_shards, self.provenance, self.key_labels, self.values, self.fields, self.cells
        )
        return results | "Turn into rows" >> beam.ParDo(make).with_outputs(FACTS, FAILURES, main="rows")


@with_output_types(PlacedRows, facts=tuple[str, Fact], failures=Failure)
class MakeRowsFn(beam.DoFn):
    """One page to its rows in every table.

    Args:
        num_shards: files of each table, at least 1.
        provenance: of this run: models, OCR and options.
        key_labels: the labels of keys.
        values: how to read ambiguous values.
        fields: whose values are looked for among the pairs; None: none.
        cells: whether cells of tables are wanted.
    """

    def __init__(
        self,
        num_shards: int,
        provenance: Provenance,
        key_labels: Sequence[str] = KEY_LABELS,
        values: ValueOptions = NO_VALUE_OPTIONS,
        fields: FieldFile | None = None,
        cells: bool = False,
    ):
        self._cells = cells
        self._fields = fields
        self._reader: PageReader | None = None
        self._num_shards = num_shards
        self._provenance = provenance
        self._key_labels = key_labels
        self._values = values

    def setup(self) -> None:
        """Prepare the keys of the fields."""
        self._reader = PageReader(self._fields) if self._fields else None

    def process(self, result: PageResult) -> Iterator[PlacedRows | TaggedOutput]:
        """Yield everything of the page, or nothing but its failure.

        Args:
            result: what was found on one page.
        """
        page = result.page
        try:
            tables = page_tables(result, self._provenance, self._key_labels, self._values)
            placed = [
                place_rows(table, page.document_id, rows, self._num_shards)
                for table, rows in tables.items()
                if rows
            ]
            if self._cells and (cells := cell_rows(result, self._provenance, self._key_labels)):
                place = place_rows(TABLE_CELLS, page.document_id, cells, self._num_shards, CELLS_SCHEMA)
                placed.append(place)
            facts = [page_fact(page, count_rows(tables))]
            if self._reader is not None:
                candidates = self._reader.candidates(tables["key_values"], tables["entities"])
                facts += [fields_fact(page, to_json(candidates))] if candidates else []
        except Exception as error:
            yield TaggedOutput(FAILURES, failure_of_result(result, error))
            return
        for fact in facts:
            yield TaggedOutput(FACTS, fact)
        yield from placed


def failure_of_result(result: PageResult, error: Exception) -> Failure:
    """The failure of a page whose values cannot be written; counted.

    Args:
        result: of the page.
        error: what was raised.
    """
    failure = failure_of(error, result.page, Stage.MODEL, Category.MODEL_FAILED, _ADVICE)
    count_failure(failure)
    return failure


class WriteTables(Transform):
    """Write every table: PCollection[(Place, encoded rows)] to PCollection[TableFile].

    Each of the tables becomes ``num_shards`` files, also where there are no rows, so that readers always find
    the columns; a shard with very many rows becomes several files. What they hold depends on the set of rows
    alone, so bundles may be replayed at will. A worker holds the rows of one row group, and 250 bytes for
    every page of a shard.

    Args:
        config: of the job.
        more: schemas of tables that are none of SCHEMAS, by name.
    """

    def __init__(self, config: JobConfig, more: Mapping[str, pa.Schema] | None = None):
        super().__init__()
        self.config = config
        self.more = dict(more or {})

    def expand(self, rows):
        """Wire the shuffle and the writer; ``rows`` is one PCollection or several."""
        several = (rows,) if isinstance(rows, PCollection) else tuple(rows)
        kept: type = bytes
        if self.config.scratch:
            # Before they are put together: that already is a shuffle to local runners.
            keep = KeepRowsFn(self.config.scratch)
            several = tuple(each | f"Keep rows {n}" >> beam.ParDo(keep) for n, each in enumerate(several))
            kept = Segment
        tables = (*paths.TABLES, *self.more)
        places = [(table, shard) for table in tables for shard in range(self.config.num_shards)]
        empty = (
            several[0].pipeline
            | "Name all files" >> beam.Create(places, reshuffle=False)
            | "Begin without rows"
            >> beam.Map(_no_rows, kept, self.more).with_output_types(tuple[Place, kept])
        )
        return (
            (*several, empty)
            | "Put rows together" >> beam.Flatten()
            | "Gather rows of a file" >> beam.GroupByKey()
            | "Write files"
            >> beam.FlatMap(write_table_files, self.config, self.more).with_output_types(paths.TableFile)
        )


def write_table_files(
    gathered: tuple[Place, Iterable[Any]], config: JobConfig, more: Mapping[str, pa.Schema] | None = None
) -> list[paths.TableFile]:
    """Write one shard of one table: one file, or several where one would be too large.

    Args:
        gathered: table and shard, and all encoded rows of them, or with a scratch folder their Segments.
        config: the job.
        more: schemas of tables that are none of SCHEMAS, by name.

    Returns:
        What the files hold.

    Raises:
        OSError: one cannot be written; ScratchError, where the scratch folder cannot be read.
    """
    (table, shard), kept = gathered

    def path(number: int) -> str:
        return paths.table_path(config.output, table, config.run_id, shard, config.num_shards, number)

    def opened(number: int) -> AbstractContextManager[BinaryIO]:
        return files.writing(path(number), config.storage_timeout_s)

    with nullcontext(pages_of(kept)) if config.scratch else pages_on_disk(kept) as pages:
        written = write_files(table, pages, opened, schema=(more or {}).get(table))
    count(f"rows_{table}", sum(written))
    return [paths.TableFile(table, path(number), rows) for number, rows in enumerate(written)]


def _no_rows(place: Place, kept: type, more: Mapping[str, pa.Schema]) -> tuple[Place, bytes | Segment]:
    return place, Segment("", 0, 0) if kept is Segment else encode_rows(place[0], [], more.get(place[0]))
