"""What a value's text can be: its plain form, or why it has none."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

DATE, AMOUNT, NUMBER, CHECKBOX, OPTION = "date", "amount", "number", "checkbox", "option"
VALUE_TYPES = (DATE, AMOUNT, NUMBER, CHECKBOX, OPTION)


@dataclass(frozen=True, slots=True)
class Normalised:
    """A value in plain form.

    ``type`` is one of VALUE_TYPES. ``text`` is ``YYYY-MM-DD`` for a date, digits with a point for an amount
    or number (``-1234.50``), "true" or "false" for a check box, the text without its mark for an option.
    ``currency`` is the ISO 4217 code of an amount, None where its sign stands for several currencies ("$",
    "¥"): ``currencies`` are their codes.
    """

    type: str
    text: str
    currency: str | None = None
    currencies: tuple[str, ...] = field(default=(), compare=False)


class Doubt(StrEnum):
    """Why a text that looks like a date or a number has no plain form."""

    DATE_ORDER = "date_order"
    """Day and month may be swapped, and nothing on the page decides: "03/04/2021"."""
    CENTURY = "century"
    """A year of two digits: "04.03.21"."""
    DECIMAL_MARK = "decimal_mark"
    """The only separator may stand before thousands or decimals: "1,234"."""
    SIGN = "sign"
    """A dash or brackets may or may not say that it is negative: "(12)", "1,234-"."""
    IDENTIFIER = "identifier"
    """A telephone number, address, version or name of something, by its form or its key: "612.345.678"."""
    TIME = "time"
    """A time of day rather than a fraction, by its key: "12.30"."""


Reading = Normalised | Doubt | None
"""What a reader says of a text; None: it does not look like what the reader reads."""
