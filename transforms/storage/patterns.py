"""Beam's file patterns: what is special in them, and which files they mean."""

from __future__ import annotations

import re
from collections.abc import Callable

from apache_beam.io.filesystem import FileSystem

_MAGIC = re.compile(r"[*?[]")


def has_magic(path: str) -> bool:
    """Whether a path holds pattern characters.

    Args:
        path: a path, URI or pattern.
    """
    return _MAGIC.search(path) is not None


def escape_pattern(path: str) -> str:
    """A Beam pattern that matches one path only, also where it holds ``*``, ``?`` or ``[``.

    Args:
        path: a path or URI.
    """
    return _MAGIC.sub(lambda found: f"[{found.group()}]", path)


def fixed_prefix(pattern: str) -> str:
    """What every path that a pattern matches begins with.

    Args:
        pattern: a Beam pattern.
    """
    return _MAGIC.split(pattern, maxsplit=1)[0]


def matcher(pattern: str) -> Callable[[str], object]:
    """A test for paths: true where the pattern matches.

    Args:
        pattern: a Beam pattern.
    """
    return re.compile(FileSystem.translate_pattern(pattern)).match
