"""Keeps what is done in parts while a run goes on, and takes it up again with ``--resume``.

``Keeping.keep`` wraps a stream of the pipeline: its elements are also entries of parts, and a resumed run
adds those of the attempts before. Whatever the tables, files and counts of a run are made of must be wrapped
so; what is made of wrapped streams need not be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, NamedTuple, cast

import apache_beam as beam
from apache_beam.pvalue import AsIter, PCollection, TaggedOutput
from apache_beam.typehints.decorators import with_output_types

from beam_kie.document import Category, Document, FailedPage, Failure, PageText, SourceFile, Stage
from transforms.ptransform import Transform, outputs_of
from transforms.runs.parts import Entry, PartSettings, journal_of_thread, list_parts, read_part
from transforms.storage import files
from transforms.storage.uris import is_local

DONE, REFUSED = "done", "refused"
_READS = "reads"


@dataclass(frozen=True)
class KeptStream:
    """How the elements of a stream become entries of parts, and come back.

    ``key_of`` gives the id of an element's document, or the URI of its file; ``encode`` its bytes.
    """

    name: str
    kind: Any
    key_of: Callable[[Any], str]
    encode: Callable[[Any], bytes]
    decode: Callable[[str, bytes], Any]


def _failure_bytes(failure: Failure) -> bytes:
    return json.dumps(astuple(failure)).encode()


def _failure_of(_key: str, data: bytes) -> Failure:
    document_id, uri, page, stage, category, message, retryable = json.loads(data)
    return Failure(document_id, uri, page, Stage(stage), Category(category), message, retryable)


def _document_bytes(document: Document) -> bytes:
    return json.dumps(astuple(document)).encode()


def _document_of(_key: str, data: bytes) -> Document:
    return Document(*json.loads(data))


def _document_id(value: Any) -> str:
    return value.document_id


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]


def _second(pair: tuple[str, bytes]) -> bytes:
    return pair[1]


def _fact(document_id: str, data: bytes) -> tuple[str, bytes]:
    return document_id, data


READ_FAILURES = KeptStream("read_failures", Failure, _document_id, _failure_bytes, _failure_of)
"""Of reading: such a page may go on, with a part of it missing, or has never begun."""
FAILURES = KeptStream("failures", Failure, _document_id, _failure_bytes, _failure_of)
DOCUMENTS = KeptStream("documents", Document, _document_id, _document_bytes, _document_of)
FACTS = KeptStream("facts", tuple[str, bytes], _first, _second, _fact)


class Keeping:
    """What a run keeps and takes up again.

    Args:
        settings: of the run's parts.
        resumed: what ``TakeUp`` found; None where the run does not resume another.
    """

    def __init__(self, settings: PartSettings, resumed: PCollection | None = None):
        self.settings = settings
        self._resumed = resumed

    def keep(self, stream: KeptStream, values: PCollection, name: str) -> PCollection:
        """Keep the elements of a stream, as they are yielded.

        Args:
            stream: how they are kept. Several PCollections may be kept as one stream.
            values: the elements; they must be yielded by the step that processes the page.
            name: for the step, in words.

        Returns:
            The same elements.
        """
        keep = beam.ParDo(KeepFn(self.settings, stream)).with_output_types(stream.kind)
        return cast(PCollection, values | f"Keep {name}" >> keep)

    def taken_up(self, stream: KeptStream) -> tuple[PCollection, ...]:
        """The elements of a stream from the attempts before; to be called once a stream.

        Args:
            stream: how they were kept.

        Returns:
            One PCollection, or none where the run does not resume another.
        """
        if self._resumed is None:
            return ()
        taken = beam.FlatMap(_decoded, stream).with_output_types(stream.kind)
        return (cast(PCollection, self._resumed | f"Take up {stream.name}" >> taken),)


def _decoded(entry: Entry, stream: KeptStream) -> Iterator[Any]:
    if entry.stream == stream.name:
        yield stream.decode(entry.document_id, entry.data)


class KeepFn(beam.DoFn):
    """Passes elements on, and adds them to the part of the thread.

    Args:
        settings: of the run's parts.
        stream: how they are kept.
    """

    def __init__(self, settings: PartSettings, stream: KeptStream):
        self._settings = settings
        self._stream = stream

    def start_bundle(self) -> None:
        """Forget what a bundle that failed has left."""
        self._journal = journal_of_thread(self._settings)
        self._journal.discard()

    def process(self, value: Any) -> Iterator[Any]:
        """Yield the element when its entry is made.

        Args:
            value: of the stream.
        """
        stream = self._stream
        self._journal.add(Entry(stream.name, stream.key_of(value), stream.encode(value)))
        yield value

    def finish_bundle(self) -> None:
        """Write what the thread has: the runner counts the bundle as done."""
        self._journal.write()


@with_output_types(PageText | FailedPage)
class BeginPageFn(beam.DoFn):
    """Passes pages on and notes them: a document is done when of each of its pages there is an outcome.

    Args:
        settings: of the run's parts.
    """

    def __init__(self, settings: PartSettings):
        self._settings = settings

    def start_bundle(self) -> None:
        """Find the journal of this thread."""
        self._journal = journal_of_thread(self._settings)

    def process(self, page: PageText | FailedPage) -> Iterator[PageText | FailedPage]:
        """Yield the page. All that the pages before led to is in the part, which may end here.

        Args:
            page: as it was read.
        """
        text = page.page if isinstance(page, FailedPage) else page
        self._journal.next_page()
        self._journal.add(Entry(_READS, text.document_id, json.dumps([text.uri, text.page]).encode()))
        yield page


# ---------------------------------------------------------------- taking up


class Mark(NamedTuple):
    """What an entry says of the progress of a document.

    ``kind``: "read" to its end; a page has "begun", "ended", or "failed" while it was read.
    """

    document_id: str
    kind: str
    page: int | None = None
    document: Document | None = None
    is_retryable: bool = False


class TakeUp(Transform):
    """Find out what the attempts before have done: PCollection[SourceFile] to two PCollections.

    ``new`` SourceFile is what is left to do; ``entries`` Entry is all that the parts hold of the files that
    are done. A file is done if it was read to its end and each of its pages has an outcome, if nothing of it
    failed that may succeed now, and if the file has not changed since. Of all others nothing is taken.

    Args:
        settings: of the run's parts.
    """

    def __init__(self, settings: PartSettings):
        super().__init__()
        self.settings = settings

    def expand(self, sources):
        """Wire the parts, the join and the second reading of the parts."""
        parts = (
            sources.pipeline
            | "Take folder of parts" >> beam.Create([self.settings.folder], reshuffle=False)
            | "List parts" >> beam.FlatMap(list_parts, self.settings.timeout_s).with_output_types(str)
            | "Spread parts over workers" >> beam.Reshuffle()
        )
        marks = parts | "Read progress" >> beam.FlatMap(marks_of, self.settings).with_output_types(
            tuple[str, Mark]
        )
        keyed = sources | "Key by URI" >> beam.WithKeys(_uri_of).with_output_types(tuple[str, SourceFile])
        joined = {"sources": keyed, "marks": marks} | "Join by URI" >> beam.CoGroupByKey()
        parted = outputs_of(
            joined | "Part" >> beam.ParDo(PartDoneFn()).with_outputs(REFUSED, DONE, main="new")
        )
        take = beam.FlatMap(entries_of, self.settings, AsIter(parted[REFUSED])).with_output_types(Entry)
        return {"new": parted.new, "entries": parts | "Read what is done" >> take, "done": parted[DONE]}


def marks_of(path: str, settings: PartSettings) -> Iterator[tuple[str, Mark]]:
    """What a part says of the progress of documents, by URI.

    Args:
        path: of the part.
        settings: of the run's parts.

    Raises:
        UnreadableRunError: the part is damaged.
    """
    for stream, document_id, data in read_part(path, settings):
        if stream == _READS:
            uri, page = json.loads(data)
            yield uri, Mark(document_id, "begun", page)
        elif stream == FACTS.name:
            kind, *what = json.loads(data)
            if kind == "page":
                yield what[0], Mark(document_id, "ended", what[1])
        elif stream in (READ_FAILURES.name, FAILURES.name):
            failure = _failure_of(document_id, data)
            kind = "ended" if stream == FAILURES.name else "failed"
            yield failure.uri, Mark(document_id, kind, failure.page, is_retryable=failure.retryable)
        elif stream == DOCUMENTS.name:
            document = _document_of(document_id, data)
            yield document.uri, Mark(document_id, "read", document=document)


@dataclass
class _Progress:
    """Of one file, from all parts."""

    documents: dict[str, Document | None] = field(default_factory=dict)
    begun: set[int | None] = field(default_factory=set)
    ended: set[int | None] = field(default_factory=set)
    is_retryable: bool = False

    def add(self, mark: Mark) -> None:
        known = self.documents.setdefault(mark.document_id, None)
        self.documents[mark.document_id] = mark.document or known
        self.is_retryable |= mark.is_retryable
        if mark.kind == "begun":
            self.begun.add(mark.page)
        elif mark.kind == "ended":
            self.ended.add(mark.page)

    def is_done(self, source: SourceFile) -> bool:
        """Whether nothing of the file is left to do, and the file is what it was."""
        if len(self.documents) != 1 or self.is_retryable or not self.begun <= self.ended:
            return False
        (document,) = self.documents.values()
        return document is not None and all(
            now is None or then is None or now == then
            for now, then in (
                (source.size_bytes, document.size_bytes),
                (source.updated_at_s, document.updated_at_s),
                (source.source_version, document.source_version),
            )
        )


@with_output_types(SourceFile, refused=str, done=str)
class PartDoneFn(beam.DoFn):
    """Decides by URI whether a file is done. Yields it where it is not, and what of the parts is refused."""

    def process(self, joined: tuple[str, Mapping[str, Iterable[Any]]]) -> Iterator[SourceFile | TaggedOutput]:
        """Yield the file, or its URI as done; keys of entries that must not be taken up.

        Args:
            joined: the URI; files of the input ("sources") and Marks ("marks") with it.
        """
        uri, found = joined
        progress = _Progress()
        for mark in found["marks"]:
            progress.add(mark)
        sources = list(found["sources"])
        if any(progress.is_done(source) for source in sources):
            yield TaggedOutput(DONE, uri)
            return
        yield from sources
        for key in (uri, *progress.documents) if progress.documents else ():
            yield TaggedOutput(REFUSED, key)


def entries_of(path: str, settings: PartSettings, refused: Iterable[str]) -> Iterator[Entry]:
    """The entries of a part that a resumed run takes up.

    Args:
        path: of the part.
        settings: of the run's parts.
        refused: ids of documents and URIs of files that are done again.

    Raises:
        UnreadableRunError: the part is damaged.
    """
    unwanted = frozenset(refused)
    return (
        entry
        for entry in read_part(path, settings)
        if entry.stream != _READS and entry.document_id not in unwanted
    )


def _uri_of(source: SourceFile) -> str:
    return source.uri


class RemoveParts(Transform):
    """Delete the parts of a run that is finished: PCollection[str], its summary's path, to PCollection[str].

    The paths of the parts come out when they are deleted.

    Args:
        settings: of the run's parts.
    """

    def __init__(self, settings: PartSettings):
        super().__init__()
        self.settings = settings

    def expand(self, summary):
        """Wire the listing and, spread over the workers, the deletion."""
        return (
            summary
            | "List parts" >> beam.FlatMap(_parts_of_run, self.settings).with_output_types(str)
            | "Spread parts over workers" >> beam.Reshuffle()
            | "Delete part" >> beam.Map(_delete, self.settings.timeout_s).with_output_types(str)
        )


def _parts_of_run(_summary: str, settings: PartSettings) -> Iterator[str]:
    if is_local(settings.folder):
        files.delete_folder(settings.folder)
        return
    yield from list_parts(settings.folder, settings.timeout_s)


def _delete(path: str, timeout_s: float) -> str:
    files.delete(path, timeout_s)
    return path
