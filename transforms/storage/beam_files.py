"""Every filesystem that only Beam knows, through its FileSystems, and the matching of local files."""

from __future__ import annotations

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from transforms.storage.patterns import escape_pattern
from transforms.storage.retries import Attempt
from transforms.storage.stored import Page, StoredFile

PERMISSIONS = dict.fromkeys(("read", "write", "list", "delete"), "access to it")


def read(uri: str, max_bytes: int, _attempt: Attempt) -> bytes:
    """The file's bytes; at most one more than ``max_bytes``.

    Args:
        uri: a local path or URI.
        max_bytes: the largest size that is wanted; one more byte shows that there is more.
        _attempt: not used: Beam's filesystems know no time limits.
    """
    with FileSystems.open(uri, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return file.read(max_bytes + 1)


def write(uri: str, data: bytes, _attempt: Attempt) -> None:
    """Make or replace the file.

    Args:
        uri: a local path or URI.
        data: the whole file.
        _attempt: not used: Beam's filesystems know no time limits.
    """
    with FileSystems.create(uri, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(data)


def create(uri: str, data: bytes, attempt: Attempt) -> bool:
    """Make the file: these filesystems know no condition.

    Args:
        uri: a local path or URI.
        data: the whole file.
        attempt: not used: Beam's filesystems know no time limits.
    """
    write(uri, data, attempt)
    return True


def look(uri: str, _attempt: Attempt | None = None) -> StoredFile | None:
    """The file's size and time; None where there is none.

    Args:
        uri: a local path or URI.
        _attempt: not used: Beam's filesystems know no time limits.
    """
    return next(iter(match(escape_pattern(uri))), None)


def delete(uri: str, _attempt: Attempt) -> None:
    """Delete the file.

    Args:
        uri: a local path or URI.
        _attempt: not used: Beam's filesystems know no time limits.
    """
    FileSystems.delete([uri])


def list_page(prefix: str, _token: str | None, _attempt: Attempt) -> Page:
    """All files whose URI begins with ``prefix``.

    Args:
        prefix: a URI as far as it is fixed.
        _token: not used: the whole listing is one page.
        _attempt: not used: Beam's filesystems know no time limits.
    """
    return match(f"{escape_pattern(prefix)}**"), None


def match(pattern: str) -> list[StoredFile]:
    """The files that a Beam pattern matches; time is None where the filesystem does not say.

    Args:
        pattern: a Beam pattern.
    """
    (result,) = FileSystems.match([pattern])
    return [
        StoredFile(found.path, found.size_in_bytes, found.last_updated_in_seconds or None)
        for found in result.metadata_list
    ]
