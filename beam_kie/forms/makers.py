"""Made-up names, addresses, numbers, dates and sentences in the language of a form."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta

from beam_kie.forms import vocabulary as vocabularies
from beam_kie.forms.model import BUSINESS

_DIGITS = "0123456789"
_CAPITALS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHINESE_DIGITS = "零壹贰叁肆伍陆柒捌玖"


class Makers:
    """Makes single values for one form: names, addresses, numbers, dates, sentences.

    The applicant is the same person throughout, and dates lie around one day.

    Args:
        language: one of ``LANGUAGES``.
        rng: the random generator.
        prose: sentences that may stand in free text; None: only those of the vocabulary.
        kind: one of ``KINDS``.
    """

    def __init__(
        self, language: str, rng: random.Random, prose: Sequence[str] | None = None, kind: str = "application"
    ):
        self.rng = rng
        self.language = language
        self.words = vocabularies.load(language)
        self.prose = prose
        self.date_format = self.pick("format", "date")
        self.month_format = self.pick("format", "month_year")
        self.amount_format = self.pick("format", "amount")
        self.period_format = self.pick("format", "period")
        self.period_days = self.month_format if rng.random() < 0.7 else self.date_format
        self.kind = kind
        # The day the form was filled in; other dates lie around it.
        self.today = date(rng.randint(2015, 2025), rng.randint(1, 12), rng.randint(1, 28))
        self.female = rng.random() < 0.5
        self.family_name = self.pick("people", "family")
        self.given_name = self.pick("people", "female" if self.female else "male")
        self.applicant = self._full_name(self.given_name, self.family_name)
        self.place = self._place()
        self.used: set[str] = set()

    def pick(self, section: str, name: str) -> str:
        """One of the vocabulary's alternatives.

        Args:
            section: of the vocabulary.
            name: of the list in it.
        """
        return self.words.pick(self.rng, section, name)

    # People, places, companies

    def person(self, female: bool | None = None) -> str:
        """A full name.

        Args:
            female: whether the given name is a woman's; None: either.
        """
        rng = self.rng
        if female is None:
            female = rng.random() < 0.5
        given = self.pick("people", "female" if female else "male")
        return self._full_name(given, self.pick("people", "family"))

    def _full_name(self, given: str, family: str) -> str:
        return self.pick("format", "name").format(
            given=given,
            family=family,
            FAMILY=family.upper(),
            family2=self.pick("people", "family"),
            i=self.rng.choice(_CAPITALS),
        )

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
        """Whoever hands out such a form: an office, a school, a hospital."""
        names = {name: self.pick("companies", name) for name in ("stem", "trade")}
        issuers = {"medical": "hospital", "tax": "treasury"}
        return self.pick("companies", issuers.get(self.kind, "authority")).format(
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
        """``pattern`` with # as digits, @ as capital letters and X as either.

        Args:
            pattern: of the code.
        """
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

    def day(self, first: int = 0, last: int = 0) -> str:
        """A date near the day on which the form was filled in, written as this form writes dates.

        Args:
            first: the earliest, in days after that day.
            last: the latest, in days after that day.
        """
        day = self.today + timedelta(days=self.rng.randint(first, last))
        return self._written(self.date_format, day.year, day.month, day.day)

    def month_year(self) -> str:
        """A month of a year."""
        return self._format_date(self.month_format, 1995, 2024)

    def _format_date(self, pattern: str, first: int, last: int) -> str:
        rng = self.rng
        return self._written(pattern, rng.randint(first, last), rng.randint(1, 12), rng.randint(1, 28))

    def _written(self, pattern: str, year: int, month: int, day: int) -> str:
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

    def tax_year(self) -> str:
        """The year before the form was filled in."""
        return str(self.today.year - 1)

    def month_span(self, start: int | None = None) -> tuple[str, str]:
        """A month and a later one.

        Args:
            start: the first year; None: any.
        """
        return self._span(self.month_format, start)

    def period(self) -> str:
        """From one month or day to a later one."""
        first, last = self._span(self.period_days)
        return self.period_format.format(a=first, b=last)

    def _span(self, pattern: str, start: int | None = None) -> tuple[str, str]:
        start = start or self.rng.randint(min(2000, self.today.year - 15), self.today.year - 3)
        return self._format_date(pattern, start, start), self._format_date(pattern, start + 1, start + 3)

    def number(self, value: float, decimals: int = 2) -> str:
        """A number with the language's separators.

        Args:
            value: of the number.
            decimals: after the point, 0 or more.
        """
        group, point = self.pick("format", "number")
        text = f"{value:,.{decimals}f}"
        return text.translate(str.maketrans({",": group, ".": point}))

    def money(self, value: float, bare: bool = False) -> str:
        """An amount of money.

        Args:
            value: of the amount.
            bare: whether the currency is left out.
        """
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
        """Sentences of a topic of the vocabulary's texts.

        Args:
            topic: of the sentences.
            count: their number; None: one to three.
        """
        rng = self.rng
        if topic == "remarks":
            topic = {"questionnaire": "wishes", **dict.fromkeys(BUSINESS, "goods_remarks")}.get(
                self.kind, topic
            )
        pool: Sequence[str] = self.fresh(topic)
        if self.prose and rng.random() < 0.5:
            pool = self.prose
        chosen = [rng.choice(pool) for _ in range(count or rng.choice((1, 1, 1, 2, 3)))]
        self.used.update(chosen)
        return ("" if self.language in ("zh", "ja") else " ").join(dict.fromkeys(chosen))

    def fresh(self, topic: str) -> list[str]:
        """Sentences of a topic that this form does not have yet; all of them where none is left.

        Args:
            topic: of the vocabulary's texts.
        """
        words = self.words.words("texts", topic)
        return [text for text in words if text not in self.used] or list(words)

    def heading(self, section: str) -> str:
        """A section's heading; one that this form has already only where no other is left.

        Args:
            section: of the vocabulary's headings.
        """
        words = self.words.words("sections", section)
        text = self.rng.choice([word for word in words if word not in self.used] or words)
        self.used.add(text)
        return text
