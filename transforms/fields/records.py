"""The records of a finished run, from its table ``records`` or anew from its pairs; no model is loaded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

import pyarrow as pa

from beam_kie.document import Category, Status
from beam_kie.fields.candidates import PageReader
from beam_kie.fields.choosing import choose_all
from beam_kie.fields.definitions import FieldFile
from beam_kie.fields.records import missing_failure, record_row, records_schema
from beam_kie.review.pages import PageRows, join_pages
from beam_kie.tables.schema import RECORDS, Provenance, Row
from transforms.runs import paths
from transforms.runs.finished_runs import UnreadableRunError, find_summary
from transforms.runs.tables import read_batches, schema_of, table_files
from transforms.storage import files

PICTURE, PROBLEM = "picture", "problem"

_JOINED = ("documents", "entities", "key_values", "failures")


class NoRecordsError(Exception):
    """The run has no table of records, and no field file was named."""


@dataclass(slots=True)
class RunRecords:
    """The records of a run.

    ``fields`` are those to look for; None: those that the run itself looked for. ``timeout_s`` is for how
    long transient errors of the storage are retried, in seconds, above 0.
    """

    output: str
    run_id: str
    timeout_s: float
    fields: FieldFile | None = None
    _pictures: dict[str, list[int]] = field(default_factory=dict)

    def schema(self) -> pa.Schema:
        """The columns: those of ``records``, and ``picture`` and ``problem``.

        Raises:
            NoRecordsError: the run did not look for fields.
        """
        if self.fields is not None:
            schema = records_schema(self.fields)
        else:
            parts = table_files(self.output, self.run_id, RECORDS, self.timeout_s)
            if not parts:
                raise NoRecordsError(f"run {self.run_id} did not look for fields")
            schema = schema_of(RECORDS, parts, self.timeout_s)
        for name in (PICTURE, PROBLEM):
            schema = schema.append(pa.field(name, pa.string()))
        return schema

    def rows(self) -> Iterator[Row]:
        """One row for each document; of a skipped one the values that the earlier run has, if it is there.

        Raises:
            UnreadableRunError: a file of the run cannot be used.
            StorageError: the storage does not answer.
        """
        self._pictures = self._pages_with_picture()
        earlier: dict[str, list[Row]] = defaultdict(list)
        for row in self._own_rows(None):
            if row["status"] == Status.SKIPPED and row["result_run_id"]:
                earlier[row["result_run_id"]].append(row)
            else:
                yield row
        for run_id, skipped in sorted(earlier.items()):
            yield from self._rows_of(run_id, skipped)

    def _rows_of(self, run_id: str, skipped: list[Row]) -> Iterator[Row]:
        """Rows of skipped documents with the values of the run that has them."""
        known: dict[str, Row] = {}
        if find_summary(self.output, run_id, self.timeout_s) is not None:
            run = RunRecords(self.output, run_id, self.timeout_s, self.fields)
            run._pictures = run._pages_with_picture()
            wanted = {row["document_id"] for row in skipped}
            known = {row["document_id"]: row for row in run._own_rows(wanted)}
        for row in skipped:
            found = known.get(row["document_id"])
            same = found is not None and found.keys() == row.keys()
            kept = {name: row[name] for name in ("status", "result_run_id")}
            yield {**found, **kept} if found is not None and same else row

    def _own_rows(self, wanted: Collection[str] | None) -> Iterator[Row]:
        """The rows of the documents of this run, or of those of them that are wanted."""
        reader = PageReader(self.fields) if self.fields else None
        own = self._kept_records() if self.fields is None else {}
        for document_id, pages in groupby(self._pages(), key=lambda page: page.document_id):
            if wanted is None or document_id in wanted:
                row = self._row(list(pages), reader, own.get(document_id))
                if row is not None:
                    yield row

    def _row(self, pages: list[PageRows], reader: PageReader | None, own: Row | None) -> Row | None:
        """The row of one document from all its rows; None where the run made no record of it."""
        document = next((row for page in pages for row in page.of("documents")), None)
        if document is None:
            raise UnreadableRunError(f"document {pages[0].document_id} has no row in documents")
        failures = [dict(failure) for page in pages for failure in page.of("failures")]
        if reader is not None and self.fields is not None:
            found = [reader.candidates(page.of("key_values"), page.of("entities")) for page in pages]
            chosen = choose_all(self.fields, found, document["page_count"])
            provenance = Provenance(**{name: document[name] for name in Provenance.__slots__})
            own = record_row(dict(document), chosen, self.fields, provenance)
            lacking = missing_failure(dict(document), chosen)
            # The run's own warning is about the fields that the run looked for.
            failures = [each for each in failures if each["category"] != Category.FIELD_MISSING]
            failures += [asdict(lacking)] if lacking else []
        if own is None:
            return None
        problems = [f"{failure['category']}: {failure['message']}" for failure in failures]
        return {**own, PICTURE: self._picture(own), PROBLEM: " | ".join(problems) or None}

    def _kept_records(self) -> dict[str, Row]:
        parts = table_files(self.output, self.run_id, RECORDS, self.timeout_s)
        batches = read_batches(RECORDS, parts, self.timeout_s)
        return {row["document_id"]: row for batch in batches for row in batch.to_pylist()}

    def _pages(self) -> Iterator[PageRows]:
        """All rows by document and page, shard after shard."""
        found = {
            table: _by_shard(table_files(self.output, self.run_id, table, self.timeout_s))
            for table in _JOINED
        }
        for shard in sorted(found["documents"]):
            yield from join_pages(
                {table: self._table(table, shards.get(shard, [])) for table, shards in found.items()}
            )

    def _table(self, table: str, parts: Iterable[str]) -> Iterator[Row]:
        for batch in read_batches(table, parts, self.timeout_s):
            yield from batch.to_pylist()

    def _pages_with_picture(self) -> dict[str, list[int]]:
        """The pages of each document that have an overlay."""
        found: dict[str, list[int]] = defaultdict(list)
        for path in files.list_files(paths.overlay_folder(self.output, self.run_id), self.timeout_s):
            document_id, name = path.rsplit("/", 2)[-2:]
            if name.startswith("p") and name[1:-4].isdigit():
                found[document_id].append(int(name[1:-4]))
        return {document_id: sorted(numbers) for document_id, numbers in found.items()}

    def _picture(self, row: Row) -> str | None:
        """The overlay of the page to look at first: that of the most doubtful field, or the first one."""
        numbers = self._pictures.get(row["document_id"])
        if not numbers:
            return None
        sources = [source for name, source in row.items() if name.endswith("_source")]
        flat = [each for source in sources for each in (source if isinstance(source, list) else [source])]
        doubtful = sorted((s["confidence"], s["page"]) for s in flat if s and s["doubt"] is not None)
        page = next((page for _, page in doubtful if page in numbers), numbers[0])
        return paths.overlay_path(self.output, self.run_id, row["document_id"], page)


def _by_shard(parts: Iterable[str]) -> dict[int, list[str]]:
    shards: dict[int, list[str]] = {}
    for path in parts:
        shards.setdefault(paths.place_of_table_file(path)[0], []).append(path)
    return shards


def without_sources(schema: pa.Schema) -> list[str]:
    """The columns that a person reads: all but those that say where values come from.

    Args:
        schema: of ``RunRecords.schema``.
    """
    first = ["uri", "status"]
    last = ["missing", "doubtful", "confidence", PICTURE, PROBLEM, "page_count", "document_id"]
    hidden = {*first, *last, "pages_failed", "result_run_id", "field_file", *Provenance.__slots__}
    own = [name for name in schema.names if name not in hidden and not _is_source(schema.field(name).type)]
    return [*first, *own, *last]


def _is_source(type_: Any) -> bool:
    return pa.types.is_struct(type_.value_type if pa.types.is_list(type_) else type_)
