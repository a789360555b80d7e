"""Which characters the languages of a job's pages are written with."""

from __future__ import annotations

import unicodedata

_LATIN = (
    "af az bs ca cs cy da de en es et eu fi fr ga gl hr hu id is it la lt lv ms mt nl no pl pt ro sk sl sq "
    "sv sw tl tr vi"
)
_SCRIPTS = {
    **dict.fromkeys(_LATIN.split(), ("LATIN",)),
    "zh": ("LATIN", "CJK"),
    "ja": ("LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"),
    "el": ("LATIN", "GREEK"),
}

KNOWN = tuple(sorted(_SCRIPTS))
"""ISO 639-1 codes of the languages that can be asked for."""


def codes_of(languages: str | None) -> list[str]:
    """The codes of languages.

    Args:
        languages: with commas between them; None for all languages, of which none is named.
    """
    return [code.strip() for code in (languages or "").split(",") if code.strip()]


def scripts_of(languages: str | None) -> frozenset[str]:
    """The scripts of languages.

    Args:
        languages: their codes with commas between them; None for all languages.

    Returns:
        The first words of the Unicode names of their letters; none for all scripts.

    Raises:
        ValueError: a language is unknown.
    """
    codes = codes_of(languages)
    unknown = [code for code in codes if code not in _SCRIPTS]
    if unknown:
        raise ValueError(f"unknown OCR language {unknown[0]!r}: choose some of {','.join(KNOWN)}")
    return frozenset(script for code in codes for script in _SCRIPTS[code])


def is_written_in(text: str, scripts: frozenset[str]) -> bool:
    """Whether these scripts use a character; digits, marks and symbols belong to all scripts.

    Args:
        text: a character, or what one class of a recogniser stands for; not empty.
        scripts: names as Unicode has them, for example LATIN.
    """
    if not unicodedata.category(text[0]).startswith("L"):
        return True
    # Full and half width, superscripts and the like are other forms of letters.
    plain = unicodedata.normalize("NFKC", text)[0]
    return unicodedata.name(plain, "").split(" ", 1)[0] in scripts
