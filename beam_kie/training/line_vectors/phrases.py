"""Short texts as lines of forms hold them: from the generator's vocabulary, and cut out of plain text."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from beam_kie.forms.domains import domain_names, load_domain
from beam_kie.forms.vocabulary import load

LONGEST = 120
_BREAKS = re.compile(r"[，。、；：！？「」（）\s,.;:()]+")
_WORD_COUNTS = (1, 1, 2, 2, 3, 3, 4, 5, 7)
_IDEOGRAPHS = frozenset({"zh", "ja"})
_LEAST_LINE = 9
_MOST_CHARACTERS = 24  # of a phrase in ideographs


def vocabulary_lines(language: str) -> list[str]:
    """Every printed text that the generator has in a language, each once.

    Args:
        language: a language code.
    """
    found: dict[str, None] = {}
    for name in domain_names(language):
        domain = load_domain(language, name)
        groups = (*domain.sections, *domain.tables)
        for text in (*domain.titles, *domain.notes, *domain.declarations, *domain.footers, *domain.free):
            found[text] = None
        for group in groups:
            found.update(dict.fromkeys(group.headings))
            for key in group.keys:
                found.update(dict.fromkeys(key.wordings))
                found.update(dict.fromkeys(key.value.words))
    found.update(dict.fromkeys(_plain_words(language)))
    return [text for text in found if 0 < len(text) <= LONGEST]


def _plain_words(language: str) -> Iterator[str]:
    for words in load(language).all_words():
        yield from (word for word in words if not re.search(r"[{}@#;]", word))


def phrases(lines: Sequence[str], language: str, count: int, rng: random.Random) -> list[str]:
    """Parts of lines, one to seven words or up to 24 ideographs; half of them begin with a capital.

    Args:
        lines: of plain text, in the language.
        language: a language code.
        count: how many lines are drawn; a line without a usable part gives none.
        rng: the random generator.
    """
    long_enough = [line for line in lines if len(line) >= _LEAST_LINE]
    found = []
    for line in rng.sample(long_enough, min(count, len(long_enough))):
        text = _ideographs(line, rng) if language in _IDEOGRAPHS else _words(line, rng)
        if text:
            found.append(text[:LONGEST])
    return list(dict.fromkeys(found))


def _ideographs(line: str, rng: random.Random) -> str:
    parts = [part for part in _BREAKS.split(line) if 1 < len(part) <= _MOST_CHARACTERS]
    return rng.choice(parts) if parts else ""


def _words(line: str, rng: random.Random) -> str:
    words = line.split()
    count = min(len(words), rng.choice(_WORD_COUNTS))
    start = rng.randrange(len(words) - count + 1)
    text = " ".join(words[start : start + count]).strip(' ,.;:()"')
    return text[:1].upper() + text[1:] if rng.random() < 0.5 else text
