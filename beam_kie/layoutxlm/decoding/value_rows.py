"""Values that were joined over the rows of several keys, cut into one value for each key.

Values below each other ("20 mm", "To be determined") look like the lines of one text. Where a key without a
value stands on the left of a row of a value, that row begins a value of its own.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from beam_kie.document import Box, PageText, Relation
from beam_kie.geometry import union_box
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.entities import DecodedEntity, entity_from_spans, tokens_of
from beam_kie.layoutxlm.inputs.features import PageTokens

MOST = 1_024
"""Pages with more keys are left as they are; time grows with the product of keys and values."""

_SAME_ROW = 0.5  # of the smaller height that boxes of one row have in common
_REACH = 0.3  # heights of a row that a key may reach into it


@dataclass(frozen=True)
class _Row:
    """Spans ``start`` to ``end`` (exclusive) of a value that stand side by side."""

    start: int
    end: int
    box: Box


def cut_at_rows(
    config: LayoutXLMConfig,
    page: PageText,
    tokens: PageTokens,
    decoded: Sequence[DecodedEntity],
    links: Iterable[Relation],
) -> list[DecodedEntity]:
    """Entities with one value for each row of a key that has no value yet.

    Args:
        config: which labels are keys and values.
        page: the page.
        tokens: of the page.
        decoded: its entities.
        links: between them.

    Returns:
        The same entities, in the same order, where no value is cut.
    """
    keys = [place for place, item in enumerate(decoded) if item.entity.label in config.head_labels]
    free = set(keys).difference(place for link in links for place in (link.head, link.tail))
    if not free or len(keys) > MOST:
        return list(decoded)
    key_rows = [(key, box) for key in keys for box in _span_boxes(page, decoded[key])]
    found = []
    for item in decoded:
        starts = _starts(page, item, key_rows, free) if item.entity.label in config.tail_labels else []
        found += _parts(page, tokens, item, starts) if starts else [item]
    if len(found) == len(decoded):
        return found
    return sorted(found, key=lambda item: int(item.tokens[0]) if len(item.tokens) else -1)


def _span_boxes(page: PageText, item: DecodedEntity) -> list[Box]:
    return [entity_from_spans(page, "", (span,), 0.0).box for span in item.entity.spans]


def _starts(
    page: PageText, item: DecodedEntity, keys: Sequence[tuple[int, Box]], free: Collection[int]
) -> list[int]:
    """The spans at which a value is cut: the first ones of rows that have a free key of their own.

    ``keys``: the lines of all keys, each with its key.
    """
    if len(item.entity.spans) < 2:
        return []
    rows = _rows(_span_boxes(page, item))
    if len(rows) < 2:
        return []
    beside = [_key_on_left(row.box, keys) for row in rows]
    count = Counter(beside)
    return [
        row.start
        for row, key in zip(rows, beside, strict=True)
        if key is not None and key in free and count[key] == 1
    ]


def _rows(boxes: Sequence[Box]) -> list[_Row]:
    rows: list[_Row] = []
    for index, box in enumerate(boxes):
        if rows and _common(boxes[index - 1], box) > _SAME_ROW:
            rows[-1] = _Row(rows[-1].start, index + 1, union_box((rows[-1].box, box)))
        else:
            rows.append(_Row(index, index + 1, box))
    return rows


def _common(box: Box, other: Box) -> float:
    """The share of the smaller height that two boxes have in common."""
    common = min(box[3], other[3]) - max(box[1], other[1])
    return common / max(min(box[3] - box[1], other[3] - other[1]), 1.0)


def _key_on_left(row: Box, keys: Sequence[tuple[int, Box]]) -> int | None:
    """The nearest key that ends on the left of a row."""
    reach = row[0] + _REACH * (row[3] - row[1])
    near = [(box[2], key) for key, box in keys if box[2] <= reach and _common(box, row) > _SAME_ROW]
    return max(near)[1] if near else None


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
