"""Plain values in a form that a database can compare: dates, amounts, numbers and check boxes.

Careful rather than complete: a text that may mean two things ("03/04/2021", "1,234") stays as it is. Whole
texts only, never a part of one.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from dataclasses import dataclass

DATE, AMOUNT, NUMBER, CHECKBOX = "date", "amount", "number", "checkbox"
VALUE_TYPES = (DATE, AMOUNT, NUMBER, CHECKBOX)

MAX_PLAIN_DIGITS = 9
"""A longer run of digits without separators is a telephone, account or identity number, not a quantity."""

_YEARS = range(1800, 2200)


@dataclass(frozen=True, slots=True)
class Normalised:
    """A value in plain form.

    ``type`` is one of VALUE_TYPES. ``text`` is ``YYYY-MM-DD`` for a date, digits with a point for an amount
    or number (``-1234.50``), "true" or "false" for a check box. ``currency`` is the ISO 4217 code of an
    amount, None where its sign stands for several currencies ("$", "¥").
    """

    type: str
    text: str
    currency: str | None = None


def normalise(text: str) -> Normalised | None:
    """The plain form of a value's text, or None where it has none or more than one."""
    # NFKC makes a plain "52" of "5²" and "1" of "①", which is not what they say.
    if any(unicodedata.category(char) == "No" for char in text):
        return None
    plain = unicodedata.normalize("NFKC", text).strip()
    for reader in (_checkbox, _date, _amount, _number):
        found = reader(plain)
        if found is not None:
            return found
    return None


# ---------------------------------------------------------------- check boxes

_CHECKED = frozenset("☑☒✓✔✅√■") | {"[x]", "[X]", "(x)", "(X)", "[√]", "(√)", "[✓]", "(✓)"}
_UNCHECKED = frozenset("☐□▢") | {"[]", "[ ]", "( )"}


def _checkbox(text: str) -> Normalised | None:
    if text in _CHECKED:
        return Normalised(CHECKBOX, "true")
    return Normalised(CHECKBOX, "false") if text in _UNCHECKED else None


# ---------------------------------------------------------------- dates

_MONTH_NAMES = (
    "january|jan|januar|jänner|janvier|janv|enero|ene|gennaio|gen|janeiro",
    "february|feb|februar|février|févr|fév|febrero|febbraio|fevereiro|fev",
    "march|mar|märz|mär|mars|marzo|março",
    "april|apr|avril|avr|abril|abr|aprile",
    "may|mai|mayo|maggio|mag|maio",
    "june|jun|juni|juin|junio|giugno|giu|junho",
    "july|jul|juli|juillet|juil|julio|luglio|lug|julho",
    "august|aug|août|agosto|ago",
    "september|sep|sept|septembre|septiembre|settembre|set|setembro",
    "october|oct|oktober|okt|octobre|octubre|ottobre|ott|outubro|out",
    "november|nov|novembre|noviembre|novembro",
    "december|dec|dezember|dez|décembre|déc|diciembre|dic|dicembre|dezembro",
)
_MONTHS = {name: month for month, names in enumerate(_MONTH_NAMES, 1) for name in names.split("|")}
# Year 1 of each Japanese era. An era's first and last year need no more care: the date's own era is written.
_ERAS = {"明治": 1868, "大正": 1912, "昭和": 1926, "平成": 1989, "令和": 2019}

_ORDINAL = r"(?:er|st|nd|rd|th|\.|º|°)?"
_WORD = r"(?P<name>[^\W\d_]+)\.?"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<y>\d{4})\s*([-/.])\s*(?P<m>\d{1,2})\s*\2\s*(?P<d>\d{1,2})",
        r"(?P<y>\d{4})\s*[年년]\s*(?P<m>\d{1,2})\s*[月월]\s*(?P<d>\d{1,2})\s*[日号일]",
        r"(?P<era>明治|大正|昭和|平成|令和)\s*(?P<n>\d{1,2}|元)\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*日",
        r"(?P<d>\d{1,2})\s*\.\s*(?P<m>\d{1,2})\s*\.\s*(?P<y>\d{4})",
        r"(?P<a>\d{1,2})\s*([/-])\s*(?P<b>\d{1,2})\s*\2\s*(?P<y>\d{4})",
        rf"(?P<d>\d{{1,2}}){_ORDINAL}[\s-]*(?:de |of )?{_WORD}[\s,-]*(?:de |del )?(?P<y>\d{{4}})",
        rf"{_WORD}\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:\s*,\s*|\s+)(?P<y>\d{{4}})",
    )
)


def _date(text: str) -> Normalised | None:
    for pattern in _DATES:
        match = pattern.fullmatch(text.lower())
        parts = match and _year_month_day(match.groupdict())
        if parts:
            return _calendar_date(*parts)
    return None


def _year_month_day(found: dict[str, str]) -> tuple[int, int, int] | None:
    if "a" in found:
        return _unambiguous_order(int(found["a"]), int(found["b"]), int(found["y"]))
    if "name" in found:
        month = _MONTHS.get(found["name"])
        return (int(found["y"]), month, int(found["d"])) if month else None
    if "era" in found:
        year_of_era = 1 if found["n"] == "元" else int(found["n"])
        return (_ERAS[found["era"]] + year_of_era - 1, int(found["m"]), int(found["d"]))
    return (int(found["y"]), int(found["m"]), int(found["d"]))


def _unambiguous_order(first: int, second: int, year: int) -> tuple[int, int, int] | None:
    """Day and month of "25/03/2021" or "03/25/2021"; None where both numbers may be the month."""
    if first > 12 or first == second:
        return (year, second, first)
    return (year, first, second) if second > 12 else None


def _calendar_date(year: int, month: int, day: int) -> Normalised | None:
    try:
        date = datetime.date(year, month, day)
    except ValueError:
        return None
    return Normalised(DATE, date.isoformat()) if year in _YEARS else None


# ---------------------------------------------------------------- amounts and numbers

_DOLLARS = frozenset(["USD", "CAD", "AUD", "HKD", "TWD", "SGD", "MXN"])
_ISO_CODES = _DOLLARS | frozenset(["EUR", "GBP", "JPY", "CNY", "CHF", "KRW", "INR", "BRL", "PLN", "CZK"])
_SIGNS = {
    "us$": "USD",
    "r$": "BRL",
    "hk$": "HKD",
    "nt$": "TWD",
    "€": "EUR",
    "euro": "EUR",
    "£": "GBP",
    "円": "JPY",
    "rmb": "CNY",
    "人民币": "CNY",
    "₩": "KRW",
    "원": "KRW",
    "₹": "INR",
}
# Sign or code, case folded -> the ISO codes it may stand for.
_CURRENCIES: dict[str, frozenset[str]] = {
    **{code.casefold(): frozenset([code]) for code in _ISO_CODES},
    **{sign: frozenset([code]) for sign, code in _SIGNS.items()},
    "$": _DOLLARS,
    "¥": frozenset(["JPY", "CNY"]),
    **{sign: frozenset(["CNY", "HKD", "TWD"]) for sign in ("元", "圆", "元整", "圆整")},
}
# Written with a comma between thousands wherever they are used, so that "$1,234" is sure.
_COMMA_GROUPS = frozenset(
    [
        *("$", "us$", "usd", "hk$", "hkd", "nt$", "twd", "£", "gbp", "¥", "円", "jpy"),
        *("元", "圆", "元整", "圆整", "rmb", "人民币", "cny", "₩", "원", "krw"),
    ]
)

_SIGN = "|".join(re.escape(sign) for sign in sorted(_CURRENCIES, key=len, reverse=True))
_AMOUNT = re.compile(
    rf"(?P<minus>[-+])?\s*(?P<before>{_SIGN})?\s*(?P<before2>{_SIGN})?\s*"
    rf"(?P<number>[-+]?[0-9][0-9.,'’ ]*)\s*(?P<after>{_SIGN})?"
)


def _amount(text: str) -> Normalised | None:
    match = _AMOUNT.fullmatch(_ascii_minus(text).casefold())
    if match is None:
        return None
    signs = [match[name] for name in ("before", "before2", "after") if match[name]]
    if not signs or (match["minus"] and match["number"][0] in "+-"):
        return None
    codes = frozenset.intersection(*(_CURRENCIES[sign] for sign in signs))
    if not codes:
        return None
    number = (match["minus"] or "") + match["number"].strip()
    plain = _plain_number(number, comma_groups=any(sign in _COMMA_GROUPS for sign in signs))
    if plain is None:
        return None
    return Normalised(AMOUNT, plain, next(iter(codes)) if len(codes) == 1 else None)


def _number(text: str) -> Normalised | None:
    plain = _plain_number(_ascii_minus(text))
    # "612 345 678" is as likely a telephone number.
    if plain is None or (" " in text and "." not in plain):
        return None
    return Normalised(NUMBER, plain)


def _ascii_minus(text: str) -> str:
    return text.replace("−", "-").replace("–", "-")


_PLAIN = re.compile(rf"0|[1-9][0-9]{{0,{MAX_PLAIN_DIGITS - 1}}}")
_FRACTION = re.compile(rf"(0|[1-9][0-9]{{0,{MAX_PLAIN_DIGITS - 1}}})[.,]([0-9]+)")
_GROUPED = re.compile(
    r"([1-9][0-9]{0,2}(?P<group>[.,'’ ])[0-9]{3}(?:(?P=group)[0-9]{3})*)(?:(?P<point>[.,])([0-9]+))?"
)


def _plain_number(text: str, comma_groups: bool = False) -> str | None:
    """Digits with a point, or None where the text is no number or "." and "," may be read in two ways."""
    minus, digits = ("-", text[1:]) if text.startswith("-") else ("", text.removeprefix("+"))
    if _PLAIN.fullmatch(digits):
        return minus + digits
    match = _FRACTION.fullmatch(digits)
    # Three digits after the only separator may as well be thousands, unless nothing stands before it.
    if match and (len(match[2]) != 3 or match[1] == "0"):
        return f"{minus}{match[1]}.{match[2]}"
    match = _GROUPED.fullmatch(digits)
    if match is None or match["point"] == match["group"]:
        return None
    groups = match[1].split(match["group"])
    one_comma_or_point = len(groups) == 2 and match["point"] is None and match["group"] in ",."
    if one_comma_or_point and not (comma_groups and match["group"] == ","):
        return None
    fraction = f".{match[4]}" if match["point"] else ""
    return f"{minus}{''.join(groups)}{fraction}"
