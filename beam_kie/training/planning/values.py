"""Values of a settings file: whether a key is known, and whether its value may stand there."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from beam_kie.escaping import listed, printable


class SettingsError(ValueError):
    """Settings that cannot be used; the message says where and why."""


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Puts the settings file before what is said of settings while the context lasts.

    Args:
        path: of the file.

    Raises:
        SettingsError: that of the context, with the file.
    """
    try:
        yield
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


def is_number(value: object) -> bool:
    """Whether a value of a JSON file is a number.

    Args:
        value: of the file.
    """
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: object) -> bool:
    return isinstance(value, str)


def _list_of(kind: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list | tuple) and all(kind(item) for item in value)


# By the annotation of a field: what its value must be, and how to say so.
_KINDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "int": (_whole, "a whole number"),
    "int | None": (lambda value: value is None or _whole(value), "a whole number"),
    "float": (is_number, "a number"),
    "bool": (lambda value: isinstance(value, bool), "true or false"),
    "str": (_text, "text"),
    "str | None": (lambda value: value is None or _text(value), "text"),
    "tuple[str, ...]": (_list_of(_text), "a list of texts"),
    "tuple[float, ...]": (_list_of(is_number), "a list of numbers"),
    "tuple[LabelledSource, ...]": (
        _list_of(lambda item: isinstance(item, dict)),
        "a list of objects with labels",
    ),
}
_OBJECT = (lambda value: isinstance(value, dict), "an object { ... }")


def checked(kind: type, values: object, where: str) -> dict[str, Any]:
    """Values for the fields of a dataclass, lists as tuples.

    Args:
        kind: the dataclass.
        values: as JSON has them.
        where: what stands before the key in a message, for example "sources[0].".

    Raises:
        SettingsError: a key is unknown or missing, or a value is of the wrong kind.
    """
    if not isinstance(values, dict):
        raise SettingsError(f"{where.rstrip('.')} must be an object {{ ... }}")
    fields = {each.name: each for each in dataclasses.fields(kind)}
    found = {}
    for key, value in values.items():
        if key not in fields:
            raise SettingsError(f"{where}{unknown(key, fields)}")
        fits, wanted = _KINDS.get(str(fields[key].type), _OBJECT)
        if not fits(value):
            raise SettingsError(f"{where}{key} must be {wanted}, not {printable(repr(value)[:60])}")
        found[key] = tuple(value) if isinstance(value, list) else value
    for name, each in fields.items():
        given = name in found or each.default is not dataclasses.MISSING
        if not given and each.default_factory is dataclasses.MISSING:
            raise SettingsError(f"{where}{name} is missing")
    return found


def unknown(key: str, known: Iterable[str]) -> str:
    """What is said of a name that is not known, with the likeliest that is.

    Args:
        key: the name.
        known: all that are known.
    """
    known = list(known)
    near = difflib.get_close_matches(key, known, 1)
    meant = f"did you mean {near[0]}?" if near else f"known are {listed(known)}, ..."
    return f"{printable(key[:60])!s} is unknown; {meant}"
