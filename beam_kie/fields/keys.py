"""Which keys mean a field: the same text after folding, nearly the same, or a regular expression."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import fuzz, process

from beam_kie.fields.definitions import Field
from beam_kie.fields.wording import Wording, is_short_for, without_rate, wording

LEAST_FUZZY_LENGTH = 5
"""Shorter keys must be the same: of four characters one that differs makes another word."""

_PART = 0.98
"""Of a key in two languages, "Total / Summe", one part is enough, if hardly as sure as the whole."""
_SHORT = 0.9
"""Of a key with abbreviated words: other words may begin like them."""
WEAK = 0.6
"""Of a key that may mean the field, or something else (``weak_keys``)."""
_LONGEST = 200
_SEPARATORS = re.compile(r"\s*[/|／｜\n]\s*|\s+-\s+|\s*[(（\[【](?=[^)）\]】]*[)）\]】]?$)")
_EDGES = re.compile(r"^[\W_]+|[^\w°#]+$|(?<=\w)_+$")
_CJK = r"[\u3040-\u30ff\u3400-\u9fff]"
_BETWEEN_CJK = re.compile(rf"(?<={_CJK})\s+(?={_CJK})")
_NUMBERING = re.compile(r"^\(?\d{1,2}[.)]\s*")


class KeyMatch(NamedTuple):
    """How well a key means a field, 0 to 1, and the place in ``keys`` of the one that it is like.

    Keys that only a regular expression matches come behind all ``keys``, and ``weak_keys`` behind those.
    """

    score: float
    order: int


def fold_key(text: str) -> str:
    """A key in the form in which keys are compared.

    Unicode's form NFKC without accents, case folded, with single spaces and none between Chinese or Japanese
    characters; numbering, bullets, colons and other marks at both ends go.

    Args:
        text: of a key, as it was read.
    """
    plain = unicodedata.normalize("NFKC", text.replace("º", "°").replace("№", "No")).casefold()
    # Only the accents of Latin, Greek and Cyrillic letters: the marks of Japanese ones tell syllables apart.
    apart = unicodedata.normalize("NFD", plain)
    plain = unicodedata.normalize("NFC", "".join(char for char in apart if not "\u0300" <= char <= "\u036f"))
    plain = _BETWEEN_CJK.sub("", " ".join(plain.split()))
    plain = _NUMBERING.sub("", plain)
    before = None
    while before != plain:
        before, plain = plain, _EDGES.sub("", plain)
    return plain.replace("n°", "no").replace("nº", "no")


class KeyMatcher:
    """Tells which keys mean a field.

    Args:
        field: the field.
    """

    def __init__(self, field: Field):
        self._field = field
        places = list(enumerate(map(fold_key, field.keys)))
        self._weak = {_letters(fold_key(key)) for key in field.weak_keys}
        worded = [(place, _worded(key)) for place, key in enumerate(field.keys)]
        self._wordings = {words: place for place, words in reversed(worded) if words.words}
        # Of two that are the same the first counts.
        self._order = {_letters(key): place for place, key in reversed(places) if key}
        self._long = {key: place for place, key in reversed(places) if len(key) >= LEAST_FUZZY_LENGTH}
        self._behind = len(places)
        self.match = lru_cache(maxsize=4_096)(self._match)

    def _match(self, text: str) -> KeyMatch | None:
        """How well a key means the field.

        Args:
            text: of the key, as it was read.

        Returns:
            None where it does not.
        """
        text = text[:_LONGEST]
        folded = fold_key(text)
        if not folded:
            return None
        if (letters := _letters(folded)) in self._order:
            return KeyMatch(1.0, self._order[letters])
        if letters in self._weak:
            return KeyMatch(WEAK, self._behind + 1)
        if any(pattern.fullmatch(text.strip().rstrip(":： ")) for pattern in self._field.patterns):
            return KeyMatch(1.0, self._behind)
        return self._part(text) or self._in_other_words(text) or self._like(folded)

    def _in_other_words(self, text: str) -> KeyMatch | None:
        words = _worded(text)
        if self._field.fuzzy is None or not any(len(word) > 1 for word in words.words):
            return None
        for known, place in self._wordings.items():
            if known.words == words.words:
                return KeyMatch(_PART, place)
        short = [place for known, place in self._wordings.items() if is_short_for(words, known)]
        return KeyMatch(_SHORT, min(short)) if short and self._field.fuzzy <= _SHORT else None

    def _part(self, text: str) -> KeyMatch | None:
        split = _SEPARATORS.split(text)
        parts = [_letters(fold_key(part)) for part in (*split, without_rate(text)) if part]
        found = [self._order[part] for part in parts if part in self._order]
        return KeyMatch(_PART, min(found)) if found else None

    def _like(self, folded: str) -> KeyMatch | None:
        """The most similar key, as the share of its characters that are the same."""
        least = self._field.fuzzy
        if least is None or len(folded) < LEAST_FUZZY_LENGTH or not self._long:
            return None
        found = process.extractOne(folded, list(self._long), scorer=fuzz.ratio, score_cutoff=100 * least)
        return KeyMatch(found[1] / 100, self._long[found[0]]) if found else None


def _worded(text: str) -> Wording:
    # The point of an abbreviation at the end is an edge that ``fold_key`` takes off.
    return wording(fold_key(text) + ("." if text.rstrip(" :：*").endswith(".") else ""))


def _letters(folded: str) -> str:
    """What the same key has in common however it is put apart: "sub total", "sub-total" and "subtotal"."""
    return "".join(char for char in folded if char.isalnum()) or folded


def means_section(header: str, wanted: tuple[str, ...], fuzzy: float | None) -> bool:
    """Whether a header is one of those that a field must stand below.

    Args:
        header: its text, as it was read.
        wanted: the headers of the field.
        fuzzy: least similarity, 0 to 1; None: only the same header counts.
    """
    folded = fold_key(header[:_LONGEST])
    for text in map(fold_key, wanted):
        if folded == text:
            return True
        if fuzzy is not None and len(text) >= LEAST_FUZZY_LENGTH and fuzz.ratio(folded, text) >= 100 * fuzzy:
            return True
    return False
