"""From patterns and manifests to decoded pages: find files, drop duplicates, read, decode."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
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
from transforms.ptransform import Transform
from transforms.stages import coders
from transforms.stages.finding import look_at
from transforms.stages.page_ranges import RANGES, LongFile, PageRange, cut, long_file, range_failures
from transforms.storage.files import read_bytes
from transforms.storage.uris import is_local

DOCUMENTS = "documents"
FAILURES = "failures"
TIMES = "times"


class GivenFile(NamedTuple):
    """A file whose bytes are at hand, under the name that its rows have."""

    uri: str
    data: bytes


class DecodeSources(Transform):
    """Read and decode files: PCollection[SourceFile | PageRange] to five PCollections.

    ``pages`` PageImage, one at a time and never shuffled; ``documents`` one Document per file, also for files
    that failed; ``failures`` Failure; ``times`` StageTime. A file that is too long is not decoded and has no
    Document: its ``ranges`` PageRange are still to be read. Where PageRanges are read, ``ranges`` are those
    that were read to their end.

    Args:
        config: of the job.
        of_ranges: whether PageRanges are read.
    """

    def __init__(self, config: JobConfig, of_ranges: bool = False):
        super().__init__()
        self.config = config
        self.decode = DecodeRangesFn if of_ranges else DecodeFn

    def expand(self, sources):
        """Wire the one DoFn; pages are its main output."""
        coders.register()
        return sources | "Decode" >> beam.ParDo(self.decode(self.config)).with_outputs(
            DOCUMENTS, FAILURES, TIMES, RANGES, main="pages"
        )


class _DecodeFn(beam.DoFn):
    """Yields pages as they are decoded.

    Args:
        config: of the job.
    """

    def __init__(self, config: JobConfig):
        self._config = config

    def _decoded(self, document: Document, data: bytes, first: int = 1, last: int | None = None):
        return decode_pages(
            data,
            document.document_id,
            document.uri,
            self._config.limits,
            pdf_dpi=self._config.pdf_dpi,
            pdf_text_layer=self._config.pdf_text_layer,
            file_format=document.format,
            first=first,
            last=last,
        )

    def _pages(self, opened: DecodedPages) -> Iterator[PageImage | TaggedOutput]:
        for page, spent in timed_steps("decode", opened):
            yield TaggedOutput(TIMES, spent)
            if isinstance(page, Failure):
                yield self._failed(page)
            else:
                count("pages_decoded")
                if page.damage is not None:
                    count_failure(page.damage)
                    yield TaggedOutput(FAILURES, page.damage)
                yield page
            del page  # the runner is done with it: only the next one needs memory now

    def _failed(self, failure: Failure) -> TaggedOutput:
        """The failure of a page, counted."""
        count("pages_failed")
        count_failure(failure)
        record(self._config.scratch, pages_ok=0, pages_failed=1)
        return TaggedOutput(FAILURES, failure)


@with_input_types(SourceFile | GivenFile)
@with_output_types(PageImage, documents=Document, failures=Failure, times=StageTime, ranges=PageRange)
class DecodeFn(_DecodeFn):
    """Reads one file and yields its pages as they are decoded, then its Document."""

    def process(self, source: SourceFile | GivenFile) -> Iterator[PageImage | TaggedOutput]:
        """Yield the document, its pages, its failures and the times that they took, or its ranges.

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
            if ranges := cut(document, self._config):
                opened.close()
                yield from (TaggedOutput(RANGES, part) for part in ranges)
                return
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
            opened = self._decoded(document, data)
        except Exception as error:
            return document, error
        return replace(document, page_count=opened.page_count), opened


@with_input_types(PageRange)
@with_output_types(PageImage, documents=Document, failures=Failure, times=StageTime, ranges=PageRange)
class DecodeRangesFn(_DecodeFn):
    """Decodes some pages of a long file as ``DecodeFn`` decodes all of a short one."""

    _file: LongFile | None = None

    def process(self, part: PageRange) -> Iterator[PageImage | TaggedOutput]:
        """Yield the pages of a range, their failures and the times that they took; at its end, the range.

        Args:
            part: of a document that was opened before.
        """
        document = part.document
        # Held until the next range, which may be of the same file.
        self._file = long_file(document)
        with StageTimer("read") as timer:
            data = self._file.read(document, self._config)
        yield TaggedOutput(TIMES, timer.spent())
        stage, left = Stage.READ, part
        try:
            if isinstance(data, Exception):
                raise data
            stage = Stage.DECODE
            for event in self._pages(self._decoded(document, data, part.first, part.last)):
                value = event.value if isinstance(event, TaggedOutput) else event
                if not isinstance(value, StageTime):
                    left = replace(part, first=value.page + 1)
                del value
                yield event
                del event  # as in ``_pages``
        except Exception as error:
            yield from map(self._failed, range_failures(left, stage, error))
        # Behind everything else: where it is known, the range was read to its end.
        yield TaggedOutput(RANGES, part)

    def finish_bundle(self) -> None:
        """Give the file back."""
        self._file = None


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
