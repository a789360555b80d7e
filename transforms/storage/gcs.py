"""gs:// through one shared client per process; each function makes one request and does not retry."""

from __future__ import annotations

import contextlib
import functools
import io
import mimetypes
import os
from typing import Any

from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud import storage
from requests.adapters import HTTPAdapter

from transforms.storage.retries import Attempt
from transforms.storage.stored import Page, StoredFile, split_uri

PERMISSIONS = {
    "read": "storage.objects.get",
    "write": "storage.objects.create, and storage.objects.delete to replace files",
    "list": "storage.objects.list",
    "delete": "storage.objects.delete",
}

# Threads of a process that ask at once; more connections would be opened and thrown away.
_CONNECTIONS = 32
_LISTED = "items(name,size,updated,generation),nextPageToken"


def read(uri: str, max_bytes: int, attempt: Attempt) -> bytes:
    """The object's bytes, checked against its checksum; at most one more than ``max_bytes``.

    Args:
        uri: a local path or URI.
        max_bytes: the largest size that is wanted; one more byte shows that there is more.
        attempt: the time limits of this request.
    """
    sink = _Sink(max_bytes, attempt)
    with contextlib.suppress(_Full):
        _blob(uri).download_to_file(sink, **_once(attempt))
    return sink.getvalue()


def write(uri: str, data: bytes, attempt: Attempt) -> None:
    """Make or replace the object, as a whole.

    Args:
        uri: a local path or URI.
        data: the whole object.
        attempt: the time limits of this request.
    """
    kind = mimetypes.guess_type(uri)[0] or "application/octet-stream"
    _blob(uri).upload_from_string(data, content_type=kind, **_once(attempt))


def create(uri: str, data: bytes, attempt: Attempt) -> bool:
    """Make the object unless it is there; whether it was made.

    Args:
        uri: of the object.
        data: the whole object.
        attempt: the time limits of this request.
    """
    try:
        _blob(uri).upload_from_string(data, if_generation_match=0, **_once(attempt))
    except PreconditionFailed:
        return False
    return True


def look(uri: str, attempt: Attempt) -> StoredFile | None:
    """The object's size and time; None where there is none.

    Args:
        uri: a local path or URI.
        attempt: the time limits of this request.
    """
    blob = _blob(uri)
    try:
        blob.reload(**_once(attempt))
    except NotFound:
        return None
    return _stored(blob)


def delete(uri: str, attempt: Attempt) -> None:
    """Delete the object, if it is there.

    Args:
        uri: a local path or URI.
        attempt: the time limits of this request.
    """
    with contextlib.suppress(NotFound):  # another process was faster
        _blob(uri).delete(**_once(attempt))


def first_after(prefix: str, after: str, attempt: Attempt) -> StoredFile | None:
    """The first object whose URI begins with ``prefix`` and comes after another URI; None: there is none.

    Args:
        prefix: a URI as far as it is fixed.
        after: a URI, of an object or not.
        attempt: the time limits of this request.
    """
    bucket, name = split_uri(prefix)
    found = _client().list_blobs(
        bucket,
        prefix=name or None,
        start_offset=split_uri(after)[1],
        max_results=2,
        fields=_LISTED,
        **_once(attempt),
    )
    files = [_stored(blob) for blob in next(found.pages, ())]
    return next((file for file in files if file.uri != after), None)


def list_page(prefix: str, token: str | None, attempt: Attempt) -> Page:
    """Up to 1,000 objects whose URI begins with ``prefix``, and the token of the next page.

    Args:
        prefix: a URI as far as it is fixed.
        token: of the page, from the page before; None for the first.
        attempt: the time limits of this request.
    """
    bucket, name = split_uri(prefix)
    found = _client().list_blobs(
        bucket,
        prefix=name or None,
        page_token=token,
        fields=_LISTED,
        **_once(attempt),
    )
    files = [_stored(blob) for blob in next(found.pages, ())]
    return files, found.next_page_token


def _once(attempt: Attempt) -> dict[str, Any]:
    """What makes the client send one request, with this attempt's time limit."""
    return {"retry": None, "timeout": attempt.silence_s}


class _Full(Exception):
    """More bytes came than are wanted."""


class _Sink(io.BytesIO):
    """Takes what is downloaded, up to a size and an end."""

    def __init__(self, max_bytes: int, attempt: Attempt):
        super().__init__()
        self._max_bytes = max_bytes
        self._attempt = attempt

    def write(self, data) -> int:
        self._attempt.check()
        written = super().write(data)
        if self.tell() > self._max_bytes:
            raise _Full
        return written


def _stored(blob: storage.Blob) -> StoredFile:
    updated_at_s = blob.updated.timestamp() if blob.updated else None
    generation = None if blob.generation is None else str(blob.generation)
    return StoredFile(f"gs://{blob.bucket.name}/{blob.name}", blob.size, updated_at_s, generation)


def _blob(uri: str) -> storage.Blob:
    bucket, name = split_uri(uri)
    return _client().bucket(bucket).blob(name)


def _client() -> storage.Client:
    # A client's connections must not be shared with a forked process, nor outlive another emulator.
    return _client_of(os.getpid(), os.environ.get("STORAGE_EMULATOR_HOST"))


@functools.lru_cache(maxsize=1)
def _client_of(_process: int, _emulator: str | None) -> storage.Client:
    # No project: reading and writing objects needs none.
    client = storage.Client(project=None)
    for scheme in ("https://", "http://"):
        client._http.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
    return client
