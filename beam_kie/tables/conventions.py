"""How a page writes what may be read in several ways: from other dates on it, options, or its language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from beam_kie.options import Effect, check_options, option
from beam_kie.tables.currencies import KNOWN_CODES

_value = partial(option, group="Values", effect=Effect.RESULTS)


class DateOrder(StrEnum):
    """The order of day, month and year in dates of digits."""

    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueOptions:
    """What the user knows of values that may be read in several ways; None: nothing.

    ``currency`` is an ISO 4217 code. An unknown code raises ValueError.
    """

    date_order: DateOrder | None = field(
        default=None,
        metadata=_value(
            "How to read dates such as 03/04/2021 where the page has no date that decides; ymd: dates of two "
            "digits each begin with the year."
        ),
    )
    currency: str | None = field(
        default=None,
        metadata=_value(
            "Currency of amounts whose sign stands for several, such as $, ¥ or kr, if it is one of them.",
            metavar="CODE",
            pattern=re.compile("|".join(sorted(KNOWN_CODES))),
            form="an ISO 4217 code in capitals that the program knows, such as USD, CAD or JPY",
        ),
    )

    def __post_init__(self) -> None:
        check_options(self)


NO_VALUE_OPTIONS = ValueOptions()


@dataclass(frozen=True, slots=True)
class Convention:
    """What is known of a page, or assumed; None: nothing decides.

    ``day_first``: in dates that end with the year the day comes before the month. ``year_first``: dates with
    a year of two digits begin with it. ``century``: of years of two digits, 19 or 20. ``decimal_mark``: a
    comma or point. ``negative``: whether a dash behind a number or brackets around it mean that.
    ``currency``: of signs that stand for several, an ISO 4217 code.
    """

    day_first: bool | None = None
    year_first: bool = False
    century: int | None = None
    decimal_mark: str | None = None
    negative: bool | None = None
    currency: str | None = None


UNKNOWN = Convention()

_LEAST_WORDS = 2
_DATE = re.compile(r"(?<![\d/.-])(\d{1,2})([/-])(\d{1,2})\2\d{4}(?![\d/-])")
# Words of forms that stand for one language or country each. Two of them are needed: some are also names.
_DAY_FIRST = """
    rechnung rechnungsdatum datum straße strasse geburtsdatum unterschrift anschrift betrag menge vorname
    nachname gesamtbetrag lieferschein mwst kunde postleitzahl ort firma staatsangehörigkeit
    facture prénom adresse téléphone naissance montant tva quantité ville lieu nationalité
    factura fecha nombre apellidos dirección teléfono importe cantidad nacimiento ciudad iva
    fattura cognome indirizzo telefono importo quantità nascita città codice
    fatura nome morada endereço telefone nascimento quantidade cidade
    factuur bedrag geboortedatum handtekening btw faktura kwota podpis
    vat postcode cheque gstin pincode nino
"""
_DAY_FIRST_WORDS = frozenset(_DAY_FIRST.split())
_MONTH_FIRST_WORDS = frozenset(["zip", "zipcode", "ssn", "routing"])
_MONTH_FIRST_TERMS = re.compile(r"social security number|internal revenue service")


def page_convention(texts: Iterable[str], options: ValueOptions = NO_VALUE_OPTIONS) -> Convention:
    """How a page writes its values.

    Dates of which one number is no month decide ("25/03/2021"), if all of them agree. Without any, the
    options decide, and then the page's language, where it is written in countries that write dates in one
    way; English is not one.

    Args:
        texts: of all lines of a page.
        options: what the user knows.

    Returns:
        The convention; UNKNOWN where nothing decides.
    """
    plain = [unicodedata.normalize("NFKC", text).casefold() for text in texts]
    day_first = _day_first(plain, options.date_order)
    return Convention(day_first, options.date_order is DateOrder.YMD, currency=options.currency)


def _day_first(plain: list[str], date_order: DateOrder | None) -> bool | None:
    orders = {order for text in plain for order in _orders(text)}
    if orders:
        return orders.pop() if len(orders) == 1 else None
    if date_order in (DateOrder.DMY, DateOrder.MDY):
        return date_order is DateOrder.DMY
    words = {word for text in plain for word in re.findall(r"[^\W\d_]+", text)}
    day_first = len(words & _DAY_FIRST_WORDS)
    month_first = len(words & _MONTH_FIRST_WORDS) + sum(
        bool(_MONTH_FIRST_TERMS.search(text)) for text in plain
    )
    if day_first and month_first:
        return None
    if day_first >= _LEAST_WORDS:
        return True
    return False if month_first >= _LEAST_WORDS else None


def _orders(text: str) -> Iterable[bool]:
    """Whether the day comes first, for every date in the text that tells."""
    for first, _, second in _DATE.findall(text):
        if (int(first) > 12) != (int(second) > 12) and max(int(first), int(second)) <= 31:
            yield int(first) > 12
