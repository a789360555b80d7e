"""Documents of finished runs under the same output, so that a run skips them, or repeats the failed ones.

A run counts once its ``summary.json`` is there. Summaries and tables are read on the workers and joined with
the files of the input by URI: the launcher's memory does not grow with the number of documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from apache_beam.pvalue import TaggedOutput
from apache_beam.typehints.decorators import with_output_types

from beam_kie import __version__
from beam_kie.document import Document, DocumentError, SourceFile, Status, document_id
from beam_kie.options import values_of
from beam_kie.tables.schema import SCHEMAS, Provenance
from transforms.config import LIMIT_OPTIONS, JobConfig
from transforms.metrics import count
from transforms.ptransform import Transform
from transforms.runs import paths
from transforms.runs.finished_runs import list_summaries, read_summary, unreadable
from transforms.stages.reading import look_at
from transforms.storage import files
from transforms.storage.patterns import escape_pattern

SKIPPED = "skipped"

_ROWS_AT_ONCE = 10_000
# In the order of DoneDocument's fields behind the run.
_DONE_COLUMNS = (
    "content_sha256",
    "size_bytes",
    "source_version",
    "source_updated_at",
    "format",
    "page_count",
)


class EarlierRun(NamedTuple):
    """A finished run that was made like this one: same models, OCR and options.

    Runs sort by age, the newest last. ``fails_alike``: what failed for good then would fail again now.
    """

    started_at: str
    finished_at: str
    run_id: str
    fails_alike: bool


class DoneDocument(NamedTuple):
    """The record of a document in an earlier run."""

    run: EarlierRun
    sha256: str
    size_bytes: int | None
    source_version: str | None
    source_updated_at: datetime | None
    format: str | None
    page_count: int | None


class OnlyNew(Transform):
    """Leave out documents of earlier runs: PCollection[SourceFile] to two PCollections.

    ``new`` SourceFile is what is left to do; ``skipped`` Document is the rest, each with the run that holds
    its rows. A document is done where a finished run that was made with the same models, OCR and options read
    the same bytes at the same URI, and nothing failed that may succeed now.

    Args:
        config: of the job.
        provenance: of this run: models, OCR and options.
    """

    def __init__(self, config: JobConfig, provenance: Provenance):
        super().__init__()
        self.config = config
        self.provenance = provenance

    def expand(self, sources):
        """Wire runs, their tables and the join."""
        config = self.config
        done = (
            sources.pipeline
            | "Take output" >> beam.Create([config.output], reshuffle=False)
            | "List finished runs"
            >> beam.FlatMap(list_summaries, config.run_id, config.storage_timeout_s).with_output_types(str)
            | "Spread runs over workers" >> beam.Reshuffle()
            | "Find runs made alike" >> beam.FlatMap(runs_made_alike, config, self.provenance)
            | "Find tables of documents" >> beam.FlatMap(tables_of_documents, config)
            | "Spread tables over workers" >> beam.Reshuffle()
            | "Read what is done"
            >> beam.FlatMap(read_done, config).with_output_types(tuple[str, DoneDocument])
        )
        keyed = sources | "Key by URI" >> beam.WithKeys(_uri_of).with_output_types(tuple[str, SourceFile])
        return (
            {"sources": keyed, "done": done}
            | "Join by URI" >> beam.CoGroupByKey()
            | "Part" >> beam.ParDo(PartFn(config)).with_outputs(SKIPPED, main="new")
        )


@with_output_types(SourceFile, skipped=Document)
class PartFn(beam.DoFn):
    """Decides whether a file of the input is new or done, from what earlier runs recorded of its URI.

    Args:
        config: of the job.
    """

    def __init__(self, config: JobConfig):
        self._config = config

    def process(self, joined: tuple[str, Mapping[str, Iterable[Any]]]) -> Iterator[SourceFile | TaggedOutput]:
        """Yield the file, or the document as skipped; nothing for a URI that is not in the input.

        Args:
            joined: the URI; files of the input ("sources") and DoneDocuments ("done") with it.
        """
        _, found = joined
        for source in found["sources"]:
            source, done = find_done(source, list(found["done"]), self._config)
            if done is None:
                yield source
            else:
                count("documents_skipped")
                yield TaggedOutput(SKIPPED, skipped_document(source, done))


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
    return source, max((each for each in known if each.sha256 == sha256), default=None, key=_age)


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
    if source.updated_at_s is None or done.source_updated_at is None:
        return False
    return int(source.updated_at_s) == int(done.source_updated_at.timestamp())


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


def runs_made_alike(path: str, config: JobConfig, provenance: Provenance) -> Iterator[EarlierRun]:
    """The run of a summary, if its models, OCR and options are those of this run.

    Args:
        path: of the summary.
        config: the job.
        provenance: names and revisions of OCR and model, for every row.
    """
    summary = read_summary(path, config.storage_timeout_s)
    if summary.get("provenance") == asdict(provenance):
        if not _is_whole(summary):
            raise unreadable(path, "it lacks what summaries hold")
        limits = {name: summary["options"].get(name) for name in LIMIT_OPTIONS}
        yield EarlierRun(
            started_at=summary["started_at"],
            finished_at=summary["finished_at"],
            run_id=summary["run_id"],
            # A newer version of the program may read what this one could not.
            fails_alike=summary["beam_kie_version"] == __version__
            and limits == {name: values_of(config)[name] for name in LIMIT_OPTIONS},
        )


def _is_whole(summary: Mapping[str, Any]) -> bool:
    """Whether a summary has what is asked of it, of the types that this program writes."""
    texts = ("started_at", "finished_at", "beam_kie_version")
    return isinstance(summary.get("options"), dict) and all(
        isinstance(summary.get(name), str) for name in texts
    )


# ---------------------------------------------------------------- tables


def tables_of_documents(run: EarlierRun, config: JobConfig) -> Iterator[tuple[EarlierRun, str]]:
    """The files of a run's table ``documents``, each with the run.

    Args:
        run: a finished one.
        config: the job.
    """
    return ((run, path) for path in _table_files("documents", run.run_id, config))


def tables_of_failures(run_id: str, config: JobConfig) -> Iterator[str]:
    """The files of a run's table ``failures``.

    Args:
        run_id: of the run.
        config: the job.
    """
    return _table_files("failures", run_id, config)


def read_done(place: tuple[EarlierRun, str], config: JobConfig) -> Iterator[tuple[str, DoneDocument]]:
    """The documents in one file of ``documents`` that need not be done again, keyed by URI.

    Those that a run skipped itself are left to the run that holds their rows: were that run deleted, they
    would have to be done again.

    Args:
        place: a run, and the path of one file of its table ``documents``.
        config: the job.
    """
    run, path = place
    status, failures = pc.field("status"), pc.field("retryable_failure_count")
    done = status == Status.SUCCESS.value
    if run.fails_alike:
        failed_for_good = status.isin([Status.PARTIAL.value, Status.FAILURE.value]) & (failures == 0)
        done = done | failed_for_good
    columns = ["uri", *_DONE_COLUMNS]
    needed = [*columns, "status", "retryable_failure_count"]
    for row in _read_rows(path, "documents", needed, done & pc.field("content_sha256").is_valid(), config):
        uri, *known = (row[name] for name in columns)
        yield uri, DoneDocument(run, *known)


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
