"""Keys and values that are cut or joined by their rows: by what stands beside them, and how near.

The network joins and cuts lines by what they say and how they lie, before any key has its value. With the
links at hand, some of it is plainly wrong; what is repaired is linked anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from beam_kie.document import PageText, Relation
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.entities import DecodedEntity
from beam_kie.layoutxlm.decoding.rows_apart import cut_at_rows
from beam_kie.layoutxlm.decoding.side_by_side import join_side_by_side
from beam_kie.layoutxlm.inputs.features import PageTokens

Links = tuple[Relation, ...]

_PASSES = 2  # where keys were cut, values beside them may be cut next


def repair_rows(
    config: LayoutXLMConfig,
    page: PageText,
    tokens: PageTokens,
    decoded: Sequence[DecodedEntity],
    link: Callable[[Sequence[DecodedEntity]], Links],
) -> tuple[list[DecodedEntity], Links]:
    """The entities of a page with repaired keys and values, and the links between them.

    Args:
        config: with one label of keys and one of values; with others nothing is changed.
        page: the page.
        tokens: of the page.
        decoded: its entities.
        link: finds the links between entities; called again after each step that changed them.
    """
    links = link(decoded)
    if not len(config.head_labels) == len(config.tail_labels) == 1:
        return list(decoded), links
    found = list(decoded)
    for _ in range(_PASSES):
        cut = cut_at_rows(config, page, tokens, found, links)
        if len(cut) == len(found):
            break
        found, links = cut, link(cut)
    joined = join_side_by_side(config, page, found, links)
    return joined, links if len(joined) == len(found) else link(joined)
