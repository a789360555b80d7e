"""Which files a run reads: folders, patterns, single files and manifests turned into what Beam matches.

A file's identity is its URI, so local paths become absolute: the same file has the same URI however it
was typed. Nothing here lists more than it must; the pipeline itself does the matching.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from transforms.storage import files
from transforms.storage.patterns import escape_pattern, has_magic, matcher
from transforms.storage.retries import TIMEOUT_S, reason
from transforms.storage.uris import absolute_uri, is_local

_SYSTEM_NAMES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})
# How many files of a pattern are looked at before launch to see that one of them is worth reading.
_SAMPLE_FILES = 20


class InputError(ValueError):
    """An input that cannot be read; the message is one line that says which and what to do."""


def is_system_file(uri: str) -> bool:
    """Whether a pattern should pass over this file: hidden files, what desktops leave behind, folder marks.

    Only for files that a pattern or folder found; a file that was named one by one is always read.
    """
    parts = uri.split("/")
    name = parts[-1]
    return not name or name.startswith(".") or name.lower() in _SYSTEM_NAMES or "__MACOSX" in parts


def normalise_inputs(inputs: Sequence[str], timeout_s: float = TIMEOUT_S) -> tuple[str, ...]:
    """The Beam patterns for what ``--input`` was given, without duplicates, in the order given.

    A folder becomes "every file below it"; ``**/`` also stands for no folder at all, as in a shell; a
    file whose own name holds pattern characters is taken as that file. One input may give several
    patterns, of which only some match anything.

    Raises:
        InputError: no filesystem for the scheme, or it refuses to be asked.
        StorageError: it is there, but did not answer in ``timeout_s`` seconds.
    """
    return tuple(dict.fromkeys(pattern for text in inputs for pattern in _patterns_of(text, timeout_s)))


def check_inputs(inputs: Sequence[str], timeout_s: float = TIMEOUT_S) -> None:
    """Make sure that every input matches at least one file, looking at a few files of each.

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
    """Whether any of the Beam ``patterns`` would match the file ``path``."""
    return any(matcher(pattern)(path) for pattern in patterns)


def read_manifest(path: str) -> Iterator[str]:
    """The URIs that the manifest at ``path`` lists, one at a time, in its order; duplicates are kept.

    A name that ends in .csv or .tsv (or that with .gz) is a table: its column ``uri``, or else its
    first column. Anything else is text with one URI a line. Blank lines and lines that begin with
    ``#`` are passed over.

    Raises:
        InputError: the manifest cannot be read or is not UTF-8.
    """
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
            # Beam's own decompressing reader cannot be wrapped as text.
            data = gzip.GzipFile(fileobj=stream) if path.lower().endswith(".gz") else stream
            yield from manifest_uris(path, io.TextIOWrapper(data, encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"manifest {path!r} is not UTF-8 text: save it as UTF-8") from error
    except (OSError, BeamIOError, ValueError) as error:
        raise InputError(f"cannot read the manifest {path!r}: {reason(error)}") from error


def manifest_uris(name: str, lines: Iterable[str]) -> Iterator[str]:
    """The URIs in the ``lines`` of a manifest called ``name``; see ``read_manifest``."""
    lines = (line for line in lines if line.strip() and not line.lstrip().startswith("#"))
    kind = re.sub(r"\.gz$", "", name.lower())
    if kind.endswith((".csv", ".tsv")):
        values = _column(csv.reader(lines, delimiter="\t" if kind.endswith(".tsv") else ","))
    else:
        values = iter(lines)
    return (absolute_uri(value) for value in values if value.strip())


def _column(rows: Iterator[list[str]]) -> Iterator[str]:
    """The column named uri, or the first one (whose first cell is a header if it cannot be a path)."""
    first = next(rows, None)
    if first is None:
        return
    names = [cell.strip().lower() for cell in first]
    index = names.index("uri") if "uri" in names else 0
    if "uri" not in names and re.search(r"[./]", names[0]):
        yield first[0]
    for row in rows:
        if len(row) > index:
            yield row[index]


def _patterns_of(text: str, timeout_s: float) -> tuple[str, ...]:
    """The Beam patterns that one input stands for."""
    uri = absolute_uri(text)
    folder = _folder_pattern(uri, timeout_s)
    if folder:
        return (folder,)
    if is_local(uri) and os.path.exists(uri):
        return (escape_pattern(uri),)
    # "scans/**/*.png" is for Beam "scans/", anything, "/", a name: it would miss scans/a.png.
    uri = re.sub(r"\*\*/\*(?=[^*/][^/]*$|$)", "**", uri)
    parts = uri.split("/**/")
    choices = itertools.product(("/**/", "/"), repeat=len(parts) - 1)
    return tuple("".join(itertools.chain(*zip(parts, (*gaps, ""), strict=True))) for gaps in choices)


def _folder_pattern(uri: str, timeout_s: float) -> str | None:
    """The pattern of all files below ``uri`` if it is a folder, else None."""
    if is_local(uri):
        return escape_pattern(uri.rstrip("/")) + "/**" if os.path.isdir(uri) else None
    if has_magic(uri):
        return uri + "**" if uri.endswith("/") else None
    below = uri.rstrip("/") + "/**"
    if uri.endswith("/") or "/" not in uri.split("://", 1)[1]:
        return below
    return below if not _exists(uri, timeout_s) and _matches_any(below, timeout_s) else None


def _matches_any(pattern: str, timeout_s: float) -> bool:
    try:
        found = list(files.match(pattern, _SAMPLE_FILES, timeout_s))
    except (BeamIOError, ValueError, OSError) as error:
        raise _unreadable(pattern, error) from error
    if not has_magic(pattern):
        return bool(found)
    return len(found) == _SAMPLE_FILES or any(not is_system_file(file.uri) for file in found)


def _exists(uri: str, timeout_s: float) -> bool:
    try:
        return files.exists(uri, timeout_s)
    except (BeamIOError, ValueError, OSError) as error:
        raise _unreadable(uri, error) from error


def _unreadable(uri: str, error: Exception) -> Exception:
    """What to raise where a storage could not be asked; a busy one is no mistake of the user's."""
    if "Unable to get filesystem" in str(error):
        return InputError(f"no filesystem for {uri!r}: use local paths, gs:// or s3://")
    if isinstance(error, files.StorageError):
        return error if error.transient else InputError(f"--input: {error}")
    return InputError(f"cannot look for {uri!r}: {reason(error)}")
