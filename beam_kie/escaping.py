"""Escapes text before it is printed: file names and recognised text can hold control characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

# Control characters move a terminal's cursor or end a line; format characters turn text round.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_MOST_NAMES = 8
_LONGEST_NAME = 60


def printable(text: str, keep: str = "") -> str:
    """``text`` with everything that is not plain text as Python writes it: ``\\x1b``, ``\\u202e``.

    Args:
        text: any text, half surrogate pairs included.
        keep: characters that stay as they are all the same, for example line ends.

    Returns:
        Text that can be encoded as UTF-8 and does nothing to a terminal.
    """
    if text.isprintable():
        return text
    return "".join(char if char in keep or not is_unsafe(char) else _escape(char) for char in text)


def listed(names: Iterable[str]) -> str:
    """The first names in alphabetical order, safe to print, and cut where they are long.

    Args:
        names: any number, from elsewhere.
    """
    first = sorted(names)[:_MOST_NAMES]
    return ", ".join(printable(name[:_LONGEST_NAME]) for name in first)


def whole_characters(text: str) -> str:
    """``text`` that any file can hold: halves of surrogate pairs are joined, those left over become U+FFFD.

    Args:
        text: as JSON, or a reader that counts in UTF-16, gives it.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_unsafe(char: str) -> bool:
    """Whether a character acts on the text around it instead of being shown, or is no character at all.

    Args:
        char: one character.
    """
    return unicodedata.category(char) in _UNSAFE


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()
