"""Values and keys that were joined over several rows, cut into one for each row.

Values below each other ("20 mm", "To be determined") look like the lines of one text, and so do keys. What
stands beside them tells: where a key without a value stands on the left of a row of a value, that row begins
a value of its own; where every row has another key beside it, in one column, they are fields of a form or
rows of a table. So are the rows of a key with a value behind each.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from beam_kie.document import Box, PageText, Relation
from beam_kie.geometry import height_share, polygon_box, union_box
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.beside import SAME_ROW, nearest_beside
from beam_kie.layoutxlm.decoding.entities import (
    DecodedEntity,
    entity_from_spans,
    span_polygon,
    tokens_of,
)
from beam_kie.layoutxlm.inputs.cells import NO_CELL, boxes_1000, cell_boxes_1000, cells_of
from beam_kie.layoutxlm.inputs.features import COLONS, PageTokens
from beam_kie.text_width import char_width

_REACH = 0.3  # heights of a row that its neighbour may reach into it
_GOES_ON = ("(", "（", "/", "-", "&")
_ALIGNED = 1.5  # heights of a row by which the sides of what is in one column may differ


class _Row(NamedTuple):
    """Spans ``start`` to ``end`` (exclusive) of an entity that stand side by side."""

    start: int
    end: int
    box: Box


class _Neighbour(NamedTuple):
    """An entity beside a row, and the box of its line there."""

    place: int
    box: Box


def cut_at_rows(
    config: LayoutXLMConfig,
    page: PageText,
    tokens: PageTokens,
    decoded: Sequence[DecodedEntity],
    links: Iterable[Relation],
) -> list[DecodedEntity]:
    """Entities with one value for each key in whose row it stands, and one key for each value behind it.

    Args:
        config: which labels are keys and values.
        page: the page, with its ruled cells: what stands in one cell belongs together.
        tokens: of the page.
        decoded: its entities.
        links: between them.

    Returns:
        The same entities, in the same order, where none is cut.
    """
    boxes_of = [_span_boxes(page, item) for item in decoded]
    rows_of = [_rows(boxes) for boxes in boxes_of]
    keys = _Column(config.head_labels, decoded, boxes_of, rows_of)
    values = _Column(config.tail_labels, decoded, boxes_of, rows_of)
    free = keys.places.difference(place for link in links for place in (link.head, link.tail))
    cells = cell_boxes_1000(page)
    found = []
    for place, (item, rows) in enumerate(zip(decoded, rows_of, strict=True)):
        starts: list[int] = []
        if len(rows) > 1 and (place in keys.places or place in values.places):
            together = _in_one_cell(page, rows, cells)
            if place in values.places:
                starts = _starts_of_value(rows, keys, free, together)
            elif not together and _may_be_keys(page, item, rows):
                starts = [row.start for row in rows] if values.has_one_for_each(rows, on_left=False) else []
        found += _parts(page, tokens, item, starts) if starts else [item]
    if len(found) == len(decoded):
        return found
    return sorted(found, key=lambda item: int(item.tokens[0]) if len(item.tokens) else -1)


def _starts_of_value(rows: Sequence[_Row], keys: _Column, free: Collection[int], together: bool) -> list[int]:
    """The spans at which a value is cut: the first ones of rows with a key of their own.

    ``free``: keys that have no value and are none. ``together``: the rows stand in one cell.
    """
    if not together and any(keys.has_one_for_each(rows, on_left) for on_left in (True, False)):
        return [row.start for row in rows]
    beside = [keys.nearest(row.box, on_left=True) for row in rows]
    count = Counter(key.place for key in beside if key)
    own = [key is not None and key.place in free and count[key.place] == 1 for key in beside]
    return [row.start for row, is_own in zip(rows, own, strict=True) if is_own]


def _may_be_keys(page: PageText, item: DecodedEntity, rows: Sequence[_Row]) -> bool:
    """Whether the rows of a key read as keys of their own, and not as the lines of one."""
    spans = item.entity.spans
    texts = [
        " ".join(
            page.lines[span.line].text[span.start : span.end].strip() for span in spans[row.start : row.end]
        )
        for row in rows
    ]
    if any(text[:1].islower() or text[:1] in _GOES_ON for text in texts[1:]):
        return False
    ends = [text.endswith(COLONS) for text in texts]
    ideographs = [any(char_width(char) > 1 for char in text) for text in texts]
    return len(set(ideographs)) == 1 and not (ends[-1] and not all(ends))


class _Column:
    """All keys, or all values, of a page.

    Args:
        labels: of keys or of values.
        decoded: the entities of the page.
        boxes_of: of each the boxes of its spans.
        rows_of: of each the rows.
    """

    def __init__(
        self,
        labels: Collection[str],
        decoded: Sequence[DecodedEntity],
        boxes_of: Sequence[Sequence[Box]],
        rows_of: Sequence[Sequence[_Row]],
    ):
        places = [place for place, item in enumerate(decoded) if item.entity.label in labels]
        lines = [(place, box) for place in places for box in boxes_of[place]]
        self.places = set(places)
        self._owners = [place for place, _ in lines]
        self._boxes = np.array([box for _, box in lines], dtype=np.float64).reshape(-1, 4)
        self._has_one_row = np.array([len(rows_of[place]) == 1 for place in self._owners], dtype=bool)

    def has_one_for_each(self, rows: Sequence[_Row], on_left: bool) -> bool:
        """Whether every row has another one of one row on that side, all in a column.

        Args:
            rows: of one entity.
            on_left: the side.
        """
        found = [self.nearest(row.box, on_left, of_one_row=True) for row in rows]
        boxes = [each.box for each in found if each]
        if len({each.place for each in found if each}) < len(rows):
            return False
        apart = _ALIGNED * (rows[0].box[3] - rows[0].box[1])
        sides = [[box[side] for box in boxes] for side in (0, 2)]
        return any(max(side) - min(side) <= apart for side in sides)

    def nearest(self, row: Box, on_left: bool, of_one_row: bool = False) -> _Neighbour | None:
        """The nearest one on one side of a row.

        Args:
            row: its box.
            on_left: the side.
            of_one_row: those over several rows do not count.
        """
        gap = row[0] - self._boxes[:, 2] if on_left else self._boxes[:, 0] - row[2]
        among = gap >= -_REACH * (row[3] - row[1])
        line = nearest_beside(row, self._boxes, on_left, among & self._has_one_row if of_one_row else among)
        if line is None:
            return None
        x0, y0, x1, y1 = self._boxes[line].tolist()
        return _Neighbour(self._owners[line], (x0, y0, x1, y1))


def _in_one_cell(page: PageText, rows: Sequence[_Row], cells: np.ndarray) -> bool:
    own = set(cells_of(boxes_1000(page, (row.box for row in rows)), cells).tolist())
    return len(own) == 1 and own != {NO_CELL}


def _span_boxes(page: PageText, item: DecodedEntity) -> list[Box]:
    return [polygon_box(span_polygon(page.lines[span.line], span)) for span in item.entity.spans]


def _rows(boxes: Sequence[Box]) -> list[_Row]:
    rows: list[_Row] = []
    for index, box in enumerate(boxes):
        if rows and height_share(boxes[index - 1], box) > SAME_ROW:
            rows[-1] = _Row(rows[-1].start, index + 1, union_box((rows[-1].box, box)))
        else:
            rows.append(_Row(index, index + 1, box))
    return rows


def _parts(
    page: PageText, tokens: PageTokens, item: DecodedEntity, starts: Sequence[int]
) -> list[DecodedEntity]:
    spans = item.entity.spans
    borders = sorted({0, *starts, len(spans)})
    parts = []
    for first, last in itertools.pairwise(borders):
        entity = entity_from_spans(page, item.entity.label, spans[first:last], item.entity.confidence)
        parts.append(DecodedEntity(entity, tokens_of(entity, tokens)))
    return parts
