"""Requests to a remote storage: which errors are transient, how long to retry, what to report in the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from google.api_core.exceptions import RetryError
from google.api_core.retry import Retry
from google.auth.exceptions import TransportError
from google.cloud.storage.exceptions import DataCorruption

from transforms.metrics import count

T = TypeVar("T")

TIMEOUT_S = 120.0
"""For how many seconds requests for one file or one page of a listing are retried by default."""

_TRANSIENT_STATUSES = frozenset([408, 429, 500, 502, 503, 504])
# Transient errors of S3 with a status that otherwise means an error of the client.
_TRANSIENT_S3_CODES = frozenset(["RequestTimeout", "Throttling", "SlowDown", "InternalError", "BadDigest"])
_LASTING_ERRORS = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
# boto3 is an extra, so its errors are known by name: no answer, or one that broke off or was damaged.
_TRANSIENT_BOTO_ERRORS = {
    "HTTPClientError",
    "ConnectionError",
    "IncompleteReadError",
    "FlexibleChecksumError",
}
_CREDENTIAL_ERRORS = {
    "DefaultCredentialsError",
    "RefreshError",
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "TokenRetrievalError",
}


class StorageError(OSError):
    """A request to a remote storage failed.

    Args:
        message: one line that says why, and what to do.
        transient: whether the same request may succeed in a later run.
    """

    def __init__(self, message: str, transient: bool = False):
        super().__init__(message)
        self.transient = transient


class Attempt(NamedTuple):
    """How long one request may take: ``silence_s`` without a byte, ``deadline`` by time.monotonic()."""

    silence_s: float
    deadline: float

    def check(self) -> None:
        """Checks the deadline: for data that flows, but too slowly.

        Raises:
            TimeoutError: the time is over.
        """
        if time.monotonic() > self.deadline:
            raise TimeoutError("the storage sends too slowly")


def retried(request: Callable[[Attempt], T], timeout_s: float = TIMEOUT_S) -> T:
    """What a request returns, sent again after transient errors.

    The waits double from half a second (less where little time is given), each with jitter. A request that
    receives nothing is given up after a third of the time, so that at least one more can follow.

    Args:
        request: sends one request within the limits that it is given.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        RetryError: transient errors until the time was over; its ``cause`` is the last of them.
        Exception: the first error that is not transient.
    """
    attempt = Attempt(silence_s=timeout_s / 3, deadline=time.monotonic() + timeout_s)
    retry = Retry(
        predicate=is_transient,
        initial=min(0.5, timeout_s / 100),
        maximum=min(10.0, timeout_s / 10),
        multiplier=2.0,
        # The last request may take its third.
        timeout=timeout_s * 2 / 3,
        on_error=lambda _: count("storage_retries"),
    )
    return retry(lambda: request(attempt))()


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed a little later.

    Args:
        error: what was raised.
    """
    if isinstance(error, StorageError):
        return error.transient
    status = http_status(error)
    if status is not None:
        return status in _TRANSIENT_STATUSES or _s3_code(error) in _TRANSIENT_S3_CODES
    if isinstance(error, _LASTING_ERRORS) or is_not_found(error):
        return False
    if _is_boto(error):
        return not _names(error).isdisjoint(_TRANSIENT_BOTO_ERRORS)
    # OSError is the base of the errors of requests, of sockets and of Beam's filesystems.
    return isinstance(error, RetryError | TransportError | DataCorruption | OSError)


def http_status(error: Exception) -> int | None:
    """The status that a storage answered with: the same for Google's, boto's and Beam's errors.

    Args:
        error: what was raised.

    Returns:
        None where the error is no answer of a storage.
    """
    code = getattr(error, "code", None)
    if code is None:
        code = _response(error).get("ResponseMetadata", {}).get("HTTPStatusCode")
    return int(code) if isinstance(code, int) else None


def is_not_found(error: Exception) -> bool:
    """Whether there is no such file, folder or bucket.

    Args:
        error: what was raised.
    """
    # Beam's filesystems report a missing object as a plain OSError with this text.
    says_so = str(error).lower().startswith("not found")
    return isinstance(error, FileNotFoundError) or http_status(error) == 404 or says_so


def is_forbidden(error: Exception) -> bool:
    """Whether the storage knows the account, but refuses it.

    Args:
        error: what was raised.
    """
    return isinstance(error, PermissionError) or http_status(error) == 403


def lacks_credentials(error: Exception) -> bool:
    """Whether there are no credentials, or none that the storage accepts.

    Args:
        error: what was raised.
    """
    return http_status(error) == 401 or not _names(error).isdisjoint(_CREDENTIAL_ERRORS)


def last_cause(error: Exception) -> Exception:
    """The error behind a RetryError; any other error itself.

    Args:
        error: what was raised.
    """
    cause = getattr(error, "cause", None)
    return cause if isinstance(error, RetryError) and isinstance(cause, Exception) else error


def reason(error: Exception) -> str:
    """The innermost cause of a filesystem's error on one line; Beam wraps it in several layers.

    Args:
        error: what was raised.
    """
    details = getattr(error, "exception_details", None)
    if details:
        error = next(iter(details.values()))
        return reason(error) if isinstance(error, Exception) else str(error)
    error = last_cause(error)
    if isinstance(error, StorageError):
        return str(error)
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def what_happened(error: Exception) -> str:
    """A few words for a failure's message: the status, or the kind of error.

    Args:
        error: what was raised.
    """
    error = last_cause(error)
    status = http_status(error)
    return f"HTTP {status}" if status is not None else type(error).__name__


def _s3_code(error: Exception) -> str | None:
    return _response(error).get("Error", {}).get("Code")


def _response(error: Exception) -> dict[str, Any]:
    """What boto3 keeps of an answer; empty for other errors."""
    response = getattr(error, "response", None)
    return response if isinstance(response, dict) else {}


def _is_boto(error: Exception) -> bool:
    return any(kind.__module__.split(".")[0] in ("botocore", "boto3") for kind in type(error).__mro__)


def _names(error: Exception) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}
