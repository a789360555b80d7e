"""Checks the vocabulary files of domains and counts their words: ``python -m beam_kie.forms.domain_check``.

What is held: no printed text has two labels within a language, letters are those of the language, no text
stands twice where once would do, ``common`` has the sections that ``domain_page`` asks for, and nothing
looks like somebody's telephone number or e-mail address. The reader itself refuses empty lines, unknown
entries and unknown types of values.
"""

from __future__ import annotations

import argparse
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from beam_kie.forms.domains import COMMON, Domain, DomainError, domain_names, load_domain
from beam_kie.forms.model import LANGUAGES

# What a printed text of a form is. What people write in (samples, free text) may be any word.
KEY, HEADER, OPTION, NOTE = "key", "header", "option", "note"
# Sections of ``common``: a person, addresses, a bank account, the office, signatures.
COMMON_SECTIONS = 5
LEAST_KEYS = 60

_LETTERS = {
    "en": "çé",
    "de": "äöüß",
    "fr": "àâæçéèêëîïôœùûü",
    "es": "áéíñóúü",
    "it": "àèéìíòóù",
    "pt": "áâãàçéêíóôõúü",
    "zh": "",
    "ja": "",
}
_UNITS = frozenset("µμΩβαγφÅø")
# Ways to write a character of one of the two languages that the other does not have.
_SIMPLIFIED = frozenset(
    "电费单报务产业东车办证认设运输选择须请时间长门问题对应书买卖诊疗药险银钱纳额购话邮编县级历职员签"
)
_JAPANESE = frozenset(
    "電費単報務産業東車証認設運輸選択須請時間長門問題対応書買売診療薬険銀銭納額購話郵編県級歴職員"
)
_PRIVATE = re.compile(r"\d{7}|\w@\w+\.\w")


class Count(NamedTuple):
    """How many different texts of each class a domain has."""

    keys: int
    headers: int
    options: int
    notes: int


def printed(domain: Domain) -> Iterator[tuple[str, str]]:
    """Every printed text of a domain with its class; keys may come several times.

    Args:
        domain: as ``load_domain`` returns it.
    """
    for text in domain.titles:
        yield text, HEADER
    for group in (*domain.sections, *domain.tables):
        for text in group.headings:
            yield text, HEADER
        for key in group.keys:
            for text in key.wordings:
                yield text, KEY
            if key.value.shape == "options":
                for text in key.value.words:
                    yield text, OPTION
    for text in (*domain.notes, *domain.declarations, *domain.stamps, *domain.footers):
        yield text, NOTE


def count(domain: Domain) -> Count:
    """The different texts of a domain by class.

    Args:
        domain: as ``load_domain`` returns it.
    """
    texts = set(printed(domain))
    return Count(*(sum(name == wanted for _, name in texts) for wanted in (KEY, HEADER, OPTION, NOTE)))


def domain_problems(domain: Domain) -> list[str]:
    """What is wrong with one file by itself; every line names the file and the text.

    Args:
        domain: as ``load_domain`` or ``parse_domain`` return it.

    Returns:
        One line a problem, none for a file that is fit for use.
    """
    where = f"{domain.language}/{domain.name}.toml"
    found = [
        f"{where}: {text!r}: {why}" for text, _ in printed(domain) if (why := _wrong(domain.language, text))
    ]
    filled = [
        word for group in (*domain.sections, *domain.tables) for key in group.keys for word in key.value.words
    ]
    units = [key.value.unit for group in (*domain.sections, *domain.tables) for key in group.keys]
    for text in (*domain.free, *filled, *units):
        if why := _wrong(domain.language, text):
            found.append(f"{where}: {text!r}: {why}")
    found += [f"{where}: {text!r}: twice" for text in _repeated(domain)]
    size = count(domain)
    if domain.name == COMMON:
        if len(domain.sections) != COMMON_SECTIONS:
            found.append(f"{where}: expected {COMMON_SECTIONS} sections, got {len(domain.sections)}")
        elif not any(key.value.name == "sign" for key in domain.sections[-1].keys):
            found.append(f"{where}: the last section has nobody who signs")
    elif not domain.titles or len(domain.sections) < 3:
        found.append(f"{where}: expected titles and 3 sections at least")
    if size.keys < LEAST_KEYS:
        found.append(f"{where}: expected {LEAST_KEYS} keys at least, got {size.keys}")
    return found


def language_problems(language: str) -> list[str]:
    """What is wrong with the files of a language, by themselves and among one another.

    Raises:
        ValueError: the language has no ``common``.
        DomainError: a file cannot be read.

    Args:
        language: whose files are checked.
    """
    domains = [load_domain(language, name) for name in (COMMON, *domain_names(language))]
    found = [problem for domain in domains for problem in domain_problems(domain)]
    classes: dict[str, dict[str, str]] = {}
    for domain in domains:
        for text, name in printed(domain):
            classes.setdefault(text, {}).setdefault(name, domain.name)
    for text, names in sorted(classes.items()):
        if len(names) > 1:
            places = " and ".join(f"{name} in {file}.toml" for name, file in names.items())
            found.append(f"{language}: {text!r} is a {places}")
    latin = [text for text, names in classes.items() if KEY in names and text.isascii()]
    if language in ("zh", "ja") and len(latin) > 0.1 * len(classes):
        found.append(f"{language}: {len(latin)} of {len(classes)} texts are in Latin letters only")
    return found


def _wrong(language: str, text: str) -> str:
    """Why a text cannot be of this language, or nothing."""
    if _PRIVATE.search(text):
        return "looks like a telephone number or an e-mail address"
    if "{" in text or "}" in text or "=" in text or text != unicodedata.normalize("NFC", text):
        return "braces, an equals sign or a letter in two parts"
    for char in text:
        if char.isalpha() and not char.isascii() and char not in _UNITS and not _fits(language, char, text):
            return f"{char!r} is no letter of {language!r}"
    return ""


def _fits(language: str, char: str, text: str) -> bool:
    name = unicodedata.name(char, "")
    if name.startswith(("FULLWIDTH", "FEMININE", "MASCULINE", "SUPERSCRIPT", "MODIFIER")):
        return True
    if language not in ("zh", "ja"):
        # Beside a key in two languages, another language's letters stand.
        own = char.lower() in _LETTERS[language]
        return own or (name.startswith("LATIN") and ("/" in text or "(" in text))
    kana = name.startswith(("HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA"))
    if language == "ja":
        return (kana or name.startswith("CJK") or char == "々") and char not in _SIMPLIFIED
    return name.startswith("CJK") and char not in _JAPANESE


def _repeated(domain: Domain) -> list[str]:
    """Texts that stand twice in one list, or twice among the wordings and options of one group."""
    lists = [*(domain.titles, domain.notes, domain.declarations, domain.free, domain.stamps, domain.footers)]
    for group in (*domain.sections, *domain.tables):
        lists.append(group.headings)
        lists.append(tuple(text for key in group.keys for text in key.wordings))
        lists += [key.value.words for key in group.keys]
    return [text for words in lists for text, times in Counter(words).items() if times > 1]


def main(argv: Sequence[str] | None = None) -> int:
    """Prints counts and problems; 0 where there is none, 1 otherwise, 2 for impossible arguments.

    Args:
        argv: arguments without the program; those of the process where it is None.
    """
    parser = argparse.ArgumentParser(
        prog="python -m beam_kie.forms.domain_check",
        description="Counts the words of the form generator's domains and says what is wrong with them.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "languages", nargs="*", metavar="CODE", help="languages (default: all that have domains)"
    )
    args = parser.parse_args(argv)
    having = tuple(language for language in LANGUAGES if domain_names(language))
    unknown = [language for language in args.languages if language not in having]
    if unknown:
        parser.error(f"no domains for {unknown[0]!r}, expected some of {', '.join(having)}")
    problems = 0
    for language in args.languages or having:
        try:
            found = language_problems(language)
        except (ValueError, DomainError) as error:
            print(error)
            problems += 1
            continue
        _print_counts(language)
        print(*found, sep="\n", end="\n" if found else "")
        problems += len(found)
    return 1 if problems else 0


def _print_counts(language: str) -> None:
    print(f"{language:14}{'keys':>7}{'headers':>9}{'options':>9}{'notes':>7}")
    texts: set[tuple[str, str]] = set()
    for name in (COMMON, *domain_names(language)):
        domain = load_domain(language, name)
        texts.update(printed(domain))
        size = count(domain)
        print(f"  {name:12}{size.keys:7}{size.headers:9}{size.options:9}{size.notes:7}")
    total = Count(*(sum(kind == wanted for _, kind in texts) for wanted in (KEY, HEADER, OPTION, NOTE)))
    print(f"  {'all':12}{total.keys:7}{total.headers:9}{total.options:9}{total.notes:7}")


if __name__ == "__main__":
    sys.exit(main())
