"""Requests to a remote storage: which module makes them, retries, and what an error means for the user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TypeVar

from transforms.storage import beam_files, gcs, s3
from transforms.storage.retries import (
    Attempt,
    StorageError,
    is_forbidden,
    is_not_found,
    is_transient,
    lacks_credentials,
    reason,
    retried,
    what_happened,
)
from transforms.storage.stored import StoredFile

T = TypeVar("T")


def store_of(uri: str) -> ModuleType:
    """The module for the storage of a file; all have the same functions.

    Args:
        uri: of the file, not a local path.
    """
    return {"gs": gcs, "s3": s3}.get(uri.partition("://")[0], beam_files)


def asked(purpose: str, uri: str, request: Callable[[ModuleType, Attempt], T], timeout_s: float) -> T:
    """The answer to a request.

    Args:
        purpose: read, write, list or delete.
        uri: of the file, or the beginning of several.
        request: asks the storage once.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: there was none.
    """
    store = store_of(uri)
    try:
        return retried(lambda attempt: request(store, attempt), timeout_s)
    except Exception as error:
        why = explain(error, store.PERMISSIONS[purpose], timeout_s) or reason(error)
        raise StorageError(f"cannot {purpose} {uri}: {why}", is_transient(error)) from error


def explain(error: Exception, permission: str, timeout_s: float) -> str | None:
    """The message for a failed request: why, and what to do.

    Args:
        error: of the request.
        permission: that it needs.
        timeout_s: for how long it was retried, in seconds.

    Returns:
        One line; None where nothing is known of such an error.
    """
    if isinstance(error, StorageError):
        return str(error)
    if lacks_credentials(error):
        return f"no valid credentials ({what_happened(error)}); check those of the account that runs the job"
    if is_not_found(error):
        return "there is no such bucket"
    if is_forbidden(error):
        return f"no permission; give the account that runs the job {permission}"
    if is_transient(error):
        given = f"{timeout_s:g} s (--storage_timeout_s)"
        return f"{what_happened(error)}, also after retries for up to {given}; run it again"
    return None


def listed(prefix: str, timeout_s: float) -> Iterator[StoredFile]:
    """The files of a remote storage with a prefix, page by page.

    Args:
        prefix: what their URIs begin with.
        timeout_s: for how long transient errors are retried, in seconds, above 0; each page has that long.

    Raises:
        StorageError: the storage does not answer, after transient errors were retried.
    """
    token = None
    while True:
        files, token = asked(
            "list", prefix, lambda store, attempt, at=token: store.list_page(prefix, at, attempt), timeout_s
        )
        yield from files
        if token is None:
            return
