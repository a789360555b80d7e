"""The lenient metric: pairs as people compare them.

The strict metric (``metrics.match_pairs``) takes labels at their word: a bullet, a check box or a full stop
more makes a short text another one, and a value over three lines is three values or one, as the annotator had
it. Here case, bullets, marks and punctuation do not count, and values of a key that are split in another way
than in the labels, lines or options, are right where they are the same once joined.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from beam_kie.document import PageResult
from beam_kie.evaluation.metrics import Score, TextPair, normalise_text, pair_score, similar
from beam_kie.labelled.gold import GoldPage
from beam_kie.layoutxlm.decoding.entities import join_texts
from beam_kie.ticks.glyphs import GlyphKind, find_glyphs, in_word

_LONGEST_RUN = 12  # values that may be one value of the other side


class _KeyWithValues(NamedTuple):
    key: str
    values: tuple[str, ...]

    def pairs(self, joins: Sequence[slice] = ()) -> list[TextPair]:
        """Its pairs, those values joined that ``joins`` (in their order, apart from each other) names."""
        runs: list[slice] = []
        for join in joins:
            runs += [slice(each, each + 1) for each in range(runs[-1].stop if runs else 0, join.start)]
            runs.append(join)
        runs += [slice(each, each + 1) for each in range(runs[-1].stop if runs else 0, len(self.values))]
        return [(self.key, self.joined(run)) for run in runs]

    def joined(self, run: slice) -> str:
        """Values that follow each other as one text."""
        return lenient_text(join_texts(self.values[run]))


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

    Points and commas between digits, and signs before them, belong to the number. A letter that stands for a
    box to tick, as 口 does in many label files, is no letter.

    Args:
        text: of a key or value.
    """
    strict = normalise_text(text).casefold()
    marks = {
        place
        for glyph in find_glyphs(strict)
        if glyph.kind is not GlyphKind.CHARACTER or not in_word(strict, glyph.start)
        for place in range(glyph.start, glyph.end)
    }
    kept = [char for place, char in enumerate(strict) if place not in marks and _counts(strict, place)]
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
        joins = [(_joins(key, other), other) for other in rest if similar(key.key, other.key)]
        best, same = max(joins, key=lambda each: len(each[0]), default=([], None))
        if same is None or not best:
            found_pairs += key.pairs()
        else:
            rest.remove(same)
            found_pairs += key.pairs([of_found for of_found, _ in best])
            wanted_pairs += same.pairs([of_wanted for _, of_wanted in best])
    return found_pairs, wanted_pairs + [pair for key in rest for pair in key.pairs()]


def _joins(found: _KeyWithValues, wanted: _KeyWithValues) -> list[tuple[slice, slice]]:
    """Runs of values on one side that are a single value of the other.

    Of all ways to walk through both sides in order, the one on which most values and runs meet their like
    (dynamic programming); single values that meet are left out of the answer.
    """
    most, more = len(found.values), len(wanted.values)
    met: dict[tuple[int, int], tuple[int, tuple[int, int]]] = {(0, 0): (0, (0, 0))}
    for i in range(most + 1):
        for j in range(more + 1):
            ways = [(met[a, b][0], (a, b)) for a, b in ((i - 1, j), (i, j - 1)) if a >= 0 and b >= 0]
            for a, b in _run_starts(i, j):
                if similar(found.joined(slice(a, i)), wanted.joined(slice(b, j))):
                    ways.append((met[a, b][0] + 1, (a, b)))
            if ways:
                met[i, j] = max(ways, key=lambda way: way[0])
    joins, place = [], (most, more)
    while place != (0, 0):
        before = met[place][1]
        sizes = place[0] - before[0], place[1] - before[1]
        if min(sizes) == 1 and max(sizes) > 1:
            joins.append((slice(before[0], place[0]), slice(before[1], place[1])))
        place = before
    return joins[::-1]


def _run_starts(i: int, j: int) -> Iterable[tuple[int, int]]:
    """Where two runs may begin that end before value ``i`` and ``j``: one has a single value."""
    if i and j:
        yield i - 1, j - 1
        yield from ((a, j - 1) for a in range(i - 2, max(i - _LONGEST_RUN, 0) - 1, -1))
        yield from ((i - 1, b) for b in range(j - 2, max(j - _LONGEST_RUN, 0) - 1, -1))
