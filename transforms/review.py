"""The review page of a finished run: ``python -m transforms.review OUTPUT [--run_id ID]``."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow.parquet as pq

from beam_kie.document import DocumentError
from beam_kie.program import add_version, program_name
from beam_kie.review.files import INDEX, ReviewFile, review_files
from beam_kie.review.pages import COLUMNS, PageRows, Place, Row, join_pages
from beam_kie.review.pictures import Pictures
from transforms.runs import paths
from transforms.runs.finished_runs import UnreadableRunError, find_summary, newest_run
from transforms.runs.run_report import write_report
from transforms.storage import files
from transforms.storage.patterns import escape_pattern
from transforms.storage.retries import TIMEOUT_S, StorageError
from transforms.storage.uris import absolute_uri

OK, FAILED, BAD_OPTIONS = 0, 1, 2

_ROWS_AT_ONCE = 2_000
_WRITES_AT_ONCE = 8


def write_review(output: str, run_id: str, timeout_s: float = TIMEOUT_S) -> str:
    """Write the review of a finished run beside its tables.

    What an earlier call wrote is replaced. Pictures that the job wrote for the review are used; of pages
    without one the overlay is.

    Args:
        output: the output folder, as an absolute URI.
        run_id: of the run.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Returns:
        The path of its ``index.html``.

    Raises:
        FileNotFoundError: there is no such run, or it did not finish.
        UnreadableRunError: a file of the run cannot be used.
        StorageError: the storage does not answer, or does not take the files.
    """
    summary = find_summary(output, run_id, timeout_s)
    if summary is None:
        raise FileNotFoundError(f"{output!r} holds no finished run {run_id}")
    folder = paths.review_folder(output, run_id)
    pictures = Pictures(
        clean=_places(f"{folder}/pictures", timeout_s),
        overlays=_places(paths.overlay_folder(output, run_id), timeout_s),
        overlay_max_side=summary.get("options", {}).get("overlay_max_side", 1_600),
    )
    for part in ("data", "static"):
        files.delete_folder(f"{folder}/{part}", timeout_s)
    try:
        made = review_files(summary, _pages(output, run_id, timeout_s), pictures)
        _write_all(folder, made, timeout_s)
    except (DocumentError, ValueError) as error:
        raise UnreadableRunError(
            f"the tables of run {run_id} under {output!r} do not fit: {error}"
        ) from error
    write_report(output, run_id, timeout_s)
    return f"{folder}/{INDEX}"


def main(argv: Sequence[str] | None = None) -> int:
    """Write a review and print where it is.

    Args:
        argv: Arguments without the program; those of the process where it is None.

    Returns:
        The exit code: 0; 1 where storage fails; 2 where there is no such run.
    """
    parser = argparse.ArgumentParser(
        prog=program_name("python -m transforms.review", "review"),
        description="Write the review page of a finished run.",
    )
    add_version(parser)
    parser.add_argument("output", help="folder that the run was told to write to")
    parser.add_argument("--run_id", help="default: the run that finished last")
    arguments = parser.parse_args(argv)
    output = absolute_uri(arguments.output).rstrip("/") or "/"
    try:
        print(write_review(output, arguments.run_id or newest_run(output)))
    except (FileNotFoundError, UnreadableRunError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return BAD_OPTIONS
    except (StorageError, OSError) as error:
        print(f"{parser.prog}: the review is not complete: {error}", file=sys.stderr)
        return FAILED
    return OK


def _pages(output: str, run_id: str, timeout_s: float) -> Iterator[PageRows]:
    """The rows of all pages, shard after shard: a document's rows lie in the same shard of every table."""
    shards = {table: _shards(output, run_id, table, timeout_s) for table in COLUMNS}
    if len({tuple(found) for found in shards.values()}) != 1 or not all(shards.values()):
        raise ValueError("its tables do not have files of the same shards: restore them, or run it again")
    for shard in next(iter(shards.values())):
        tables = {table: found[shard] for table, found in shards.items()}
        yield from join_pages({table: _rows(table, found, timeout_s) for table, found in tables.items()})


def _shards(output: str, run_id: str, table: str, timeout_s: float) -> dict[int, list[str]]:
    """The files of every shard of a table, in their order."""
    pattern = f"{paths.table_folder(escape_pattern(output), table, run_id)}/*.parquet"
    found = (file.uri for file in files.match(pattern, timeout_s=timeout_s))
    shards: dict[int, list[str]] = {}
    for path in sorted(found, key=paths.place_of_table_file):
        shards.setdefault(paths.place_of_table_file(path)[0], []).append(path)
    return shards


def _rows(table: str, found: Sequence[str], timeout_s: float) -> Iterator[Row]:
    """The rows of the files of a shard, a few thousand in memory at a time."""
    for path in found:
        file = pq.ParquetFile(io.BytesIO(files.read_bytes(path, timeout_s=timeout_s)))
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=list(COLUMNS[table])):
            yield from batch.to_pylist()


def _places(folder: str, timeout_s: float) -> frozenset[Place]:
    """The pages that have a picture below ``folder``: DOCUMENT_ID/p0001.jpg."""
    found = set()
    for path in files.list_files(folder, timeout_s):
        document_id, name = path.rsplit("/", 2)[-2:]
        if name.startswith("p") and name.endswith(".jpg") and name[1:-4].isdigit():
            found.add((document_id, int(name[1:-4])))
    return frozenset(found)


def _write_all(folder: str, made: Iterator[ReviewFile], timeout_s: float) -> None:
    """Write the files, several at a time, the last one after all others."""

    def write(file: ReviewFile) -> None:
        files.write_bytes(f"{folder}/{file.name}", file.data, timeout_s)

    with ThreadPoolExecutor(_WRITES_AT_ONCE) as pool:
        waiting: list[Future[None]] = []
        for file in made:
            if file.name == INDEX:
                for each in waiting:
                    each.result()
                write(file)
                return
            waiting.append(pool.submit(write, file))
            if len(waiting) >= 4 * _WRITES_AT_ONCE:
                waiting.pop(0).result()


if __name__ == "__main__":
    sys.exit(main())
