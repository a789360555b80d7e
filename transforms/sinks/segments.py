"""Keeps rows on the disk of the run until their file is written; only their places are shuffled.

Local runners hold every shuffled element in memory until the run's end, at several times its size. Where the
workers share a disk (``JobConfig.scratch``), encoded rows are appended to files there, and for each bundle
one ``Segment`` of each file crosses the shuffle. A bundle that fails or is replayed leaves bytes that no
segment names, or the same rows twice, which the writer of the table keeps once.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import IO, Any, NamedTuple

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindows
from apache_beam.typehints.decorators import with_input_types, with_output_types
from apache_beam.utils.timestamp import MIN_TIMESTAMP

from beam_kie.tables.parquet import page_key

Place = tuple[str, int]
"""A table's name and the shard of it."""

PlacedRows = tuple[Place, bytes]
"""Encoded rows of one table and document, and the file that will hold them."""

_LENGTH = 4
_KEY_AT_MOST = 1024
_IN_MEMORY = 8 * 2**20
_MOST_WAITING = 2**20
_MOST_OPEN = 64


class Segment(NamedTuple):
    """Bytes ``start`` to ``end`` of a file: encoded rows, each behind its length in 4 bytes."""

    path: str
    start: int
    end: int


class ScratchError(OSError):
    """The run's scratch folder cannot be written or read; the message is one line that says what to do."""


@with_input_types(PlacedRows)
@with_output_types(tuple[Place, Segment])
class KeepRowsFn(beam.DoFn):
    """Appends rows to files of its own in ``folder`` and yields, at the end of a bundle, where they lie.

    Args:
        folder: for the files, on the disk of this machine.
    """

    def __init__(self, folder: str):
        self._folder = folder

    def setup(self):
        """Take names that no other thread or process takes: then a bundle's rows follow each other."""
        self._name = uuid.uuid4().hex

    def start_bundle(self):
        """Begin new segments behind what is there."""
        self._segments: dict[Place, Segment] = {}
        self._waiting: dict[Place, list[bytes]] = {}
        self._waiting_bytes = 0

    def process(self, placed: PlacedRows) -> None:
        """Append rows; nothing is yielded before the bundle ends.

        Args:
            placed: table and shard, and encoded rows of one page or document.

        Raises:
            ScratchError: the folder cannot be written.
        """
        place, encoded = placed
        self._waiting.setdefault(place, []).append(len(encoded).to_bytes(_LENGTH, "big") + encoded)
        self._waiting_bytes += len(encoded)
        # To open a file for each page takes longer than to write to it.
        if self._waiting_bytes >= _MOST_WAITING:
            self._write()

    def _write(self) -> None:
        for place, waiting in self._waiting.items():
            table, shard = place
            path = os.path.join(self._folder, f"{table}-{shard:05d}-{self._name}")
            start, end = _append(path, b"".join(waiting))
            known = self._segments.get(place)
            self._segments[place] = Segment(path, start if known is None else known.start, end)
        self._waiting, self._waiting_bytes = {}, 0

    def finish_bundle(self) -> Any:  # Beam declares None, but takes what is yielded
        """Yield a segment for each place.

        Raises:
            ScratchError: the folder cannot be written.
        """
        self._write()
        for placed in self._segments.items():
            yield GlobalWindows.windowed_value(placed, timestamp=MIN_TIMESTAMP)


def pages_of(segments: Iterable[Segment]) -> Iterator[list[bytes]]:
    """The rows in segments page by page, as ``write_pages`` takes them.

    In memory are the page in hand and, of all others, keys and places: about 250 bytes each.

    Args:
        segments: of one table and shard, in any order.

    Raises:
        ScratchError: a file cannot be read, or is shorter than it was written.
    """
    found = sorted((entry for segment in segments for entry in _entries(segment)), key=itemgetter(0))
    with _OpenFiles() as opened:
        for _, same in groupby(found, key=itemgetter(0)):
            yield [opened.read(path, at, length) for _, path, at, length in same]


@contextmanager
def pages_on_disk(encoded: Iterable[bytes]) -> Iterator[Iterator[list[bytes]]]:
    """Encoded rows in any order page by page, as ``write_pages`` takes them; inside a ``with`` block.

    They wait in a temporary file of this machine while they are put in order, so that memory holds what
    ``pages_of`` holds. A few megabytes stay in memory.

    Args:
        encoded: of one table and shard.

    Raises:
        OSError: there is no room for temporary files.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        found: list[tuple[bytes, int, int]] = []
        at = 0
        for data in encoded:
            if key := page_key(data):
                file.write(data)
                found.append((key, at, len(data)))
                at += len(data)
        found.sort()
        yield (
            [_read_from(file, at, length) for _, at, length in same]
            for _, same in groupby(found, key=itemgetter(0))
        )


def _read_from(file: IO[bytes], at: int, length: int) -> bytes:
    file.seek(at)
    return file.read(length)


def _entries(segment: Segment) -> Iterator[tuple[bytes, str, int, int]]:
    """Key, path, offset and length of every piece of encoded rows in a segment."""
    if segment.start == segment.end:
        return
    try:
        with open(segment.path, "rb") as file:
            at = segment.start
            while at < segment.end:
                file.seek(at)
                head = file.read(_LENGTH + _KEY_AT_MOST)
                at += _LENGTH
                length = int.from_bytes(head[:_LENGTH], "big")
                yield page_key(head[_LENGTH:]), segment.path, at, length
                at += length
    except OSError as error:
        raise _unreadable(segment.path, error) from error


class _OpenFiles:
    """Files that are read from here and there. There may be more of them than a process may hold open."""

    def __init__(self) -> None:
        self._descriptors: dict[str, int] = {}

    def __enter__(self) -> _OpenFiles:
        return self

    def __exit__(self, *_error: object) -> None:
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors.clear()

    def read(self, path: str, at: int, length: int) -> bytes:
        try:
            data = os.pread(self._opened(path), length, at)
        except OSError as error:
            raise _unreadable(path, error) from error
        if len(data) != length:
            told = f"{path} is shorter than it was written: the run cannot continue; run it again"
            raise ScratchError(told)
        return data

    def _opened(self, path: str) -> int:
        if path not in self._descriptors:
            if len(self._descriptors) >= _MOST_OPEN:
                os.close(self._descriptors.pop(next(iter(self._descriptors))))
            self._descriptors[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return self._descriptors[path]


def _append(path: str, data: bytes) -> tuple[int, int]:
    """Where ``data`` begins and ends in the file."""
    try:
        with open(path, "ab") as file:
            file.write(data)
            file.flush()
            return file.tell() - len(data), file.tell()
    except OSError as error:
        folder = os.path.dirname(path)
        raise ScratchError(
            f"rows cannot be kept in {folder} until their file is written ({error.strerror}); make room "
            "there, about 10 kB a page, and run it again"
        ) from error


def _unreadable(path: str, error: OSError) -> ScratchError:
    return ScratchError(
        f"rows that were kept in {path} cannot be read ({error.strerror}): all workers must see --output as "
        "one folder; with workers on several machines name a gs:// or s3:// one"
    )
