"""Signs and codes of currencies, as they stand beside amounts."""

from __future__ import annotations

import re

_DOLLARS = frozenset(["USD", "CAD", "AUD", "NZD", "HKD", "TWD", "SGD", "MXN", "ARS", "CLP", "COP"])
# Without those that are words ("ALL", "MAD", "TOP").
_OTHER_CODES = """
    EUR GBP JPY CNY CHF KRW INR BRL PLN CZK SEK NOK DKK HUF RON BGN TRY ILS THB VND IDR MYR PHP ZAR RUB UAH
    ISK SAR AED EGP KWD QAR PKR LKR BDT NPR NGN KES UYU
"""
_CODES = _DOLLARS | frozenset(_OTHER_CODES.split())
KNOWN_CODES = _CODES
"""ISO 4217 codes that are recognised beside amounts."""

_SIGNS = {
    "us$": "USD",
    "a$": "AUD",
    "au$": "AUD",
    "c$": "CAD",
    "ca$": "CAD",
    "s$": "SGD",
    "nz$": "NZD",
    "mx$": "MXN",
    "r$": "BRL",
    "reais": "BRL",
    "hk$": "HKD",
    "nt$": "TWD",
    "€": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "£": "GBP",
    "円": "JPY",
    "日元": "JPY",
    "jp¥": "JPY",
    "cn¥": "CNY",
    "rmb": "CNY",
    "人民币": "CNY",
    "人民幣": "CNY",
    "美元": "USD",
    "欧元": "EUR",
    "港元": "HKD",
    "₩": "KRW",
    "원": "KRW",
    "₹": "INR",
    "sfr": "CHF",
    "sfr.": "CHF",
    "zł": "PLN",
    "kč": "CZK",
    "₺": "TRY",
    "₽": "RUB",
    "руб": "RUB",
    "руб.": "RUB",
    "₪": "ILS",
    "฿": "THB",
    "₫": "VND",
    "₱": "PHP",
    "rp": "IDR",
    "rp.": "IDR",
    "₴": "UAH",
    "₦": "NGN",
}
_RUPEES = frozenset(["INR", "PKR", "LKR", "NPR"])
_CROWNS = frozenset(["SEK", "NOK", "DKK", "ISK"])
# Sign or code, case folded -> the ISO codes it may stand for.
_CURRENCIES: dict[str, frozenset[str]] = {
    **{code.casefold(): frozenset([code]) for code in _CODES},
    **{sign: frozenset([code]) for sign, code in _SIGNS.items()},
    **dict.fromkeys(("$", "dollars"), _DOLLARS),
    "¥": frozenset(["JPY", "CNY"]),
    **dict.fromkeys(("rs", "rs.", "rupees"), _RUPEES),
    **dict.fromkeys(("kr", "kr."), _CROWNS),
    # Francs of Switzerland and, before the euro, of France and Belgium.
    "fr.": frozenset(["CHF", "FRF", "BEF"]),
    **dict.fromkeys(("元", "圆", "圓", "元整", "圆整", "圓整"), frozenset(["CNY", "HKD", "TWD"])),
}
SIGN = "|".join(re.escape(sign) for sign in sorted(_CURRENCIES, key=len, reverse=True))
"""A regular expression for any sign or code, case folded."""

# Written with a comma between thousands wherever they are used, so that "$1,234" is sure.
_COMMA_CODES = """
    USD HKD TWD SGD MXN AUD NZD GBP JPY CNY KRW INR PKR LKR NPR BDT PHP THB ILS NGN KES
"""
_COMMA_GROUPS = frozenset(_COMMA_CODES.split())
# Written with commas on all pages where this sign stands before or behind them.
_COMMA_SIGNS = frozenset(["$", "¥", "元", "圆", "圓", "元整", "圆整", "圓整"])
# Written with points between thousands, although the sign is a dollar's.
_POINT_DOLLARS = frozenset(["ARS", "CLP", "COP"])
# No hundredths are in use, so that any group of three digits is one of thousands.
_NO_DECIMALS = frozenset(["JPY", "KRW", "VND", "IDR", "CLP", "ISK"])


def codes_of(signs: list[str], currency: str | None = None) -> frozenset[str]:
    """The ISO 4217 codes that all of the signs may stand for.

    Args:
        signs: at least one, case folded, as ``SIGN`` finds them.
        currency: the code that counts where it is one of several.
    """
    codes = frozenset.intersection(*(_CURRENCIES[sign] for sign in signs))
    return frozenset([currency]) if currency is not None and currency in codes else codes


def groups_with_comma(signs: list[str], codes: frozenset[str]) -> bool:
    """Whether a comma before three digits stands between thousands.

    Args:
        signs: at least one, case folded, as ``SIGN`` finds them.
        codes: of ``codes_of``.
    """
    if codes <= _POINT_DOLLARS:
        return False
    return any(sign in _COMMA_SIGNS for sign in signs) or codes <= _COMMA_GROUPS


def has_no_decimals(codes: frozenset[str]) -> bool:
    """Whether the currency has no hundredths in use.

    Args:
        codes: of ``codes_of``.
    """
    return codes <= _NO_DECIMALS
