"""Training pages: text lines with the entity that each of their characters belongs to.

One labelled page gives several: its gold segments as lines, its visual lines, and the lines that an OCR
engine reads on it, aligned with the gold.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np

from beam_kie.document import Box, CharSpans, TextLine
from beam_kie.geometry import polygon_box, union_box
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, Word
from beam_kie.reading_order import polygon_slope, reading_order


@dataclass(frozen=True, slots=True)
class TrainingLine:
    """A text line; ``owners`` holds for every character the id of its entity, or None.

    ``strip`` is its image (beam_kie.layoutxlm.inputs.strips), None where there are no pixels. ``char_spans``
    as of TextLine.
    """

    text: str
    box: Box
    owners: tuple[int | None, ...]
    strip: np.ndarray | None = field(default=None, repr=False, compare=False)
    char_spans: CharSpans | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class TrainingPage:
    """Lines in reading order (boxes in pixels), the label of every entity and the (key, value) relations.

    No entity has the id None, so that ``labels.get`` can be called with the owner of any character.
    ``picture`` is the page's thumbnail, 224 x 224 x 3 uint8 RGB, where a network reads it. ``cells`` are
    the boxes of its ruled cells in pixels; none also where they are not known.
    """

    width_px: int
    height_px: int
    lines: tuple[TrainingLine, ...] = field(repr=False)
    labels: Mapping[int | None, str] = field(repr=False)
    relations: frozenset[tuple[int, int]] = field(repr=False)
    picture: np.ndarray | None = field(default=None, repr=False, compare=False)
    cells: tuple[Box, ...] = field(default=(), repr=False, compare=False)


class Pairing(NamedTuple):
    """Which labels may be the head (key) and the tail (value) of a relation."""

    heads: tuple[str, ...]
    tails: tuple[str, ...]


KEYS_AND_VALUES = Pairing(("QUESTION",), ("ANSWER",))


def gold_view(page: LabelledPage, pairing: Pairing = KEYS_AND_VALUES) -> TrainingPage:
    """Every labelled segment is one line.

    Args:
        page: as it is labelled.
        pairing: the labels that a link may have at its ends.
    """
    lines = [_whole(e, e.text, polygon_box(e.polygon)) for e in page.entries if e.text.strip()]
    return _page(page, lines, pairing)


def visual_view(page: LabelledPage, pairing: Pairing = KEYS_AND_VALUES) -> TrainingPage:
    """Segments of several printed lines are split into these.

    Args:
        page: as it is labelled.
        pairing: the labels that a link may have at its ends.
    """
    lines = []
    for entry in page.entries:
        if entry.text.strip():
            lines += printed_lines(entry)
    return _page(page, lines, pairing)


def ocr_view(
    page: LabelledPage, ocr_lines: Sequence[TextLine], pairing: Pairing = KEYS_AND_VALUES
) -> TrainingPage:
    """Lines as an OCR engine reads them; their characters are matched with the gold segments.

    Args:
        page: the labels.
        ocr_lines: what was read, in the pixels of the labels. Gold segments that no line matches take part in
            nothing.
        pairing: which labels are keys and values.
    """
    entries = [entry for entry in page.entries if entry.text.strip()]
    lines = []
    for line in ocr_lines:
        if line.text.strip():
            found = [entry for entry in entries if _touches(line.box, entry)]
            owners = _owners(line, found)
            lines.append(TrainingLine(line.text, line.box, owners, char_spans=line.char_spans))
    return _page(page, lines, pairing)


def _page(page: LabelledPage, lines: list[TrainingLine], pairing: Pairing) -> TrainingPage:
    labels: dict[int | None, str] = {entry.id: entry.label for entry in page.entries if entry.is_entity}
    lines = [replace(line, owners=tuple(o if o in labels else None for o in line.owners)) for line in lines]
    slope = polygon_slope([entry.polygon for entry in page.entries])
    order = reading_order([line.box for line in lines], slope)
    relations = frozenset(page.relations(pairing.heads, pairing.tails))
    return TrainingPage(
        page.width_px, page.height_px, tuple(lines[index] for index in order), labels, relations
    )


def _whole(entry: LabelledEntry, text: str, box: Box) -> TrainingLine:
    return TrainingLine(text, box, (entry.id,) * len(text))


def printed_lines(entry: LabelledEntry) -> list[TrainingLine]:
    """The printed lines of a segment: by its words where it has them, else guessed from its size.

    Args:
        entry: a labelled segment.
    """
    if entry.words:
        return [
            _whole(entry, " ".join(word.text for word in row), union_box(word.box for word in row))
            for row in rows_of_words(entry)
        ]
    rows = _guess_rows(entry)
    if rows < 2:
        return [_whole(entry, entry.text, polygon_box(entry.polygon))]
    x0, y0, x1, y1 = polygon_box(entry.polygon)
    per_row = math.ceil(len(entry.text) / rows)
    height = (y1 - y0) / rows
    lines = []
    for row in range(rows):
        text = entry.text[row * per_row : (row + 1) * per_row]
        if text.strip():
            right = x0 + (x1 - x0) * len(text) / per_row
            lines.append(_whole(entry, text, (x0, y0 + row * height, right, y0 + (row + 1) * height)))
    return lines


def rows_of_words(entry: LabelledEntry) -> list[list[Word]]:
    """The words of a segment by printed lines, without empty ones.

    Args:
        entry: a labelled segment.
    """
    rows: list[list[Word]] = []
    for word in entry.words:
        if not word.text.strip():
            continue
        if rows:
            last = rows[-1][-1].box
            middle = (word.box[1] + word.box[3]) / 2
            if last[1] <= middle <= last[3] and word.box[0] >= last[0]:
                rows[-1].append(word)
                continue
        rows.append([word])
    return rows


def _guess_rows(entry: LabelledEntry) -> int:
    """How many printed lines a segment takes, from its area per character (ideographs are square)."""
    x0, y0, x1, y1 = polygon_box(entry.polygon)
    widths = sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.5 for c in entry.text)
    if widths < 4 or x1 <= x0 or y1 <= y0:
        return 1
    side = math.sqrt((x1 - x0) * (y1 - y0) / widths / 1.3)
    return max(1, round((y1 - y0) / (side * 1.3)))


def _touches(box: Box, entry: LabelledEntry) -> bool:
    ex0, ey0, ex1, ey1 = polygon_box(entry.polygon)
    x0, y0, x1, y1 = box
    across = min(x1, ex1) - max(x0, ex0)
    down = min(y1, ey1) - max(y0, ey0)
    return across > 0.3 * min(x1 - x0, ex1 - ex0) and down > 0.5 * min(y1 - y0, ey1 - ey0)


def _owners(line: TextLine, entries: list[LabelledEntry]) -> tuple[int | None, ...]:
    if not entries:
        return (None,) * len(line.text)
    if len(entries) == 1:
        return (entries[0].id,) * len(line.text)
    gold: list[tuple[str, int]] = []
    for entry in sorted(entries, key=lambda e: polygon_box(e.polygon)[0]):
        gold += [(char, entry.id) for char in entry.text]
    owners: list[int | None] = [None] * len(line.text)
    matcher = SequenceMatcher(
        None, _fold(line.text), _fold("".join(char for char, _ in gold)), autojunk=False
    )
    for start, gold_start, size in matcher.get_matching_blocks():
        for step in range(size):
            owners[start + step] = gold[gold_start + step][1]
    return _filled(owners)


def _fold(text: str) -> list[str]:
    return [unicodedata.normalize("NFKC", char).lower() for char in text]


def _filled(owners: list[int | None]) -> tuple[int | None, ...]:
    """Characters that matched nothing (OCR errors) go with the one before, at the start with the next."""
    last = next((owner for owner in owners if owner is not None), None)
    filled = []
    for owner in owners:
        last = owner if owner is not None else last
        filled.append(last)
    return tuple(filled)
