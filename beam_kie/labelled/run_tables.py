"""The tables of a finished run on this machine's disk, read by document."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from beam_kie.labelled.applying import RunPage
from beam_kie.labelled.corrections_file import CorrectionsError
from beam_kie.tables.schema import SCHEMAS, Row

PAGE_TABLES = ("lines", "entities", "key_values")


@dataclass(frozen=True, slots=True)
class RunTables:
    """One finished run below an output folder."""

    output: Path
    run_id: str

    @property
    def pictures(self) -> Path:
        """The folder of the clean pictures that the job wrote for the review."""
        return self.output / "review" / f"run_id={self.run_id}" / "pictures"

    def files(self, table: str) -> list[Path]:
        """The Parquet files of a table, in the order of their names.

        Args:
            table: its name.
        """
        return sorted((self.output / table / f"run_id={self.run_id}").glob("*.parquet"))

    def rows(self, table: str, document_ids: Collection[str] | None = None) -> list[Row]:
        """The rows of a table.

        Args:
            table: its name.
            document_ids: the documents whose rows are read; None for all.
        """
        return [row for path in self.files(table) for row in read_file(path, document_ids).to_pylist()]

    def pages_of(self, document_ids: Collection[str]) -> Iterator[RunPage]:
        """The pages of some documents, by document and page.

        Args:
            document_ids: of the documents.
        """
        pages = {
            (row["document_id"], row["page"]): RunPage(row, [], [], [])
            for row in self.rows("pages", document_ids)
        }
        for table in PAGE_TABLES:
            for row in self.rows(table, document_ids):
                getattr(pages[(row["document_id"], row["page"])], table).append(row)
        for place in sorted(pages):
            yield pages[place]

    def several_pages(self) -> set[str]:
        """The documents whose files have more than one page."""
        return {row["document_id"] for row in self.rows("documents") if (row["page_count"] or 1) > 1}

    def key_labels(self) -> tuple[str, ...]:
        """The labels of keys; QUESTION where no key was found."""
        found: set[str] = set()
        for path in self.files("key_values"):
            found |= set(pq.read_table(path, columns=["key_label"])["key_label"].unique().to_pylist())
        return tuple(sorted(found)) or ("QUESTION",)


def open_run(output: str | Path, run_id: str | None) -> RunTables:
    """A finished run on this machine.

    Args:
        output: the folder that it wrote to.
        run_id: its name; None for the only run that is there.

    Raises:
        CorrectionsError: there is none, it did not finish, or there are several; or ``output`` is not on this
            machine.
    """
    if "://" in str(output):
        raise CorrectionsError(f"--run {output}: copy the run to this machine first, and name the copy")
    folder = Path(output)
    summaries = {
        path.parent.name.removeprefix("run_id="): path for path in folder.glob("runs/run_id=*/summary.json")
    }
    if run_id is None and len(summaries) > 1:
        raise CorrectionsError(
            f"--run {output} holds several runs: add --run_id, one of {', '.join(sorted(summaries))}"
        )
    if run_id is None and summaries:
        run_id = next(iter(summaries))
    if run_id not in summaries:
        raise CorrectionsError(f"--run {output} holds no finished run {run_id or ''}".rstrip())
    try:
        json.loads(summaries[run_id].read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorrectionsError(f"{summaries[run_id]} is damaged: restore it, or run it again") from error
    run = RunTables(folder, run_id)
    missing = [table for table in SCHEMAS if not run.files(table)]
    if missing:
        raise CorrectionsError(
            f"run {run_id} below {output} has no files of {', '.join(missing)}: restore them"
        )
    return run


def read_file(path: Path, document_ids: Collection[str] | None = None) -> pa.Table:
    """One file of a table.

    Args:
        path: of the Parquet file.
        document_ids: the documents whose rows are read; None for all.

    Raises:
        CorrectionsError: it is damaged.
    """
    wanted = None if document_ids is None else [("document_id", "in", list(document_ids))]
    if document_ids is not None and not document_ids:
        return pq.ParquetFile(path).schema_arrow.empty_table()
    try:
        return (
            pq.ParquetFile(path).read()
            if wanted is None
            else pq.read_table(path, filters=wanted, partitioning=None)  # pyright: ignore[reportArgumentType]
        )
    except (OSError, pa.ArrowException) as error:
        raise CorrectionsError(f"{path} cannot be read: restore it, or run it again") from error
