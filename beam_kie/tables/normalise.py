"""Plain values in a form that a database can compare: dates, amounts, numbers and check boxes.

Careful rather than complete: a text that may mean two things ("1,234", or "03/04/2021" on a page that does
not say which comes first) stays as it is, with the reason. Whole texts only, never a part of one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from beam_kie.tables.conventions import UNKNOWN, Convention
from beam_kie.tables.key_kinds import KeyKind, kind_of_key
from beam_kie.tables.value_dates import read_date
from beam_kie.tables.value_numbers import read_amount, read_number
from beam_kie.tables.value_types import (
    AMOUNT,
    CHECKBOX,
    DATE,
    NUMBER,
    OPTION,
    VALUE_TYPES,
    Doubt,
    Normalised,
    Reading,
)
from beam_kie.ticks.glyphs import option_text

__all__ = [
    "AMOUNT",
    "CHECKBOX",
    "DATE",
    "NUMBER",
    "OPTION",
    "VALUE_TYPES",
    "Doubt",
    "Normalised",
    "interpret",
    "normalise",
    "readings",
]


def normalise(text: str, key: str = "", convention: Convention = UNKNOWN) -> Normalised | None:
    """The plain form of a value's text.

    Args:
        text: of a whole value, as it was read.
        key: text of its key; "" where it has none.
        convention: of its page.

    Returns:
        None where the text has no plain form, or more than one.
    """
    found = interpret(text, key, convention)
    return found if isinstance(found, Normalised) else None


def interpret(text: str, key: str = "", convention: Convention = UNKNOWN) -> Reading:
    """The plain form of a value's text, or why a text that looks like one has none.

    Args:
        text: of a whole value, as it was read.
        key: text of its key; "" where it has none.
        convention: of its page.

    Returns:
        None where the text looks like no date, amount, number or check box.
    """
    # NFKC makes a plain "52" of "5²" and "1" of "①", which changes their meaning.
    if not text.isascii() and any(unicodedata.category(char) == "No" for char in text):
        return None
    plain = unicodedata.normalize("NFKC", text).strip()
    if (option := option_text(plain)) is not None:
        found = interpret(option, key, convention)
        return Normalised(OPTION, option) if found is None else found
    kind = kind_of_key(key)
    found = _checkbox(plain) or read_date(plain, convention) or read_amount(plain, convention)
    if found is None:
        found = read_number(plain, convention)
        is_name = kind is KeyKind.IDENTIFIER or (kind is KeyKind.ITEM and len(plain) > _ITEM_DIGITS)
        if found is not None and is_name:
            return Doubt.IDENTIFIER
        if found is not None and kind is KeyKind.TIME and _CLOCK.fullmatch(plain):
            return Doubt.TIME
    # Versions may have the form of dates: "2021.3.4".
    if found is not None and kind is KeyKind.VERSION:
        return Doubt.IDENTIFIER
    return found


def readings(text: str, key: str = "", convention: Convention = UNKNOWN) -> tuple[str, ...]:
    """The plain forms that a text may have of which ``interpret`` says why it has no single one.

    Args:
        text: of a whole value, as it was read.
        key: text of its key; "" where it has none.
        convention: of its page.

    Returns:
        Each once, the likelier ones first; none where ``interpret`` gives the plain form itself, or the text
        looks like none or names something.
    """
    if not isinstance(interpret(text, key, convention), Doubt):
        return ()
    return tuple(dict.fromkeys(_readings(text, key, convention)))


def _readings(text: str, key: str, convention: Convention) -> Iterator[str]:
    found = interpret(text, key, convention)
    if isinstance(found, Normalised):
        yield found.text
    elif found is not None:
        for way in _WAYS.get(found, ()):
            assumed = replace(convention, **way)
            # What the assumption does not settle would be assumed for ever.
            if interpret(text, key, assumed) is not found:
                yield from _readings(text, key, assumed)


_WAYS: dict[Doubt, tuple[dict[str, Any], ...]] = {
    Doubt.DATE_ORDER: ({"day_first": True}, {"day_first": False}, {"year_first": True}),
    Doubt.CENTURY: ({"century": 20}, {"century": 19}),
    Doubt.DECIMAL_MARK: ({"decimal_mark": "."}, {"decimal_mark": ","}),
    Doubt.SIGN: ({"negative": False}, {"negative": True}),
}

_ITEM_DIGITS = 3
_CLOCK = re.compile(r"(?:[01]?[0-9]|2[0-4])[.,][0-5][0-9]")

_CHECKED = frozenset("☑☒✓✔✅√■") | {"[x]", "[X]", "(x)", "(X)", "[√]", "(√)", "[✓]", "(✓)"}
_UNCHECKED = frozenset("☐□▢") | {"[]", "[ ]", "( )"}


def _checkbox(text: str) -> Normalised | None:
    if text in _CHECKED:
        return Normalised(CHECKBOX, "true")
    return Normalised(CHECKBOX, "false") if text in _UNCHECKED else None
