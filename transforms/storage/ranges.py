"""Divides a long listing of an object storage into prefixes, which can be listed at the same time.

A storage lists names in their order, 1,000 at a time, each page after the one before. But the first name
after another one it tells at once. So one question finds the next character that follows a prefix, and
prefixes are divided until there are enough, without listing what they hold.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from transforms.storage.stored import StoredFile

ENOUGH = 128
"""Prefixes that a listing is divided into, if it can be."""

_LAST = "\U0010ffff"
_QUESTIONS_AT_ONCE = 32
_MOST_ROUNDS = 8

Ask = Callable[[str, str], StoredFile | None]
"""The first file of a storage whose URI begins with a prefix and comes after another; None: there is none."""


class NotDivisibleError(Exception):
    """The storage does not tell what comes after a name."""


class Prefix(NamedTuple):
    """A part of a listing: what begins with ``uri``."""

    uri: str


class _Node(NamedTuple):
    prefix: str
    first: StoredFile


def divide(
    prefix: str, first: StoredFile, ask: Ask, enough: int = ENOUGH
) -> tuple[list[Prefix], list[StoredFile]]:
    """Divide a prefix.

    Args:
        prefix: what all URIs of the listing begin with.
        first: the first file of the listing.
        ask: asks the storage.
        enough: prefixes are no longer divided where there are so many.

    Returns:
        Prefixes in their order, none of which begins with another, and files beside them: together they are
        the whole listing, each file once.

    Raises:
        NotDivisibleError: the storage does not tell what comes after a name.
    """
    nodes, files = [_Node(prefix, first)], []
    with ThreadPoolExecutor(_QUESTIONS_AT_ONCE) as pool:
        for _ in range(_MOST_ROUNDS):
            if not nodes or len(nodes) >= enough:
                break
            divided = list(pool.map(lambda node: _divide(node, ask), nodes))
            nodes = [child for children, _ in divided for child in children]
            files += [file for _, found in divided for file in found]
    return [Prefix(node.prefix) for node in nodes], files


def _divide(node: _Node, ask: Ask) -> tuple[list[_Node], list[StoredFile]]:
    """The prefixes that are longer by the next character in which names differ, and a file that is none."""
    first: StoredFile | None = node.first
    prefix, files = _longest_common(node, ask), []
    if first.uri == prefix:
        files.append(first)
        first = ask(prefix, prefix)
    children: list[_Node] = []
    while first is not None:
        child = first.uri[: len(prefix) + 1]
        if children and child <= children[-1].prefix:
            raise NotDivisibleError
        children.append(_Node(child, first))
        first = ask(prefix, child + _LAST)
    return children, files


def _longest_common(node: _Node, ask: Ask) -> str:
    """The longest beginning that all names with a prefix share."""
    known, longest = len(node.prefix), len(node.first.uri)
    while known < longest:
        middle = (known + longest + 1) // 2
        if ask(node.prefix, node.first.uri[:middle] + _LAST) is None:
            known = middle
        else:
            longest = middle - 1
    return node.first.uri[:known]
