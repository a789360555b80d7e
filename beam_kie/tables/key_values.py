"""From entities and relations to what a user asked for: keys and their values."""

from __future__ import annotations

from collections.abc import Sequence

from beam_kie.document import KeyValue, PageResult, Relation

KEY_LABELS = ("QUESTION",)
"""Labels whose entities are keys also where no value goes with them."""


def key_values(result: PageResult, key_labels: Sequence[str] = KEY_LABELS) -> list[KeyValue]:
    """Every relation of the page as a pair, and every key without a value as a pair with value None.

    Pairs stand in reading order: by key, then by value. A key may have several values. Where the same
    two entities are related twice, the more confident relation counts.

    Raises:
        ValueError: a relation names an entity that the page does not have, or an entity and itself.
    """
    best: dict[tuple[int, int], Relation] = {}
    for relation in result.relations:
        _check(relation, len(result.entities))
        ends = (relation.head, relation.tail)
        if ends not in best or relation.confidence > best[ends].confidence:
            best[ends] = relation
    related = {head for head, _ in best}
    alone = [
        (index, None)
        for index, entity in enumerate(result.entities)
        if entity.label in key_labels and index not in related
    ]
    # A key stands either in `alone` or in `best`, so None is never compared with a number.
    return [_pair(result, head, best.get((head, tail))) for head, tail in sorted([*best, *alone])]


def _pair(result: PageResult, head: int, relation: Relation | None) -> KeyValue:
    key = result.entities[head]
    if relation is None:
        return KeyValue(key=key, value=None, relation_confidence=None, confidence=key.confidence)
    value = result.entities[relation.tail]
    link = relation.confidence if relation.link_confidence is None else relation.link_confidence
    return KeyValue(key=key, value=value, relation_confidence=link, confidence=relation.confidence)


def _check(relation: Relation, entities: int) -> None:
    ends = (relation.head, relation.tail)
    if relation.head == relation.tail or not all(0 <= end < entities for end in ends):
        raise ValueError(f"relation {ends} does not join two of the page's {entities} entities")
