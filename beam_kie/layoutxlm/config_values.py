"""Parts of a configuration, and values of its file: whether they may stand in a field, and as which type."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any, ClassVar

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", tuple: "a list"}

FILE_NAMES = {"method": "decoding"}
"""What fields are called in the file, where they have another name in the class."""


class ConfigError(ValueError):
    """A configuration that cannot be used; the message says which field and why."""


class Part:
    """A part of the configuration; ``CHOICES`` holds the allowed values of fields that are names."""

    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __post_init__(self) -> None:
        for name, allowed in self.CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(f"{FILE_NAMES.get(name, name)} must be one of {', '.join(allowed)}")
        self._check()

    def _check(self) -> None:
        """Raises ConfigError for values that do not go together."""


def frozen(value: object, depth: int) -> object:
    """Lists as tuples. Nothing here nests deeper than points in a table; what does stays, and is refused.

    Args:
        value: as JSON has it.
        depth: how deep it lies in lists.
    """
    if not isinstance(value, list) or depth > 2:
        return value
    return tuple(frozen(item, depth + 1) for item in value)


def is_table(value: object) -> bool:
    """Whether a value is a calibration table; one of a single point would make all confidences equal.

    Args:
        value: of the field.
    """
    if not isinstance(value, tuple) or len(value) == 1:
        return False
    if not all(isinstance(point, tuple) and len(point) == 2 for point in value):
        return False
    if not all(type(number) in (int, float) and 0 <= number <= 1 for point in value for number in point):
        return False
    return all(a[0] < b[0] and a[1] <= b[1] for a, b in itertools.pairwise(value))


def is_pairs(value: object) -> bool:
    """Whether a value is a list of pairs of texts.

    Args:
        value: as ``frozen`` returns it.
    """
    if not isinstance(value, tuple):
        return False
    return all(
        isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(end, str) for end in pair)
        for pair in value
    )


def is_like(value: object, field: dataclasses.Field[Any]) -> bool:
    """Whether a value from outside may stand in a field.

    Args:
        value: as ``frozen`` returns it.
        field: of a part of the configuration, with a default.
    """
    default = field.default
    if isinstance(default, float) and not isinstance(default, bool):
        return isinstance(value, int | float) and not isinstance(value, bool)
    if type(value) is not type(default):
        return False
    return not isinstance(value, tuple) or all(type(item) is _item_type(field) for item in value)


def _item_type(field: dataclasses.Field[Any]) -> type:
    """Of what the lists in a field are."""
    return int if field.type == "tuple[int, ...]" else str


def kind_of(field: dataclasses.Field[Any]) -> str:
    """What a field must be, in words.

    Args:
        field: of a part of the configuration, with a default.
    """
    of = {int: " of whole numbers", str: " of texts"}[_item_type(field)]
    return _KINDS[type(field.default)] + (of if isinstance(field.default, tuple) else "")
