"""How a page writes its dates: from other dates on it, or else from its language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Convention:
    """What is known of a page. ``day_first``: its dates are day/month/year; None: nothing says so or not."""

    day_first: bool | None = None


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


def page_convention(texts: Iterable[str]) -> Convention:
    """What the texts of a page say of how it writes dates.

    Dates of which one number is no month decide ("25/03/2021"), if all of them agree. Without any, the
    page's language does, where it is written in countries that write dates in one way; English is not one.

    Args:
        texts: of all lines of a page.

    Returns:
        The convention; UNKNOWN where nothing decides.
    """
    plain = [unicodedata.normalize("NFKC", text).casefold() for text in texts]
    orders = {order for text in plain for order in _orders(text)}
    if orders:
        return Convention(orders.pop()) if len(orders) == 1 else UNKNOWN
    words = {word for text in plain for word in re.findall(r"[^\W\d_]+", text)}
    day_first = len(words & _DAY_FIRST_WORDS)
    month_first = len(words & _MONTH_FIRST_WORDS) + sum(
        bool(_MONTH_FIRST_TERMS.search(text)) for text in plain
    )
    if day_first and month_first:
        return UNKNOWN
    if day_first >= _LEAST_WORDS:
        return Convention(day_first=True)
    return Convention(day_first=False) if month_first >= _LEAST_WORDS else UNKNOWN


def _orders(text: str) -> Iterable[bool]:
    """Whether the day comes first, for every date in the text that tells."""
    for first, _, second in _DATE.findall(text):
        if (int(first) > 12) != (int(second) > 12) and max(int(first), int(second)) <= 31:
            yield int(first) > 12
