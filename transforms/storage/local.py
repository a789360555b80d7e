"""Files of this machine: lists them by pattern and reads them, whatever kind of file they are.

Beam's own listing recurses, so that some thousand nested folders end it. It passes over folders that cannot
be listed, and over links that lead nowhere, silently.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from beam_kie.document import Category, DocumentError
from beam_kie.imaging.limits import check_file_size
from transforms.storage.patterns import fixed_prefix, has_magic, matcher
from transforms.storage.stored import StoredFile
from transforms.storage.uris import local_path, uri_of

ANY_SIZE = 2**62
"""For what only this job wrote, which is read back whole, however large."""


def match(pattern: str, unreadable: bool = False) -> Iterator[StoredFile]:
    """The files that a pattern matches, as the listing is read; links to folders are not followed.

    Args:
        pattern: a path or file:// URI in which ``*``, ``?``, ``[`` and ``**`` mean what they mean to Beam.
        unreadable: also give links that lead nowhere, and folders that may hold matches but cannot be listed,
            each with a size and time of None: who reads them learns why.
    """
    pattern = local_path(pattern)
    if not has_magic(pattern):
        if os.path.lexists(pattern) and not os.path.isdir(pattern):
            yield from _file(pattern, unreadable)
        return
    matches = matcher(pattern)
    for path, is_file in _below(fixed_prefix(pattern), _levels(pattern)):
        if not is_file:
            if unreadable:
                yield StoredFile(uri_of(path), None, None)
        elif matches(path):
            yield from _file(path, unreadable)


def look(uri: str) -> StoredFile | None:
    """The size and time of the file that ``uri`` names; None where there is none, or a folder.

    Args:
        uri: of a file of this machine.
    """
    path = local_path(uri)
    return None if os.path.isdir(path) else next(_file(path, unreadable=False), None)


def files_below(folder: str) -> Iterator[str]:
    """The URIs of all files below a folder; none where there is no such folder.

    Args:
        folder: its URI or path.
    """
    return (uri_of(path) for path, is_file in _below(local_path(folder).rstrip("/") + "/", None) if is_file)


def read(uri: str, max_bytes: int) -> bytes:
    """The bytes of a file; never waits for what is no plain file.

    Args:
        uri: of a file of this machine.
        max_bytes: of a file that grows meanwhile one byte more is read at most; ANY_SIZE: all of it.

    Raises:
        DocumentError: it is a pipe, socket or device, or has more than ``max_bytes``.
        OSError: it cannot be read; PermissionError also for a folder that cannot be listed.
    """
    path = local_path(uri)
    if os.path.isdir(path):
        os.scandir(path).close()
        raise IsADirectoryError(path)
    # Without O_NONBLOCK, opening a pipe waits for its other end, and reading /proc/kmsg for the next message.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise DocumentError(
                Category.SOURCE_UNAVAILABLE, "this is a pipe or device, not a file; name files only"
            )
        check_file_size(status.st_size, max_bytes)
        # Python allocates all that may be read before it reads.
        return file.read() if max_bytes == ANY_SIZE else file.read(max_bytes + 1)


def _file(path: str, unreadable: bool) -> Iterator[StoredFile]:
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # ValueError: a name that no file can have, from a list of names
        if unreadable:
            yield StoredFile(uri_of(path), None, None)
        return
    yield StoredFile(uri_of(path), status.st_size, status.st_mtime)


def _levels(pattern: str) -> int | None:
    """How many folders deep below its fixed part a pattern reaches; None: any depth."""
    folder = os.path.dirname(fixed_prefix(pattern))
    return None if "**" in pattern else pattern.count("/") - folder.count("/") - 1


def _below(prefix: str, levels: int | None) -> Iterator[tuple[str, bool]]:
    """Paths of files below the folder of ``prefix``, and of folders that cannot be listed (then False)."""
    waiting = [(os.path.dirname(prefix) or ".", 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except FileNotFoundError:
            continue
        except OSError:
            yield folder, False
            continue
        folders = []
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                folders.append((entry.path, depth + 1))
            elif not _leads_to_folder(entry):
                yield entry.path, True
        if levels is None or depth < levels:
            waiting += reversed(folders)


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or one that may not be followed
        return False
