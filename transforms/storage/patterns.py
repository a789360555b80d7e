"""Beam's file patterns: what is special in them, and which files they mean."""

from __future__ import annotations

import re
from collections.abc import Callable

from apache_beam.io.filesystem import FileSystem

_MAGIC = re.compile(r"[*?[]")


def has_magic(path: str) -> bool:
    """Whether ``path`` holds pattern characters."""
    return _MAGIC.search(path) is not None


def escape_pattern(path: str) -> str:
    """A Beam pattern that matches ``path`` and nothing else, also where it holds ``*``, ``?`` or ``[``."""
    return _MAGIC.sub(lambda found: f"[{found.group()}]", path)


def fixed_prefix(pattern: str) -> str:
    """What every path that ``pattern`` matches begins with."""
    return _MAGIC.split(pattern, maxsplit=1)[0]


def matcher(pattern: str) -> Callable[[str], object]:
    """A test for paths: true where Beam's ``pattern`` matches."""
    return re.compile(FileSystem.translate_pattern(pattern)).match
