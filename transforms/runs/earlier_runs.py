"""Documents of finished runs under the same output: whether a file is one of them, and those that failed.

A run counts once its ``summary.json`` is there. Tables are read on the workers: the launcher's memory does
not grow with the number of documents. ``transforms.runs.ledger`` finds what is known of a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beam_kie.document import Document, DocumentError, SourceFile, document_id
from beam_kie.tables.schema import SCHEMAS
from transforms.config import JobConfig
from transforms.ptransform import Transform
from transforms.runs import paths
from transforms.runs.finished_runs import unreadable
from transforms.runs.ledger.plan import EarlierRun
from transforms.stages.finding import look_at
from transforms.storage import files
from transforms.storage.patterns import escape_pattern

_ROWS_AT_ONCE = 10_000


class DoneDocument(NamedTuple):
    """The record of a document in an earlier run."""

    run: EarlierRun
    sha256: str
    size_bytes: int | None
    source_version: str | None
    source_updated_at_s: int | None
    format: str | None
    page_count: int | None


def find_done(
    source: SourceFile, known: list[DoneDocument], config: JobConfig
) -> tuple[SourceFile, DoneDocument | None]:
    """Whether an earlier run read the bytes that a file has now.

    Equal versions of an object storage are equal bytes. Else the file is read and hashed: a time and a size
    that did not change do not show that the bytes did not.

    Args:
        source: the file.
        known: all that earlier runs know of its URI.
        config: the job.

    Returns:
        The file with what was learnt of it, and the newest of ``known`` with its bytes; None: they are new.
    """
    if not known:
        return source, None
    if source.source_version is None and any(each.source_version for each in known):
        source = look_at(source.uri, config.storage_timeout_s)
    if source.size_bytes is not None and all(each.size_bytes != source.size_bytes for each in known):
        return source, None
    sha256 = _known_sha256(source, known) or _sha256_of(source, config)
    return source, _newest(known, sha256)


def known_unread(source: SourceFile, known: list[DoneDocument]) -> DoneDocument | None:
    """As ``find_done``, as far as it can be told without a request.

    Args:
        source: the file.
        known: all that earlier runs know of its URI.

    Returns:
        The newest record of these bytes; None also where that cannot be told.
    """
    sha256 = _known_sha256(source, known)
    return None if sha256 is None else _newest(known, sha256)


def _newest(known: list[DoneDocument], sha256: str | None) -> DoneDocument | None:
    return max((each for each in known if each.sha256 == sha256), default=None, key=_age)


def _known_sha256(source: SourceFile, known: list[DoneDocument]) -> str | None:
    """The hash of this version of the file, where an earlier run read the same one."""
    return next((each.sha256 for each in known if _is_same_version(source, each)), None)


def _is_same_version(source: SourceFile, done: DoneDocument) -> bool:
    if source.source_version is None or source.source_version != done.source_version:
        return False
    if source.uri.startswith("gs://"):
        return True  # a generation is never given twice
    # An ETag comes back with the bytes that it is made of: also where an earlier run listed these, but read
    # others that stood there for a moment. Listings and single answers differ in fractions of seconds.
    if source.updated_at_s is None or done.source_updated_at_s is None:
        return False
    return int(source.updated_at_s) == done.source_updated_at_s


def _sha256_of(source: SourceFile, config: JobConfig) -> str | None:
    """The hash of the file's bytes; None where it cannot be read: the job will try again and report why."""
    try:
        data = files.read_bytes(
            source.uri, config.limits.max_file_bytes, source.size_bytes, timeout_s=config.storage_timeout_s
        )
    except DocumentError:
        return None
    return hashlib.sha256(data).hexdigest()


def _age(done: DoneDocument) -> EarlierRun:
    return done.run


def skipped_document(source: SourceFile, done: DoneDocument) -> Document:
    """The document that is left out, as it would be described had it been read.

    Args:
        source: the file.
        done: what the earlier run knows of it.
    """
    return Document(
        document_id=document_id(source.uri, done.sha256),
        uri=source.uri,
        content_sha256=done.sha256,
        size_bytes=done.size_bytes,
        updated_at_s=source.updated_at_s,
        format=done.format,
        page_count=done.page_count,
        source_version=source.source_version,
        result_run_id=done.run.run_id,
    )


class FailedSources(Transform):
    """The files of which something failed in ``config.retry_failures`` that may succeed now.

    A pipeline to PCollection[SourceFile], each file once, spread over the workers.

    Args:
        config: of the job.
    """

    def __init__(self, config: JobConfig):
        super().__init__()
        self.config = config

    def expand(self, pipeline):
        """Wire the tables of failures."""
        return (
            pipeline
            | "Take run" >> beam.Create([self.config.retry_failures], reshuffle=False)
            | "Find tables of failures"
            >> beam.FlatMap(tables_of_failures, self.config).with_output_types(str)
            | "Spread tables over workers" >> beam.Reshuffle()
            | "Read failures" >> beam.FlatMap(read_retryable, self.config).with_output_types(str)
            | "Drop duplicates" >> beam.Distinct()
            | "Spread files over workers" >> beam.Reshuffle()
            | "Name files" >> beam.Map(SourceFile).with_output_types(SourceFile)
        )


class OnlyNamed(Transform):
    """The files of the second PCollection[SourceFile] that the first names, too."""

    def expand(self, both):
        """Wire the join."""
        names, sources = both
        keyed = {
            "names": names | "Key names" >> beam.WithKeys(_uri_of).with_output_types(tuple[str, SourceFile]),
            "sources": sources
            | "Key sources" >> beam.WithKeys(_uri_of).with_output_types(tuple[str, SourceFile]),
        }
        return (
            keyed
            | "Join by URI" >> beam.CoGroupByKey()
            | "Keep the named" >> beam.FlatMap(_named).with_output_types(SourceFile)
        )


def _named(joined: tuple[str, Mapping[str, Iterable[SourceFile]]]) -> Iterable[SourceFile]:
    _, found = joined
    return found["sources"] if any(True for _ in found["names"]) else ()


def _uri_of(source: SourceFile) -> str:
    return source.uri


# ---------------------------------------------------------------- tables


def tables_of_failures(run_id: str, config: JobConfig) -> Iterator[str]:
    """The files of a run's table ``failures``.

    Args:
        run_id: of the run.
        config: the job.
    """
    return _table_files("failures", run_id, config)


def read_retryable(path: str, config: JobConfig) -> Iterator[str]:
    """The URIs in one file of ``failures`` with a failure that a later run may not have.

    Args:
        path: of the file.
        config: the job.
    """
    for row in _read_rows(path, "failures", ["uri", "retryable"], pc.field("retryable"), config):
        yield row["uri"]


def _table_files(table: str, run_id: str, config: JobConfig) -> Iterator[str]:
    pattern = f"{paths.table_folder(escape_pattern(config.output), table, run_id)}/*.parquet"
    return (file.uri for file in files.match(pattern, timeout_s=config.storage_timeout_s))


def _read_rows(
    path: str, table: str, columns: list[str], wanted: pc.Expression, config: JobConfig
) -> Iterator[dict[str, Any]]:
    """The rows of a table's Parquet file for which ``wanted`` holds.

    Raises:
        UnreadableRunError: the file cannot be read, or holds what is no row of this table.
    """
    schema = pa.schema([SCHEMAS[table].field(name) for name in columns])
    try:
        data = files.read_bytes(path, timeout_s=config.storage_timeout_s)
        file = pq.ParquetFile(pa.BufferReader(data))
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=columns):
            rows = pa.Table.from_batches([batch]).select(columns).cast(schema)
            yield from rows.filter(wanted).to_pylist()
    except (DocumentError, pa.ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
        raise unreadable(path, error) from error
