"""What goes on within a ruled cell, and from a cell to the one beside it.

In a table with a column of keys, a key of many lines of values is easily taken for the title of a section,
and its values lose their key. Where the cells leave no doubt, they decide: a title beside values, in a column
of keys, is a key; a title among values is a value; a value without a key has that of the other values in its
cell.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from beam_kie.document import PageText, Relation
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.entities import DecodedEntity
from beam_kie.layoutxlm.inputs.cells import (
    NO_CELL,
    CellRelation,
    boxes_1000,
    cell_boxes_1000,
    cells_of,
    relations_between,
)

_FEWEST_KEYS = 2  # cells of a column that hold keys alone, beside the one in question
_FEWEST_VALUES = 2  # of a cell, beside a title in it
_ALIGNED = 6  # of the grid: how far the sides of cells of one column may lie apart
_LEAST = 0.1  # of a value: less likely titles stay what they are
_OF_LABEL = 0.5
"""Confidence of a label that the cells decided; not measured."""
_OF_LINK = 0.7
"""Confidence of a link as that of the other values in a cell; not measured."""


class _Cells:
    """The ruled cells of a page, and the entities in them."""

    def __init__(self, page: PageText, decoded: Sequence[DecodedEntity]):
        self.boxes = cell_boxes_1000(page)
        own = cells_of(boxes_1000(page, (item.entity.box for item in decoded)), self.boxes)
        self.inside: dict[int, list[int]] = {}
        for entity, cell in enumerate(own.tolist()):
            if cell != NO_CELL:
                self.inside.setdefault(cell, []).append(entity)

    def on_right(self, cell: int) -> list[int]:
        """The cells with text right beside one."""
        relations = relations_between(np.array([cell]), np.arange(len(self.boxes)), self.boxes)[0]
        near = np.flatnonzero(relations == CellRelation.NEXT_IN_ROW).tolist()
        return [each for each in near if self.boxes[each, 0] > self.boxes[cell, 0] and each in self.inside]

    def column(self, cell: int) -> list[int]:
        """Other cells with text, above and below one, with the same sides."""
        sides = np.abs(self.boxes[:, (0, 2)] - self.boxes[cell, (0, 2)]).max(1) <= _ALIGNED
        return [other for other in np.flatnonzero(sides).tolist() if other != cell and other in self.inside]


def labels_by_cells(
    config: LayoutXLMConfig, page: PageText, log_probs: np.ndarray, decoded: Sequence[DecodedEntity]
) -> list[DecodedEntity]:
    """Titles that are keys or values by the cells they stand in.

    Args:
        config: with one label of keys and one of values; with others nothing is changed.
        page: with its ruled cells.
        log_probs: T x tags log probabilities of its tokens.
        decoded: its entities.

    Returns:
        As many entities.
    """
    found = list(decoded)
    if not page.cells or not len(config.head_labels) == len(config.tail_labels) == 1:
        return found
    key, value = config.head_labels[0], config.tail_labels[0]
    cells = _Cells(page, decoded)
    is_value = [column for column, tag in enumerate(config.tags) if tag[2:] == value]
    for cell, entities in cells.inside.items():
        titles = [entity for entity in entities if decoded[entity].entity.label not in (key, value)]
        if len(titles) == len(entities):
            new = key if _heads_row(cells, decoded, cell, key, value) else None
        else:
            others = [decoded[entity].entity.label for entity in entities if entity not in titles]
            likely = [np.exp(log_probs[decoded[each].tokens][:, is_value]).sum(1).mean() for each in titles]
            among = len(others) >= _FEWEST_VALUES and set(others) == {value}
            new = value if among and min(likely, default=0) >= _LEAST else None
        for entity in titles if new else ():
            changed = dataclasses.replace(decoded[entity].entity, label=new or "", confidence=_OF_LABEL)
            found[entity] = dataclasses.replace(decoded[entity], entity=changed)
    return found


def _heads_row(cells: _Cells, decoded: Sequence[DecodedEntity], cell: int, key: str, value: str) -> bool:
    """Whether values stand right of a cell, and keys alone in others of its column."""

    def labels(other: int) -> set[str]:
        return {decoded[entity].entity.label for entity in cells.inside[other]}

    right = [labels(other) for other in cells.on_right(cell)]
    if not right or not all(value in each and key not in each for each in right):
        return False
    return sum(labels(other) == {key} for other in cells.column(cell)) >= _FEWEST_KEYS


def links_by_cells(
    config: LayoutXLMConfig, page: PageText, decoded: Sequence[DecodedEntity], links: Sequence[Relation]
) -> tuple[Relation, ...]:
    """Links with those of values in ruled cells that have no key.

    Args:
        config: labels of keys and values.
        page: with its ruled cells.
        decoded: its entities.
        links: those that were found between them.

    Returns:
        Links in the order of their values.
    """
    if not page.cells or config.links:
        return tuple(links)
    cells = _Cells(page, decoded)
    # Of a value with two keys, the surer one counts.
    of_value = {link.tail: link.head for link in sorted(links, key=lambda link: link.confidence)}
    added = []
    for entities in cells.inside.values():
        heads = {of_value[entity] for entity in entities if entity in of_value}
        if len(heads) != 1:
            continue
        (head,) = heads
        free = [entity for entity in entities if entity not in of_value]
        added += [
            Relation(head, entity, _OF_LINK)
            for entity in free
            if decoded[entity].entity.label in config.tail_labels
        ]
    return tuple(sorted([*links, *added], key=lambda link: link.tail))
