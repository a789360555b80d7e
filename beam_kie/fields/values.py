"""The text of a value as what its field says that it is."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from beam_kie.fields.definitions import Field, FieldType
from beam_kie.fields.keys import fold_key
from beam_kie.tables.conventions import UNKNOWN
from beam_kie.tables.normalise import interpret, readings
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
# What OCR or the model left of the key: "Factura n" | ".º H697095".
_KEYS_END = re.compile(r"^[.:：º°]+\s+")
_TIME_BEHIND = re.compile(r"[\sT,]+\d{1,2}:\d{2}(?::\d{2})?(?:\s*[ap]\.?m\.?)?(?:\s*uhr)?$", re.IGNORECASE)
_UNIT_BEHIND = re.compile(r"(?<=\d)\s*(?:%|[^\W\d]+\.?)$")
_YEN_WITH_DASH = re.compile(r"(?:¥\s*[\d,]+|[\d,]+\s*円)\s*[-−]")
_DIGITS = re.compile(r"[0-9]{1,15}")


def read_value(field: Field, row: Mapping[str, Any]) -> Value | None:
    """The value of a pair as its field wants it.

    Args:
        field: the field; of a list, the type of its values counts.
        row: of ``key_values``, with a value.

    Returns:
        None where its text is plainly none, or may be several.
    """
    text = (row["value_text"] or "").strip()
    if not text or (field.value_pattern is not None and not field.value_pattern.fullmatch(text)):
        return None
    if field.of is FieldType.TEXT:
        return Value(" ".join(_KEYS_END.sub("", text).split()) or text)
    plain = _plain(row, text)
    if field.of is FieldType.DATE:
        return _date(plain, row, field)
    if field.of is FieldType.AMOUNT:
        return _amount(plain or _yen_with_dash(row, text))
    if field.of is FieldType.NUMBER:
        return _number(plain, text)
    return _checkbox(plain, text)


def _plain(row: Mapping[str, Any], text: str) -> Normalised | None:
    """What the table says of it; it knows how the whole page writes dates."""
    if row["value_type"]:
        return Normalised(row["value_type"], row["value_normalised"], row["value_currency"])
    found = interpret(text, "", UNKNOWN) if row["value_null_reason"] is None else None
    return found if isinstance(found, Normalised) else None


def _date(plain: Normalised | None, row: Mapping[str, Any], field: Field) -> Value | None:
    text = row["value_text"].strip()
    without_time = _TIME_BEHIND.sub("", text)
    if (plain is None or plain.type != DATE) and without_time != text:
        found = interpret(without_time, "", UNKNOWN)
        plain = found if isinstance(found, Normalised) else None
    first, last = field.years or (datetime.MINYEAR, datetime.MAXYEAR)
    days: list[str] = []
    if plain is not None and plain.type == DATE:
        days = [plain.text]
    elif field.years:
        # Of the days that the text may mean, that of a year that makes sense.
        days = row.get("value_readings") or list(readings(without_time, "", UNKNOWN))
    sensible = {day for day in filter(None, map(_day, days)) if first <= day.year <= last}
    return Value(sensible.pop()) if len(sensible) == 1 else None


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


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


def _yen_with_dash(row: Mapping[str, Any], text: str) -> Normalised | None:
    """In "¥1,234-" the dash says that nothing follows; the table holds that it might be a minus."""
    ascii_text = unicodedata.normalize("NFKC", text)
    if not _YEN_WITH_DASH.fullmatch(ascii_text):
        return None
    found = interpret(ascii_text.rstrip("-− "), "", UNKNOWN)
    if not isinstance(found, Normalised):
        return None
    return replace(found, currency=row["value_currency"] or found.currency)


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
