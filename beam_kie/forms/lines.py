"""The text lines of a form as an OCR engine finds them: neighbours on one baseline run together."""

from __future__ import annotations

from typing import NamedTuple

from beam_kie.document import LineSpan, Polygon
from beam_kie.forms.model import Layout


class VisualLine(NamedTuple):
    """One line of text. ``spans`` say which characters belong to which entry (``line`` is its id)."""

    text: str
    polygon: Polygon
    spans: tuple[LineSpan, ...]


def visual_lines(layout: Layout, gap: float = 0.5) -> list[VisualLine]:
    """The lines of an unscanned layout, top to bottom and left to right.

    Pieces on one baseline are one line where no more than ``gap`` times their height is between them; a space
    is put where it is wider than a sixth of the height.

    Args:
        layout: of ``generate_layout``; all text is upright, no scan has turned it.
        gap: in heights of the lower piece, 0 or more.
    """
    pieces = [
        (entry.id, piece.text, piece.polygon[0], piece.polygon[1], piece.polygon[4], piece.polygon[5])
        for entry in layout.entries
        for piece in entry.pieces
    ]
    pieces.sort(key=lambda piece: (piece[3] + piece[5], piece[2]))
    rows: list[list[tuple]] = []
    for piece in pieces:
        for row in reversed(rows[-6:]):
            if _same_row(row[-1], piece):
                row.append(piece)
                break
        else:
            rows.append([piece])
    lines = []
    for row in rows:
        row.sort(key=lambda piece: piece[2])
        run = [row[0]]
        for piece in row[1:]:
            height = min(run[-1][5] - run[-1][3], piece[5] - piece[3])
            if 0 <= piece[2] - run[-1][4] + 0.2 * height <= (gap + 0.2) * height:
                run.append(piece)
            else:
                lines.append(_joined(run))
                run = [piece]
        lines.append(_joined(run))
    return lines


def _same_row(first: tuple, second: tuple) -> bool:
    height = min(first[5] - first[3], second[5] - second[3])
    taller = max(first[5] - first[3], second[5] - second[3])
    return min(first[5], second[5]) - max(first[3], second[3]) > 0.6 * height and taller < 1.8 * height


def _joined(run: list[tuple]) -> VisualLine:
    text = ""
    spans = []
    end = None
    for number, own, x0, y0, x1, y1 in run:
        if end is not None and x0 - end > (y1 - y0) / 6:
            text += " "
        spans.append(LineSpan(number, len(text), len(text) + len(own)))
        text += own
        end = x1
    x0, x1 = run[0][2], max(piece[4] for piece in run)
    y0, y1 = min(piece[3] for piece in run), max(piece[5] for piece in run)
    return VisualLine(text, (x0, y0, x1, y0, x1, y1, x0, y1), tuple(spans))
