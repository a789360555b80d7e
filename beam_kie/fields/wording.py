"""Keys of one meaning in other words: "Invoice number", "Inv. No.", "No. of invoice", "VAT 19 %"."""

from __future__ import annotations

import re
from typing import NamedTuple

NUMBER = "#"
"""What stands for every word that means "number"."""

LEAST_ABBREVIATION = 3
"""Letters of an abbreviation that are enough to tell the word; of fewer letters too many words begin."""

_LEAST_PLURAL = 6
_CJK_NUMBERS = ("番号", "番號", "编号", "編號", "号码", "號碼", "號", "号")
_NUMBER_WORDS = frozenset(
    (
        *("no", "nos", "nr", "nro", "num", "number", "nummer", "numero", "n", "n°", "№", "#", "id"),
        *_CJK_NUMBERS,
    )
)
_NUMBER_ENDINGS = ("nummer", "nr", *_CJK_NUMBERS, "no")  # Rechnungsnummer, Kundennr., 請求書No.
_JOINING = frozenset(
    (
        *("of", "the", "and", "for", "your", "our"),
        *("der", "des", "die", "und", "ihre", "unsere"),
        *("de", "du", "des", "la", "le", "les", "d", "l", "votre", "notre"),
        *("del", "el", "los", "las", "y", "su", "da", "do", "das", "dos", "e", "o", "a"),
        *("di", "della", "dello", "dell", "il", "lo"),
    )
)
_RATE = re.compile(r"[(（]?\s*\d{1,2}(?:[.,]\d{1,3})?\s*[%％]\s*[)）]?")
_WORD = re.compile(r"[^\W_]+°?\.?|[#№]")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


class Wording(NamedTuple):
    """The words of a key in alphabetical order, and which of them are abbreviated (end with a point).

    Words that mean "number" are NUMBER; joining words are left out.
    """

    words: tuple[str, ...]
    short: frozenset[str]


def without_rate(text: str) -> str:
    """A key without a tax rate: "VAT (19 %)" is "VAT".

    Args:
        text: of the key. One that is nothing but a rate stays as it is.
    """
    return _RATE.sub(" ", text).strip() or text


def wording(folded: str) -> Wording:
    """The words of a key.

    Args:
        folded: the key as ``fold_key`` makes it, but with the points of abbreviations.
    """
    words: list[str] = []
    short: set[str] = set()
    for found in _WORD.findall(folded):
        word = found.rstrip(".")
        if word in _NUMBER_WORDS:
            words.append(NUMBER)
            continue
        if word in _JOINING:
            continue
        stem = _stem(word)
        numbered = stem != word
        # "Rechnungs-Nr.", "Rechnung Nr."; "packages", "package".
        stem = stem.removesuffix("s") if len(stem) >= _LEAST_PLURAL else stem
        words += [stem, NUMBER] if numbered else [stem]
        if found.endswith(".") and len(stem) >= LEAST_ABBREVIATION:
            short.add(stem)
    return Wording(tuple(sorted(words)), frozenset(short))


def is_short_for(key: Wording, whole: Wording) -> bool:
    """Whether each word of a key is one of another or its abbreviation: "Cust. no." and "Customer number".

    Args:
        key: with abbreviated words.
        whole: the key that it may stand for.
    """
    if not key.short or len(key.words) != len(whole.words):
        return False
    left = list(whole.words)
    for word in key.words:
        same = word if word in left else None
        if same is None and word in key.short:
            same = next((other for other in left if other.startswith(word)), None)
        if same is None:
            return False
        left.remove(same)
    return True


def _stem(word: str) -> str:
    """A compound without "number" at its end; other words as they are."""
    for ending in _NUMBER_ENDINGS:
        stem = word.removesuffix(ending)
        latin = ending.isascii() and ending != "no"
        if stem != word and len(stem) >= (LEAST_ABBREVIATION if latin else 1):
            if not latin and not _CJK.search(stem):
                continue
            return stem
    return word
