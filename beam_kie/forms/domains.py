"""The words of forms by domain, read from ``vocabulary/<language>/<domain>.toml``.

A domain is what a form is about: a bank account, a customs declaration, a school. Its file has lists of
titles, notes, declarations, free text, stamps and footers, and sections and tables of keys. A line of a
section is ``key|another wording = value``; what may stand for the value is in ``parse_value``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal

Shape = Literal["named", "options", "samples", "range", "code"]

# Values that ``domain_content`` makes up, by the name that a vocabulary file uses.
NAMED = frozenset(
    {
        *("account", "address", "bank", "birth", "bp", "city", "company", "country", "currency", "date"),
        *("dec", "dept", "email", "family", "freq", "given", "iban", "id", "job", "money", "month", "name"),
        *(
            "nation",
            "office",
            "past",
            "period",
            "person",
            "phone",
            "pid",
            "plate",
            "rate",
            "region",
            "school",
        ),
        *("sign", "street", "swift", "taxid", "text", "time", "vin", "web", "words", "year", "yn", "zip"),
    }
)
# Words of a form that are no keys: the name in the file, one text a line.
LISTS = ("titles", "notes", "declarations", "free", "stamps", "footers")
COMMON = "common"

_RANGE = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)(?: (.+)|(%))?")


@dataclass(frozen=True, slots=True)
class Value:
    """What is filled in beside a key.

    ``shape`` says which of the other fields count: "named" ``name``; "options" and "samples" ``words``
    (options are printed, one is ticked; of samples one is written); "range" ``low``, ``high``,
    ``decimals`` and ``unit``; "code" ``words[0]`` with # for digits and @ for capital letters.
    """

    shape: Shape
    name: str = ""
    words: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    decimals: int = 0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A key in all its wordings, and what is filled in beside any of them."""

    wordings: tuple[str, ...]
    value: Value


@dataclass(frozen=True, slots=True)
class Group:
    """A section, or a table whose keys are the heads of its columns; ``headings`` are its alternatives."""

    headings: tuple[str, ...]
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Domain:
    """All words of one domain in one language."""

    language: str
    name: str
    titles: tuple[str, ...]
    notes: tuple[str, ...]
    declarations: tuple[str, ...]
    free: tuple[str, ...]
    stamps: tuple[str, ...]
    footers: tuple[str, ...]
    sections: tuple[Group, ...]
    tables: tuple[Group, ...]

    def key_texts(self) -> Iterator[str]:
        """Every wording of every key and column head."""
        for group in (*self.sections, *self.tables):
            for key in group.keys:
                yield from key.wordings


class DomainError(ValueError):
    """A vocabulary file that cannot be read; the message names file and line."""


def parse_value(text: str) -> Value:
    """The value that the right side of a vocabulary line stands for.

    Args:
        text: ``A|B|C`` options to tick; ``a;b;c`` samples, ``#`` a digit and ``@`` a capital letter in
            each; ``2-90 kg`` a number of that range, with as many decimals as the bounds have, and its
            unit; ``##-@`` a code; otherwise a name of ``NAMED``.

    Returns:
        The value.

    Raises:
        DomainError: an empty alternative, a range upside down or an unknown name.
    """
    for shape, mark in (("options", "|"), ("samples", ";")):
        if mark in text:
            words = tuple(word.strip() for word in text.split(mark))
            if not all(words):
                raise DomainError(f"empty alternative in {text!r}")
            return Value("options" if shape == "options" else "samples", words=words)
    if text in NAMED:
        return Value("named", name=text)
    if match := _RANGE.fullmatch(text):
        low, high = match[1], match[2]
        if float(low) >= float(high):
            raise DomainError(f"range {text!r} does not grow")
        decimals = max(len(number.partition(".")[2]) for number in (low, high))
        return Value(
            "range", low=float(low), high=float(high), decimals=decimals, unit=match[3] or match[4] or ""
        )
    if "#" in text or "@" in text:
        return Value("code", words=(text,))
    raise DomainError(f"unknown value {text!r}, expected a range, a code, alternatives or one of {_names()}")


def parse_domain(language: str, name: str, text: str) -> Domain:
    """The domain that a vocabulary file's ``text`` holds.

    Raises:
        DomainError: not TOML, an unknown list or table, an empty line or key, a value that
            ``parse_value`` does not know.

    Args:
        language: a code for which there are domain files, for example "de".
        name: of the domain.
        text: of the domain's TOML file.
    """
    where = f"{language}/{name}.toml"
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DomainError(f"{where}: {error}") from None
    unknown = set(data) - {*LISTS, "sections", "tables"}
    if unknown:
        raise DomainError(f"{where}: unknown entry {sorted(unknown)[0]!r}")
    lists = {entry: tuple(_lines(data.get(entry, ""), f"{where}: {entry}")) for entry in LISTS}
    sections, tables = (
        tuple(_group(where, heads, lines) for heads, lines in data.get(entry, {}).items())
        for entry in ("sections", "tables")
    )
    return Domain(language, name, **lists, sections=sections, tables=tables)


@lru_cache(maxsize=512)
def load_domain(language: str, name: str) -> Domain:
    """A domain of the package.

    Raises:
        ValueError: the language does not have such a domain.
        DomainError: its file cannot be read.

    Args:
        language: a code for which there are domain files, for example "de".
        name: of the domain.
    """
    path = resources.files("beam_kie.forms") / "vocabulary" / language / f"{name}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"no words of domain {name!r} for language {language!r}") from None
    return parse_domain(language, name, text)


@lru_cache(maxsize=16)
def domain_names(language: str) -> tuple[str, ...]:
    """The domains of a language, sorted, without ``common``; empty for a language that has none.

    Args:
        language: a code for which there are domain files, for example "de".
    """
    folder = resources.files("beam_kie.forms") / "vocabulary" / language
    if not folder.is_dir():
        return ()
    names = sorted(
        entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")
    )
    return tuple(name for name in names if name != COMMON)


def _group(where: str, heads: str, lines: str) -> Group:
    headings = tuple(head.strip() for head in heads.split("|"))
    keys = []
    for line in _lines(lines, f"{where}: {headings[0]}"):
        left, mark, right = line.rpartition(" = ")
        wordings = tuple(word.strip() for word in left.split("|"))
        if not mark or not all(wordings):
            raise DomainError(f"{where}: expected 'key|another = value', got {line!r}")
        try:
            keys.append(Key(wordings, parse_value(right.strip())))
        except DomainError as error:
            raise DomainError(f"{where}: {left}: {error}") from None
    if not all(headings) or not keys:
        raise DomainError(f"{where}: empty heading or section {heads!r}")
    return Group(headings, tuple(keys))


def _lines(text: str, where: str) -> list[str]:
    lines = [line.strip() for line in text.strip("\n").split("\n")] if text else []
    if not all(lines):
        raise DomainError(f"{where}: empty line")
    return lines


def _names() -> str:
    return ", ".join(sorted(NAMED))
