"""What a field is: its name, its type, the keys that mean it, and how to choose among several values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

DOUBTFUL_BELOW = 0.6
"""A value of less confidence is doubtful, unless the file says otherwise."""

FUZZY = 0.85
"""Least similarity of two keys that are taken for the same, 0 to 1, unless the field says otherwise."""


class FieldType(StrEnum):
    """What a field holds."""

    TEXT = "text"
    DATE = "date"
    AMOUNT = "amount"
    NUMBER = "number"
    CHECKBOX = "checkbox"
    LIST = "list"
    """All values, not one of them."""


class Choose(StrEnum):
    """Which of several values counts."""

    MOST_CONFIDENT = "most_confident"
    FIRST = "first"
    LAST = "last"
    LARGEST = "largest"
    """The largest amount or number, the latest date."""
    SMALLEST = "smallest"
    KEY_ORDER = "key_order"
    """That of the key that stands first in ``keys``."""


ORDERED = (FieldType.AMOUNT, FieldType.NUMBER, FieldType.DATE)
"""Types of which one value can be larger than another."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    ``keys`` and ``patterns`` (regular expressions) say which keys mean it; there is at least one of them.
    ``weak_keys`` may mean it, or something else. ``value_pattern`` is what the whole value must match, and
    ``years`` the first and last year of a date that makes sense. ``multiline``: values of one key that stand
    below one another are lines of one value.
    ``fuzzy`` is the least similarity of a key that is not spelled as in ``keys``, 0 to 1; None: only the same
    key counts. ``of`` is the type of a list's values, else the type itself. ``section`` is the text of the
    header that the key must stand below; ``page`` the page it must stand on, from 1, or from -1, the last
    one, backwards.
    """

    name: str
    type: FieldType
    keys: tuple[str, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()
    of: FieldType = FieldType.TEXT
    fuzzy: float | None = FUZZY
    section: tuple[str, ...] = ()
    page: int | None = None
    required: bool = False
    choose: Choose = Choose.MOST_CONFIDENT
    weak_keys: tuple[str, ...] = ()
    value_pattern: re.Pattern[str] | None = None
    years: tuple[int, int] | None = None
    multiline: bool = False

    @property
    def is_list(self) -> bool:
        """Whether all values are wanted."""
        return self.type is FieldType.LIST


@dataclass(frozen=True, slots=True)
class FieldFile:
    """The fields of a file, in its order.

    ``name`` is that of the file, without its folder. Values below ``doubtful_below`` are doubtful. ``digest``
    stands for everything that decides what is found.
    """

    name: str
    fields: tuple[Field, ...]
    doubtful_below: float = DOUBTFUL_BELOW
    digest: str = field(default="", compare=False)

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the required fields."""
        return tuple(each.name for each in self.fields if each.required)
