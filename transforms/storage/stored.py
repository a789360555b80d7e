"""Types that all storages share: a stored file, a page of a listing, and the parts of a URI."""

from __future__ import annotations

from typing import NamedTuple


class StoredFile(NamedTuple):
    """A file that is there: its URI, size in bytes and time of its last change in seconds since 1970.

    ``source_version`` is what the storage calls these very bytes (generation, ETag); None where it does not.
    """

    uri: str
    size_bytes: int | None
    updated_at_s: float | None
    source_version: str | None = None


Page = tuple[list[StoredFile], str | None]
"""Part of a listing, and what to ask for the next part with; None behind the last."""


def split_uri(uri: str) -> tuple[str, str]:
    """The parts of ``scheme://bucket/name``.

    Args:
        uri: of an object, or the beginning of one.

    Returns:
        The bucket, and the object's name or its beginning.
    """
    bucket, _, name = uri.partition("://")[2].partition("/")
    return bucket, name
