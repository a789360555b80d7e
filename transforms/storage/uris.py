"""Local paths and URIs: which is which, and the one spelling of each."""

from __future__ import annotations

import os
import re
from urllib.parse import quote, unquote_to_bytes

_FILE = "file://"
_SCHEME = re.compile(r"^[a-zA-Z][-a-zA-Z0-9+.]*://")


def is_local(uri: str) -> bool:
    """Whether ``uri`` is a path of this machine, plain or as ``file://``, rather than ``scheme://...``.

    Args:
        uri: a local path or URI.
    """
    return uri.startswith(_FILE) or not _SCHEME.match(uri)


def local_path(uri: str) -> str:
    """The path that a local URI names: ``file://`` is unquoted, a plain path stays as it is.

    Args:
        uri: of a file of this machine.
    """
    if not uri.startswith(_FILE):
        return uri
    return os.fsdecode(unquote_to_bytes(uri.removeprefix(_FILE)))


def uri_of(path: str) -> str:
    """The URI of a local path: the path itself where it is text, else ``file://`` with its bytes quoted.

    A name of a file is bytes. One that is not UTF-8 (from old archives and shares) fits into no table; quoted
    it does, and ``local_path`` gives the path back. Pattern characters stay as they are.

    Args:
        path: as ``os`` gives it, undecodable bytes as surrogates.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return _FILE + quote(os.fsencode(path), safe="/*?[]")
    return path


def absolute_uri(uri: str) -> str:
    """The one spelling of a URI: local paths absolute, ``~`` and ``file://`` resolved, others as they are.

    Args:
        uri: as it was typed, also with spaces around it.
    """
    uri = uri.strip()
    if not is_local(uri):
        return uri
    path = local_path(uri)
    absolute = os.path.abspath(os.path.expanduser(path))
    return uri_of(absolute + "/" if path.endswith("/") and absolute != "/" else absolute)
