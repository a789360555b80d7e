"""Which files a run reads: folders, patterns and single files turned into what Beam matches; manifests.

A file's identity is its URI, so local paths become absolute: the same file has the same URI however it
was typed. Nothing here lists more than it must; the pipeline itself does the matching.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Sequence

from apache_beam.io.filesystem import BeamIOError

from transforms.stages.manifests import InputError, manifest_uris, read_manifest
from transforms.storage import files
from transforms.storage.patterns import escape_pattern, fixed_prefix, has_magic, matcher
from transforms.storage.retries import TIMEOUT_S, reason
from transforms.storage.uris import absolute_uri, is_local, local_path

__all__ = [
    "InputError",
    "check_inputs",
    "covers",
    "ending_of",
    "is_no_document",
    "is_system_file",
    "manifest_uris",
    "normalise_inputs",
    "read_manifest",
    "without_links",
]

_SYSTEM_NAMES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})
# What lies beside scans and cannot be one. Not archives, office files and XML, which may hold documents: that
# these are not read is a failure.
_NO_DOCUMENTS = frozenset(
    {".md", ".txt", ".log", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".ini", ".parquet"}
    | {".py", ".ipynb", ".sh", ".sql", ".md5", ".sha256"}
)
# How many files of a pattern are listed before launch to check that one of them will be read.
_SAMPLE_FILES = 20


def is_system_file(uri: str) -> bool:
    """Whether a pattern should pass over this file: hidden files, what desktops leave behind, folder marks.

    Only for files that a pattern or folder found; a file that was named one by one is always read.

    Args:
        uri: of a file that was found.
    """
    parts = uri.split("/")
    name = parts[-1]
    return not name or name.startswith(".") or name.lower() in _SYSTEM_NAMES or "__MACOSX" in parts


def is_no_document(uri: str, pattern: str) -> bool:
    """Whether a pattern should pass over this file because its ending says that it is text or data, no scan.

    Not where the pattern itself ends like that: then such files are asked for.

    Args:
        uri: of a file that was found.
        pattern: that found it.
    """
    ending = ending_of(uri)
    return ending in _NO_DOCUMENTS and not pattern.lower().endswith(ending)


def ending_of(uri: str) -> str:
    """The ending of a file's name in small letters, with its point; empty where there is none.

    Args:
        uri: of the file.
    """
    return os.path.splitext(uri.rsplit("/", 1)[-1])[1].lower()


def normalise_inputs(inputs: Sequence[str], timeout_s: float = TIMEOUT_S) -> tuple[str, ...]:
    """The Beam patterns for what ``--input`` was given, without duplicates, in the order given.

    A folder becomes "every file below it"; ``**/`` also stands for no folder at all, as in a shell; a file
    whose own name holds pattern characters is taken as that file. One input may give several patterns, of
    which only some match anything.

    Args:
        inputs: folders, patterns and files, as they were typed.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        InputError: no filesystem for the scheme, or it refuses the request.
        StorageError: it is there, but did not answer in ``timeout_s`` seconds.
    """
    return tuple(dict.fromkeys(pattern for text in inputs for pattern in _patterns_of(text, timeout_s)))


def check_inputs(inputs: Sequence[str], timeout_s: float = TIMEOUT_S) -> None:
    """Make sure that every input matches at least one file, looking at a few files of each.

    Args:
        inputs: folders, patterns and files, as they were typed.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        InputError: names every input that matches nothing.
        StorageError: a storage did not answer in ``timeout_s`` seconds.
    """
    empty = [
        text
        for text in inputs
        if not any(_matches_any(pattern, timeout_s) for pattern in _patterns_of(text, timeout_s))
    ]
    if not empty:
        return
    message = "--input matches no file: " + ", ".join(repr(text) for text in empty)
    if any(re.search(r"\{[^{}]*,[^{}]*\}", text) for text in empty):
        message += " (patterns know *, ** and ?, not {a,b}: give each alternative as a pattern of its own)"
    raise InputError(message)


def covers(patterns: Sequence[str], path: str) -> bool:
    """Whether any Beam pattern would match a file.

    Args:
        patterns: from ``normalise_inputs``.
        path: of the file, which need not exist.
    """
    return any(matcher(local_path(pattern))(path) for pattern in patterns)


def without_links(patterns: Sequence[str]) -> tuple[str, ...]:
    """Beam patterns with the links in their fixed part followed, as in outputs; remote ones as they are.

    Args:
        patterns: from ``normalise_inputs``.
    """
    return tuple(_without_links(pattern) if is_local(pattern) else pattern for pattern in patterns)


def _without_links(pattern: str) -> str:
    path = local_path(pattern)
    folder, separator, _ = fixed_prefix(path).rpartition("/")
    if not separator:
        return path
    return escape_pattern(os.path.realpath(folder or "/").rstrip("/")) + path[len(folder) :]


def _patterns_of(text: str, timeout_s: float) -> tuple[str, ...]:
    """The Beam patterns that one input stands for."""
    uri = absolute_uri(text)
    folder = _folder_pattern(uri, timeout_s)
    if folder:
        return (folder,)
    if is_local(uri) and os.path.lexists(local_path(uri)):
        return (escape_pattern(uri),)
    # "scans/**/*.png" is for Beam "scans/", anything, "/", a name: it would miss scans/a.png.
    uri = re.sub(r"\*\*/\*(?=[^*/][^/]*$|$)", "**", uri)
    parts = uri.split("/**/")
    choices = itertools.product(("/**/", "/"), repeat=len(parts) - 1)
    return tuple("".join(itertools.chain(*zip(parts, (*gaps, ""), strict=True))) for gaps in choices)


def _folder_pattern(uri: str, timeout_s: float) -> str | None:
    """The pattern of all files below ``uri`` if it is a folder, else None."""
    if is_local(uri):
        return escape_pattern(uri.rstrip("/")) + "/**" if os.path.isdir(local_path(uri)) else None
    if has_magic(uri):
        return uri + "**" if uri.endswith("/") else None
    below = uri.rstrip("/") + "/**"
    if uri.endswith("/") or "/" not in uri.split("://", 1)[1]:
        return below
    return below if not _exists(uri, timeout_s) and _matches_any(below, timeout_s) else None


def _matches_any(pattern: str, timeout_s: float) -> bool:
    try:
        found = list(files.match(pattern, _SAMPLE_FILES, timeout_s, unreadable=True))
    except (BeamIOError, ValueError, OSError) as error:
        raise _unreadable(pattern, error) from error
    if not has_magic(pattern):
        return bool(found)
    return len(found) == _SAMPLE_FILES or any(
        not (is_system_file(file.uri) or is_no_document(file.uri, pattern)) for file in found
    )


def _exists(uri: str, timeout_s: float) -> bool:
    try:
        return files.exists(uri, timeout_s)
    except (BeamIOError, ValueError, OSError) as error:
        raise _unreadable(uri, error) from error


def _unreadable(uri: str, error: Exception) -> Exception:
    """The error to raise after a request to a storage failed; a busy storage is no mistake of the user's."""
    if "Unable to get filesystem" in str(error):
        return InputError(f"no filesystem for {uri!r}: use local paths, gs:// or s3://")
    if isinstance(error, files.StorageError):
        return error if error.transient else InputError(f"--input: {error}")
    return InputError(f"cannot find {uri!r}: {reason(error)}")
