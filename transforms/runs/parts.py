"""Parts: what a run has done so far, kept under ``--output`` so that ``--resume`` goes on from there.

Every worker thread collects what its pages yield (rows, counts, failures, ...) and writes it as one file, a
part, between two pages: after so many pages, bytes or seconds, and at the end of a bundle. A part appears as
a whole or not at all, so that no further commit is needed. Its entries are as elements are shuffled: the
stream that they belong to, the id of their document, and bytes.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple

import pyarrow as pa

from beam_kie import __version__
from beam_kie.document import DocumentError
from beam_kie.options import values_of
from beam_kie.tables.schema import SCHEMA_VERSION, Provenance
from transforms.config import LIMIT_OPTIONS, RESULT_OPTIONS, JobConfig
from transforms.runs import paths
from transforms.runs.finished_runs import unreadable
from transforms.storage import files
from transforms.storage.patterns import escape_pattern

_MOST_BYTES = 16 * 2**20
_MOST_SECONDS = 60.0

_MADE_LIKE = b"made_like"
_SCHEMA = pa.schema(
    [("stream", pa.string()), ("document_id", pa.string()), ("data", pa.binary()), ("page", pa.int32())]
)
_BATCH = 1_000


class Entry(NamedTuple):
    """An element of a stream, as its bytes; what is not of one document goes by the file's URI.

    ``page`` is None where it is not of one page.
    """

    stream: str
    document_id: str
    data: bytes
    page: int | None = None


@dataclass(frozen=True, slots=True)
class PartSettings:
    """Where the parts of a run lie, and when one ends. ``made_like`` is equal for parts that go together."""

    folder: str
    made_like: str
    most_pages: int
    timeout_s: float


def part_settings(config: JobConfig, provenance: Provenance) -> PartSettings:
    """The parts of a run.

    Args:
        config: the job.
        provenance: names and revisions of OCR and model.
    """
    names = (*RESULT_OPTIONS, *LIMIT_OPTIONS, "review")
    options = {name: value for name, value in values_of(config).items() if name in names}
    versions = [__version__, SCHEMA_VERSION, *_SCHEMA.names]
    alike = json.dumps([asdict(provenance), options, versions], sort_keys=True, default=str)
    return PartSettings(
        folder=paths.parts_folder(config.output, config.run_id),
        made_like=hashlib.sha256(alike.encode()).hexdigest()[:16],
        most_pages=config.part_pages,
        timeout_s=config.storage_timeout_s,
    )


class Journal:
    """The part that a thread is working on.

    Args:
        settings: of the run's parts.
    """

    def __init__(self, settings: PartSettings):
        self._settings = settings
        self.discard()

    def discard(self) -> None:
        """Forget what is not written: the bundle that it belongs to failed."""
        self._entries: list[Entry] = []
        self._bytes = self._pages = 0
        self._began = time.monotonic()

    def add(self, entry: Entry) -> None:
        """Take one entry; nothing is written yet.

        Args:
            entry: of any stream.
        """
        self._entries.append(entry)
        self._bytes += len(entry.data)

    def next_page(self) -> None:
        """Write the part if it is full. To be called when nothing of the page before is on its way."""
        is_old = time.monotonic() - self._began > _MOST_SECONDS
        if self._pages >= self._settings.most_pages or self._bytes > _MOST_BYTES or is_old:
            self.write()
        self._pages += 1

    def write(self) -> None:
        """Write the part, if there is anything in it, and begin another.

        Raises:
            OSError: it cannot be written (StorageError for a remote storage).
        """
        if self._entries:
            path = f"{self._settings.folder}/part-{uuid.uuid4().hex}.arrow"
            data = _encoded(self._entries, self._settings.made_like)
            files.write_bytes(path, data, self._settings.timeout_s)
        self.discard()


_of_thread = threading.local()


def journal_of_thread(settings: PartSettings) -> Journal:
    """The journal of this thread: all steps that work on a page share it, so that parts hold whole pages.

    Args:
        settings: of the run's parts.
    """
    journals = _of_thread.__dict__.setdefault("journals", {})
    if settings not in journals:
        journals.clear()  # of a run before, in the same process
        journals[settings] = Journal(settings)
    return journals[settings]


def list_parts(folder: str, timeout_s: float) -> Iterator[str]:
    """The paths of all parts of a run.

    Args:
        folder: of the run's parts.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: the storage does not answer, after transient errors were retried.
    """
    pattern = f"{escape_pattern(folder)}/part-*.arrow"
    return (file.uri for file in files.match(pattern, timeout_s=timeout_s))


def fits(settings: PartSettings) -> bool:
    """Whether the run has parts, and was begun with the same models and options.

    Args:
        settings: of the run's parts.

    Raises:
        UnreadableRunError: a part is damaged.
        StorageError: the storage does not answer, after transient errors were retried.
    """
    first = next(list_parts(settings.folder, settings.timeout_s), None)
    if first is None:
        return False
    with _opened(first, settings) as part:
        return _is_alike(part, settings)


def read_part(path: str, settings: PartSettings) -> Iterator[Entry]:
    """The entries of a part in their order; none of one that was made with other models or options.

    Args:
        path: of the part.
        settings: of the run's parts.

    Raises:
        UnreadableRunError: it is damaged.
    """
    try:
        with _opened(path, settings) as part:
            if _is_alike(part, settings):
                for batch in part:
                    for values in zip(*(c.to_pylist() for c in batch), strict=True):
                        yield Entry(*values)
    except pa.ArrowException as error:
        raise unreadable(path, error) from error


def _is_alike(part: pa.RecordBatchStreamReader, settings: PartSettings) -> bool:
    return (part.schema.metadata or {}).get(_MADE_LIKE) == settings.made_like.encode()


def _opened(path: str, settings: PartSettings) -> pa.RecordBatchStreamReader:
    try:
        return pa.ipc.open_stream(files.read_bytes(path, timeout_s=settings.timeout_s))
    except (DocumentError, pa.ArrowException) as error:
        raise unreadable(path, error) from error


def _encoded(entries: list[Entry], made_like: str) -> bytes:
    sink = pa.BufferOutputStream()
    schema = _SCHEMA.with_metadata({_MADE_LIKE: made_like.encode()})
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, schema, options=options) as stream:
        for start in range(0, len(entries), _BATCH):
            columns = [list(column) for column in zip(*entries[start : start + _BATCH], strict=True)]
            stream.write_batch(pa.record_batch(columns, schema=schema))
    return sink.getvalue().to_pybytes()
