"""Downloads of files: complete and checksummed."""

from __future__ import annotations

import hashlib
import http.client
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from model_store.errors import FetchError

Opener = Callable[[str], BinaryIO]
"""Opens an address for reading; raises FileNotFoundError where nothing is there."""

CHUNK = 1024 * 1024
TIMEOUT_SECONDS = 60
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_openers: dict[str, Opener] = {}


class Downloaded(NamedTuple):
    """SHA-256 (hex) and size of a file that was fetched."""

    sha256: str
    bytes: int


def register_opener(scheme: str, opener: Opener) -> None:
    """Registers the function that reads addresses of a scheme, as of a cloud storage with a client of its
    own.

    Args:
        scheme: of the addresses: "gs".
        opener: opens an address.
    """
    _openers[scheme] = opener


def has_opener(scheme: str) -> bool:
    """Whether an opener was registered for the scheme.

    Args:
        scheme: of an address, without ":".
    """
    return scheme in _openers


def without_query(url: str) -> str:
    """An address as it may be printed and recorded: a query can hold a signature.

    Args:
        url: of a file.
    """
    return url.partition("?")[0]


def download(
    url: str, target: Path, expected_sha256: str | None = None, token: str | None = None
) -> Downloaded:
    """Writes what is at ``url`` to a file.

    Args:
        url: an https address, or one of a scheme that has an opener.
        target: the file to write, which must not exist; after an error it does not.
        expected_sha256: what the file must have, 64 hex digits; None: not known.
        token: a bearer token for the server at ``url``; servers that it redirects to do not get it.

    Returns:
        The checksum and the size of what was written.

    Raises:
        FileNotFoundError: where nothing is there.
        FetchError: where it cannot be read to its end, or is not what ``expected_sha256`` says.
    """
    digest, size, shown = hashlib.sha256(), 0, without_query(url)
    try:
        with _open(url, expected_sha256 is not None, token) as source, open(target, "xb") as file:
            total = _length(source)
            progress = Progress(target.name, total)
            while chunk := source.read(CHUNK):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                progress.update(size)
            progress.end(size)
        if total is not None and size != total:
            raise FetchError(f"{shown}: ended after {size} of {total} bytes; try again")
        if expected_sha256 is not None and digest.hexdigest() != expected_sha256:
            raise FetchError(
                f"{shown}: not the file that it should be: its SHA-256 is {digest.hexdigest()}, "
                f"not {expected_sha256}"
            )
    except FileNotFoundError:
        target.unlink(missing_ok=True)
        raise
    except (OSError, http.client.HTTPException) as error:
        target.unlink(missing_ok=True)
        raise FetchError(f"{shown}: cannot be read: {_reason(error)}") from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Downloaded(digest.hexdigest(), size)


class Progress:
    """Writes the progress of a long download to standard error: one line rewritten, or a new one every 15
    seconds.

    Args:
        name: of what is downloaded.
        total: its bytes; None: not known.
        clock: seconds from any start.
    """

    SILENT_SECONDS = 2.0

    def __init__(self, name: str, total: int | None, clock: Callable[[], float] = time.monotonic):
        self.name, self.total, self.clock = name, total, clock
        self.terminal = sys.stderr.isatty()
        self.pause = 0.5 if self.terminal else 15.0
        self.started = clock()
        self.next = self.started + self.SILENT_SECONDS
        self.shown = False

    def update(self, done: int) -> None:
        """Writes the progress, where it is time to.

        Args:
            done: bytes so far.
        """
        now = self.clock()
        if now < self.next:
            return
        self.next, self.shown = now + self.pause, True
        speed = done / max(now - self.started, 1e-9)
        share = f" of {self.total / 1e6:.0f} MB, {done / self.total:.0%}" if self.total else " MB"
        self._write(f"{self.name}: {done / 1e6:.0f}{share}, {speed / 1e6:.1f} MB/s")

    def end(self, done: int) -> None:
        """Closes the line, if there is one.

        Args:
            done: bytes in all.
        """
        if self.shown:
            self._write(f"{self.name}: {done / 1e6:.0f} MB")
            if self.terminal:
                sys.stderr.write("\n")

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r{text:<78}" if self.terminal else f"{text}\n")
        sys.stderr.flush()


def _open(url: str, pinned: bool, token: str | None) -> BinaryIO:
    parts, shown = urllib.parse.urlsplit(url), without_query(url)
    if parts.scheme in _openers:
        return _openers[parts.scheme](url)
    if parts.scheme not in ("https", "http"):
        raise FetchError(f"{shown}: nothing here can read {parts.scheme}:// addresses")
    if parts.scheme == "http" and not pinned and parts.hostname not in _LOOPBACK:
        raise FetchError(f"{shown}: use https, or add #sha256=... so that the file can be checked")
    request = urllib.request.Request(url)
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        return _web.open(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (404, 410):
            raise FileNotFoundError(f"{shown}: nothing is there") from error
        raise FetchError(f"{shown}: the server answers {error.code} {error.reason}") from error


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):
        """Follows redirects, but never from https to http."""
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise FetchError(f"{without_query(req.full_url)}: refused: leads to an address without https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_web = urllib.request.build_opener(_Redirects)


def _length(source: BinaryIO) -> int | None:
    headers: Mapping[str, str] | None = getattr(source, "headers", None)
    value = headers.get("Content-Length") if headers is not None else None
    return int(value) if value and value.isdigit() else None


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return " ".join(str(reason or error or type(error).__name__).split())
