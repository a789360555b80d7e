"""Escapes text before it is printed: file names and recognised text can hold control characters."""

from __future__ import annotations

import unicodedata

# Control characters move a terminal's cursor or end a line; format characters turn text round.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


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


def is_unsafe(char: str) -> bool:
    """Whether a character acts on the text around it instead of being shown, or is no character at all.

    Args:
        char: one character.
    """
    return unicodedata.category(char) in _UNSAFE


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()
