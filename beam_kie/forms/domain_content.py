"""What is written into a form of a domain: the words of its file, and values by their types."""

from __future__ import annotations

import random
from collections.abc import Sequence

from beam_kie.forms.content import Content, Field
from beam_kie.forms.domains import COMMON, Domain, Group, Key, Value, load_domain
from beam_kie.forms.fields import FIELDS
from beam_kie.forms.spelled import LANGUAGES as SPELLED
from beam_kie.forms.spelled import patterns, spelled
from beam_kie.forms.vocabulary import load as load_words

# How ``Content.make`` makes the values that a vocabulary file names; "options:" has its words ticked.
MAKERS: dict[str, str] = {
    "account": FIELDS["account_number"].maker,
    "address": "address",
    "bank": "list:bank",
    "birth": "date:1940:2015",
    "bp": "pressure",
    "city": "place:city",
    "company": "company",
    "country": "country",
    "currency": "list:currency",
    "date": "day:-20:30",
    "dec": "decimal",
    "dept": "list:department",
    "email": "email",
    "family": "own:family_name",
    "freq": "options:frequency",
    "given": "own:given_name",
    "iban": "iban",
    "id": "document_number",
    "job": "list:job",
    "money": "amount",
    "month": "month_year",
    "name": "own:applicant",
    "nation": "list:nationality",
    "office": "authority",
    "past": "date:1998:2024",
    "period": "period",
    "person": "person",
    "phone": "format:phone",
    "pid": "id_number",
    "plate": "format:plate",
    "rate": "options:rating",
    "region": "place:region",
    "school": "list:school",
    "sign": "own:applicant",
    "street": "street",
    "swift": "format:swift",
    "taxid": "format:tax_number",
    "text": "text:remarks:1",
    "time": "time",
    "vin": FIELDS["vin"].maker,
    "web": "website",
    "words": "amount_words",
    "year": "year",
    "yn": "options:yes_no",
    "zip": "place:postcode",
}
# Named as ``fields.FIELDS`` has them where the look of a value depends on it: one box a character.
_FIELD_NAMES = {
    "account": "account_number",
    "birth": "birth_date",
    "iban": "iban",
    "pid": "id_number",
    "taxid": "tax_number",
    "zip": "postcode",
}
# What is struck out and written again at times.
_CORRECTED = frozenset(
    {"address", "birth", "city", "date", "money", "past", "person", "phone", "street", "zip"}
)
# Names of the base vocabulary's English keys, for forms in two languages.
_ENGLISH = {
    "address": "address",
    "bank": "bank",
    "birth": "birth_date",
    "city": "city",
    "company": "company",
    "country": "country",
    "date": "date",
    "email": "email",
    "family": "family_name",
    "given": "given_name",
    "iban": "iban",
    "job": "occupation",
    "money": "amount",
    "name": "name",
    "nation": "nationality",
    "phone": "phone",
    "street": "street",
    "zip": "postcode",
}
_WIDE = {"address": 3, "text": 3, "words": 3} | dict.fromkeys(
    ("bank", "company", "email", "iban", "office", "period", "school", "street", "web", "account", "vin"), 2
)
_TIMES: dict[str, tuple[str, ...]] = {
    "": ("{h:02d}:{m:02d}",),
    "de": ("{h:02d}:{m:02d}", "{h}.{m:02d} Uhr", "{h:02d}:{m:02d} Uhr"),
    "fr": ("{h}h{m:02d}", "{h} h {m:02d}", "{h:02d}:{m:02d}"),
    "zh": ("{h}:{m:02d}", "{h}时{m:02d}分"),
    "ja": ("{h}:{m:02d}", "{h}時{m:02d}分"),
    "it": ("{h}:{m:02d}", "ore {h}.{m:02d}"),
    "pt": ("{h}:{m:02d}", "{h}h{m:02d}"),
}
# Domains whose forms come from a company rather than from an authority.
_COMPANIES = frozenset(
    {
        *("bank", "employment", "energy", "insurance", "invoices", "logistics", "purchasing"),
        *("receipts", "survey", "tenancy", "travel", "utilities"),
    }
)


class DomainContent(Content):
    """Makes the content of one form of ``domain``; ``common`` has what all domains share.

    Args:
        domain: as ``load_domain`` returns it.
        common: what forms of all domains of the language have.
        rng: decides everything that is random.
        prose: sentences of plain text in the language, for free texts.
    """

    def __init__(
        self, domain: Domain, common: Domain, rng: random.Random, prose: Sequence[str] | None = None
    ):
        super().__init__(domain.language, rng, prose, domain.name)
        self.domain, self.common = domain, common
        self._groups: dict[str, Group] = {}
        self._corrections = rng.random() < 0.12
        self.capitals = False
        patterns = ("{own} / {english}", "{own} ({english})", "{own} {english}")
        self._second = rng.choice(patterns) if self.language != "en" and rng.random() < 0.08 else ""

    @classmethod
    def load(
        cls, language: str, name: str, rng: random.Random, prose: Sequence[str] | None = None
    ) -> DomainContent:
        """The content of a domain of the package; ValueError where the language does not have it.

        Args:
            language: a code for which there are domain files, for example "de".
            name: of the domain.
            rng: decides everything that is random.
            prose: sentences of plain text in the language, for free texts.
        """
        return cls(load_domain(language, name), load_domain(language, COMMON), rng, prose)

    # Groups, by a name that a step can carry

    def register(self, group: Group) -> str:
        """Remembers a group and returns the name to ask for it by.

        Args:
            group: of fields that are filled in together.
        """
        name = f"group:{len(self._groups)}"
        self._groups[name] = group
        return name

    def group(self, name: str) -> Group:
        """The group that ``register`` named so.

        Args:
            name: of the group.
        """
        return self._groups[name]

    def heading(self, section: str) -> str:
        """One of a group's headings; of a section that all forms have, the base vocabulary's.

        Args:
            section: with its titles.
        """
        if section not in self._groups:
            return super().heading(section)
        words = self._groups[section].headings
        text = self.rng.choice([word for word in words if word not in self.used] or words)
        self.used.add(text)
        return text

    # Texts

    def fresh(self, topic: str) -> list[str]:
        """Notes and declarations of the domain and of all forms, those that this form does not have yet.

        Args:
            topic: what the text is about.
        """
        if topic not in ("notes", "declarations"):
            return super().fresh(topic)
        words = [*getattr(self.domain, topic), *getattr(self.common, topic)]
        return [text for text in words if text not in self.used] or words or super().fresh(topic)

    def text(self, topic: str, count: int | None = None) -> str:
        """Free text that fits the domain.

        Args:
            topic: what the text is about.
            count: how many.
        """
        words = [*self.domain.free, *self.common.free]
        if not words or (self.prose and self.rng.random() < 0.5):
            return super().text(topic, count)
        return self.rng.choice(words)

    def pick(self, section: str, name: str) -> str:
        """One of the vocabulary's alternatives; stamps and footers are the domain's where it has some.

        Args:
            section: of the old word lists.
            name: of the list.
        """
        if section == "texts" and name in ("stamp", "footers"):
            entry = "stamps" if name == "stamp" else "footers"
            words = [*getattr(self.domain, entry), *getattr(self.common, entry)]
            if words:
                return self.rng.choice(words)
        return super().pick(section, name)

    def authority(self) -> str:
        """Whoever hands out the form; companies in domains of companies."""
        if self.kind in _COMPANIES and self.rng.random() < 0.75:
            return self.company()
        return super().authority()

    # Fields

    def key_field(self, key: Key, filled: bool = True) -> Field:
        """A key in one of its wordings with a value of its type, or its options with one ticked.

        Args:
            key: a field label with what may be written to it.
            filled: whether a value is written.
        """
        value = key.value
        text = self._bilingual(self.wording(key), value.name)
        options = self._option_words(value)
        if options and (value.shape == "options" or self.rng.random() < 0.8):
            ticked = self.rng.randrange(len(options)) if filled and self.rng.random() < 0.92 else -1
            marks = [(word, index == ticked) for index, word in enumerate(options)]
            length = sum(len(word) + 2 for word in options)
            weight = 3 if length > (16 if self.language in ("zh", "ja") else 30) else 2
            return Field("options", text, options=marks, weight=weight)
        made = self.value(value) if filled else ""
        struck = self.value(value) if made and value.name in _CORRECTED and self._corrected() else ""
        unit = value.unit if value.unit and f"({value.unit})" not in text and value.unit not in text else ""
        weight = _WIDE.get(value.name, 1)
        long = value.name == "text"
        name = _FIELD_NAMES.get(value.name, value.name or value.shape)
        values = [made] if made else []
        return Field(name, text, values, weight=weight, long=long, unit=unit, struck=struck)

    def _corrected(self) -> bool:
        return self._corrections and self.rng.random() < 0.15

    def _bilingual(self, text: str, name: str) -> str:
        """A key with its English beside it, on a form in two languages."""
        if not self._second or name not in _ENGLISH:
            return text
        english = load_words("en").pick(self.rng, "keys", _ENGLISH[name])
        return text if english in text else self._second.format(own=text, english=english)

    def wording(self, key: Key) -> str:
        """A wording of a key, not one that this form already has if that can be helped.

        Args:
            key: a field label with what may be written to it.
        """
        unused = [word for word in key.wordings if word not in self._used_keys] or list(key.wordings)
        text = self.rng.choice(unused)
        self._used_keys.add(text)
        return text

    def _option_words(self, value: Value) -> tuple[str, ...]:
        if value.shape == "options":
            return value.words
        maker, _, name = MAKERS.get(value.name, "").partition(":")
        return self.words.words("options", name) if maker == "options" else ()

    def value(self, value: Value, bare: bool = False) -> str:
        """What is filled in, as ``_value`` has it; in capitals on forms where everything is typed so.

        Args:
            value: the value's type.
            bare: amounts without a currency, as in a column of a table.
        """
        text = self._value(value, bare)
        return text.upper() if self.capitals and value.name not in ("email", "web") else text

    def _value(self, value: Value, bare: bool) -> str:
        """What is filled in: of options one, of samples one, a number without its unit, a code, a name's."""
        rng = self.rng
        if value.shape in ("options", "samples", "code"):
            word = rng.choice(value.words)
            return word if value.shape == "options" else self.code(word)
        if value.shape == "range":
            if not value.decimals:
                return str(rng.randint(int(value.low), int(value.high)))
            return self.number(rng.uniform(value.low, value.high), value.decimals)
        if value.name == "money" and bare:
            return self.money(
                round(rng.uniform(5, 9000) * (100 if self.language == "ja" else 1), 2), bare=True
            )
        maker, _, name = MAKERS[value.name].partition(":")
        if maker == "options":
            return self.pick("options", name)
        return self.make(MAKERS[value.name])

    # Values that no kind of form outside of domains has

    def amount_words(self) -> str:
        """An amount in words."""
        if self.language == "ja":
            return f"金{self.money(self.rng.randrange(1000, 99999), bare=True)}円也"
        if self.language not in SPELLED:
            return super().amount_words()
        pattern = self.rng.choice(patterns(self.language))
        words = spelled(self.language, self.rng.randrange(12, 9999))
        text = pattern.format(words=words, cents=self.rng.randrange(100))
        return text[:1].upper() + text[1:] if self.rng.random() < 0.4 else text

    def iban(self) -> str:
        """An account number for payments from abroad."""
        if self.words.has("format", "iban"):
            return self.make("format:iban")
        return self.code("DE## #### #### #### #### ##")

    def street(self) -> str:
        """A street and a number."""
        if self.words.has("places", "street_line"):
            return super().street()
        number = "{n}号" if self.language == "zh" else "{k}-{n}"
        number = number.format(k=self.rng.randrange(1, 9), n=self.rng.randrange(1, 90))
        return f"{self._place()['district']}{self.pick('places', 'streets')}{number}"

    def time(self) -> str:
        """A time of day."""
        hour, minute = self.rng.randrange(6, 23), 5 * self.rng.randrange(12)
        if self.language == "en" and self.rng.random() < 0.5:
            return f"{(hour - 1) % 12 + 1}:{minute:02d} {'a.m.' if hour < 12 else 'p.m.'}"
        return self.rng.choice(_TIMES.get(self.language, _TIMES[""])).format(h=hour, m=minute)

    def year(self) -> str:
        """A year."""
        return str(self.rng.randint(min(1985, self.today.year - 30), self.today.year))
