"""Key-value pairs from entities and relations."""

from __future__ import annotations

from collections.abc import Sequence

from beam_kie.document import KeyValue, PageResult, Relation

KEY_LABELS = ("QUESTION",)
"""Labels whose entities are keys also where no value goes with them."""


def key_values(result: PageResult, key_labels: Sequence[str] = KEY_LABELS) -> list[KeyValue]:
    """Every relation of the page as a pair, and every key without a value as a pair with value None.

    Pairs stand in reading order: by key, then by value. A key may have several values. Where the same
    two entities are related twice, the more confident relation counts.

    Args:
        result: entities and relations of one page.
        key_labels: labels whose entities are keys also where no value goes with them.

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
    pairs = [_pair(result, relation) for relation in best.values()]
    pairs += [
        KeyValue(entity, None, None, entity.confidence, key_index=index, value_index=None)
        for index, entity in enumerate(result.entities)
        if entity.label in key_labels and index not in related
    ]
    # A key without a value has one pair only, so what stands for its value is never compared.
    return sorted(pairs, key=lambda pair: (pair.key_index, pair.value_index or 0))


def _pair(result: PageResult, relation: Relation) -> KeyValue:
    link = relation.confidence if relation.link_confidence is None else relation.link_confidence
    return KeyValue(
        key=result.entities[relation.head],
        value=result.entities[relation.tail],
        relation_confidence=link,
        confidence=relation.confidence,
        key_index=relation.head,
        value_index=relation.tail,
    )


def _check(relation: Relation, entities: int) -> None:
    ends = (relation.head, relation.tail)
    if relation.head == relation.tail or not all(0 <= end < entities for end in ends):
        raise ValueError(f"relation {ends} does not join two of the page's {entities} entities")
