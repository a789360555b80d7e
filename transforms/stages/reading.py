"""From patterns and manifests to decoded pages: find files, drop duplicates, read, decode."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from beam_kie.document import (
    Category,
    Document,
    Failure,
    PageImage,
    SourceFile,
    Stage,
    StageTime,
    document_id,
)
from beam_kie.imaging.decode import DecodeLimits, decode_pages, page_count, sniff_format
from transforms.config import JobConfig
from transforms.metrics import StageTimer, count, count_failure, timed_steps
from transforms.progress import record
from transforms.stages import coders
from transforms.stages.inputs import is_system_file, read_manifest
from transforms.stages.isolation import reason_of
from transforms.storage.files import StorageError, look, match, read_bytes
from transforms.storage.patterns import has_magic
from transforms.storage.retries import TIMEOUT_S
from transforms.storage.uris import is_local

T = TypeVar("T")

DOCUMENTS = "documents"
FAILURES = "failures"
TIMES = "times"


class FindSources(beam.PTransform):
    """Every file that the run is asked to read, once: PCollection[SourceFile], spread over the workers.

    Patterns are matched and manifests read on the workers, so the launcher's memory does not grow with
    their number. A file of a manifest is not looked at here: one that does not exist fails when it is read.
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
        manifests = (self.config.manifest,) if self.config.manifest else ()
        matched = (
            pipeline
            | "Take patterns" >> beam.Create(self.config.input, reshuffle=False)
            | "Match patterns" >> beam.FlatMap(match_pattern, timeout_s).with_output_types(SourceFile)
        )
        listed = (
            pipeline
            | "Take manifest" >> beam.Create(manifests, reshuffle=False)
            | "List manifest" >> beam.FlatMap(list_manifest).with_output_types(SourceFile)
        )
        return (
            (matched, listed)
            | "Put together" >> beam.Flatten()
            | "Key by URI" >> beam.WithKeys(_uri_of).with_output_types(tuple[str, SourceFile])
            | "Drop duplicates" >> beam.CombinePerKey(most_informed)
            | "Drop keys" >> beam.Values().with_output_types(SourceFile)
        )


def match_pattern(pattern: str, timeout_s: float = TIMEOUT_S) -> Iterator[SourceFile]:
    """The files that a Beam pattern matches now, as the listing goes on.

    Hidden and system files are passed over unless they are named one by one. A pattern may match nothing
    (the launcher has checked that the input as a whole does); a single file that is gone is still a source.

    Raises:
        StorageError: the storage cannot be asked, after transient errors were retried.
    """
    if not has_magic(pattern):
        yield look_at(pattern, timeout_s)
        return
    for file in match(pattern, timeout_s=timeout_s):
        if not is_system_file(file.uri):
            yield SourceFile(*file)


def look_at(uri: str, timeout_s: float) -> SourceFile:
    """A file with what its storage tells of it; where that is nothing, reading it will say why."""
    try:
        found = look(uri, timeout_s)
    except StorageError:
        found = None
    return SourceFile(uri=uri) if found is None else SourceFile(*found)


def list_manifest(path: str) -> Iterator[SourceFile]:
    """The files that a manifest lists, unseen: size and time are None."""
    return (SourceFile(uri=uri) for uri in read_manifest(path))


def most_informed(sources: Iterable[SourceFile]) -> SourceFile:
    """Of several mentions of one URI the one that knows size and time, whatever their order."""
    return max(sources, key=lambda source: (source.updated_at_s or 0.0, source.size_bytes or 0, source.uri))


def _uri_of(source: SourceFile) -> str:
    return source.uri


class DecodeSources(beam.PTransform):
    """Read and decode files: PCollection[SourceFile] to a four PCollections.

    ``pages`` PageImage, one at a time and never shuffled; ``documents`` one Document per file, also for files
    that failed; ``failures`` Failure; ``times`` StageTime.
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


@beam.typehints.with_input_types(SourceFile)
@beam.typehints.with_output_types(PageImage, documents=Document, failures=Failure, times=StageTime)
class DecodeFn(beam.DoFn):
    """Reads one file and yields its pages as they are decoded, then its Document."""

    def __init__(self, config: JobConfig):
        self._config = config
        self._limits = DecodeLimits(
            max_file_bytes=config.max_file_bytes, max_pixels=config.max_pixels, max_pages=config.max_pages
        )

    def process(self, source: SourceFile) -> Iterator[PageImage | TaggedOutput]:
        """Yield the document, its pages, its failures and the times that they took."""
        count("documents")
        with StageTimer("read") as timer:
            if source.size_bytes is None and not is_local(source.uri):
                # Named by a manifest: its version lets a later run know it again without reading it.
                source = look_at(source.uri, self._config.storage_timeout_s)
            data, error = self._read(source)
        yield TaggedOutput(TIMES, timer.spent())
        document = describe(source, data)
        yield TaggedOutput(DOCUMENTS, document)
        if data is None:
            yield TaggedOutput(FAILURES, _document_failure(document, Stage.READ, error))
            return
        count("bytes_read", len(data))
        try:
            yield from self._pages(document, data)
        except Exception as error:
            yield TaggedOutput(FAILURES, _document_failure(document, Stage.DECODE, error))

    def _read(self, source: SourceFile) -> tuple[bytes | None, Exception | None]:
        try:
            config = self._config
            data = read_bytes(
                source.uri, config.max_file_bytes, source.size_bytes, timeout_s=config.storage_timeout_s
            )
            return data, None
        except Exception as error:
            return None, error

    def _pages(self, document: Document, data: bytes) -> Iterator[PageImage | TaggedOutput]:
        pages = decode_pages(
            data,
            document.document_id,
            document.uri,
            self._limits,
            pdf_dpi=self._config.pdf_dpi,
            pdf_text_layer=self._config.pdf_text_layer,
        )
        for page, spent in timed_steps("decode", pages):
            yield TaggedOutput(TIMES, spent)
            if isinstance(page, Failure):
                count("pages_failed")
                count_failure(page)
                record(self._config.scratch, pages_ok=0, pages_failed=1)
                yield TaggedOutput(FAILURES, page)
            else:
                count("pages_decoded")
                yield page
            del page  # the runner is done with it: only the next one needs memory now


def describe(source: SourceFile, data: bytes | None) -> Document:
    """The Document for a file with these bytes; ``data`` None where they could not be read."""
    sha256 = None if data is None else hashlib.sha256(data).hexdigest()
    return Document(
        document_id=document_id(source.uri, sha256),
        uri=source.uri,
        content_sha256=sha256,
        size_bytes=source.size_bytes if data is None else len(data),
        updated_at_s=source.updated_at_s,
        source_version=source.source_version,
        format=None if data is None else _unless_damaged(sniff_format, data),
        page_count=None if data is None else _unless_damaged(page_count, data),
    )


def _unless_damaged(look: Callable[[bytes], T], data: bytes) -> T | None:
    """What ``look`` sees in the bytes; None where it cannot: decoding them will say why, as a failure."""
    try:
        return look(data)
    except Exception:
        return None


def _document_failure(document: Document, stage: Stage, error: Exception) -> Failure:
    """The failure of a whole document; a defect of a decoder is reported like a corrupt file."""
    if stage is Stage.READ:
        advice = "Check that the file can be read, then run it again."
        reason = reason_of(error, Category.SOURCE_UNAVAILABLE, advice, retryable=True)
    else:
        reason = reason_of(error, Category.FILE_CORRUPT, "Open the file in a viewer and save it anew.")
    failure = Failure(
        document_id=document.document_id,
        uri=document.uri,
        page=None,
        stage=stage,
        category=reason.category,
        message=reason.message,
        retryable=reason.retryable,
    )
    count_failure(failure)
    return failure
