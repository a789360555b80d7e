"""gs:// through one shared client per process; each function makes one request and does not retry."""

from __future__ import annotations

import contextlib
import functools
import io
import mimetypes
import os

from google.api_core.exceptions import NotFound
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
    """The object's bytes, checked against its checksum; at most one more than ``max_bytes``."""
    sink = _Sink(max_bytes, attempt)
    with contextlib.suppress(_Full):
        _blob(uri).download_to_file(sink, retry=None, timeout=attempt.silence_s)
    return sink.getvalue()


def write(uri: str, data: bytes, attempt: Attempt) -> None:
    """Make or replace the object, as a whole."""
    kind = mimetypes.guess_type(uri)[0] or "application/octet-stream"
    _blob(uri).upload_from_string(data, content_type=kind, retry=None, timeout=attempt.silence_s)


def look(uri: str, attempt: Attempt) -> StoredFile | None:
    """The object's size and time; None where there is none."""
    blob = _blob(uri)
    try:
        blob.reload(retry=None, timeout=attempt.silence_s)
    except NotFound:
        return None
    return _stored(blob)


def delete(uri: str, attempt: Attempt) -> None:
    """Delete the object, if it is there."""
    with contextlib.suppress(NotFound):  # somebody else was faster
        _blob(uri).delete(retry=None, timeout=attempt.silence_s)


def list_page(prefix: str, token: str | None, attempt: Attempt) -> Page:
    """Up to 1,000 objects whose URI begins with ``prefix``, and the token of the next page."""
    bucket, name = split_uri(prefix)
    found = _client().list_blobs(
        bucket,
        prefix=name or None,
        page_token=token,
        fields=_LISTED,
        retry=None,
        timeout=attempt.silence_s,
    )
    files = [_stored(blob) for blob in next(found.pages, ())]
    return files, found.next_page_token


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
