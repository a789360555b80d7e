"""Dates, of calendars and languages of which each form is plain."""

from __future__ import annotations

import datetime
import re

from beam_kie.tables.conventions import Convention
from beam_kie.tables.value_types import DATE, Doubt, Normalised, Reading

_YEARS = range(1800, 2200)

_MONTH_NAMES = (
    "january|jan|januar|jänner|janvier|janv|enero|ene|gennaio|gen|janeiro|januari|stycznia|января",
    "february|feb|februar|février|févr|fév|febrero|febbraio|fevereiro|fev|februari|lutego|февраля",
    "march|mar|märz|mär|mars|marzo|março|maart|mrt|marca|марта",
    "april|apr|avril|avr|abril|abr|aprile|kwietnia|апреля",
    "may|mai|mayo|maggio|mag|maio|mei|maj|maja|мая",
    "june|jun|juni|juin|junio|giugno|giu|junho|czerwca|июня",
    "july|jul|juli|juillet|juil|julio|luglio|lug|julho|lipca|июля",
    "august|aug|août|agosto|ago|augustus|augusti|sierpnia|августа",
    "september|sep|sept|septembre|septiembre|settembre|set|setembro|września|сентября",
    "october|oct|oktober|okt|octobre|octubre|ottobre|ott|outubro|out|października|октября",
    "november|nov|novembre|noviembre|novembro|listopada|ноября",
    "december|dec|dezember|dez|décembre|déc|diciembre|dic|dicembre|dezembro|grudnia|декабря",
)
_MONTHS = {name: month for month, names in enumerate(_MONTH_NAMES, 1) for name in names.split("|")}
# Year 1 of each era. An era's first and last year need no more care: the date's own era is written.
_ERAS = {"明治": 1868, "大正": 1912, "昭和": 1926, "平成": 1989, "令和": 2019, "民國": 1912, "民国": 1912}

_ORDINAL = r"(?:er|st|nd|rd|th|\.|º|°|o)?"
_WORD = r"(?P<name>[^\W\d_]+)\.?"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<y>\d{4})\s*([-/.])\s*(?P<m>\d{1,2})\s*\2\s*(?P<d>\d{1,2})\.?",
        r"(?P<y>\d{4})\s*[年년]\s*(?P<m>\d{1,2})\s*[月월]\s*(?P<d>\d{1,2})\s*[日号號일]",
        rf"(?P<era>{'|'.join(_ERAS)})\s*(?P<n>\d{{1,3}}|元)\s*年\s*(?P<m>\d{{1,2}})\s*月\s*(?P<d>\d{{1,2}})\s*日",
        r"(?P<d>\d{1,2})\s*\.\s*(?P<m>\d{1,2})\s*\.\s*(?P<y>\d{4})",
        r"(?P<a>\d{1,2})\s*([/-])\s*(?P<b>\d{1,2})\s*\2\s*(?P<y>\d{4})",
        r"(?:ngày )?(?P<d>\d{1,2}) tháng (?P<m>\d{1,2})(?: năm|,)? (?P<y>\d{4})",
        rf"(?P<d>\d{{1,2}}){_ORDINAL}[\s/-]*(?:de |of )?{_WORD}[\s,/-]*(?:de |del )?(?P<y>\d{{4}})"
        r"(?: ?г\.?)?",
        rf"{_WORD}\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:\s*,\s*|\s+)(?P<y>\d{{4}})",
    )
)
_SHORT = re.compile(r"(\d{1,2})\s*([-/.])\s*(\d{1,2})\s*\2\s*(\d{2})|'?(\d{2})年(\d{1,2})月(\d{1,2})日")
_SHORT_WORD = re.compile(rf"(?P<d>\d{{1,2}}){_ORDINAL}[\s/-]*{_WORD}[\s,/-]*'?(?P<y>\d{{2}})")
_WEEKDAY = re.compile(r"\s*\([月火水木金土日월화수목금토일]\)$")


def read_date(text: str, convention: Convention) -> Reading:
    """A date.

    Args:
        text: in Unicode's form NFKC.
        convention: of its page; decides where day and month may be swapped, and of a year of two digits.

    Returns:
        The date, what is not known of it, or None where the text is no date.
    """
    text = _WEEKDAY.sub("", text.lower())
    for pattern in _DATES:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        parts = _year_month_day(match.groupdict(), convention)
        if isinstance(parts, Doubt):
            return parts
        if parts:
            return _calendar_date(*parts)
    if convention.century is None:
        return Doubt.CENTURY if _has_short_year(text) else None
    return _short_date(text, convention)


def _year_month_day(found: dict[str, str], convention: Convention) -> tuple[int, int, int] | Doubt | None:
    if "a" in found:
        return _in_order(int(found["a"]), int(found["b"]), int(found["y"]), convention)
    if "name" in found:
        month = _MONTHS.get(found["name"])
        return (int(found["y"]), month, int(found["d"])) if month else None
    if "era" in found:
        year_of_era = 1 if found["n"] == "元" else int(found["n"])
        return (_ERAS[found["era"]] + year_of_era - 1, int(found["m"]), int(found["d"]))
    return (int(found["y"]), int(found["m"]), int(found["d"]))


def _in_order(
    first: int, second: int, year: int, convention: Convention
) -> tuple[int, int, int] | Doubt | None:
    """Year, month and day of "25/03/2021" or "03/25/2021"; of "03/04/2021" where the page decides."""
    if not (1 <= first <= 31 and 1 <= second <= 31) or year not in _YEARS:
        return None
    if first > 12 or first == second:
        return (year, second, first)
    if second > 12:
        return (year, first, second)
    if convention.day_first is None:
        return Doubt.DATE_ORDER
    return (year, second, first) if convention.day_first else (year, first, second)


def _has_short_year(text: str) -> bool:
    """Whether it is a date but for the century of its year."""
    if match := _SHORT.fullmatch(text):
        first, second, third = (int(part) for part in match.groups() if part and part.isdigit())
        day_month = 1 <= first <= 31 and 1 <= second <= 31 and min(first, second) <= 12
        return day_month or (1 <= second <= 12 and 1 <= third <= 31)
    match = _SHORT_WORD.fullmatch(text)
    return match is not None and match["name"] in _MONTHS


def _short_date(text: str, convention: Convention) -> Reading:
    """A date with a year of two digits, of the century that is assumed."""
    assert convention.century is not None
    century = 100 * convention.century
    if match := _SHORT_WORD.fullmatch(text):
        month = _MONTHS.get(match["name"])
        return _calendar_date(century + int(match["y"]), month, int(match["d"])) if month else None
    match = _SHORT.fullmatch(text)
    if match is None:
        return None
    first, second, third = (int(part) for part in match.groups() if part and part.isdigit())
    ways = {"ymd": _calendar_date(century + first, second, third)}
    if match[2]:
        ways["dmy"] = _calendar_date(century + third, second, first)
        # With points between them the day is never second.
        ways["mdy"] = None if match[2] == "." else _calendar_date(century + third, first, second)
    found = {way: date for way, date in ways.items() if date}
    known = "ymd" if convention.year_first else "dmy" if convention.day_first else "mdy"
    if known in found and (convention.year_first or convention.day_first is not None):
        return found[known]
    dates = set(found.values())
    if len(dates) > 1:
        return Doubt.DATE_ORDER
    return dates.pop() if dates else None


def _calendar_date(year: int, month: int, day: int) -> Normalised | None:
    try:
        date = datetime.date(year, month, day)
    except ValueError:
        return None
    return Normalised(DATE, date.isoformat()) if year in _YEARS else None
