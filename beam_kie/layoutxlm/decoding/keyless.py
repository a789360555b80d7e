"""Values that no key goes with."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from beam_kie.document import PageResult


def with_keyless(result: PageResult, labels: Sequence[str]) -> PageResult:
    """A page's result with the values that no key goes with.

    Args:
        result: entities and relations of the page.
        labels: whose entities are values also without a key.
    """
    if not labels:
        return result
    linked = {relation.tail for relation in result.relations}
    keyless = [
        index
        for index, entity in enumerate(result.entities)
        if entity.label in labels and index not in linked
    ]
    return dataclasses.replace(result, keyless=tuple(keyless))
