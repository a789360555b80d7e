"""Tables for a terminal, also where characters are two columns wide."""

from __future__ import annotations

from collections.abc import Sequence

from wcwidth import clip, wcswidth


def text_width(text: str) -> int:
    """How many columns of a terminal a text takes.

    Args:
        text: printable, on one line.
    """
    return wcswidth(text)


def shorten(text: str, width: int) -> str:
    """A text on one line of a terminal.

    Args:
        text: any text; runs of white space and control characters become single spaces.
        width: how many columns it may take, at least 1.

    Returns:
        The text, cut to ``width`` columns with an ellipsis where it is longer.
    """
    printable = "".join(char if char.isprintable() else " " for char in text)
    text = " ".join(printable.split())
    return text if text_width(text) <= width else clip(text, 0, width - 1).rstrip() + "…"


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], max_width: int = 40) -> str:
    """A table in aligned columns.

    Args:
        header: the title of every column.
        rows: as many cells as there are titles.
        max_width: the most columns of the terminal that one column of the table takes; longer cells are cut.

    Returns:
        The lines of the table, without a line end behind the last.
    """
    cells = [[shorten(cell, max_width) for cell in row] for row in [header, *rows]]
    widths = [max(text_width(row[index]) for row in cells) for index in range(len(header))]
    cells.insert(1, ["-" * width for width in widths])
    lines = (
        "  ".join(cell + " " * (width - text_width(cell)) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)
