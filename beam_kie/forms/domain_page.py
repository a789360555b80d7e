"""Forms of a domain: the words of a vocabulary file in the arrangements that all kinds of forms have."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from beam_kie.forms import lists, tables, texts
from beam_kie.forms.content import Field
from beam_kie.forms.domain_content import DomainContent
from beam_kie.forms.domains import Group, Key, domain_names
from beam_kie.forms.kinds import Step
from beam_kie.forms.model import LANGUAGES, Layout
from beam_kie.forms.page import Page, paper
from beam_kie.forms.sheet import Sheet
from beam_kie.forms.theme import make_theme

PREFIX = "domain"
# The sections of common.toml that a form may have besides its own, by their place in the file.
_PERSON, _CONTACT, _BANK, _OFFICE, _SIGNATURES = range(5)
# Domains whose forms often have a box for a photograph.
_WITH_PHOTO = frozenset({"employment", "membership", "register", "school", "vehicle"})
# Domains that are about goods and ask less about a person.
_OF_GOODS = frozenset({"invoices", "receipts", "logistics", "purchasing", "customs", "inspection"})
_LEFT, _RIGHT, _CENTRE = "left", "right", "centre"


def generate_domain_layout(
    language: str,
    seed: int,
    domain: str | None = None,
    *,
    dpi: float = 150.0,
    labels: str | None = None,
    prose: Sequence[str] | None = None,
    noto_only: bool = False,
    page: tuple[int, int] = (1, 1),
) -> Layout:
    """One form of a domain without a picture; the same arguments give the same form.

    Args:
        language: one of ``LANGUAGES`` that has domain files.
        seed: any whole number.
        domain: one of ``domain_names(language)``; None for any.
        dpi: pixels per inch, above 0.
        labels: annotation style, "xfund" or "funsd"; None for FUNSD's in most English forms and
            XFUND's in all others.
        prose: sentences that may stand in free text.
        noto_only: one face only, so that every machine makes the same form.
        page: (this page, all pages) for the footer.

    Returns:
        The layout; its kind is ``domain:<name>``.

    Raises:
        ValueError: unknown language, domain or style.
    """
    names = domain_names(language) if language in LANGUAGES else ()
    if not names:
        raise ValueError(
            f"no domains for language {language!r}, expected one of {', '.join(domain_languages())}"
        )
    if domain is not None and domain not in names:
        raise ValueError(f"unknown domain {domain!r} for {language!r}, expected one of {', '.join(names)}")
    if labels not in (None, "xfund", "funsd"):
        raise ValueError(f"unknown annotation style {labels!r}, expected 'xfund' or 'funsd'")
    rng = random.Random(f"{language}/{PREFIX}/{domain}/{seed}")
    chosen = domain or rng.choice(names)
    style = rng.random()
    labels = labels or ("funsd" if language == "en" and style < 0.75 else "xfund")
    content = DomainContent.load(language, chosen, rng, prose)
    theme = make_theme(rng, content.words, labels, noto_only)
    sheet = Sheet(*paper(language, rng), theme, rng, margin=rng.uniform(32, 58))
    DomainPage(sheet, content, chosen).build(page)
    return sheet.finish(language, f"{PREFIX}:{chosen}", seed, dpi)


def domain_languages() -> tuple[str, ...]:
    """The languages that have domains."""
    return tuple(language for language in LANGUAGES if domain_names(language))


class DomainPage(Page):
    """Draws a domain's sections and tables, and sections of common.toml around them.

    Args:
        sheet: the page that is drawn on.
        content: of the form: its words and values.
        kind: of form, as of ``KINDS``.
    """

    content: DomainContent

    def __init__(self, sheet: Sheet, content: DomainContent, kind: str):
        super().__init__(sheet, content, kind)
        self.photo = kind in _WITH_PHOTO and self.rng.random() < 0.35
        self._signatures: str = ""

    def title(self) -> str:
        """One of the domain's titles."""
        return self.rng.choice(self.content.domain.titles)

    def recipe(self) -> list[Step]:
        """The domain's sections and tables in a new order each time; persons first, offices last."""
        rng, content = self.rng, self.content
        domain, common = content.domain, content.common
        own = [self._step("fields", group, 3, 12) for group in domain.sections]
        listed = [self._step("table", group, chance=0.8) for group in domain.tables]
        main = rng.sample(own, min(len(own), rng.randint(3, 5)))
        for step in rng.sample(listed, min(len(listed), rng.choice((0, 1, 1, 2)))):
            main.insert(rng.randrange(1, len(main) + 1), step)
        person, contact, bank, office = (
            self._step("fields", common.sections[index], low, high, chance)
            for index, low, high, chance in (
                (_PERSON, 3, 10, 0.2 if self.kind in _OF_GOODS else 0.6),
                (_CONTACT, 2, 8, 0.5),
                (_BANK, 2, 5, 0.25),
                (_OFFICE, 2, 6, 0.35),
            )
        )
        self._signatures = content.register(common.sections[_SIGNATURES])
        first = [person, contact] if rng.random() < 0.8 else [contact]
        closing = [Step("notes", chance=0.7), Step("declaration", chance=0.5), Step("sign", chance=0.7)]
        return [*first, *main, bank, office, *closing]

    def fillers(self) -> list[Step]:
        """More sections of the domain, for a page that is still half empty."""
        steps = [self._step("fields", group, 3, 8) for group in self.content.domain.sections]
        return [*steps, Step("notes")]

    def _step(self, what: str, group: Group, low: int = 0, high: int = 0, chance: float = 1.0) -> Step:
        return Step(what, self.content.register(group), (), low, high, chance)

    def fields(self, step: Step) -> None:
        """A section of keys and values; amounts of taxes and the like as numbered lines at times.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        group = self.content.group(step.section)
        amounts = [key for key in group.keys if key.value.name == "money"]
        if len(amounts) > 4 and len(amounts) > 0.7 * len(group.keys) and self.rng.random() < 0.5:
            self._amounts(step, amounts)
            return
        super().fields(step)

    def _make_fields(self, step: Step) -> list[Field]:
        rng = self.rng
        keys = self._chosen(self.content.group(step.section).keys, rng.randint(step.low, step.high))
        return [self.content.key_field(key, rng.random() < self.theme.fill) for key in keys]

    def _chosen(self, keys: tuple[Key, ...], count: int) -> list[Key]:
        """Some of the keys, in their order; one of many wordings may come twice, in two wordings."""
        rng = self.rng
        pool = [index for index, key in enumerate(keys) for _ in range(1 + (len(key.wordings) > 5))]
        return [keys[index] for index in sorted(rng.sample(pool, min(len(pool), count)))]

    def _amounts(self, step: Step, keys: list[Key]) -> None:
        sheet, content, rng = self.sheet, self.content, self.rng
        chosen = self._chosen(tuple(keys), rng.randrange(4, 10))
        words = list(dict.fromkeys(content.wording(key) for key in chosen))
        self._block(step.section, lambda: lists.amount_lines(sheet, content, words, sheet.left, sheet.right))

    def table(self, step: Step) -> None:
        """A table of the domain.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        rng = self.rng
        rows, empty = rng.randrange(1, 6), rng.choice((0, 0, 1, 2, 3))
        gaps = rng.choice((0.0, 0.05, 0.2))
        self._table(step.section, self._made(self.content.group(step.section), rows, empty, gaps))

    def _made(self, group: Group, rows: int, empty: int, gaps: float) -> tables.Table:
        """A table with made-up rows; some columns are left out, some cells stay empty."""
        rng, content = self.rng, self.content
        keys = list(group.keys)
        while len(keys) > 3 and (len(keys) > 8 or rng.random() < 0.35):
            keys.remove(rng.choice(keys[1:]))
        first = keys[0].value
        counted = first.shape == "range" and first.low == 1 and not first.decimals and not first.unit
        table = tables.Table([content.wording(key) for key in keys], [], [_align(key) for key in keys])
        for number in range(rows + empty):
            row: list[str | None] = [str(number + 1)] if counted else []
            for index, key in enumerate(keys[len(row) :], len(row)):
                left_out = number >= rows or (index and rng.random() < gaps)
                row.append(None if left_out else _cell(content, key))
            table.rows.append(row)
        return table

    def sign(self, step: Step) -> None:
        """Places to sign, with the words of common.toml.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        sheet, rng, content = self.sheet, self.rng, self.content
        keys = content.group(self._signatures).keys
        signed = [key for key in keys if key.value.name == "sign"]
        others = [key for key in keys if key.value.name != "sign"]
        chosen = rng.sample(signed, 1) + rng.sample(others, min(len(others), rng.randrange(0, 3)))
        made = [self._signature(key, rng.random() < self.theme.fill) for key in chosen]
        self._block("", lambda: texts.signature_row(sheet, content, made, sheet.left, sheet.right))

    def _signature(self, key: Key, filled: bool) -> Field:
        made = self.content.key_field(key, filled)
        # ``signature_row`` writes a signature larger than the date beside it.
        return replace(made, name=f"signature_{made.name}" if key.value.name == "sign" else made.name)


def _align(key: Key) -> str:
    value = key.value
    if value.name in ("money", "dec") or (value.shape == "range" and value.unit):
        return _RIGHT
    return _CENTRE if value.shape == "range" or value.name in ("date", "past", "time", "year") else _LEFT


def _cell(content: DomainContent, key: Key) -> str:
    text = content.value(key.value, bare=True)
    unit = key.value.unit
    return text if not unit or unit in " ".join(key.wordings) else f"{text} {unit}"
