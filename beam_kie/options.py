"""Options declared once: fields of frozen dataclasses whose metadata says what everything else needs.

A field has the name, the type and the default of an option. Its metadata, made by ``option``, has the rest:
help, group, bounds, and whether results depend on it. For example::

    @dataclass(frozen=True, slots=True)
    class DecodeLimits:
        max_pages: int = field(
            default=2_000,
            metadata=option("Files with more pages fail.", group="Limits", effect=Effect.LIMITS, minimum=1),
        )

        def __post_init__(self) -> None:
            check_options(self)

A field without such metadata is not an option. A field that holds a dataclass stands for the options of that
dataclass. The type of a field is ``bool``, ``int``, ``float``, ``str``, a ``StrEnum`` (whose members are the
choices) or ``tuple[str, ...]``; ``| None`` may follow.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum, StrEnum
from functools import cache
from types import NoneType
from typing import Any, TypeVar

T = TypeVar("T")

_KEY = "option"
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

DEVICES = ("auto", "cpu", "cuda")
"""The choices of a flag that says where a network runs; from Python "cuda:N" is possible as well."""


class Effect(StrEnum):
    """The effect of an option on the tables of a run."""

    RESULTS = "results"
    """Rows of a document depend on it."""
    LIMITS = "limits"
    """It decides whether a document fails, and nothing else."""
    NONE = "none"
    """Nothing: it says where things are, or where and how fast the work is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionInfo:
    """The metadata of an option.

    ``help`` is one or two sentences without the default, ``group`` the title of its group in ``--help``,
    ``effect`` what it can change in the tables of a run. ``flag`` is given where its name is not the field's;
    ``aliases`` are other names of the flag, ``metavar`` the placeholder of its value in ``--help``.
    ``choices`` of a text hold on the command line only; an enum has its own. ``minimum`` and ``maximum`` of a
    number are inclusive. A text must match ``pattern``, which ``form`` puts in words. ``shown_default`` is
    what the help says where the default is known only at launch; the flag then has none. ``required``: no
    run can do without it. ``is_uri``: a place in storage that all workers must reach. ``in_template`` is
    False where the option makes no sense in a job template. ``bare`` is the choice that a flag without a
    value means.
    """

    help: str
    group: str
    effect: Effect
    flag: str | None = None
    aliases: tuple[str, ...] = ()
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: re.Pattern[str] | None = None
    form: str = ""
    shown_default: str | None = None
    required: bool = False
    is_uri: bool = False
    in_template: bool = True
    bare: str | None = None


def option(help: str, *, group: str, effect: Effect, **more: Any) -> dict[str, OptionInfo]:
    """The metadata that makes a dataclass's field an option.

    Args:
        help: One or two sentences, without the default.
        group: Title of the group in ``--help`` and of the section in docs/options.md.
        effect: What the option can change in the tables of a run.
        **more: The other attributes of ``OptionInfo``.

    Returns:
        A mapping for ``dataclasses.field(metadata=...)``.

    Raises:
        TypeError: An argument is unknown.
    """
    return {_KEY: OptionInfo(help=help, group=group, effect=effect, **more)}


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a configuration: what its field and the field's metadata say.

    ``kind`` is the type of one value, ``several`` whether there may be more than one. ``default`` is None
    where the field has none.
    """

    flag: str
    kind: type
    several: bool
    default: Any
    info: OptionInfo

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts that the command line accepts; empty where the choice is free."""
        return (
            tuple(member.value for member in self.kind) if issubclass(self.kind, Enum) else self.info.choices
        )

    @property
    def flag_default(self) -> Any:
        """The value where the flag is not given: plain, as Beam and job templates know it."""
        if self.several or self.info.shown_default is not None:
            return None
        return self.default.value if isinstance(self.default, Enum) else self.default

    @property
    def shown_default(self) -> str:
        """The default as ``--help`` shows it."""
        if self.info.shown_default is not None:
            return self.info.shown_default
        value = self.flag_default
        return str(value).lower() if value is None or isinstance(value, bool) else str(value)

    def parse(self, text: str) -> Any:
        """The value that ``text`` on the command line means; choices are left to the parser.

        Args:
            text: One argument. Job templates pass an option that was left out as an empty text.

        Returns:
            A bool, int, float or str; None for an empty text where a text is asked for.

        Raises:
            ValueError: The text means no value of this option; the message has no name of the flag in it.
        """
        if self.kind is bool:
            if text.lower() not in _BOOLEANS:
                raise ValueError(f"must be true or false, not {text!r}")
            return _BOOLEANS[text.lower()]
        if self.kind is float:
            return self._checked(_number(text), shown=text)
        if self.kind is int:
            try:
                value = int(text)
            except ValueError:
                raise ValueError(f"{text!r} is not a whole number") from None
            return self._checked(value)
        if self.info.pattern is None:
            return text.strip() or None
        return self._checked(text) if text else None

    def check(self, value: Any) -> Any:
        """``value`` as the field holds it: a member of its enum, within the bounds.

        Args:
            value: A value from Python; None passes.

        Returns:
            The same value, or the enum's member of that value.

        Raises:
            ValueError: It is not among the choices of an enum, out of bounds, or does not match the pattern.
        """
        if value is None or self.several:
            return value
        if issubclass(self.kind, Enum):
            try:
                return self.kind(value)
            except ValueError:
                choices = ", ".join(self.choices)
                raise ValueError(f"unknown value {value!r}: choose one of {choices}") from None
        return self._checked(value)

    def _checked(self, value: Any, shown: Any = None) -> Any:
        info = self.info
        if self.kind is str:
            if info.pattern is not None and not info.pattern.fullmatch(value):
                raise ValueError(f"{value!r} must be {info.form}")
            return value
        low, high = info.minimum, info.maximum
        # NaN lies in no interval.
        if not ((low is None or value >= low) and (high is None or value <= high)):
            number = "a number " if self.kind is float else ""
            bounds = f"at least {low}" if high is None else f"from {low} to {high}"
            raise ValueError(f"must be {number}{bounds}, not {value if shown is None else repr(shown)}")
        return value


@cache
def options_of(cls: type) -> tuple[Option, ...]:
    """The options of a configuration, those of dataclasses within it included, in the order of the fields.

    Args:
        cls: A dataclass.

    Returns:
        One record for each option.
    """
    return tuple(_options(cls))


def check_options(config: Any) -> None:
    """Check the options of a frozen dataclass and turn texts into members of enums; for ``__post_init__``.

    Args:
        config: The dataclass; dataclasses within it have checked themselves.

    Raises:
        ValueError: The first option whose value is impossible; the message begins with the field's name.
    """
    hints = typing.get_type_hints(type(config))
    for item in fields(config):
        if _KEY in item.metadata:
            try:
                value = _option(item, hints[item.name]).check(getattr(config, item.name))
            except ValueError as error:
                raise ValueError(f"{item.name}: {error}") from None
            object.__setattr__(config, item.name, value)


def values_of(config: Any) -> dict[str, Any]:
    """The values of all options by the names of their flags, without the dataclasses that hold them.

    Args:
        config: A dataclass with options.

    Returns:
        One entry for each record of ``options_of(type(config))``, in that order.
    """
    values = {}
    for item, section in _sections(type(config)):
        if section is not None:
            values |= values_of(getattr(config, item.name))
        elif _KEY in item.metadata:
            values[_flag(item)] = getattr(config, item.name)
    return values


def from_values(cls: type[T], values: Mapping[str, Any]) -> T:
    """A configuration from values by the names of their flags.

    Args:
        cls: A dataclass with options.
        values: Values by flag; a field that is no option goes by its own name. What is not named has its
            default.

    Returns:
        The configuration, with the dataclasses within it.

    Raises:
        TypeError: A name is unknown, or a value without a default is missing.
        ValueError: A value is impossible.
    """
    left = dict(values)
    config = _build(cls, left)
    if left:
        raise TypeError(f"{cls.__name__} has no option {', '.join(sorted(left))}")
    return config


def with_values(config: T, **changes: Any) -> T:
    """A copy of a configuration with some values changed.

    Args:
        config: A dataclass with options.
        **changes: New values, named as in ``from_values``.

    Returns:
        The copy.

    Raises:
        TypeError: A name is unknown.
        ValueError: A value is impossible.
    """
    plain = {
        item.name: getattr(config, item.name)
        for item, section in _sections(type(config))
        if section is None and _KEY not in item.metadata
    }
    return from_values(type(config), plain | values_of(config) | changes)


def _build(cls: type[T], values: dict[str, Any]) -> T:
    """The configuration; what it needs is taken out of ``values``."""
    arguments = {}
    for item, section in _sections(cls):
        if section is not None:
            arguments[item.name] = _build(section, values)
        elif (name := _flag(item)) in values:
            arguments[item.name] = values.pop(name)
    return cls(**arguments)


def _options(cls: type) -> Iterator[Option]:
    hints = typing.get_type_hints(cls)
    for item, section in _sections(cls):
        if section is not None:
            yield from _options(section)
        elif _KEY in item.metadata:
            yield _option(item, hints[item.name])


@cache
def _option(item: Field[Any], hint: Any) -> Option:
    kinds = [kind for kind in typing.get_args(hint) or (hint,) if kind not in (NoneType, Ellipsis)]
    several = typing.get_origin(hint) is tuple
    default = None if item.default is MISSING else item.default
    return Option(_flag(item), kinds[0], several, default, item.metadata[_KEY])


@cache
def _sections(cls: type) -> tuple[tuple[Field[Any], type | None], ...]:
    """The fields of a dataclass, each with the dataclass that it holds, if any."""
    hints = typing.get_type_hints(cls)
    return tuple(
        (item, hints[item.name] if is_dataclass(hints[item.name]) else None)
        for item in fields(typing.cast(Any, cls))
    )


def _flag(item: Field[Any]) -> str:
    info = item.metadata.get(_KEY)
    return item.name if info is None or info.flag is None else info.flag


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
