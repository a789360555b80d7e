"""Pages whose words a model does not know: every letter stands for another one of its kind.

Drawn forms hold words that a network has learned by heart, and on these it is surer than on forms of others.
Where decoding is chosen on drawn forms alone, a part of them in unknown words shows what helps a network that
is unsure.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from beam_kie.labelled.gold import GoldPage


def in_unknown_words(page: GoldPage, seed: int) -> GoldPage:
    """The page with its letters exchanged, each for one of its kind (capital, small letter, ideograph, kana).

    Digits, punctuation, lengths, boxes, labels and links stay.

    Args:
        page: with its gold.
        seed: other seeds exchange other letters.
    """
    letters = {char for line in page.page.lines for char in line.text if char.isalpha()}
    letters |= {char for entity in page.entities for char in entity.text if char.isalpha()}
    table = str.maketrans(_exchanged(letters, random.Random(f"{seed}-{page.name}")))
    lines = tuple(replace(line, text=line.text.translate(table)) for line in page.page.lines)
    entities = tuple(replace(entity, text=entity.text.translate(table)) for entity in page.entities)
    return replace(page, page=replace(page.page, lines=lines), entities=entities)


def _exchanged(letters: Iterable[str], rng: random.Random) -> dict[str, str]:
    kinds: dict[str, list[str]] = {}
    for letter in sorted(letters):
        kinds.setdefault(_kind(letter), []).append(letter)
    return {
        old: new
        for kind in kinds.values()
        for old, new in zip(kind, rng.sample(kind, len(kind)), strict=True)
    }


def _kind(letter: str) -> str:
    return f"{unicodedata.category(letter)} {unicodedata.name(letter, '').partition(' ')[0]}"
