"""Forms of a domain: the words of a vocabulary file in the arrangements that all kinds of forms have."""

from __future__ import annotations

from dataclasses import replace

from beam_kie.forms import blanks, field_rows, lists, stamps, tables, texts
from beam_kie.forms.choice_lists import choice_list, value_list
from beam_kie.forms.content import Field
from beam_kie.forms.domain_content import DomainContent
from beam_kie.forms.domain_tables import compact, draw_panels, matrix_of, panels_of, report_of, table_of
from beam_kie.forms.domains import Group, Key
from beam_kie.forms.furniture import furniture, line_numbers
from beam_kie.forms.heads import contact, senders, title_block
from beam_kie.forms.kinds import Step
from beam_kie.forms.matrix import draw_matrix
from beam_kie.forms.page import Page
from beam_kie.forms.sheet import Sheet

# The sections of common.toml that a form may have besides its own, by their place in the file.
_PERSON, _CONTACT, _BANK, _OFFICE, _SIGNATURES = range(5)
# Domains whose forms often have a box for a photograph.
_WITH_PHOTO = frozenset({"employment", "membership", "register", "school", "vehicle"})
# Domains that are about goods and ask less about a person.
_OF_GOODS = frozenset({"invoices", "receipts", "logistics", "purchasing", "customs", "inspection"})
_LEFT, _RIGHT, _CENTRE = "left", "right", "centre"


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

    def build(self, page: tuple[int, int]) -> None:
        """The whole page.

        Args:
            page: this page and all pages, for the footer.
        """
        super().build(page)
        furniture(self.sheet, self.content)
        if self.theme.labels == "xfund" and self.rng.random() < 0.06:
            line_numbers(self.sheet, self.content)
        if self.rng.random() < 0.12:
            stamps.stamp_across(self.sheet, self.content)

    def finish(self, page: tuple[int, int]) -> None:
        """What a page that is not built by steps ends with: stamps and a footer.

        Args:
            page: this page and all pages, for the footer.
        """
        if self.rng.random() < 0.3:
            stamps.stamp(self.sheet, self.content, (self.sheet.right - 90, self.sheet.y - 40))
        if self.rng.random() < 0.15:
            stamps.stamp_across(self.sheet, self.content)
        texts.footer(self.sheet, self.content, page)
        furniture(self.sheet, self.content)

    def head(self) -> None:
        """What all forms have at the top; company, department and title as one header on English forms."""
        content, rng = self.content, self.rng
        if rng.random() < 0.22:
            senders(self.sheet, content)
        if rng.random() < 0.15:
            contact(self.sheet, content)
        if self.theme.labels != "funsd" or rng.random() > 0.3:
            super().head()
            return
        parts = [content.company(), content.make("list:department"), self.title()]
        title_block(self.sheet, parts[rng.choice((0, 0, 1)) :], rng.choice((_CENTRE, _CENTRE, _LEFT)))

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
        for what, often in (("options", 0.5), ("remarks", 0.35)):
            if rng.random() < often:
                main.insert(rng.randrange(len(main) + 1), Step(what))
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
        keys = self.chosen(self.content.group(step.section).keys, rng.randint(step.low, step.high))
        return [self.content.key_field(key, rng.random() < self.theme.fill) for key in keys]

    def chosen(self, keys: tuple[Key, ...], count: int) -> list[Key]:
        """Some of the keys, in their order; one of many wordings may come twice, in two wordings.

        Args:
            keys: of a section or table.
            count: how many at most.
        """
        rng = self.rng
        pool = [index for index, key in enumerate(keys) for _ in range(1 + (len(key.wordings) > 5))]
        return [keys[index] for index in sorted(rng.sample(pool, min(len(pool), count)))]

    def _amounts(self, step: Step, keys: list[Key]) -> None:
        sheet, content, rng = self.sheet, self.content, self.rng
        chosen = self.chosen(tuple(keys), rng.randrange(4, 10))
        words = list(dict.fromkeys(content.wording(key) for key in chosen))
        self._block(step.section, lambda: lists.amount_lines(sheet, content, words, sheet.left, sheet.right))

    def table(self, step: Step) -> None:
        """A table of the domain, of a few rows or of many, or one with keys on two sides.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        rng, content, sheet, group = self.rng, self.content, self.sheet, self.content.group(step.section)
        chance = rng.random()
        matrix = matrix_of(content, self.theme, group) if chance < 0.25 else None
        matrix = report_of(content, self.theme) if 0.25 < chance < 0.5 else matrix
        if matrix is not None:
            self._block(step.section, lambda: draw_matrix(sheet, matrix, sheet.left, sheet.right))
            return
        if chance > 0.9:
            self._block(step.section, lambda: draw_panels(sheet, panels_of(content, group)))
            return
        rows, empty = rng.randrange(1, 6), rng.choice((0, 0, 1, 2, 3))
        if rng.random() < 0.4:
            rows, empty = rng.randrange(8, 30), 0
        gaps = rng.choice((0.0, 0.05, 0.2))
        if rows > 7:
            sheet.theme = compact(sheet.theme)
        self._table(step.section, table_of(content, group, rows, empty, gaps))

    def options(self, step: Step) -> None:
        """Questions with what can be ticked below them: options of the domain's keys, or notes to agree to.

        Args:
            step: what is drawn, as of the kind's recipe; only that it is.
        """
        sheet, content, rng = self.sheet, self.content, self.rng
        keys = [key for group in content.domain.sections for key in group.keys if len(key.value.words) > 2]
        for _ in range(rng.choice((1, 1, 2, 3))):
            if keys and rng.random() < 0.7:
                key = rng.choice(keys)
                text, items = content.wording(key), list(key.value.words)
                items = [content.code(item) for item in items]
            else:
                text = content.heading(content.register(rng.choice(content.domain.sections)))
                pool = content.fresh("notes")
                items = rng.sample(pool, min(len(pool), rng.randrange(2, 7)))
                content.used.update(items)
            rng.shuffle(items)
            self._block("", lambda: choice_list(sheet, text, items, sheet.left, sheet.right))  # noqa: B023

    def remarks(self, step: Step) -> None:
        """A key with several paragraphs or entries.

        Args:
            step: what is drawn, as of the kind's recipe; only that it is.
        """
        sheet, content, rng = self.sheet, self.content, self.rng
        keys = [key for group in content.domain.sections for key in group.keys]
        told = [key for key in keys if key.value.name == "text"] or keys
        if rng.random() < 0.45:
            key = rng.choice([key for key in keys if key.value.shape != "options"])
            values = [content.value(key.value) for _ in range(rng.randrange(2, 9))]
        else:
            key = rng.choice(told)
            pool = [
                *content.domain.free,
                *content.common.free,
                *content.fresh("notes"),
                *(content.prose or ()),
            ]
            values = rng.sample(pool, min(len(pool), rng.randrange(1, 6)))
        text = content.wording(key)
        self._block("", lambda: value_list(sheet, text, values, sheet.left, sheet.right))

    def draw_table(self, table: tables.Table, look: str) -> None:
        """A table without a heading, in one of the looks of ``Theme.table_look``.

        Args:
            table: that is drawn.
            look: of its rules.
        """
        sheet = self.sheet
        before, sheet.theme = sheet.theme, replace(sheet.theme, table_look=look)
        if tables.draw_table(sheet, table, sheet.left, sheet.right):
            sheet.y += 2
        sheet.theme = before

    def _arranged(self, made: list[Field], x0: float, x1: float) -> int:
        """The fields in an arrangement; over captions or as blanks in running text at times."""
        chance = self.rng.random()
        if chance < 0.07:
            return field_rows.stacked(self.sheet, self.content, made, x0, x1, under=True)
        if chance < 0.16:
            return blanks.running(self.sheet, self.content, made, x0, x1)
        return super()._arranged(made, x0, x1)

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
