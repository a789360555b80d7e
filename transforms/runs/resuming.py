"""Keeps what is done in parts while a run goes on, and puts it back into the pipeline with ``--resume``.

``Keeping.keep`` wraps a stream of the pipeline: its elements are also entries of parts, and a resumed run
adds those of the attempts before, which ``transforms.runs.taking_up`` finds. Whatever the tables, files and
counts of a run are made of must be wrapped so; what is made of wrapped streams need not be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from typing import Any, cast

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.typehints.decorators import with_output_types

from beam_kie.document import Category, Document, FailedPage, Failure, PageText, Stage
from transforms.ptransform import Transform
from transforms.runs.parts import Entry, PartSettings, journal_of_thread, list_parts
from transforms.stages.page_ranges import PageRange
from transforms.storage import files
from transforms.storage.uris import is_local

READS = "reads"
"""The stream of entries that say that a page has begun; they are not taken up."""


def _no_page(_value: Any) -> None:
    return None


@dataclass(frozen=True)
class KeptStream:
    """How the elements of a stream become entries of parts, and come back.

    ``key_of`` gives the id of an element's document, or the URI of its file; ``encode`` its bytes;
    ``page_of`` its page, or None where it is not of one page.
    """

    name: str
    kind: Any
    key_of: Callable[[Any], str]
    encode: Callable[[Any], bytes]
    decode: Callable[[str, bytes], Any]
    page_of: Callable[[Any], int | None] = _no_page


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


def _page(value: Any) -> int | None:
    return value.page


def _range_key(part: PageRange) -> str:
    return part.document.document_id


def _range_bytes(part: PageRange) -> bytes:
    return json.dumps([astuple(part.document), part.first, part.last]).encode()


def _range_of(_key: str, data: bytes) -> PageRange:
    document, first, last = json.loads(data)
    return PageRange(Document(*document), first, last)


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]


def _second(pair: tuple[str, bytes]) -> bytes:
    return pair[1]


def _fact(document_id: str, data: bytes) -> tuple[str, bytes]:
    return document_id, data


def _page_of_fact(pair: tuple[str, bytes]) -> int:
    kind, *what = json.loads(pair[1])
    return what[1] if kind == "page" else what[0]


READ_FAILURES = KeptStream("read_failures", Failure, _document_id, _failure_bytes, _failure_of, _page)
"""Of reading: such a page may go on, with a part of it missing, or has never begun."""
FAILURES = KeptStream("failures", Failure, _document_id, _failure_bytes, _failure_of, _page)
DOCUMENTS = KeptStream("documents", Document, _document_id, _document_bytes, _document_of)
PAGE_RANGES = KeptStream("ranges", PageRange, _range_key, _range_bytes, _range_of)
"""Ranges of long documents that were read to their end."""
FACTS = KeptStream("facts", tuple[str, bytes], _first, _second, _fact, _page_of_fact)
"""Of pages: what the summary needs to know of them."""


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
        entry = Entry(stream.name, stream.key_of(value), stream.encode(value), stream.page_of(value))
        self._journal.add(entry)
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
        self._journal.add(Entry(READS, text.document_id, json.dumps([text.uri, text.page]).encode()))
        yield page


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
