"""Paths of a run's files under ``--output``; the only place that builds them."""

from __future__ import annotations

import re
from typing import NamedTuple

from beam_kie.review.pictures import picture_name, thumbnail_name
from beam_kie.tables.schema import RECORDS, SCHEMAS, TABLE_CELLS

TABLES = tuple(SCHEMAS)


class TableFile(NamedTuple):
    """A file that was written: its table, path and number of rows."""

    table: str
    path: str
    rows: int


def _join(output: str, *parts: str) -> str:
    # "/" and "gs://bucket/" lose their end, which the first separator gives back.
    return "/".join([output.rstrip("/"), *parts])


def _run_folder(output: str, kind: str, run_id: str) -> str:
    return _join(output, kind, f"run_id={run_id}")


def table_folder(output: str, table: str, run_id: str) -> str:
    """The folder with the Parquet files of one table of one run.

    Args:
        output: the output folder, a local path or URI.
        table: name of the table.
        run_id: of the run.
    """
    return _run_folder(output, table, run_id)


def table_path(output: str, table: str, run_id: str, shard: int, num_shards: int, number: int = 0) -> str:
    """A file of a shard of a table.

    Args:
        output: the output folder, a local path or URI.
        table: name of the table.
        run_id: of the run.
        shard: from 0.
        num_shards: of the table, at least 1.
        number: of the file in its shard, from 0; all but large shards have one file.
    """
    more = f"-{number:04d}" if number else ""
    name = f"part-{shard:05d}-of-{num_shards:05d}{more}.parquet"
    return _join(table_folder(output, table, run_id), name)


_TABLE_FILE = re.compile(r"part-(\d+)-of-\d+(?:-(\d+))?\.parquet$")


def place_of_table_file(path: str) -> tuple[int, int]:
    """The shard of a file of a table and its number in the shard, both from 0: what puts files in order.

    Args:
        path: what ``table_path`` returned, or the file's name.

    Raises:
        ValueError: this is no such file.
    """
    found = _TABLE_FILE.search(path)
    if found is None:
        raise ValueError(f"{path} is no file of a table")
    return int(found[1]), int(found[2] or 0)


def overlay_folder(output: str, run_id: str) -> str:
    """The folder with one folder of pictures per document.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
    """
    return _run_folder(output, "overlays", run_id)


def overlay_path(output: str, run_id: str, document_id: str, page: int) -> str:
    """The picture of one page.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
        document_id: 32 hex digits.
        page: from 1.
    """
    return _join(overlay_folder(output, run_id), document_id, f"p{page:04d}.jpg")


def review_folder(output: str, run_id: str) -> str:
    """The folder of the review page: ``index.html`` and all that it loads.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
    """
    return _run_folder(output, "review", run_id)


def review_picture_path(output: str, run_id: str, document_id: str, page: int) -> str:
    """The picture of one page without marks.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
        document_id: 32 hex digits.
        page: from 1.
    """
    return _join(review_folder(output, run_id), picture_name(document_id, page))


def review_thumbnail_path(output: str, run_id: str, document_id: str, page: int) -> str:
    """The small picture of one page without marks.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
        document_id: 32 hex digits.
        page: from 1.
    """
    return _join(review_folder(output, run_id), thumbnail_name(document_id, page))


def report_path(output: str, run_id: str) -> str:
    """The page with the figures of a run, beside its review.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
    """
    return _join(review_folder(output, run_id), "report.html")


def report_picture_path(output: str, run_id: str, name: str) -> str:
    """One figure of a run.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
        name: of the figure.
    """
    return _join(review_folder(output, run_id), "report", f"{name}.png")


def infer_txt_path(output: str, run_id: str, name: str) -> str:
    """A file of lines as PaddleOCR writes them.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
        name: "infer_ser" or "infer_ser_re".
    """
    return _join(_run_folder(output, "infer_txt", run_id), f"{name}.txt")


def export_folder(output: str, run_id: str) -> str:
    """The folder of a run's tables in other forms than Parquet.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
    """
    return _run_folder(output, "exports", run_id)


def export_path(output: str, run_id: str, name: str) -> str:
    """A file of a run in another form than Parquet.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
        name: of the file, such as "key_values.csv".
    """
    return _join(export_folder(output, run_id), name)


def database_path(output: str) -> str:
    """The DuckDB file with views of all runs.

    Args:
        output: the output folder, a local path.
    """
    return _join(output, "exports", "beam-kie.duckdb")


def lake_folder(output: str) -> str:
    """The folder of Delta tables that hold several runs.

    Args:
        output: the output folder, a local path or URI.
    """
    return _join(output, "exports", "delta")


def summary_path(output: str, run_id: str) -> str:
    """The completion marker, written last.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
    """
    return _join(_run_folder(output, "runs", run_id), "summary.json")


def run_id_of(path: str) -> str:
    """The run that a file belongs to.

    Args:
        path: that a function of this module returned, for a run.
    """
    return path.rpartition("run_id=")[2].partition("/")[0]


def ledger_manifest_path(output: str) -> str:
    """The file that names the compacted part of the ledger.

    Args:
        output: the output folder, a local path or URI.
    """
    return _join(output, "ledger", "manifest.json")


def ledger_base_folder(output: str, generation: str) -> str:
    """The folder of a compacted part of the ledger.

    Args:
        output: the output folder, a local path or URI.
        generation: its name, or "*".
    """
    return _join(output, "ledger", f"base-{generation}")


def parts_folder(output: str, run_id: str) -> str:
    """The folder of what a run that is not finished has done so far.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
    """
    return _run_folder(output, "parts", run_id)


def marker_path(output: str, run_id: str) -> str:
    """The object that a run leaves when it begins, where there are no locks; readers of tables pass it over.

    Args:
        output: the output folder, a URI.
        run_id: of the run.
    """
    return _join(_run_folder(output, "runs", run_id), "_started.json")


def run_folders(output: str, run_id: str, without_work: bool = False) -> list[str]:
    """Every folder that holds files of the run, that of its summary first.

    Args:
        output: the output folder, a local path or URI.
        run_id: of the run.
        without_work: leave out those whose files a resumed run does not make again.
    """
    work = () if without_work else ("overlays", "review", "parts")
    kinds = ("runs", *TABLES, RECORDS, TABLE_CELLS, "infer_txt", "exports", *work)
    return [_run_folder(output, kind, run_id) for kind in kinds]
