"""A copy of a run's tables with corrections in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beam_kie.labelled.applying import CORRECTED_BY, RunPage, correct_document, correct_page, unchanged
from beam_kie.labelled.corrections_file import Corrections, CorrectionsError, PageCorrections
from beam_kie.labelled.run_tables import PAGE_TABLES, RunTables, read_file
from beam_kie.tables.schema import ROW_ID, SCHEMAS, Row

_MEANING = (
    "human where a person changed, added or accepted the row (documents, pages: anything on them); else NULL"
)
_ROW_GROUP = 10_000


def correct_pages(run: RunTables, corrections: Corrections) -> list[RunPage]:
    """All pages of the documents that corrections name, with what was said of them.

    Args:
        run: the tables that were corrected.
        corrections: of some of its pages.

    Raises:
        CorrectionsError: the corrections do not fit the run.
    """
    said: Mapping[tuple[str, int], PageCorrections] = {
        (page.document_id, page.page): page for page in corrections.pages
    }
    if len(said) < len(corrections.pages):
        raise CorrectionsError("the corrections name a page twice: download them again")
    labels = run.key_labels()
    found = list(run.pages_of({document_id for document_id, _ in said}))
    places = {(page.page["document_id"], page.page["page"]) for page in found}
    for document_id, number in said:
        page = said[(document_id, number)]
        if (document_id, number) not in places and (page.entities or page.links):
            raise CorrectionsError(
                f"run {run.run_id} has no page {number} of document {document_id}: another run?"
            )
    return [
        correct_page(page, said[place], labels) if (place := _place(page)) in said else _as_it_is(page)
        for page in found
    ]


def write_corrected(run: RunTables, pages: Sequence[RunPage], folder: Path) -> None:
    """Write all tables of a run to another folder, as the run wrote them but for the rows of ``pages``.

    Every table has one column more, ``corrected_by``. Files have the names they had; older ones are replaced.

    Args:
        run: the tables that were corrected.
        pages: of ``correct_pages``.
        folder: for the copy; it is made where it is not there.

    Raises:
        CorrectionsError: ``folder`` is where the run itself is.
        OSError: the files cannot be written.
    """
    if folder.resolve() == run.output.resolve():
        raise CorrectionsError(f"--tables {folder} is where the run is: name another folder")
    touched = {page.page["document_id"] for page in pages}
    rows: dict[str, list[Row]] = {table: [] for table in SCHEMAS}
    for page in pages:
        rows["pages"].append(page.page)
        for table in PAGE_TABLES:
            rows[table] += getattr(page, table)
    own = {
        document_id: [page.page for page in pages if page.page["document_id"] == document_id]
        for document_id in touched
    }
    rows["documents"] = [
        correct_document(row, own[row["document_id"]]) for row in run.rows("documents", touched)
    ]
    rows["failures"] = unchanged(run.rows("failures", touched))
    for table in SCHEMAS:
        for path in run.files(table):
            written = folder / path.relative_to(run.output)
            written.parent.mkdir(parents=True, exist_ok=True)
            _write_file(table, path, rows[table], touched, written)


def _write_file(table: str, path: Path, rows: Sequence[Row], touched: set[str], written: Path) -> None:
    """One file: what it has of documents that nobody touched, and its part of ``rows``."""
    before = read_file(path)
    here = set(before["document_id"].unique().to_pylist())
    schema = corrected_schema(before.schema)
    kept = before.filter(~pc.field("document_id").isin(sorted(touched)))
    kept = kept.append_column(schema.field(CORRECTED_BY), pa.nulls(kept.num_rows, pa.string()))
    own = [row for row in rows if row["document_id"] in here]
    names = schema.names
    added = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in own], schema=schema)
    joined = pa.concat_tables([kept.cast(schema), added])
    order = [("document_id", "ascending"), (ROW_ID[table], "ascending")]
    pq.write_table(
        joined.sort_by(order), written, compression="zstd", version="2.6", row_group_size=_ROW_GROUP
    )


def corrected_schema(schema: pa.Schema) -> pa.Schema:
    """The schema of a table with the column ``corrected_by`` at its end.

    Args:
        schema: of the table as the run wrote it.
    """
    if CORRECTED_BY in schema.names:
        return schema
    return schema.append(pa.field(CORRECTED_BY, pa.string(), metadata={"description": _MEANING}))


def _place(page: RunPage) -> tuple[str, int]:
    return (page.page["document_id"], page.page["page"])


def _as_it_is(page: RunPage) -> RunPage:
    return RunPage(
        {**page.page, CORRECTED_BY: None},
        unchanged(page.lines),
        unchanged(page.entities),
        unchanged(page.key_values),
    )
