"""What is written into a form: keys and made-up values that fit them."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from beam_kie.forms import vocabulary as vocabularies
from beam_kie.forms.fields import FIELDS, PERSONAL, REPEATED

_DIGITS = "0123456789"
_CAPITALS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHINESE_DIGITS = "零壹贰叁肆伍陆柒捌玖"


@dataclass(slots=True)
class Field:
    """A key with what was filled in: values, or options to tick. Both empty: not filled in.

    ``weight`` 1 to 3 says how wide the value wants to be; ``unit`` is printed after the value.
    """

    name: str
    key: str
    values: list[str] = field(default_factory=list)
    options: list[tuple[str, bool]] = field(default_factory=list)
    weight: int = 1
    long: bool = False
    unit: str = ""

    @property
    def filled(self) -> bool:
        """Whether anything belongs to the key."""
        return bool(self.values or self.options)


class Content:
    """Makes the texts of one form. The applicant stays the same person throughout.

    ``prose`` are sentences from elsewhere that may stand in free text; None for the vocabulary's own.
    """

    def __init__(self, language: str, rng: random.Random, prose: Sequence[str] | None = None):
        self.rng = rng
        self.language = language
        self.words = vocabularies.load(language)
        self.prose = prose
        self.date_format = self.pick("format", "date")
        self.month_format = self.pick("format", "month_year")
        self.amount_format = self.pick("format", "amount")
        self.female = rng.random() < 0.5
        self.applicant = self.person(self.female)
        self.place = self._place()
        self.used: set[str] = set()
        self._used_keys: set[str] = set()

    def pick(self, section: str, name: str) -> str:
        """One of the vocabulary's alternatives."""
        return self.words.pick(self.rng, section, name)

    # People, places, companies

    def person(self, female: bool | None = None) -> str:
        """A full name."""
        rng = self.rng
        if female is None:
            female = rng.random() < 0.5
        family = self.pick("people", "family")
        name = self.pick("format", "name").format(
            given=self.pick("people", "female" if female else "male"),
            family=family,
            FAMILY=family.upper(),
            family2=self.pick("people", "family"),
            i=rng.choice(_CAPITALS),
        )
        return name

    def _place(self) -> dict[str, str]:
        city, region, postcode, *districts = self.pick("places", "cities").split(";")
        if self.language == "ja":
            postcode = f"{postcode}-{self.rng.randrange(10, 9000):04d}"
        district = self.rng.choice(districts[0].split(",")) if districts else ""
        return {
            "city": city,
            "CITY": city.upper(),
            "region": region,
            "postcode": postcode,
            "district": district,
        }

    def _location(self, pattern: str, place: dict[str, str] | None = None) -> str:
        rng = self.rng
        return self.pick("places", pattern).format(
            **(place or self._place()),
            street=self.pick("places", "streets"),
            n=rng.randrange(1, 260),
            b=rng.randrange(1, 30),
            k=rng.randrange(1, 9),
            u=rng.randrange(101, 1899),
            u2=rng.choice("ABCD"),
        )

    def address(self) -> str:
        """An address on one line."""
        return self._location("address", self.place if self.rng.random() < 0.5 else None)

    def address_lines(self) -> list[str]:
        """An address as it stands on an envelope: one to three lines."""
        if not self.words.has("places", "street_line"):
            return [self.address()]
        place = self._place()
        return [self._location("street_line", place), self._location("city_line", place)]

    def company(self) -> str:
        """A company's name."""
        names = {name: self.pick("companies", name) for name in ("stem", "trade", "suffix")}
        place = self._place()
        return self.pick("companies", "pattern").format(
            **names, **place, family=self.pick("people", "family")
        )

    def authority(self) -> str:
        """An office, school or hospital."""
        names = {name: self.pick("companies", name) for name in ("stem", "trade")}
        return self.pick("companies", "authority").format(
            **names,
            **self._place(),
            street=self.pick("places", "streets"),
            family=self.pick("people", "family"),
            male=self.pick("people", "male"),
        )

    def email(self) -> str:
        """An e-mail address at a domain that is reserved for examples."""
        rng = self.rng
        if self.words.has("people", "email"):
            user = self.pick("people", "email")
        else:
            plain = unicodedata.normalize("NFKD", self.applicant.replace("ß", "ss").lower())
            parts = ["".join(c for c in part if c.isascii() and c.isalnum()) for part in plain.split()]
            user = rng.choice((".", "_", "")).join(part for part in parts if part)
        domain = rng.choice(("example.com", "example.org", "example.net", "mail.example", "post.example"))
        return f"{user}{rng.choice(('', '', str(rng.randrange(1, 99))))}@{domain}"

    def website(self) -> str:
        """A web address at a domain that is reserved for examples."""
        return f"www.{self.rng.choice(('shop', 'info', 'office', 'home', 'team'))}.example"

    # Numbers and dates

    def code(self, pattern: str) -> str:
        """``pattern`` with # as digits, @ as capital letters and X as either."""
        rng = self.rng
        made = []
        for char in pattern:
            if char == "#":
                made.append(_DIGITS[int(rng.random() * 10)])
            elif char == "@":
                made.append(_CAPITALS[int(rng.random() * len(_CAPITALS))])
            else:
                made.append(char)
        return "".join(made)

    def date(self, first: int = 2015, last: int = 2025) -> str:
        """A date between two years, written as this form writes dates."""
        return self._format_date(self.date_format, first, last)

    def month_year(self) -> str:
        """A month of a year."""
        return self._format_date(self.month_format, 1995, 2024)

    def _format_date(self, pattern: str, first: int, last: int) -> str:
        rng = self.rng
        year, month, day = rng.randint(first, last), rng.randint(1, 12), rng.randint(1, 28)
        if "{r}" in pattern and year < 2019:
            pattern = "{y}年{m}月{d}日" if "{d}" in pattern else "{y}年{m}月"
        names = self.words.words("format", "months")
        return pattern.format(
            y=year,
            yy=f"{year % 100:02d}",
            m=month,
            mm=f"{month:02d}",
            d=day,
            dd=f"{day:02d}",
            r=year - 2018,
            month=names[month - 1] if names else month,
        )

    def period(self) -> str:
        """From one month or day to another."""
        pattern = self.month_format if self.rng.random() < 0.6 else self.date_format
        start = self.rng.randint(2000, 2022)
        first = self._format_date(pattern, start, start)
        last = self._format_date(pattern, start + 1, start + 3)
        return self.pick("format", "period").format(a=first, b=last)

    def number(self, value: float, decimals: int = 2) -> str:
        """A number with the language's separators."""
        group, point = self.pick("format", "number")
        text = f"{value:,.{decimals}f}"
        return text.translate(str.maketrans({",": group, ".": point}))

    def money(self, value: float, bare: bool = False) -> str:
        """An amount of money; ``bare`` leaves the currency out."""
        decimals = 0 if self.language == "ja" else 2
        text = self.number(value, decimals)
        return text if bare else self.amount_format.format(n=text)

    def amount(self) -> str:
        """Some amount of money."""
        scale = 100 if self.language == "ja" else 1
        return self.money(round(self.rng.uniform(20, 20000) * scale, 2))

    def amount_words(self) -> str:
        """An amount in Chinese banker's numerals."""
        value = self.rng.randrange(100, 99999)
        text = ""
        for digit, unit in zip(reversed(str(value)), ("", "拾", "佰", "仟", "万"), strict=False):
            if digit != "0":
                text = _CHINESE_DIGITS[int(digit)] + unit + text
            elif text and not text.startswith("零"):
                text = "零" + text
        return f"{text}元整"

    def id_number(self) -> str:
        """A personal number. China's gets a check digit that no real one can have."""
        pattern = self.pick("format", "id_number")
        if pattern != "resident":
            return self.code(pattern)
        rng = self.rng
        birth = f"{rng.randint(1950, 2008)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
        body = self.code("3301##") + birth + self.code("###")
        right = sum(int(d) * w for d, w in zip(body, _ID_WEIGHTS, strict=True)) % 11
        wrong = (right + rng.randrange(1, 11)) % 11
        return body + "10X98765432"[wrong]

    def document_number(self) -> str:
        """A number of a form, an order or a customer."""
        rng = self.rng
        pattern = rng.choice(("######", "########", "@@-#####", "20##-####", "@######", "##/####"))
        return self.code(pattern)

    # Free text

    def text(self, topic: str, count: int | None = None) -> str:
        """One to three sentences (or ``count``) of a topic of the vocabulary's texts."""
        rng = self.rng
        pool: Sequence[str] = self.words.words("texts", topic)
        if self.prose and rng.random() < 0.5:
            pool = self.prose
        chosen = [rng.choice(pool) for _ in range(count or rng.choice((1, 1, 1, 2, 3)))]
        return ("" if self.language in ("zh", "ja") else " ").join(dict.fromkeys(chosen))

    def fresh(self, topic: str) -> list[str]:
        """Sentences of a topic that this form does not have yet; all of them when none is left."""
        words = self.words.words("texts", topic)
        return [text for text in words if text not in self.used] or list(words)

    # Fields

    def values(self, name: str) -> list[str]:
        """Made-up values for a field of ``fields.FIELDS``; mostly one."""
        spec = FIELDS[name]
        rng = self.rng
        if name in PERSONAL:
            return [self.applicant]
        first = self.make(spec.maker)
        if name in REPEATED and rng.random() < 0.12:
            return [first, self.make(spec.maker)]
        return [first]

    def make(self, maker: str) -> str:
        """A value by its maker: a method's name, ``list:<name>``, ``int:<from>:<to>``, ``code:<shape>``..."""
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
            return self.date(int(first), int(last))
        return getattr(self, kind)()

    def region(self) -> str:
        """A region or state."""
        return self._place()["region"]

    def city(self) -> str:
        """A town."""
        return self._place()["city"]

    def postcode(self) -> str:
        """A post code."""
        return self._place()["postcode"]

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

    def family_name(self) -> str:
        """A family name."""
        return self.pick("people", "family")

    def given_name(self) -> str:
        """A first name."""
        return self.pick("people", "female" if self.female else "male")

    def field(self, name: str, filled: bool = True) -> Field | None:
        """A field with its key and value; None where the language has no such key."""
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
        unit = spec.unit if spec.unit and self.rng.random() < 0.7 and spec.unit not in key else ""
        return Field(
            name, key, values, weight=spec.weight, long=spec.weight == 3 and name != "address", unit=unit
        )

    def key(self, name: str) -> str | None:
        """A key for a field, not one this form already has if that can be helped."""
        words = self.words.words("keys", name)
        if not words:
            return None
        for _ in range(4):
            key = self.rng.choice(words)
            if key not in self._used_keys:
                break
        self._used_keys.add(key)
        return key

    def role_field(self, name: str, filled: bool = True) -> Field | None:
        """The field of somebody else: the guardian's telephone, the owner's address."""
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
        """A field of options to tick; None where the language has no such options."""
        if not self.words.has("option_keys", name):
            return None
        key = self.pick("option_keys", name)
        return Field(name, key, options=self.options(name, filled), weight=2)

    def options(self, name: str, filled: bool = True, several: bool = False) -> list[tuple[str, bool]]:
        """All options of a set, one ticked (several where they do not exclude each other)."""
        words = self.words.words("options", name)
        several = several or name in ("symptoms", "source")
        ticked = set()
        if filled and self.rng.random() < 0.92:
            ticked = set(self.rng.sample(range(len(words)), self.rng.choice((1, 2)) if several else 1))
        return [(word, index in ticked) for index, word in enumerate(words)]
