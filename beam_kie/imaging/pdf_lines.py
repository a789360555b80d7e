"""Single characters with their boxes, as a PDF page holds them, joined to lines of text."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from beam_kie.document import Box, TextLine
from beam_kie.escaping import whole_characters
from beam_kie.geometry import box_polygon, union_box

# In heights of the smaller of two characters. A gap wider than the first separates cells or columns, one
# wider than the second separates words; a character may reach back over the one before it (accents,
# kerning) by the third; two characters on one line share at least the fourth.
_CELL_GAP = 0.8
_WORD_GAP = 0.15
_OVERLAP = 0.75
_SAME_LINE = 0.5


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character and its box, y growing downwards, on a page on which its text runs left to right.

    ``box`` is None for a space that is not in the file but belongs between its neighbours. ``index`` is
    the place of the character on the page, for the caller alone.
    """

    text: str
    box: Box | None
    index: int = -1


def assemble_lines(glyphs: Iterable[Glyph]) -> list[TextLine]:
    """Characters in the file's order as lines, from top to bottom and left to right.

    Files write words, even single characters, in any order. So first the characters that follow each
    other in the file and on the page are joined, which keeps scripts that run from right to left in
    their order, and then the runs that continue each other on the page. Words far apart stay lines of
    their own; white space inside a line becomes single spaces.

    Args:
        glyphs: the characters of one page in the file's order.

    Returns:
        The lines, with polygons in the pixels of the glyphs' boxes. Columns of Chinese or Japanese are
        lines as well, from right to left.
    """
    return [line for _, line in assemble_glyphs(glyphs)]


def assemble_glyphs(glyphs: Iterable[Glyph]) -> list[tuple[list[Glyph], TextLine]]:
    """The lines that ``assemble_lines`` makes of characters, each with its characters.

    Args:
        glyphs: the characters of one page in the file's order.
    """
    glyphs = list(glyphs)
    if not _is_written_down(glyphs):
        return [(members, line_of(members)) for members in _assembled(glyphs)]
    # Columns are rows once the page is turned by a quarter.
    turned = [
        Glyph(glyph.text, None if glyph.box is None else _turned(glyph.box), glyph.index) for glyph in glyphs
    ]
    return [
        (members, TextLine(line_of(members).text, box_polygon(_turned_back(line_of(members).box))))
        for members in _assembled(turned)
    ]


def _is_written_down(glyphs: Sequence[Glyph]) -> bool:
    """Whether most characters are wide ones that stand right below the one before them in the file."""
    inked = [glyph for glyph in glyphs if glyph.box is not None and not glyph.text.isspace()]
    below = sum(
        unicodedata.east_asian_width(glyph.text[0]) in "WF" and _is_below(_box(before), _box(glyph))
        for before, glyph in itertools.pairwise(inked)
    )
    return len(inked) > 2 and 2 * below > len(inked)


def _is_below(upper: Box, lower: Box) -> bool:
    width = min(upper[2] - upper[0], lower[2] - lower[0])
    shared = min(upper[2], lower[2]) - max(upper[0], lower[0])
    gap = lower[1] - upper[3]
    # As in a row: no wider a gap than between cells, and little overlap.
    return shared >= _SAME_LINE * width and -_OVERLAP * width <= gap <= width


def _turned(box: Box) -> Box:
    x0, y0, x1, y1 = box
    return (y0, -x1, y1, -x0)


def _turned_back(box: Box) -> Box:
    x0, y0, x1, y1 = box
    return (-y1, x0, -y0, x1)


def _assembled(glyphs: Iterable[Glyph]) -> list[list[Glyph]]:
    runs: list[list[Glyph]] = []
    for glyph in glyphs:
        if glyph.box is None:
            if runs:
                runs[-1].append(glyph)
        elif runs and _are_neighbours(_last_box(runs[-1]), glyph.box):
            runs[-1].append(glyph)
        else:
            runs.append([glyph])
    written = [stripped for stripped in map(_strip, runs) if stripped]
    return [line for row in _rows(written) for line in _join(row)]


def _are_neighbours(previous: Box, following: Box) -> bool:
    """Whether a character stands beside another on one line, without a gap that separates cells."""
    height = min(previous[3] - previous[1], following[3] - following[1])
    shared = min(previous[3], following[3]) - max(previous[1], following[1])
    return (
        shared >= _SAME_LINE * height
        and -_OVERLAP * height <= _gap(previous, following) <= _CELL_GAP * height
    )


def _gap(previous: Box, following: Box) -> float:
    """The distance between two boxes on either side; negative where they overlap."""
    return max(following[0] - previous[2], previous[0] - following[2])


def _box(glyph: Glyph) -> Box:
    """The box of a character that is no generated space, as all at the ends of stripped runs."""
    if glyph.box is None:
        raise ValueError("a run of characters begins or ends with a generated space")
    return glyph.box


def _last_box(run: Sequence[Glyph]) -> Box:
    return next(glyph.box for glyph in reversed(run) if glyph.box is not None)


def _strip(run: Sequence[Glyph]) -> list[Glyph]:
    """The run without white space at its ends."""
    inked = [position for position, glyph in enumerate(run) if not glyph.text.isspace()]
    return list(run[inked[0] : inked[-1] + 1]) if inked else []


def _rows(runs: Sequence[list[Glyph]]) -> list[list[list[Glyph]]]:
    """The runs by rows of the page, from top to bottom."""
    rows: list[list[list[Glyph]]] = []
    last_middle = last_height = 0.0
    for run in sorted(runs, key=_middle):
        box = _box(run[0])
        middle, height = _middle(run), box[3] - box[1]
        if rows and middle - last_middle <= (1 - _SAME_LINE) * min(height, last_height):
            rows[-1].append(run)
        else:
            rows.append([run])
        last_middle, last_height = middle, height
    return rows


def _middle(run: Sequence[Glyph]) -> float:
    box = _box(run[0])
    return (box[1] + box[3]) / 2


def _join(row: Iterable[list[Glyph]]) -> list[list[Glyph]]:
    """The runs of a row, joined where one continues another, from left to right."""
    lines: list[list[Glyph]] = []
    for run in sorted(row, key=lambda run: _box(run[0])[0]):
        box = _box(run[0])
        line = next((line for line in reversed(lines) if _are_neighbours(_box(line[-1]), box)), None)
        if line is None:
            lines.append(list(run))
            continue
        if _gap(_box(line[-1]), box) > _WORD_GAP * (box[3] - box[1]):
            line.append(Glyph(" ", None))
        line.extend(run)
    return lines


def line_of(glyphs: Sequence[Glyph]) -> TextLine:
    """A line of characters, with a polygon in the pixels of their boxes.

    Args:
        glyphs: of the line, in its order; the first and the last have a box.
    """
    # Characters above U+FFFF may come as two halves.
    text = whole_characters(" ".join("".join(glyph.text for glyph in glyphs).split()))
    box = union_box(glyph.box for glyph in glyphs if glyph.box is not None)
    return TextLine(text, box_polygon(box))
