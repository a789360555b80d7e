"""The text of a value as what its field says that it is."""

from __future__ import annotations

import datetime
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from beam_kie.fields.definitions import FieldType
from beam_kie.fields.keys import fold_key
from beam_kie.tables.conventions import UNKNOWN
from beam_kie.tables.normalise import interpret
from beam_kie.tables.value_types import AMOUNT, CHECKBOX, DATE, NUMBER, Normalised

AMOUNT_DIGITS, AMOUNT_DECIMALS = 20, 4
"""Of the column of an amount, as SQL counts: digits in all, and behind the point."""


class Value(NamedTuple):
    """A value of its field's type; an amount's currency is its ISO 4217 code, None where it is not known."""

    value: Any
    currency: str | None = None


_YES = frozenset(
    [
        *("yes", "y", "ja", "oui", "si", "sim", "true", "x", "ok"),
        "是",
        "有",
        "はい",
        "有り",
        "あり",
        "checked",
    ]
)
_NO = frozenset(
    [*("no", "n", "nein", "non", "nao", "false"), "否", "无", "無", "いいえ", "無し", "なし", "unchecked"]
)
_BOX = re.compile(r"^\s*(?P<box>[☑☒✓✔✅√■☐□▢]|[\[(]\s*[xX✓√]?\s*[\])])")
_TIME_BEHIND = re.compile(r"[\sT,]+\d{1,2}:\d{2}(?::\d{2})?(?:\s*[ap]\.?m\.?)?(?:\s*uhr)?$", re.IGNORECASE)
_UNIT_BEHIND = re.compile(r"(?<=\d)\s*(?:%|[^\W\d]+\.?)$")
_DIGITS = re.compile(r"[0-9]{1,15}")


def read_value(type_: FieldType, row: dict[str, Any]) -> Value | None:
    """The value of a pair as a type.

    Args:
        type_: of the field; of a list, that of its values.
        row: of ``key_values``, with a value.

    Returns:
        None where its text is plainly none, or may be several.
    """
    text = (row["value_text"] or "").strip()
    if not text:
        return None
    if type_ is FieldType.TEXT:
        return Value(" ".join(text.split()))
    plain = _plain(row, text)
    if type_ is FieldType.DATE:
        return _date(plain, text)
    if type_ is FieldType.AMOUNT:
        return _amount(plain)
    if type_ is FieldType.NUMBER:
        return _number(plain, text)
    return _checkbox(plain, text)


def _plain(row: dict[str, Any], text: str) -> Normalised | None:
    """What the table says of it; it knows how the whole page writes dates."""
    if row["value_type"]:
        return Normalised(row["value_type"], row["value_normalised"], row["value_currency"])
    found = interpret(text, "", UNKNOWN) if row["value_null_reason"] is None else None
    return found if isinstance(found, Normalised) else None


def _date(plain: Normalised | None, text: str) -> Value | None:
    if plain is None or plain.type != DATE:
        without_time = _TIME_BEHIND.sub("", text)
        found = interpret(without_time, "", UNKNOWN) if without_time != text else None
        plain = found if isinstance(found, Normalised) else None
    if plain is None or plain.type != DATE:
        return None
    return Value(datetime.date.fromisoformat(plain.text))


def _amount(plain: Normalised | None) -> Value | None:
    if plain is None or plain.type not in (AMOUNT, NUMBER):
        return None
    try:
        number = Decimal(plain.text)
    except InvalidOperation:
        return None
    fits = abs(number) < 10 ** (AMOUNT_DIGITS - AMOUNT_DECIMALS)
    exact = number == round(number, AMOUNT_DECIMALS)
    return Value(round(number, AMOUNT_DECIMALS), plain.currency) if fits and exact else None


def _number(plain: Normalised | None, text: str) -> Value | None:
    if plain is None:
        # The key may have said that it names something; the field says that it is a number.
        ascii_text = unicodedata.normalize("NFKC", text)
        if _DIGITS.fullmatch(ascii_text):
            return Value(float(ascii_text))
        without_unit = _UNIT_BEHIND.sub("", ascii_text)
        found = interpret(without_unit, "", UNKNOWN) if without_unit != ascii_text else None
        plain = found if isinstance(found, Normalised) else None
    if plain is None or plain.type not in (NUMBER, AMOUNT):
        return None
    return Value(float(plain.text))


def is_yes_or_no(text: str) -> bool:
    """Whether a text is a word that ticks or does not tick by itself.

    Args:
        text: of an option, without its mark.
    """
    return fold_key(text) in _YES | _NO


def _checkbox(plain: Normalised | None, text: str) -> Value | None:
    if plain is not None and plain.type == CHECKBOX:
        return Value(plain.text == "true")
    word = fold_key(text)
    if word in _YES or word in _NO:
        return Value(word in _YES)
    # "☑ Yes", "[x] by post": the box says whether, the text behind it what.
    box = _BOX.match(text)
    found = interpret(box["box"], "", UNKNOWN) if box else None
    if isinstance(found, Normalised) and found.type == CHECKBOX:
        return Value(found.text == "true")
    return None
