"""What the attempts before have done of a run that goes on: whole documents, and ranges of long ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import AsIter, TaggedOutput
from apache_beam.typehints.decorators import with_output_types

from beam_kie.document import Document, SourceFile
from beam_kie.imaging.page_ranges import cut_pages
from transforms.config import JobConfig
from transforms.ptransform import Transform, outputs_of
from transforms.runs.parts import Entry, PartSettings, list_parts, read_part
from transforms.runs.resuming import DOCUMENTS, FACTS, FAILURES, PAGE_RANGES, READ_FAILURES, READS
from transforms.stages.page_ranges import RANGES, PageRange, pages_to_read

DONE, REFUSED = "done", "refused"

_LAST = 2**31 - 1
# Of so many files at once the marks of a part are collected: those of one lie together, or nearly so.
_FILES_TOGETHER = 1_000
_Pages = tuple[int, int]


class Mark(NamedTuple):
    """What an entry says of the progress of a document.

    ``kind``: the document, or its ``pages`` (first and last), were "read" to their end; a page has "begun",
    "ended", or "failed" while it was read.
    """

    document_id: str
    kind: str
    page: int | None = None
    document: Document | None = None
    is_retryable: bool = False
    pages: _Pages | None = None


class Refused(NamedTuple):
    """What is not taken up: all that goes by a key, but for entries of the pages in ``kept``."""

    key: str
    kept: tuple[_Pages, ...] = ()


class TakeUp(Transform):
    """Find out what the attempts before have done: PCollection[SourceFile] to four PCollections.

    ``new`` SourceFile is what is left to do; ``ranges`` PageRange are the pages that are left of long files;
    ``done`` str are URIs of files that are done, and ``entries`` Entry is all that the parts hold of these,
    and of the ranges that are done. A file is done if it was read to its end and each of its pages has an
    outcome, if nothing of it failed that may succeed now, and if the file has not changed since; a range
    likewise. Of all others nothing is taken.

    Args:
        settings: of the run's parts.
        config: the job.
    """

    def __init__(self, settings: PartSettings, config: JobConfig):
        super().__init__()
        self.settings = settings
        self.config = config

    def expand(self, sources):
        """Wire the parts, the join and the second reading of the parts."""
        parts = (
            sources.pipeline
            | "Take folder of parts" >> beam.Create([self.settings.folder], reshuffle=False)
            | "List parts" >> beam.FlatMap(list_parts, self.settings.timeout_s).with_output_types(str)
            | "Spread parts over workers" >> beam.Reshuffle()
        )
        # Local runners hold them all: one element a file, of primitives, takes less memory than one a mark.
        marks = parts | "Read progress" >> beam.FlatMap(packed_marks_of, self.settings).with_output_types(
            tuple[str, list[Any]]
        )
        keyed = sources | "Key by URI" >> beam.WithKeys(_uri_of).with_output_types(tuple[str, SourceFile])
        joined = {"sources": keyed, "marks": marks} | "Join by URI" >> beam.CoGroupByKey()
        part = beam.ParDo(PartDoneFn(self.config)).with_outputs(REFUSED, DONE, RANGES, main="new")
        parted = outputs_of(joined | "Part" >> part)
        take = beam.FlatMap(entries_of, self.settings, AsIter(parted[REFUSED])).with_output_types(Entry)
        entries = parts | "Read what is done" >> take
        return {"new": parted.new, "ranges": parted[RANGES], "entries": entries, "done": parted[DONE]}


def marks_of(path: str, settings: PartSettings) -> Iterator[tuple[str, Mark]]:
    """What a part says of the progress of documents, by URI.

    Args:
        path: of the part.
        settings: of the run's parts.

    Raises:
        UnreadableRunError: the part is damaged.
    """
    for stream, document_id, data, _ in read_part(path, settings):
        if stream == READS:
            uri, page = json.loads(data)
            yield uri, Mark(document_id, "begun", page)
        elif stream == FACTS.name:
            kind, *what = json.loads(data)
            if kind == "page":
                yield what[0], Mark(document_id, "ended", what[1])
        elif stream in (READ_FAILURES.name, FAILURES.name):
            failure = FAILURES.decode(document_id, data)
            kind = "ended" if stream == FAILURES.name else "failed"
            yield failure.uri, Mark(document_id, kind, failure.page, is_retryable=failure.retryable)
        elif stream == DOCUMENTS.name:
            document = DOCUMENTS.decode(document_id, data)
            yield document.uri, Mark(document_id, "read", document=document)
        elif stream == PAGE_RANGES.name:
            part = PAGE_RANGES.decode(document_id, data)
            pages = (part.first, part.last)
            yield part.document.uri, Mark(document_id, "read", document=part.document, pages=pages)


def packed_marks_of(path: str, settings: PartSettings) -> Iterator[tuple[str, list[Any]]]:
    """What a part says of the progress of documents, by URI: mostly one element for each, see ``unpacked``.

    Args:
        path: of the part.
        settings: of the run's parts.

    Raises:
        UnreadableRunError: the part is damaged.
    """
    waiting: dict[str, list[Any]] = {}
    for uri, mark in marks_of(path, settings):
        document = None if mark.document is None else astuple(mark.document)
        waiting.setdefault(uri, []).append((*mark._replace(document=None), document))
        if len(waiting) > _FILES_TOGETHER:
            first = next(iter(waiting))
            yield first, waiting.pop(first)
    yield from waiting.items()


def unpacked(packed: Sequence[Any]) -> Iterator[Mark]:
    """The Marks of an element of ``packed_marks_of``.

    Args:
        packed: its list of tuples, each of a mark's fields with those of its document behind them.
    """
    for *fields, document in packed:
        yield Mark(*fields)._replace(document=None if document is None else Document(*document))


@dataclass
class _Progress:
    """Of one file, from all parts."""

    documents: dict[str, Document | None] = field(default_factory=dict)
    is_read: bool = False
    ranges: set[_Pages] = field(default_factory=set)
    begun: set[int | None] = field(default_factory=set)
    ended: set[int | None] = field(default_factory=set)
    retryable: set[int | None] = field(default_factory=set)

    def add(self, mark: Mark) -> None:
        known = self.documents.setdefault(mark.document_id, None)
        self.documents[mark.document_id] = mark.document or known
        if mark.is_retryable:
            self.retryable.add(mark.page)
        if mark.kind == "begun":
            self.begun.add(mark.page)
        elif mark.kind == "ended":
            self.ended.add(mark.page)
        elif mark.pages is not None:
            self.ranges.add(mark.pages)
        elif mark.kind == "read":
            self.is_read = True

    def document_of(self, source: SourceFile) -> Document | None:
        """The document, if the file is what it was and nothing of it as a whole failed that may succeed."""
        if len(self.documents) != 1 or None in self.retryable:
            return None
        (document,) = self.documents.values()
        is_same = document is not None and all(
            now is None or then is None or now == then
            for now, then in (
                (source.size_bytes, document.size_bytes),
                (source.updated_at_s, document.updated_at_s),
                (source.source_version, document.source_version),
            )
        )
        return document if is_same else None

    def done_ranges(self, pages: int) -> list[_Pages]:
        """The ranges of a file of so many pages that are done, in order and without gaps or overlaps.

        What lies behind the last page belongs to the last range.
        """
        done: list[_Pages] = []
        for first, last in sorted(self.ranges):
            begin, end = first, _LAST if last == pages else last
            undone = {page for page in self.begun - self.ended if page is not None} | self.retryable
            if any(begin <= page <= end for page in undone if page is not None):
                continue
            if done and begin <= done[-1][1] + 1:
                done[-1] = (done[-1][0], max(end, done[-1][1]))
            else:
                done.append((begin, end))
        return done

    def is_done(self) -> bool:
        """Whether nothing is left to do of a file that was read as a whole."""
        return self.is_read and not self.retryable and self.begun <= self.ended


@with_output_types(SourceFile, refused=Refused, done=str, ranges=PageRange)
class PartDoneFn(beam.DoFn):
    """Decides by URI what of a file is done: all, some ranges of its pages, or nothing.

    Args:
        config: the job.
    """

    def __init__(self, config: JobConfig):
        self._max_pages = config.limits.max_pages
        self._range_pages = config.ranges.range_pages

    def process(self, joined: tuple[str, Mapping[str, Iterable[Any]]]) -> Iterator[SourceFile | TaggedOutput]:
        """Yield the file, or the ranges that are left, or its URI as done; what must not be taken up.

        Args:
            joined: the URI; files of the input ("sources") and packed Marks ("marks") with it.
        """
        uri, found = joined
        progress = _Progress()
        for packed in found["marks"]:
            for mark in unpacked(packed):
                progress.add(mark)
        sources = list(found["sources"])
        document = next(filter(None, map(progress.document_of, sources)), None)
        pages = pages_to_read(document, self._max_pages) if document is not None else 0
        done = progress.done_ranges(pages) if document is not None else []
        if document is not None and (progress.is_done() or done == [(1, _LAST)]):
            yield TaggedOutput(DONE, uri)
            return
        if document is not None and done:
            for first, last in _missing(done, pages):
                for part in cut_pages(first, last, self._range_pages):
                    yield TaggedOutput(RANGES, PageRange(document, *part))
        else:
            yield from sources
        for key in (uri, *progress.documents) if progress.documents else ():
            yield TaggedOutput(REFUSED, Refused(key, tuple(done)))


def _missing(done: list[_Pages], pages: int) -> Iterator[_Pages]:
    """What ranges leave of a file of so many pages."""
    following = 1
    for first, last in done:
        if following < first:
            yield following, first - 1
        following = last + 1
    if following <= pages:
        yield following, pages


def entries_of(path: str, settings: PartSettings, refused: Iterable[Refused]) -> Iterator[Entry]:
    """The entries of a part that a resumed run takes up.

    Args:
        path: of the part.
        settings: of the run's parts.
        refused: what is done again.

    Raises:
        UnreadableRunError: the part is damaged.
    """
    unwanted = {each.key: each.kept for each in refused}
    return (
        entry
        for entry in read_part(path, settings)
        if entry.stream != READS and _is_wanted(entry, unwanted.get(entry.document_id))
    )


def _is_wanted(entry: Entry, kept: tuple[_Pages, ...] | None) -> bool:
    """Whether an entry is taken up; ``kept`` are ranges where something of its document is done again."""
    if kept is None:
        return True
    # What is known of the document as a whole stays true while some of its ranges are done.
    return bool(kept) if entry.page is None else any(first <= entry.page <= last for first, last in kept)


def _uri_of(source: SourceFile) -> str:
    return source.uri
