"""The words of a language, read from ``vocabulary/<language>.toml``."""

from __future__ import annotations

import random
import tomllib
from functools import lru_cache
from importlib import resources

Words = tuple[str, ...]


class Vocabulary:
    """Word lists by section and name; see the head of a vocabulary file for their meaning.

    Args:
        language: one of ``LANGUAGES``.
    """

    def __init__(self, language: str):
        path = resources.files("beam_kie.forms") / "vocabulary" / f"{language}.toml"
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        self.language = language
        self._words: dict[tuple[str, str], Words] = {
            (section, name): _alternatives(value)
            for section, table in data.items()
            for name, value in table.items()
        }

    def words(self, section: str, name: str) -> Words:
        """All alternatives; empty where the language has none.

        Args:
            section: of the vocabulary.
            name: of the list in it.
        """
        return self._words.get((section, name), ())

    def all_words(self) -> list[Words]:
        """Every list of the vocabulary, in the order of its file."""
        return list(self._words.values())

    def has(self, section: str, name: str) -> bool:
        """Whether the language has such words.

        Args:
            section: of the vocabulary.
            name: of the list in it.
        """
        return (section, name) in self._words

    def pick(self, rng: random.Random, section: str, name: str) -> str:
        """One alternative.

        Args:
            rng: the random generator.
            section: of the vocabulary.
            name: of the list in it.

        Raises:
            KeyError: the language has none.
        """
        words = self._words[section, name]
        return words[int(rng.random() * len(words))]


def _alternatives(value: str) -> Words:
    if "\n" in value:
        return tuple(line.strip() for line in value.splitlines() if line.strip())
    return tuple(value.split("|"))


@lru_cache(maxsize=16)
def load(language: str) -> Vocabulary:
    """The vocabulary of a language.

    Args:
        language: a language code.

    Raises:
        ValueError: an unknown language.
    """
    try:
        return Vocabulary(language)
    except FileNotFoundError:
        raise ValueError(f"no form vocabulary for language {language!r}") from None
