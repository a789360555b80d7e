"""Tables for a terminal, also where characters are two columns wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def text_width(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    return sum(_char_width(char) for char in text)


def shorten(text: str, width: int) -> str:
    """``text`` on one line, without control characters, cut to ``width`` columns with an ellipsis."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    text = " ".join(printable.split())
    if text_width(text) <= width:
        return text
    kept, room = [], width - 1
    for char in text:
        room -= _char_width(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + "…"


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], max_width: int = 40) -> str:
    """``rows`` under ``header`` in aligned columns, none wider than ``max_width``."""
    cells = [[shorten(cell, max_width) for cell in row] for row in [header, *rows]]
    widths = [max(text_width(row[index]) for row in cells) for index in range(len(header))]
    cells.insert(1, ["-" * width for width in widths])
    lines = (
        "  ".join(cell + " " * (width - text_width(cell)) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
