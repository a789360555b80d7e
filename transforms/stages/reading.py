"""From patterns and manifests to decoded pages: find files, drop duplicates, read, decode."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.typehints.decorators import with_input_types, with_output_types

from beam_kie.document import (
    Category,
    Document,
    DocumentError,
    Failure,
    PageImage,
    SourceFile,
    Stage,
    StageTime,
    document_id,
)
from beam_kie.failures import failure_of
from beam_kie.imaging.decode import DecodedPages, decode_pages, sniff_format
from beam_kie.imaging.limits import check_file_size
from transforms.config import JobConfig
from transforms.metrics import StageTimer, count, count_failure, timed_steps
from transforms.progress import record, record_files
from transforms.ptransform import Transform, outputs_of
from transforms.stages import coders
from transforms.stages.inputs import is_no_document, is_system_file, read_manifest
from transforms.storage.files import StorageError, look, match, read_bytes
from transforms.storage.patterns import has_magic
from transforms.storage.retries import TIMEOUT_S
from transforms.storage.uris import is_local

DOCUMENTS = "documents"
FAILURES = "failures"
TIMES = "times"
PASSED_OVER = "passed_over"


class GivenFile(NamedTuple):
    """A file whose bytes are at hand, under the name that its rows have."""

    uri: str
    data: bytes


class Found(NamedTuple):
    """``sources`` PCollection[SourceFile]; ``passed_over`` PCollection[str], URIs."""

    sources: PCollection
    passed_over: PCollection


class FindSources(Transform):
    """Every file of the input, once: ``Found``, spread over the workers.

    Patterns are matched and manifests read on the workers, so the launcher's memory does not grow with
    their number. A file of a manifest is not looked up here: one that does not exist fails when it is read.

    Args:
        config: of the job.
    """

    def __init__(self, config: JobConfig):
        super().__init__()
        self.config = config

    def expand(self, pipeline):
        """Wire matching, manifest and removal of duplicates.

        Grouping by URI spreads the files over the workers: to shuffle them once more would only hold them
        twice.
        """
        timeout_s = self.config.storage_timeout_s
        # Of files that are left out later, how many are read is not known beforehand.
        filtered = self.config.skip_done or self.config.retry_failures or self.config.resume
        scratch = None if filtered else self.config.scratch
        manifests = (self.config.manifest,) if self.config.manifest else ()
        match_patterns = beam.FlatMap(match_pattern, timeout_s).with_output_types(SourceFile)
        matched = outputs_of(
            pipeline
            | "Take patterns" >> beam.Create(self.config.input, reshuffle=False)
            | "Match patterns" >> match_patterns.with_outputs(PASSED_OVER, main="sources")
        )
        listed = (
            pipeline
            | "Take manifest" >> beam.Create(manifests, reshuffle=False)
            | "List manifest" >> beam.FlatMap(list_manifest).with_output_types(SourceFile)
        )
        sources = (
            (matched.sources, listed)
            | "Put together" >> beam.Flatten()
            | "Key by URI" >> beam.Map(_keyed, scratch).with_output_types(tuple[str, SourceFile])
            | "Drop duplicates" >> beam.CombinePerKey(most_informed)
            | "Drop keys" >> beam.Values().with_output_types(SourceFile)
        )
        passed_over: Any = matched[PASSED_OVER]
        if len(self.config.input) > 1:
            # Several patterns may find the same file.
            passed_over = passed_over | "Drop what is passed over twice" >> beam.Distinct()
        return Found(sources, passed_over)


def match_pattern(pattern: str, timeout_s: float = TIMEOUT_S) -> Iterator[SourceFile | TaggedOutput]:
    """The files that a Beam pattern matches now, as the listing goes on.

    Hidden and system files are passed over unless they are named one by one, and so are files that their
    ending tells from scans, whose URIs go to the output PASSED_OVER. A pattern may match nothing (the
    launcher has checked that the input as a whole does); a single file that is gone is still a source.

    Args:
        pattern: a Beam pattern, or one file.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: the storage does not answer, after transient errors were retried.
    """
    if not has_magic(pattern):
        yield look_at(pattern, timeout_s)
        return
    for file in match(pattern, timeout_s=timeout_s, unreadable=True):
        if is_system_file(file.uri):
            continue
        if is_no_document(file.uri, pattern):
            yield TaggedOutput(PASSED_OVER, file.uri)
        else:
            yield SourceFile(*file)


def look_at(uri: str, timeout_s: float) -> SourceFile:
    """A file with what its storage says of it; where that is nothing, reading it will say why.

    Args:
        uri: a local path or URI.
        timeout_s: for how long transient errors are retried, in seconds, above 0.
    """
    try:
        found = look(uri, timeout_s)
    except StorageError:
        found = None
    return SourceFile(uri=uri) if found is None else SourceFile(*found)


def list_manifest(path: str) -> Iterator[SourceFile]:
    """The files that a manifest lists, not looked up: size and time are None.

    Args:
        path: of the manifest, a local path or URI.
    """
    return (SourceFile(uri=uri) for uri in read_manifest(path))


def most_informed(sources: Iterable[SourceFile]) -> SourceFile:
    """Of several mentions of one URI the one that knows size and time, whatever their order.

    Args:
        sources: at least one, all with the same URI.
    """
    return max(sources, key=lambda source: (source.updated_at_s or 0.0, source.size_bytes or 0, source.uri))


def _keyed(source: SourceFile, scratch: str | None) -> tuple[str, SourceFile]:
    """The file by its URI, counted for the progress; one that is named twice counts twice there."""
    record_files(scratch, found=1)
    return source.uri, source


class DecodeSources(Transform):
    """Read and decode files: PCollection[SourceFile] to four PCollections.

    ``pages`` PageImage, one at a time and never shuffled; ``documents`` one Document per file, also for files
    that failed; ``failures`` Failure; ``times`` StageTime.

    Args:
        config: of the job.
    """

    def __init__(self, config: JobConfig):
        super().__init__()
        self.config = config

    def expand(self, sources):
        """Wire the one DoFn; pages are its main output."""
        coders.register()
        return sources | "Decode" >> beam.ParDo(DecodeFn(self.config)).with_outputs(
            DOCUMENTS, FAILURES, TIMES, main="pages"
        )


@with_input_types(SourceFile | GivenFile)
@with_output_types(PageImage, documents=Document, failures=Failure, times=StageTime)
class DecodeFn(beam.DoFn):
    """Reads one file and yields its pages as they are decoded, then its Document.

    Args:
        config: of the job.
    """

    def __init__(self, config: JobConfig):
        self._config = config

    def process(self, source: SourceFile | GivenFile) -> Iterator[PageImage | TaggedOutput]:
        """Yield the document, its pages, its failures and the times that they took.

        Args:
            source: a file, which may not exist, or its bytes.
        """
        count("documents")
        with StageTimer("read") as timer:
            known, data = read_source(source, self._config)
        yield TaggedOutput(TIMES, timer.spent())
        document = describe(known, data if isinstance(data, bytes) else None)
        if not isinstance(data, bytes):
            record_opened(self._config, None)
            yield TaggedOutput(FAILURES, document_failure(document, Stage.READ, data))
            yield TaggedOutput(DOCUMENTS, document)
            return
        count("bytes_read", len(data))
        document, opened = self._open(document, data)
        record_opened(self._config, document.page_count)
        try:
            if isinstance(opened, Exception):
                raise opened
            yield from self._pages(opened)
        except Exception as error:
            yield TaggedOutput(FAILURES, document_failure(document, Stage.DECODE, error))
        # Behind everything else: where it is known, the file was read to its end.
        yield TaggedOutput(DOCUMENTS, document)

    def _open(self, document: Document, data: bytes) -> tuple[Document, DecodedPages | Exception]:
        """The document with what opening its file says of it, and its pages or why there are none.

        The file is sniffed and opened once. Of one that cannot be opened the format may be known.
        """
        try:
            document = replace(document, format=sniff_format(data))
            opened = decode_pages(
                data,
                document.document_id,
                document.uri,
                self._config.limits,
                pdf_dpi=self._config.pdf_dpi,
                pdf_text_layer=self._config.pdf_text_layer,
                file_format=document.format,
            )
        except Exception as error:
            return document, error
        return replace(document, page_count=opened.page_count), opened

    def _pages(self, opened: DecodedPages) -> Iterator[PageImage | TaggedOutput]:
        for page, spent in timed_steps("decode", opened):
            yield TaggedOutput(TIMES, spent)
            if isinstance(page, Failure):
                count("pages_failed")
                count_failure(page)
                record(self._config.scratch, pages_ok=0, pages_failed=1)
                yield TaggedOutput(FAILURES, page)
            else:
                count("pages_decoded")
                if page.damage is not None:
                    count_failure(page.damage)
                    yield TaggedOutput(FAILURES, page.damage)
                yield page
            del page  # the runner is done with it: only the next one needs memory now


def read_source(source: SourceFile | GivenFile, config: JobConfig) -> tuple[SourceFile, bytes | Exception]:
    """Read a file.

    Args:
        source: the file, or its bytes.
        config: the run's.

    Returns:
        What is known of the file now, and its bytes or why they cannot be read.
    """
    if isinstance(source, GivenFile):
        known = SourceFile(source.uri, len(source.data))
        try:
            check_file_size(len(source.data), config.limits.max_file_bytes)
        except DocumentError as error:
            return known, error
        return known, source.data
    if source.size_bytes is None and not is_local(source.uri):
        # Named by a manifest: its version lets a later run know it again without reading it.
        source = look_at(source.uri, config.storage_timeout_s)
    try:
        data = read_bytes(
            source.uri, config.limits.max_file_bytes, source.size_bytes, timeout_s=config.storage_timeout_s
        )
    except Exception as error:
        return source, error
    return source, data


def describe(source: SourceFile, data: bytes | None) -> Document:
    """The Document for a file before it is opened.

    Args:
        source: the file.
        data: its bytes; None where they could not be read.

    Returns:
        The document; its format and number of pages are not known yet.
    """
    sha256 = None if data is None else hashlib.sha256(data).hexdigest()
    return Document(
        document_id=document_id(source.uri, sha256),
        uri=source.uri,
        content_sha256=sha256,
        size_bytes=source.size_bytes if data is None else len(data),
        updated_at_s=source.updated_at_s,
        source_version=source.source_version,
    )


def record_opened(config: JobConfig, page_count: int | None) -> None:
    """Count a file for the progress of the run.

    Args:
        config: the run's.
        page_count: pages in the file; None where it could not be opened.
    """
    pages = 0 if page_count is None else min(page_count, config.limits.max_pages)
    record_files(config.scratch, opened=1, pages=pages)


def document_failure(document: Document, stage: Stage, error: Exception) -> Failure:
    """The failure of a whole document; a defect of a decoder is reported like a corrupt file.

    Args:
        document: what is known of the file.
        stage: READ or DECODE.
        error: what was raised.
    """
    if stage is Stage.READ:
        advice = "Check that the file can be read, then run it again."
        failure = failure_of(error, document, stage, Category.SOURCE_UNAVAILABLE, advice, retryable=True)
    else:
        advice = "Open the file in a viewer and save it anew."
        failure = failure_of(error, document, stage, Category.FILE_CORRUPT, advice)
    count_failure(failure)
    return failure
