"""Labelled pages as the model's input and its expected output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from beam_kie.document import Entity, LineSpan, PageText, TextLine, document_id
from beam_kie.geometry import polygon_box
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, file_and_page
from beam_kie.reading_order import polygon_slope, reading_order


@dataclass(frozen=True, slots=True)
class GoldPage:
    """A labelled page: every entry with text is one text line, whatever its label, in reading order.

    ``entities`` are the lines that carry a label (not "OTHER"), in reading order, each a whole line.
    ``pairs`` are the linked (key, value) entities, as indices into ``entities``; a key with several
    values has several. Entries without text are left out; ``entries_without_text`` counts them. The page
    has ``whole_lines`` set, and a model needs neither to split lines nor to join them.
    """

    name: str
    page: PageText = field(repr=False)
    entities: tuple[Entity, ...] = field(repr=False)
    pairs: tuple[tuple[int, int], ...] = field(repr=False)
    entries_without_text: int = 0

    @property
    def text_pairs(self) -> list[tuple[str, str]]:
        """The linked pairs as (key text, value text)."""
        return [(self.entities[key].text, self.entities[value].text) for key, value in self.pairs]


def gold_pages(
    labelled: Iterable[LabelledPage],
    heads: Collection[str] = ("QUESTION",),
    tails: Collection[str] = ("ANSWER",),
) -> list[GoldPage]:
    """Gold pages of labelled pages. ``file#page=3`` is page 3 of that file, and the n-th of one name page n.

    Args:
        labelled: pages in the order of their file.
        heads: labels of keys.
        tails: labels of values. A link from value to key is turned round; links between other labels are no
            pairs.
    """
    seen: Counter[str] = Counter()
    pages = []
    for labels in labelled:
        seen[labels.name] += 1
        _, number = file_and_page(labels.name)
        pages.append(_gold_page(labels, max(number, seen[labels.name]), heads, tails))
    return pages


def _gold_page(labels: LabelledPage, number: int, heads: Collection[str], tails: Collection[str]) -> GoldPage:
    entries = _in_reading_order([entry for entry in labels.entries if entry.text.strip()])
    lines = tuple(TextLine(entry.text, entry.polygon) for entry in entries)
    entities = []
    entity_of_id = {}
    for index, entry in enumerate(entries):
        if entry.is_entity:
            entity_of_id[entry.id] = len(entities)
            span = LineSpan(index, 0, len(entry.text))
            entities.append(Entity(entry.label, entry.text, entry.polygon, 1.0, (span,)))
    pairs = tuple(
        (entity_of_id[key], entity_of_id[value])
        for key, value in labels.relations(heads, tails)
        if key in entity_of_id and value in entity_of_id
    )
    page = PageText(
        document_id=document_id(labels.name, None),
        uri=labels.name,
        page=number,
        width_px=labels.width_px,
        height_px=labels.height_px,
        lines=lines,
        text_source="given",
        whole_lines=True,
    )
    return GoldPage(labels.name, page, tuple(entities), pairs, len(labels.entries) - len(entries))


def _in_reading_order(entries: list[LabelledEntry]) -> list[LabelledEntry]:
    slope = polygon_slope([entry.polygon for entry in entries])
    order = reading_order([polygon_box(entry.polygon) for entry in entries], slope)
    return [entries[index] for index in order]
