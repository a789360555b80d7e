"""The marks of a page, from its picture, its text and its form's fields, each once.

A mark that the detector of the picture saw is one if the text there is a mark as well, or what OCR reads for
one, or nothing at all; where OCR reads any other character, it is that character (日, 市, 四 and 因 look
like ticked boxes). A mark in the text alone is one if it cannot well be anything else: 口 may be a
character, ■ and ● begin items of lists.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from beam_kie.document import Box, PageText
from beam_kie.geometry import polygon_box
from beam_kie.page_parts import Mark, MarkState, Outside
from beam_kie.ticks.glyphs import Glyph, GlyphKind, find_glyphs, in_word
from beam_kie.ticks.letters import counts_as_mark, is_in_word, may_be_misread, without_letters
from beam_kie.ticks.row import RowLine
from beam_kie.ticks.seen import Seen, without_combs

MOST_TICKS = 1_000

# The certainties below are assumptions, not measured. They say which source counts more where picture and
# text differ; ``Tick.confidence`` orders ticks by doubt, and is no share of right ones.
SURE, SUPPORTED = 0.7, 0.5
"""Least confidences of marks that the picture alone shows: by themselves, and beside others like them."""
_PLAIN_RING = 0.9
"""Rings stand beside or below one that is as plain as this: a letter O or a dot may look like one."""
_BESIDE_PLAIN = 0.85
_FORM = 0.999
"""That a form's field is ticked or not is declared in the file."""
_SEEN = 0.6, 0.99
"""How often the detector's state is taken to be right: at its least and at its full certainty."""
_READ = {
    (GlyphKind.BOX, True): 0.95,
    (GlyphKind.BOX, False): 0.8,
    (GlyphKind.RING, True): 0.95,
    (GlyphKind.RING, False): 0.8,
    (GlyphKind.TICK, True): 0.95,
    (GlyphKind.BRACKET, True): 0.9,
    (GlyphKind.BRACKET, False): 0.8,
    (GlyphKind.BULLET, True): 0.85,
    (GlyphKind.CHARACTER, False): 0.65,
}
"""How often a mark that was read is taken to have that state: OCR loses more ticks than it invents."""
_MISREAD = 0.55
"""The same for the empty box or ring in whose place OCR reads a letter that looks like it."""
_UNSEEN, _SEVERAL = 0.6, 2
"""The same for an empty box that only OCR saw where several others were seen: a tick may hide its rules."""

_LEAST_ALIKE, _LONGEST_NUMBER = 3, 3
"""So many lines of a page begin with 口 where it stands for boxes; characters of the number of an item."""

_SMALLEST = 0.33
"""Boxes are at least as high as this, in heights of their line; parts of characters may be smaller."""
_LEAST_APART, _ONE_SIZE = 2, 0.15
"""So many boxes of a size were read or stand apart from text; the difference in size, as a share."""
_NEAR = 0.9
"""Farthest distance, in sides of a mark, between where it was seen and where it was read."""
_COVERED = 0.6
"""A character is where a mark is if they have so much of the width of the narrower one in common."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A box or ring to tick: where it is, and whether it is ticked.

    ``line``, ``start`` and ``end`` say which characters of the page's text stand for it; start and end are
    the same where OCR left it out, ``line`` is None where it stands beside all lines. ``confidence`` is that
    it is in this state, in [0, 1]; made of assumptions, not calibrated. ``in_grid``: other marks stand beside
    and below it.
    """

    box: Box
    is_ring: bool
    selected: bool
    confidence: float
    line: int | None = None
    start: int = 0
    end: int = 0
    in_grid: bool = False

    @property
    def side(self) -> float:
        """Its height in pixels."""
        return self.box[3] - self.box[1]

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


@dataclass(slots=True)
class _Read:
    """A mark that was read, with where it is on the page."""

    line: int
    glyph: Glyph
    box: Box
    seen: Seen | None = field(default=None)


def find_ticks(page: PageText) -> list[Tick]:
    """The marks of a page, from the top, at most MOST_TICKS.

    Args:
        page: its lines, what was seen on its picture, and the fields of its form.
    """
    rows = [RowLine.of(line) for line in page.lines]
    read = [
        _Read(index, glyph, row.box_of(glyph.start, glyph.end))
        for index, row in enumerate(rows)
        if row is not None
        for glyph in find_glyphs(page.lines[index].text)
    ]
    seen = _seen(page)
    if not seen and not read:
        return []
    seen = without_combs(seen)
    columns = [
        line.box for line, row in zip(page.lines, rows, strict=True) if row is None and len(line.text) > 1
    ]
    seen = [mark for mark in seen if mark.declared or not _in_column(mark, columns)]
    for mark in seen:
        _match(mark, read, rows)
    _trust(seen, rows)
    candidates = [mark for mark in seen if _may_be_mark(mark, page, rows)]
    kept = [mark for mark in candidates if _is_supported(mark, candidates, page)]
    likely = _UNSEEN if sum(mark.glyph is not None for mark in seen) >= _SEVERAL else None
    right = [each for each in read if _is_read(each, read, page)]
    ticks = [_fused(each, likely) for each in right]
    beside_text = [mark for mark in kept if mark.glyph is None]
    ticks += [_alone(mark) for mark in without_letters(beside_text, map(_place, right), page)]
    return sorted(ticks, key=lambda tick: (tick.box[1], tick.box[0]))[:MOST_TICKS]


def _seen(page: PageText) -> list[Seen]:
    buttons = [
        Seen(polygon_box(button.polygon), False, _FORM if button.selected else 1 - _FORM, 1.0, declared=True)
        for button in page.fields
        if button.selected is not None
    ]
    marks = [
        Seen(
            mark.box,
            mark.is_ring,
            _probability(mark),
            mark.confidence,
            is_filled=mark.state is MarkState.FILLED,
            plain=_plainness(mark),
            thickness=mark.thickness,
            is_crossed=mark.outside is not Outside.NOTHING and mark.confidence < SURE,
            reaches_out=mark.outside is Outside.BEYOND,
        )
        for mark in page.marks
        if not any(_common(mark.box, button.box) > 0 for button in buttons)
    ]
    return buttons + marks


def _plainness(mark: Mark) -> float:
    """How certain its shape is, whatever is inside."""
    if mark.outside is not Outside.NOTHING:
        return mark.confidence
    return mark.confidence / max(mark.state_confidence, SUPPORTED)


def _probability(mark: Mark) -> float:
    """That a mark of the detector is ticked."""
    least, most = _SEEN
    right = least + (most - least) * max(0.0, 2 * mark.state_confidence - 1)
    return 1 - right if mark.state is MarkState.EMPTY else right


def _common(box: Box, other: Box) -> float:
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    return max(0.0, width) * max(0.0, height)


def _match(mark: Seen, read: Sequence[_Read], rows: Sequence[RowLine | None]) -> None:
    """Find the mark in the text: one that was read, or the place in the line where it is."""
    x0, y0, x1, y1 = mark.box
    side, x, y = y1 - y0, (x0 + x1) / 2, (y0 + y1) / 2
    best = None
    for index, each in enumerate(read):
        left, top, right, bottom = each.box
        reach = _NEAR * max(side, min(right - left, 2 * side)) * (2 if mark.declared else 1)
        distance = abs((left + right) / 2 - x)
        if each.seen is not None or distance > reach or not top - 0.2 * side < y < bottom + 0.2 * side:
            continue
        if best is None or distance < best[0]:
            best = (distance, index)
    if best is not None:
        mark.glyph, mark.line = best[1], read[best[1]].line
        read[best[1]].seen = mark
        return
    for index, row in enumerate(rows):
        if row is not None and row.holds(mark.box):
            mark.line = index
            mark.start, mark.end = row.covered(mark.box, _COVERED)
            return


def _in_column(mark: Seen, columns: Sequence[Box]) -> bool:
    """Whether a mark is a part of a line that stands: which characters are where is not known there."""
    x, y = (mark.box[0] + mark.box[2]) / 2, (mark.box[1] + mark.box[3]) / 2
    return any(left < x < right and top < y < bottom for left, top, right, bottom in columns)


def _trust(marks: Sequence[Seen], rows: Sequence[RowLine | None]) -> None:
    """Sets ``is_trusted`` of boxes: most whole ones of their size were read, or stand apart from text."""
    boxes = [mark for mark in marks if not (mark.is_ring or mark.declared)]
    whole = [mark for mark in boxes if not mark.is_crossed]
    apart = {id(mark): _stands_apart(mark, rows) for mark in whole}
    for mark in boxes:
        alike = [apart[id(other)] for other in whole if mark.is_like(other, _ONE_SIZE)]
        mark.is_trusted = sum(alike) >= max(_LEAST_APART, len(alike) - sum(alike))


def _stands_apart(mark: Seen, rows: Sequence[RowLine | None]) -> bool:
    if mark.glyph is not None or mark.line is None:
        return True
    row = rows[mark.line]
    return row is None or (mark.start == mark.end and row.has_room(mark.box))


def _may_be_mark(mark: Seen, page: PageText, rows: Sequence[RowLine | None]) -> bool:
    """Whether what was seen is no character; sets ``is_misread`` where OCR took it for one."""
    if mark.glyph is not None or mark.declared:
        return True
    if mark.confidence < SUPPORTED:
        return False
    row = None if mark.line is None else rows[mark.line]
    if mark.line is None or row is None:
        return mark.is_trusted or not mark.is_crossed
    text = page.lines[mark.line].text
    covered = text[mark.start : mark.end].strip()
    if covered and may_be_misread(mark, text):
        return True
    mark.is_misread = False
    if not covered and (mark.is_ring or mark.confidence >= SURE):
        mark.end = mark.start
        return True
    place = row.place_of(mark.box)
    if not mark.is_trusted and (covered or mark.is_crossed):
        return False
    if covered or 0 < place < len(text):
        is_large = mark.side >= _SMALLEST * row.height
        if is_in_word(text, place) or not (is_large and row.has_room(mark.box)):
            return False
    mark.start = mark.end = place
    return True


def _is_supported(mark: Seen, marks: Sequence[Seen], page: PageText) -> bool:
    """Whether there are others like it, where it cannot be told from a letter or a part of a picture."""
    if mark.glyph is not None or mark.declared:
        return True
    others = [other for other in marks if other is not mark and mark.is_like(other)]
    beside = [other for other in others if mark.is_beside(other)]
    below = [other for other in others if mark.is_below(other)]
    if mark.line is None:  # in a grid, if no text is near
        mark.in_grid = bool(any(other.glyph is not None for other in (*beside, *below)) or (beside and below))
    if mark.is_misread and not counts_as_mark(mark, beside, below, page):
        return False
    if mark.is_ring:
        # Rings of which every one has something in it are numbers: ①, ②.
        plain = mark.is_misread or any(
            other.confidence >= _PLAIN_RING and not (mark.is_scribbled and other.is_scribbled)
            for other in (*beside, *below)
        )
        # Beside such a one only the letters near it made it doubtful.
        mark.confidence = max(mark.confidence, _BESIDE_PLAIN) if plain else mark.confidence
        return plain
    if mark.confidence < SURE and not mark.is_trusted:
        return any(other.glyph is not None or other.confidence >= SURE for other in beside)
    return bool(beside or below) or not mark.is_filled


def _is_read(each: _Read, read: Sequence[_Read], page: PageText) -> bool:
    """Whether what was read is a mark, and not a character or what begins an item of a list."""
    glyph, text = each.glyph, page.lines[each.line].text
    if each.seen is not None:
        return (
            each.seen.confidence >= SURE
            or glyph.kind is not GlyphKind.CHARACTER
            or not in_word(text, glyph.start)
        )
    others = [other for other in read if other is not each]
    if glyph.kind is GlyphKind.BULLET:
        kinds = (GlyphKind.RING,) if text[glyph.start] == "●" else (GlyphKind.BOX, GlyphKind.CHARACTER)
        return any(other.glyph.kind in kinds for other in others)
    if glyph.kind is GlyphKind.BRACKET and not glyph.selected:
        return any(other.glyph.kind is GlyphKind.BRACKET and other.glyph.selected for other in others)
    if glyph.kind is GlyphKind.CHARACTER:
        boxes = (GlyphKind.BOX, GlyphKind.CHARACTER)
        near = any(other.glyph.kind in boxes for other in others if other.line == each.line)
        begins = not text[: glyph.start].strip() or not text[glyph.start - 1].isalnum()
        if in_word(text, glyph.start) or not (near or begins or _begins_option(each, page)):
            return False
        alike = sum(_begins_option(other, page) for other in read)
        return alike >= _LEAST_ALIKE or any(
            other.glyph.kind is GlyphKind.BOX or other.line == each.line for other in others
        )
    return True


def _begins_option(each: _Read, page: PageText) -> bool:
    """Whether the character 口 begins a line, or stands behind the number of an item."""
    text, start = page.lines[each.line].text, each.glyph.start
    before, behind = text[:start].strip(), text[each.glyph.end :].strip()
    is_first = not any(char.isalpha() for char in before) and len(before) <= _LONGEST_NUMBER
    is_option = is_first and bool(behind) and not in_word(text, start)
    return each.glyph.kind is GlyphKind.CHARACTER and is_option


def _place(each: _Read) -> Seen:
    glyph = each.glyph
    return Seen(each.box, False, 0.0, 1.0, line=each.line, start=glyph.start, end=glyph.end)


def _fused(each: _Read, unseen: float | None) -> Tick:
    glyph = each.glyph
    right = _READ[glyph.kind, glyph.selected]
    if unseen is not None and each.seen is None and glyph.kind in (GlyphKind.BOX, GlyphKind.CHARACTER):
        right = right if glyph.selected else unseen
    ticked = right if glyph.selected else 1 - right
    seen = each.seen
    if seen is None:
        box, is_ring, probability = each.box, glyph.kind is GlyphKind.RING, ticked
    elif seen.declared:
        box, is_ring, probability = seen.box, False, seen.probability
    else:
        box, is_ring, probability = seen.box, seen.is_ring, _together(seen.probability, ticked)
        if seen.is_crossed and glyph.selected == (seen.probability > 0.5):
            # The text may have it from the picture, which counts once.
            probability = seen.probability
    return _tick(box, is_ring, probability, each.line, glyph.start, glyph.end)


def _alone(mark: Seen) -> Tick:
    probability = _together(mark.probability, 1 - _MISREAD) if mark.is_misread else mark.probability
    tick = _tick(mark.box, mark.is_ring, probability, mark.line, mark.start, mark.end)
    return replace(tick, confidence=min(tick.confidence, mark.confidence), in_grid=mark.in_grid)


def _tick(box: Box, is_ring: bool, probability: float, line: int | None, start: int, end: int) -> Tick:
    selected = probability > 0.5
    confidence = round(probability if selected else 1 - probability, 4)
    return Tick(box, is_ring, selected, confidence, line, start, end)


def _together(*probabilities: float) -> float:
    """One probability of several that do not depend on each other."""
    odds = sum(math.log(each / (1 - each)) for each in probabilities)
    return 1 / (1 + math.exp(-odds))
