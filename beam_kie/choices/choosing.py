"""The result of a page with its options: which are ticked, each an entity by itself, all of one key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from beam_kie.choices.splitting import Owners, Part
from beam_kie.document import Box, Entity, PageResult, Relation
from beam_kie.geometry import height_share
from beam_kie.ticks.placing import Tick
from beam_kie.ticks.sides import ticks_with_texts

_CUT = 0.95
"""What is left of a confidence where an entity was cut at its marks; not measured."""
_SIBLING = 0.9
"""What is left of the confidence of a link for the options beside its value; not measured."""
_KEY_BEFORE = 0.5
"""Confidence of a link between options and the key before them that the model did not link; not measured."""


class _Labels(NamedTuple):
    keys: Collection[str]
    value: str


def with_choices(
    result: PageResult,
    key_labels: Sequence[str] = ("QUESTION",),
    value_labels: Sequence[str] = ("ANSWER",),
) -> PageResult:
    """The result with ``selected`` of entities beside marks, and each option an entity of its own.

    An entity that holds several options is cut; its relations go to all of them. Options side by side belong
    to one key: those that the model took for keys of each other, or left alone, become values of the key that
    the others have, or of the key before all of them.

    Args:
        result: entities and relations of one page.
        key_labels: the labels of keys.
        value_labels: the labels of values; options that were taken for keys get the first.
    """
    marks = ticks_with_texts(result.page)
    if not marks or not result.entities:
        return result
    owners = Owners(result.page, marks)
    keys = key_labels if value_labels else ()
    parts = [owners.parts(entity, entity.label in keys) for entity in result.entities]
    if not any(part.option is not None for group in parts for part in group):
        return result
    labels = _Labels(keys, value_labels[0] if value_labels else "")
    found = _cut(result, parts, [tick for tick, _ in marks], labels)
    return _repaired(found, _options_of(parts), labels) if value_labels else found


def _options_of(parts: Sequence[Sequence[Part]]) -> list[int | None]:
    return [part.option for group in parts for part in group]


def _cut(
    result: PageResult, parts: Sequence[Sequence[Part]], ticks: Sequence[Tick], labels: _Labels
) -> PageResult:
    """Parts in the place of their entities."""
    entities: list[Entity] = []
    places: list[list[int]] = []
    relations: list[Relation] = []
    for group in parts:
        first = len(entities)
        places.append(list(range(first, first + len(group))))
        named = len(group) > 1 and group[0].is_key
        for part in group:
            entity = part.entity if part.option is None else _selected(part.entity, ticks[part.option])
            if named and part.option is not None:
                entity = replace(entity, label=labels.value)
                confidence = round(entity.confidence * _CUT, 6)
                relations.append(Relation(first, len(entities), confidence, _CUT))
            entities.append(entity)
    for relation in result.relations:
        heads, tails = places[relation.head], places[relation.tail]
        cut = len(parts[relation.tail]) > 1
        for tail in tails if not (cut and parts[relation.tail][0].is_key) else tails[:1]:
            relations.append(
                replace(
                    relation,
                    head=heads[0],
                    tail=tail,
                    confidence=relation.confidence * (_CUT if cut else 1),
                )
            )
    keyless = tuple(new for old in result.keyless for new in places[old])
    return replace(result, entities=tuple(entities), relations=tuple(relations), keyless=keyless)


def _selected(entity: Entity, tick: Tick) -> Entity:
    return replace(entity, selected=tick.selected, selected_confidence=tick.confidence)


def _repaired(result: PageResult, options: Sequence[int | None], labels: _Labels) -> PageResult:
    """All options of a row under the key of most of them."""
    entities, relations = list(result.entities), list(result.relations)
    for run in _runs(entities, options):
        relations = _under_one_key(run, entities, relations, labels)
    # A model may have a cut entity of keys without values in ``keyless``: what has a key now is not.
    tails = {relation.tail for relation in relations}
    keyless = tuple(place for place in result.keyless if place not in tails)
    return replace(result, entities=tuple(entities), relations=tuple(relations), keyless=keyless)


def _runs(entities: Sequence[Entity], options: Sequence[int | None]) -> Iterable[list[int]]:
    """Places of options that follow one another in a row; at least two."""
    run: list[int] = []
    for place, option in enumerate(options):
        if option is not None and (not run or _same_row(entities[run[-1]].box, entities[place].box)):
            run.append(place)
            continue
        if len(run) > 1:
            yield run
        run = [] if option is None else [place]
    if len(run) > 1:
        yield run


def _same_row(box: Box, other: Box) -> bool:
    return height_share(box, other) > 0.5


def _under_one_key(
    run: Sequence[int], entities: list[Entity], relations: list[Relation], labels: _Labels
) -> list[Relation]:
    inside = set(run)
    outer = [each for each in relations if each.tail in inside and each.head not in inside]
    if outer:
        key = Counter(each.head for each in outer).most_common(1)[0][0]
        model = max((each for each in outer if each.head == key), key=lambda each: each.confidence)
        share, link = model.confidence * _SIBLING, (model.link_confidence or model.confidence) * _SIBLING
    else:
        before = run[0] - 1
        if before < 0 or not _may_name(before, run[0], entities, relations, inside, labels):
            return relations
        key, share, link = before, _KEY_BEFORE * entities[before].confidence, _KEY_BEFORE
    busy = {each.head for each in relations if each.tail not in inside}
    linked = {each.tail for each in outer}
    kept = [each for each in relations if not (each.head in inside and each.tail in inside)]
    for place in run:
        # "□ Other: ...": an option with a value of its own stays a key.
        if place in linked or place in busy:
            continue
        entities[place] = replace(entities[place], label=labels.value)
        confidence = min(share, entities[place].confidence)
        kept.append(Relation(key, place, round(confidence, 6), round(link, 6)))
    return kept


def _may_name(
    before: int,
    first: int,
    entities: Sequence[Entity],
    relations: Iterable[Relation],
    inside: Collection[int],
    labels: _Labels,
) -> bool:
    """Whether the entity before options is a key on the left of them, without another value."""
    key = entities[before]
    if key.label not in labels.keys or key.selected is not None:
        return False
    if not _same_row(key.box, entities[first].box) or key.box[0] >= entities[first].box[0]:
        return False
    return not any(each.head == before and each.tail not in inside for each in relations)
