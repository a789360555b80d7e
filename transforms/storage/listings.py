"""Listings that several workers read at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from transforms.storage import beam_files
from transforms.storage.asking import asked, listed, store_of
from transforms.storage.files import match
from transforms.storage.patterns import fixed_prefix, has_magic, matcher
from transforms.storage.ranges import ENOUGH, Ask, NotDivisibleError, Prefix, divide
from transforms.storage.retries import TIMEOUT_S
from transforms.storage.stored import StoredFile
from transforms.storage.uris import is_local

_PAGE_FILES = 1_000


def match_in_parts(
    pattern: str, timeout_s: float = TIMEOUT_S, enough: int = ENOUGH
) -> Iterator[StoredFile | Prefix]:
    """The files that a pattern matches, or, where they are very many, prefixes to list at the same time.

    Args:
        pattern: a Beam pattern.
        timeout_s: for how long transient errors are retried, in seconds, above 0.
        enough: about how many prefixes there are.

    Returns:
        Files, as ``match`` with ``unreadable`` gives them, and prefixes for ``match_below``.

    Raises:
        StorageError: the storage does not answer, after transient errors were retried.
    """
    prefix = fixed_prefix(pattern)
    is_long = has_magic(pattern) and "/" in prefix.partition("://")[2]
    if is_local(pattern) or not is_long or store_of(pattern) is beam_files:
        yield from match(pattern, timeout_s=timeout_s, unreadable=True)
        return

    def ask(beginning: str, after: str) -> StoredFile | None:
        return asked(
            "list", prefix, lambda store, attempt: store.first_after(beginning, after, attempt), timeout_s
        )

    matches, rest = matcher(pattern), listed(prefix, timeout_s)
    found: Iterable[StoredFile] = list(islice(rest, _PAGE_FILES + 1))
    if len(found) > _PAGE_FILES:
        try:
            prefixes, found = _divided(prefix, found, ask, enough)
            yield from prefixes
        except NotDivisibleError:
            found = chain(found, rest)
    yield from (file for file in found if matches(file.uri))


def match_below(prefix: Prefix, pattern: str, timeout_s: float = TIMEOUT_S) -> Iterator[StoredFile]:
    """The files with a prefix that a pattern matches, as the listing is read.

    Args:
        prefix: from ``match_in_parts``.
        pattern: the same Beam pattern.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: the storage does not answer, after transient errors were retried.
    """
    matches = matcher(pattern)
    return (file for file in listed(prefix.uri, timeout_s) if matches(file.uri))


def _divided(
    prefix: str, page: Sequence[StoredFile], ask: Ask, enough: int
) -> tuple[list[Prefix], list[StoredFile]]:
    """The prefixes of a listing that begins with a page of files, and files beside them."""
    prefixes, found = divide(prefix, page[0], ask, enough)
    beginnings, beside = tuple(each.uri for each in prefixes), {file.uri for file in found}
    # A storage that answers wrongly must not cost a file.
    if not all(file.uri in beside or file.uri.startswith(beginnings) for file in page):
        raise NotDivisibleError
    return prefixes, found
