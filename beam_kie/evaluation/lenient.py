"""The lenient metric: pairs as people compare them.

The strict metric (``metrics.match_pairs``) takes labels at their word: a bullet, a check box or a full stop
more makes a short text another one, and a value over three lines is three values or one, as the annotator had
it. Here case, bullets, marks and punctuation do not count, and a value that is split in another way than its
label is right as a whole.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from beam_kie.document import PageResult
from beam_kie.evaluation.metrics import Score, TextPair, normalise_text, pair_score, similar
from beam_kie.labelled.gold import GoldPage
from beam_kie.layoutxlm.decoding.entities import join_texts


class _KeyWithValues(NamedTuple):
    key: str
    values: tuple[str, ...]

    @property
    def whole(self) -> str:
        return lenient_text(join_texts(self.values))

    @property
    def pairs(self) -> list[TextPair]:
        return [(self.key, lenient_text(value)) for value in self.values]


def lenient_score(result: PageResult, gold: GoldPage) -> Score:
    """Pairs of one page, by texts in which only letters and numbers count, values of a key joined if need be.

    Args:
        result: of the model, for a page.
        gold: the same page as it is labelled.
    """
    found = _by_key(
        ((relation.head, relation.tail) for relation in result.relations),
        [entity.text for entity in result.entities],
    )
    wanted = _by_key(gold.pairs, [entity.text for entity in gold.entities])
    return pair_score(*_joined_alike(found, wanted))


def lenient_text(text: str) -> str:
    """A text as the lenient metric compares it; one without letters and numbers stays as strict as it is.

    Points and commas between digits, and signs before them, belong to the number.

    Args:
        text: of a key or value.
    """
    strict = normalise_text(text).casefold()
    kept = [char for place, char in enumerate(strict) if _counts(strict, place)]
    return "".join(kept) or strict


def _counts(text: str, place: int) -> bool:
    if unicodedata.category(text[place])[0] in "LN":
        return True
    before, behind = text[:place][-1:], text[place + 1 : place + 2]
    if text[place] in ".,":
        return before.isdigit() and behind.isdigit()
    return text[place] in "-+%" and (behind.isdigit() or before.isdigit())


def _by_key(pairs: Iterable[tuple[int, int]], texts: Sequence[str]) -> list[_KeyWithValues]:
    """The values of every key, in reading order."""
    values: dict[int, list[int]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    return [
        _KeyWithValues(lenient_text(texts[key]), tuple(texts[value] for value in sorted(of_key)))
        for key, of_key in sorted(values.items())
    ]


def _joined_alike(
    found: Sequence[_KeyWithValues], wanted: Sequence[_KeyWithValues]
) -> tuple[list[TextPair], list[TextPair]]:
    """The pairs of both sides. Values of a key that are split in two ways are one value in both."""
    found_pairs, wanted_pairs = [], []
    rest = list(wanted)
    for key in found:
        same = next((other for other in rest if _differently_split(key, other)), None)
        if same is None:
            found_pairs += key.pairs
        else:
            rest.remove(same)
            found_pairs.append((key.key, key.whole))
            wanted_pairs.append((same.key, same.whole))
    return found_pairs, wanted_pairs + [pair for key in rest for pair in key.pairs]


def _differently_split(one: _KeyWithValues, other: _KeyWithValues) -> bool:
    if len(one.values) == len(other.values) or not similar(one.key, other.key):
        return False
    return similar(one.whole, other.whole)
