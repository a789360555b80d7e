"""Which text a mark belongs to: the one behind it or the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from beam_kie.document import Box, PageText
from beam_kie.ticks.placing import Tick, find_ticks
from beam_kie.ticks.row import RowLine

_FARTHEST = 3.0
"""A text farther away than this, in heights of a line, stands beside no mark."""
_WHOLE_PAGE = 0.5
"""What the other marks of a page count beside those of the same line."""
_IN_ROW = 0.5
_NO_TEXT = frozenset(" \t_.,;:，。；：、·…-—)）(（】]|/／")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The text on one side of a mark: a line, the part of it, and its distance in heights of the line."""

    line: int
    start: int
    end: int
    gap: float
    is_key: bool = False
    """It ends with a colon: it says what is to be ticked, and is no option."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands on the left and on the right of a mark; None: nothing near."""

    left: Neighbour | None
    right: Neighbour | None


class Surroundings:
    """The texts around the marks of a page.

    Args:
        page: its lines.
        ticks: its marks.
    """

    def __init__(self, page: PageText, ticks: Sequence[Tick]):
        self._page = page
        self._rows = [RowLine.of(line) for line in page.lines]
        self._ticks = ticks
        self._of_line: dict[int, list[Tick]] = {}
        for tick in ticks:
            if tick.line is not None:
                self._of_line.setdefault(tick.line, []).append(tick)
        for found in self._of_line.values():
            found.sort(key=lambda tick: (tick.start, tick.box[0]))

    def beside(self, tick: Tick) -> Beside:
        """The texts on both sides of a mark, as far as the next mark.

        Args:
            tick: one of the page's.
        """
        left = right = None
        if tick.line is not None:
            own = self._of_line[tick.line]
            place = own.index(tick)
            start = own[place - 1].end if place else 0
            end = own[place + 1].start if place + 1 < len(own) else len(self._page.lines[tick.line].text)
            left = self._part(tick.line, start, tick.start, tick.box)
            right = self._part(tick.line, tick.end, end, tick.box)
            left = left if left or place else self._next_line(tick, -1)
            right = right if right or place + 1 < len(own) else self._next_line(tick, 1)
        else:
            left, right = self._next_line(tick, -1), self._next_line(tick, 1)
        return Beside(left, right)

    def _part(self, line: int, start: int, end: int, box: Box) -> Neighbour | None:
        text, row = self._page.lines[line].text, self._rows[line]
        inked = [place for place in range(start, end) if text[place] not in _NO_TEXT]
        if not inked or row is None:
            return None
        x0, _, x1, _ = row.box_of(inked[0], inked[-1] + 1)
        gap = max(x0 - box[2], box[0] - x1, 0.0) / row.height
        is_key = box[0] > x0 and any(char in ":：" for char in text[inked[-1] + 1 : end])
        return Neighbour(line, inked[0], inked[-1] + 1, gap, is_key) if gap <= _FARTHEST else None

    def _next_line(self, tick: Tick, side: int) -> Neighbour | None:
        """The nearest line on the left (-1) or right (1), unless a mark comes first."""
        best: Neighbour | None = None
        for line, row in enumerate(self._rows):
            if row is None or line == tick.line or not self._in_row(tick.box, line):
                continue
            own = self._of_line.get(line, [])
            text = self._page.lines[line].text
            start = own[-1].end if own and side < 0 else 0
            end = own[0].start if own and side > 0 else len(text)
            x0, _, x1, _ = self._page.lines[line].box
            if (side > 0 and (x0 + x1) / 2 < tick.box[2]) or (side < 0 and (x0 + x1) / 2 > tick.box[0]):
                continue
            found = self._part(line, start, end, tick.box)
            if found is not None and (best is None or found.gap < best.gap):
                best = found
        return best if best is None or not self._mark_between(tick, best, side) else None

    def _in_row(self, box: Box, line: int) -> bool:
        other = self._page.lines[line].box
        common = min(box[3], other[3]) - max(box[1], other[1])
        return common >= _IN_ROW * min(box[3] - box[1], other[3] - other[1])

    def _mark_between(self, tick: Tick, text: Neighbour, side: int) -> bool:
        row = self._rows[text.line]
        if row is None:
            return False
        x0, _, x1, _ = row.box_of(text.start, text.end)
        near, far = (tick.box[2], x0) if side > 0 else (x1, tick.box[0])
        return any(
            near - 1 < other.middle[0] < far + 1 and abs(other.middle[1] - tick.middle[1]) < tick.side
            for other in self._ticks
            if other is not tick
        )


def ticks_with_texts(page: PageText) -> list[tuple[Tick, Neighbour | None]]:
    """The marks of a page, each with the text that it belongs to.

    On a page the texts mostly stand on the same side of their marks. What looks like a mark and has neither
    text nor other marks around it is part of a picture, and left out.

    Args:
        page: its lines, what was seen on its picture, and the fields of its form.

    Returns:
        Marks from the top; None where no text is near on that side.
    """
    ticks = find_ticks(page)
    return [
        (tick, None if text is None or text.is_key else text)
        for tick, text in zip(ticks, _texts_of(page, ticks), strict=True)
        if tick.line is not None or tick.in_grid or text is not None
    ]


def _texts_of(page: PageText, ticks: Sequence[Tick]) -> list[Neighbour | None]:
    around = Surroundings(page, ticks)
    beside = [around.beside(tick) for tick in ticks]
    votes = [_vote(each) for each in beside]
    whole = sum(votes)
    rows: dict[int | None, float] = {}
    for tick, vote in zip(ticks, votes, strict=True):
        if tick.line is not None:
            rows[tick.line] = rows.get(tick.line, 0.0) + vote + _ending(page, tick)
    found = []
    for tick, each, vote in zip(ticks, beside, votes, strict=True):
        own = rows[tick.line] if tick.line is not None else vote
        others = max(-1.0, min(1.0, _WHOLE_PAGE * (whole - vote)))
        left = own + others < 0 and not (each.left is not None and each.left.is_key and each.right)
        found.append(each.left if left or each.right is None else each.right)
    return _each_once(found)


def _vote(beside: Beside) -> float:
    """Above 0: the text behind the mark is nearer, below 0: the one before it; -1 to 1."""
    left = _FARTHEST if beside.left is None or beside.left.is_key else beside.left.gap
    right = _FARTHEST if beside.right is None else beside.right.gap
    return max(-1.0, min(1.0, left - right))


def _ending(page: PageText, tick: Tick) -> float:
    """A line that begins with a mark has texts behind its marks, one that ends with a mark before them."""
    if tick.line is None:
        return 0.0
    text = page.lines[tick.line].text
    begins = all(char in _NO_TEXT for char in text[: tick.start])
    ends = all(char in _NO_TEXT for char in text[tick.end :])
    return 0.0 if begins == ends else (0.5 if begins else -0.5)


def _each_once(found: list[Neighbour | None]) -> list[Neighbour | None]:
    """A text belongs to one mark: the nearer one."""
    best: dict[tuple[int, int], int] = {}
    for place, text in enumerate(found):
        if text is None:
            continue
        other = best.get((text.line, text.start))
        before = None if other is None else found[other]
        if other is None or before is None or text.gap < before.gap:
            if other is not None:
                found[other] = None
            best[text.line, text.start] = place
        else:
            found[place] = None
    return found
