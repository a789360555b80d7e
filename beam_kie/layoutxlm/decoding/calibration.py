"""Calibrated confidences: the tables of ``config.json``, applied to entities and relations.

A table is a list of points [confidence as computed, confidence as reported], straight lines between them.
Tables never decide anything: they are applied after entities and relations are chosen, and they keep order.
``python -m beam_kie.training.calibration`` measures and makes them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from beam_kie.document import Entity, Relation
from beam_kie.layoutxlm.decoding.entities import DecodedEntity

Table = Sequence[tuple[float, float]]


def look_up(confidences: np.ndarray, table: Table) -> np.ndarray:
    """Confidences (any shape, 0 to 1) through a table; an empty table changes nothing.

    Args:
        confidences: any shape, in [0, 1].
        table: pairs of a computed and a reported confidence, rising, in [0, 1].
    """
    if not len(table):
        return confidences
    computed, reported = np.array(table, dtype=np.float64).T
    return np.interp(confidences, computed, reported)


def calibrated_entities(decoded: Sequence[DecodedEntity], table: Table) -> list[DecodedEntity]:
    """The same entities with the confidences that the table gives them.

    Args:
        decoded: entities of a page.
        table: pairs of a computed and a reported confidence, rising, in [0, 1].
    """
    if not len(table):
        return list(decoded)
    reported = look_up(np.array([item.entity.confidence for item in decoded]), table).tolist()
    return [
        dataclasses.replace(item, entity=dataclasses.replace(item.entity, confidence=confidence))
        for item, confidence in zip(decoded, reported, strict=True)
    ]


def whole_relations(
    links: Sequence[Relation], entities: Sequence[Entity], table: Table
) -> tuple[Relation, ...]:
    """Links with the probability that the whole pair is right: the key, the value, and the link.

    A link's own confidence supposes that its ends are right, and is kept as ``link_confidence``. The product
    of the three is too low, since entities that are linked are right more often than others; the table of
    products corrects it.

    Args:
        links: of a page, with the confidence of the link alone.
        entities: of the page, with calibrated confidences.
        table: pairs of a computed and a reported confidence, rising, in [0, 1].
    """
    products = np.array(
        [entities[link.head].confidence * entities[link.tail].confidence * link.confidence for link in links]
    )
    return tuple(
        Relation(link.head, link.tail, confidence, link.confidence)
        for link, confidence in zip(links, look_up(products, table).tolist(), strict=True)
    )
