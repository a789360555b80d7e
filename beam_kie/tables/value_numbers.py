"""Amounts of money and numbers, in the ways of writing them of which each form is plain."""

from __future__ import annotations

import re
from decimal import Decimal

from beam_kie.tables.conventions import UNKNOWN, Convention
from beam_kie.tables.currencies import SIGN, codes_of, groups_with_comma, has_no_decimals
from beam_kie.tables.value_types import AMOUNT, NUMBER, Doubt, Normalised, Reading

MAX_PLAIN_DIGITS = 7
"""A longer run of digits without separators is a telephone, account or identity number, not a quantity."""

_MOST_DIGITS = 15
_DASHES = str.maketrans("−–—‒", "----")


# ---------------------------------------------------------------- amounts

_DIGITS = r"[0-9](?:[0-9.,'’ ]*[0-9])?"
_AMOUNT = re.compile(
    rf"(?P<triangle>[▲△])?\s*(?P<minus>[-+])?\s*(?:金\s*(?=.*円))?(?P<before>{SIGN})?\s*(?P<before2>{SIGN})?\s*"
    rf"(?P<minus2>[-+])?\s*(?P<number>{_DIGITS})\s?(?P<unit>[千万億兆仟萬亿천만억조][千万億兆仟萬亿천만억조0-9,.]*|lakhs?|lacs?|crores?)?"
    rf"(?P<no_cents>[.,]\s?-{{1,2}}|/-)?(?P<trailing>-)?\s*(?P<after>{SIGN})?\s*(?P<end>也|-)?"
)
_INDIAN_UNITS = {"lakh": 100_000, "lac": 100_000, "crore": 10_000_000}


def read_amount(text: str, convention: Convention = UNKNOWN) -> Reading:
    """An amount of money, which has a currency's sign or code.

    Args:
        text: in Unicode's form NFKC.
        convention: of its page; decides what its sign, mark or dash leave open.

    Returns:
        The amount, what is not known of it, or None where the text is no amount.
    """
    plain = text.translate(_DASHES).casefold()
    inner = _in_brackets(plain)
    match = _AMOUNT.fullmatch(plain if inner is None else inner)
    if match is None:
        return None
    signs = [match[name] for name in ("before", "before2", "after") if match[name]]
    codes = codes_of(signs, convention.currency) if signs else None
    if not codes:
        return None
    size = _size_of_amount(match, signs, codes, convention.decimal_mark)
    if size is None or isinstance(size, Doubt):
        return size
    negative = _is_negative(match, bracketed=inner is not None)
    if isinstance(negative, Doubt) and convention.negative is not None:
        negative = convention.negative
    if negative is None or isinstance(negative, Doubt):
        return negative
    plain = ("-" if negative else "") + size
    if len(codes) == 1:
        return Normalised(AMOUNT, plain, next(iter(codes)))
    return Normalised(AMOUNT, plain, None, tuple(sorted(codes)))


def _in_brackets(text: str) -> str | None:
    match = re.fullmatch(r"\(([^()]+)\)", text)
    return match[1].strip() if match else None


def _is_negative(match: re.Match[str], bracketed: bool) -> bool | Doubt | None:
    marks = [
        match["triangle"],
        match["minus"],
        match["minus2"],
        match["trailing"],
        match["end"] == "-",
        bracketed,
    ]
    if sum(bool(mark) for mark in marks) > 1:
        return None
    # Behind Japanese and Chinese amounts the dash only says that nothing follows: "¥1,234-".
    if match["trailing"] and "." not in match["number"] and "," not in match["number"]:
        return Doubt.SIGN
    if match["trailing"] and not re.search(r"[.,][0-9]{2}$", match["number"]):
        return Doubt.SIGN
    if match["end"] == "-":
        return Doubt.SIGN
    if match["triangle"]:
        return True if "円" in match.group() or "¥" in match.group() else Doubt.SIGN
    return bool(bracketed or match["trailing"]) or "-" in (match["minus"], match["minus2"])


def _size_of_amount(
    match: re.Match[str], signs: list[str], codes: frozenset[str], decimal_mark: str | None
) -> str | Doubt | None:
    number, unit = match["number"], match["unit"] or ""
    if unit.rstrip("s") in _INDIAN_UNITS:
        return _in_indian_units(number, unit.rstrip("s")) if "INR" in codes else None
    if unit:
        return None if match["no_cents"] else read_myriads(number + unit)
    if match["no_cents"]:
        separator = match["no_cents"][0].replace("/", ".")
        whole = plain_digits(f"{number}{separator}0", any_groups=True)
        return whole if whole is None or isinstance(whole, Doubt) else whole.partition(".")[0]
    return plain_digits(
        number,
        comma_groups=groups_with_comma(signs, codes),
        any_groups=has_no_decimals(codes),
        most=_MOST_DIGITS,
        decimal_mark=decimal_mark,
    )


def _in_indian_units(number: str, unit: str) -> str | Doubt | None:
    plain = plain_digits(number, comma_groups=True)
    if plain is None or isinstance(plain, Doubt):
        return plain
    return _without_exponent(Decimal(plain) * _INDIAN_UNITS[unit])


# ---------------------------------------------------------------- numbers


def read_number(text: str, convention: Convention = UNKNOWN) -> Reading:
    """A number without a unit.

    Args:
        text: in Unicode's form NFKC.
        convention: of its page; decides what its mark or dash leave open.

    Returns:
        The number, what is not known of it, or None where the text is no number.
    """
    text = text.translate(_DASHES)
    if (inner := _in_brackets(text)) is not None:
        return _negative_by_brackets(inner, convention)
    if re.fullmatch(rf"{_DIGITS}-", text):
        plain = plain_digits(text[:-1], decimal_mark=convention.decimal_mark)
        sure = not isinstance(plain, Doubt) and plain and re.search(r"[.,][0-9]{2}-$", text)
        if sure:
            return Normalised(NUMBER, f"-{plain}")
        return Doubt.SIGN if plain is None else _of_either_sign(plain, convention)
    sign, digits = (text[0], text[1:]) if text[:1] in ("-", "+") else ("", text)
    if sign == "+" and _is_telephone(digits):
        return Doubt.IDENTIFIER
    if (myriads := read_myriads(digits)) is not None:
        return Normalised(NUMBER, ("-" if sign == "-" else "") + myriads)
    plain = plain_digits(digits, decimal_mark=convention.decimal_mark)
    if plain is None or isinstance(plain, Doubt):
        return plain
    if _is_name(digits):
        return Doubt.IDENTIFIER
    return Normalised(NUMBER, ("-" if sign == "-" else "") + plain)


def _negative_by_brackets(inner: str, convention: Convention) -> Reading:
    """Accounts put negative amounts in brackets; "(12)" may as well be a note, an item or a code."""
    plain = plain_digits(inner, decimal_mark=convention.decimal_mark)
    if plain is None or isinstance(plain, Doubt):
        return plain
    sure = re.fullmatch(r".*[.,][0-9]{2}", inner) or re.fullmatch(r"[0-9]{1,3}(,[0-9]{3}){2,}", inner)
    return Normalised(NUMBER, f"-{plain}") if sure else _of_either_sign(plain, convention)


def _of_either_sign(plain: str | Doubt, convention: Convention) -> Reading:
    """A number of which nothing but the convention says whether it is negative."""
    if convention.negative is None:
        return Doubt.SIGN
    return plain if isinstance(plain, Doubt) else Normalised(NUMBER, "-" * convention.negative + plain)


def _is_telephone(digits: str) -> bool:
    """Behind a plus: long, or in groups that are not surely thousands."""
    return sum(char.isdigit() for char in digits) >= 6 and "," not in digits


def _is_name(digits: str) -> bool:
    """Whether digits that can be read as a number are as likely the name of something."""
    groups = re.split(r"[ .]", digits)
    if " " in digits:
        # "612 345 678" is as likely a telephone number; "1 234,5" is none.
        return not re.search(r"[.,][0-9]+$", digits)
    if "," not in digits and len(groups) > 2:
        # An address ("192.168.100.200") or a telephone number ("612.345.678"); not "1.234.567".
        return len(groups) > 3 or len(groups[0]) == 3
    return bool(re.fullmatch(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])", digits))


# ---------------------------------------------------------------- digits

_FRACTION = re.compile(rf"(0|[1-9][0-9]{{0,{_MOST_DIGITS - 1}}})[.,]([0-9]+)")
_GROUPED = re.compile(
    r"([1-9][0-9]{0,2}(?P<group>[.,'’ ])[0-9]{3}(?:(?P=group)[0-9]{3})*)(?:(?P<point>[.,])([0-9]+))?"
)
_INDIAN = re.compile(r"([1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})(\.[0-9]+)?")
_MYRIAD_COMMAS = re.compile(r"([1-9][0-9]{0,3}(?:,[0-9]{4}){2,})(\.[0-9]+)?")


def plain_digits(
    text: str,
    comma_groups: bool = False,
    any_groups: bool = False,
    most: int = MAX_PLAIN_DIGITS,
    decimal_mark: str | None = None,
) -> str | Doubt | None:
    """Digits with a point.

    Args:
        text: digits with separators, without a sign.
        comma_groups: a comma before three digits at the end stands between thousands.
        any_groups: so does a point.
        most: digits of a number without separators.
        decimal_mark: "," or ".", where the page decides; only used where the text leaves it open.

    Returns:
        The digits, what is not known of them, or None where the text is no number.
    """
    if re.fullmatch(r"[0-9]+", text):
        plain = text == "0" or (text[0] != "0" and len(text) <= most)
        return text if plain else Doubt.IDENTIFIER
    match = _FRACTION.fullmatch(text)
    # Three digits after the only separator may as well be thousands, unless nothing stands before it.
    if match and (len(match[2]) != 3 or match[1] == "0" or len(match[1]) > 3):
        return f"{match[1]}.{match[2]}"
    for pattern in (_INDIAN, _MYRIAD_COMMAS):
        if match := pattern.fullmatch(text):
            return match[1].replace(",", "") + (match[2] or "")
    match = _GROUPED.fullmatch(text)
    if match is None or match["point"] == match["group"]:
        return None
    groups = match[1].split(match["group"])
    one_comma_or_point = len(groups) == 2 and match["point"] is None and match["group"] in ",."
    if one_comma_or_point and not any_groups and not (comma_groups and match["group"] == ","):
        if decimal_mark is None:
            return Doubt.DECIMAL_MARK
        return ("." if match["group"] == decimal_mark else "").join(groups)
    fraction = f".{match[4]}" if match["point"] else ""
    return f"{''.join(groups)}{fraction}"


_UNITS = dict(zip("万萬만億亿억兆조", (10**4,) * 3 + (10**8,) * 3 + (10**12,) * 2, strict=True))
_MYRIAD = re.compile(rf"([0-9][0-9,]*(?:\.[0-9]+)?)([千仟천])?([{''.join(_UNITS)}])?")


def read_myriads(text: str) -> str | None:
    """A number in East Asian units: "1億2,345万", "3千万", "1.5万", "5万3000".

    Args:
        text: digits and units, without a sign.

    Returns:
        Its digits; None where there is no unit, or units do not follow one another from large to small.
    """
    parts = list(_MYRIAD.finditer(text))
    if "".join(part.group() for part in parts) != text or not re.search(rf"[千仟천{''.join(_UNITS)}]", text):
        return None
    total, least = Decimal(0), Decimal(10**16)
    for part in parts:
        digits = part[1] if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", part[1]) else plain_digits(part[1], True)
        if digits is None or isinstance(digits, Doubt) or ("." in digits and len(parts) > 1):
            return None
        size = Decimal((1000 if part[2] else 1) * _UNITS.get(part[3] or "", 1))
        value = Decimal(digits) * size
        if value >= least:
            return None
        total, least = total + value, size
    return _without_exponent(total)


def _without_exponent(number: Decimal) -> str:
    return f"{number.normalize():f}"
