"""Ranges of pages of long documents: cut where a file was opened, and read by any worker."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from beam_kie.document import Category, Document, DocumentError, Failure, Stage
from beam_kie.failures import failure_of
from beam_kie.imaging.page_ranges import cut_pages
from transforms.config import JobConfig
from transforms.metrics import count
from transforms.storage.files import read_bytes

RANGES = "ranges"

_ADVICE = "Check that the file can be read, then run it again."
_CHANGED = "the file has changed while the run read its pages: run it again"


@dataclass(frozen=True, slots=True)
class PageRange:
    """Pages ``first`` to ``last`` of a document that was opened, from 1."""

    document: Document
    first: int
    last: int


def pages_to_read(document: Document, max_pages: int) -> int:
    """How many pages of an opened document are read.

    Args:
        document: as it is known once it was opened.
        max_pages: the limit of the run.
    """
    return min(document.page_count or 0, max_pages)


def cut(document: Document, config: JobConfig) -> list[PageRange]:
    """The ranges of a document that is too long to be read by one worker.

    Args:
        document: as it is known once it was opened, or once that failed.
        config: the run's.

    Returns:
        The ranges in order; none where the document is read as a whole.
    """
    pages, most = pages_to_read(document, config.limits.max_pages), config.ranges.range_pages
    if not 0 < most < pages:
        return []
    return [PageRange(document, first, last) for first, last in cut_pages(1, pages, most)]


def range_failures(part: PageRange, stage: Stage, error: Exception) -> Iterator[Failure]:
    """The failures of all pages of a range: none of them can be read.

    Args:
        part: the range.
        stage: READ or DECODE.
        error: what was raised.
    """
    is_reading = stage is Stage.READ
    category = Category.SOURCE_UNAVAILABLE if is_reading else Category.FILE_CORRUPT
    failure = failure_of(error, part.document, stage, category, _ADVICE, retryable=is_reading)
    return (replace(failure, page=page) for page in range(part.first, part.last + 1))


class LongFile:
    """The bytes of a file, which threads that read ranges of it at the same time share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._data: bytes | None = None

    def read(self, document: Document, config: JobConfig) -> bytes | Exception:
        """Read the file, once.

        Args:
            document: as it was known when it was cut.
            config: the run's.

        Returns:
            Its bytes, or why they cannot be read; DocumentError where they are others than then.
        """
        with self._lock:
            if self._data is None:
                data = _read(document, config)
                if isinstance(data, Exception):
                    return data
                self._data = data
            return self._data


_files: WeakValueDictionary[str, LongFile] = WeakValueDictionary()
_lock = threading.Lock()


def long_file(document: Document) -> LongFile:
    """The file of a document, in this process: the one that others hold, if any do.

    Args:
        document: of a range.

    Returns:
        The file, to be held as long as ranges of it are read.
    """
    with _lock:
        file = _files.get(document.document_id)
        if file is None:
            file = _files[document.document_id] = LongFile()
        return file


def _read(document: Document, config: JobConfig) -> bytes | Exception:
    limit, timeout_s = config.limits.max_file_bytes, config.storage_timeout_s
    try:
        data = read_bytes(document.uri, limit, document.size_bytes, timeout_s=timeout_s)
    except Exception as error:
        return error
    count("bytes_read", len(data))
    if hashlib.sha256(data).hexdigest() != document.content_sha256:
        return DocumentError(Category.SOURCE_UNAVAILABLE, _CHANGED, retryable=True)
    return data
