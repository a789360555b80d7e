"""Paths of this machine and URIs of elsewhere: which is which, and the one spelling of each."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, urlsplit

_FILE = "file://"
_SCHEME = re.compile(r"^[a-zA-Z][-a-zA-Z0-9+.]*://")


def is_local(uri: str) -> bool:
    """Whether ``uri`` is a path of this machine, plain or as ``file://``, rather than ``scheme://...``."""
    return uri.startswith(_FILE) or not _SCHEME.match(uri)


def local_path(uri: str) -> str:
    """The path that a local ``uri`` names: a ``file://`` URI is unquoted, a plain path stays as it is."""
    return unquote(urlsplit(uri).path) if uri.startswith(_FILE) else uri


def absolute_uri(uri: str) -> str:
    """The one spelling of a URI: local paths absolute, ``~`` and ``file://`` resolved, others as they are."""
    uri = uri.strip()
    if not is_local(uri):
        return uri
    path = local_path(uri)
    absolute = os.path.abspath(os.path.expanduser(path))
    return absolute + "/" if path.endswith("/") and absolute != "/" else absolute
