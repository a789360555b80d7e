"""What is written into a form: keys and made-up values that fit them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from beam_kie.forms.fields import FIELDS, PERSONAL, REPEATED
from beam_kie.forms.makers import Makers


@dataclass(slots=True)
class Field:
    """A key with what was filled in: values, or options to tick. Both empty: not filled in.

    ``weight`` 1 to 3 says how wide the value wants to be; ``unit`` is printed after the value. ``struck`` is
    a value that was struck out before the present one was written beside it.
    """

    name: str
    key: str
    values: list[str] = field(default_factory=list)
    options: list[tuple[str, bool]] = field(default_factory=list)
    weight: int = 1
    long: bool = False
    unit: str = ""
    struck: str = ""

    @property
    def filled(self) -> bool:
        """Whether anything belongs to the key."""
        return bool(self.values or self.options)


class Content(Makers):
    """Makes the fields of one form.

    Args:
        language: one of ``LANGUAGES``.
        rng: the random generator.
        prose: sentences that may stand in free text; None: only those of the vocabulary.
        kind: one of ``KINDS``.
    """

    def __init__(
        self, language: str, rng: random.Random, prose: Sequence[str] | None = None, kind: str = "application"
    ):
        super().__init__(language, rng, prose, kind)
        self._used_keys: set[str] = set()

    def values(self, name: str) -> list[str]:
        """Made-up values for a field of ``fields.FIELDS``; mostly one.

        Args:
            name: of the field, a key of ``fields.FIELDS``.
        """
        spec = FIELDS[name]
        rng = self.rng
        if name in PERSONAL:
            return [self.applicant]
        first = self.make(spec.maker)
        if name in REPEATED and rng.random() < 0.12:
            return [first, self.make(spec.maker)]
        return [first]

    def make(self, maker: str) -> str:
        """A value by its maker: a method's name, ``list:<name>``, ``int:<from>:<to>``, ``code:<shape>``...

        Args:
            maker: a method's name, or "list", "int", "code", ... with arguments after colons; see
                ``fields.py``.
        """
        kind, _, argument = maker.partition(":")
        if kind == "list":
            return self.pick("lists", argument)
        if kind == "text":
            topic, _, count = argument.partition(":")
            return self.text(topic, int(count) if count else None)
        if kind == "format":
            return self.code(self.pick("format", argument))
        if kind == "int":
            low, high = argument.split(":")
            return str(self.rng.randint(int(low), int(high)))
        if kind == "code":
            return self.code(self.rng.choice(argument.split(",")))
        if kind == "counted":
            name, low, high = argument.split(":")
            return self.pick("format", name).format(n=self.rng.randint(int(low), int(high)))
        if kind == "date":
            first, last = argument.split(":")
            return self._format_date(self.date_format, int(first), int(last))
        if kind == "day":
            first, last = argument.split(":")
            return self.day(int(first), int(last))
        if kind == "place":
            return self.place[argument]
        if kind == "own":
            return getattr(self, argument)
        return getattr(self, kind)()

    def former_name(self) -> str:
        """A name in other letters, or the one before marriage."""
        if self.words.has("lists", "former_name"):
            return self.pick("lists", "former_name")
        return self.pick("people", "family")

    def country(self) -> str:
        """A country."""
        return self.pick("places", "countries")

    def pressure(self) -> str:
        """A blood pressure."""
        return f"{self.rng.randint(100, 160)}/{self.rng.randint(60, 100)}"

    def decimal(self) -> str:
        """A small number with one decimal."""
        return self.number(self.rng.uniform(0.5, 120), 1)

    def temperature(self) -> str:
        """A body temperature."""
        return self.number(self.rng.uniform(36.2, 39.4), 1)

    def street(self) -> str:
        """A street and a number."""
        return self._location("street_line")

    def field(self, name: str, filled: bool = True) -> Field | None:
        """A field with its key and value; None where the language has no such key.

        Args:
            name: of the field, a key of ``fields.FIELDS``.
            filled: whether it has a value; else its place is left blank.
        """
        key = self.key(name)
        if key is None:
            return None
        spec = FIELDS[name]
        options_name = spec.options
        if options_name and self.words.has("options", options_name) and self.rng.random() < 0.6:
            return Field(name, key, options=self.options(options_name, filled), weight=2)
        if spec.maker == "options":
            words = self.words.words("options", options_name)
            value = self.rng.choice(words) if words else ""
            return Field(name, key, [value] if filled and value else [], weight=1)
        values = self.values(name) if filled else []
        unit = (
            spec.unit if spec.unit and self.rng.random() < 0.7 and "（" not in key and "(" not in key else ""
        )
        return Field(
            name, key, values, weight=spec.weight, long=spec.weight == 3 and name != "address", unit=unit
        )

    def key(self, name: str) -> str | None:
        """A key for a field; one that this form has already only where three draws give no other.

        Args:
            name: of the field, a key of ``fields.FIELDS``.
        """
        words = self.words.words("keys", name)
        if not words:
            return None
        key = self.rng.choice(words)
        for _ in range(3):
            if key not in self._used_keys:
                break
            key = self.rng.choice(words)
        self._used_keys.add(key)
        return key

    def role_field(self, name: str, filled: bool = True) -> Field | None:
        """The field of another person: the guardian's telephone, the owner's address.

        Args:
            name: of the field, a key of ``fields.FIELDS``.
            filled: whether it has a value; else its place is left blank.
        """
        made = self.field(name, filled)
        if made is None or made.options:
            return made
        key = made.key if self.language in ("zh", "ja", "de") else made.key[:1].lower() + made.key[1:]
        pattern = self.pick("format", "role")
        role = self.pick("roles", "person")
        if pattern.startswith("{key}"):
            key = made.key
            role = role[:1].lower() + role[1:] if self.language == "en" else role
            if self.language == "en" and role.endswith("'s"):
                pattern = "{role} {key}"
                key, role = key[:1].lower() + key[1:], role[:1].upper() + role[1:]
        made.key = pattern.format(key=key, role=role)
        if name in PERSONAL and made.values:
            made.values = [self.person()]
        return made

    def option_field(self, name: str, filled: bool = True) -> Field | None:
        """A field of options to tick; None where the language has no such options.

        Args:
            name: of the options in the vocabulary.
            filled: whether it has a value; else its place is left blank.
        """
        if not self.words.has("option_keys", name):
            return None
        key = self.pick("option_keys", name)
        return Field(name, key, options=self.options(name, filled), weight=2)

    def options(self, name: str, filled: bool = True, several: bool = False) -> list[tuple[str, bool]]:
        """All options of a set, one ticked (several where they do not exclude each other).

        Args:
            name: of the options in the vocabulary.
            filled: whether any is ticked.
            several: whether two may be ticked.
        """
        words = self.words.words("options", name)
        several = several or name in ("symptoms", "source")
        ticked = set()
        if filled and self.rng.random() < 0.92:
            ticked = set(self.rng.sample(range(len(words)), self.rng.choice((1, 2)) if several else 1))
        return [(word, index in ticked) for index, word in enumerate(words)]
