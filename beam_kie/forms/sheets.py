"""What is no printed form: letters with a form in them, fax cover sheets, receipts, cards, typed sheets."""

from __future__ import annotations

import random
from dataclasses import replace

from beam_kie.forms import field_rows, fonts, texts
from beam_kie.forms.content import Field
from beam_kie.forms.domain_page import DomainPage
from beam_kie.forms.domain_tables import table_of
from beam_kie.forms.domains import Value
from beam_kie.forms.grid import grid
from beam_kie.forms.kinds import Step
from beam_kie.forms.looks import Look
from beam_kie.forms.model import HEADER
from beam_kie.forms.page import paper
from beam_kie.forms.sheet import Sheet
from beam_kie.forms.theme import Theme, with_size
from beam_kie.forms.typed import TypedPage
from beam_kie.forms.written import Written, sheet_words

# Types of values of the keys of a fax cover sheet, in their order.
_FAX_VALUES = ("person", "company", "phone", "phone", "person", "date", "", "dept", "person")
RECEIPTS = frozenset({"receipts", "invoices", "pharmacy", "purchasing", "travel", "utilities", "logistics"})
"""Domains that have receipts."""


def format_of(look: Look, language: str, rng: random.Random, theme: Theme) -> tuple[Sheet, type[DomainPage]]:
    """The empty sheet of a look, and what draws on it.

    Args:
        look: of the form.
        language: one of ``LANGUAGES``.
        rng: decides everything that is random.
        theme: of the form.
    """
    width, height = paper(language, rng)
    if look is Look.RECEIPT:
        theme = replace(theme, columns=1, comb=False, numbered="", required=0.0, hints=0.0, fill=0.98)
        return Sheet(rng.uniform(190, 260), rng.uniform(420, 700), theme, rng, margin=14.0), ReceiptPage
    if look is Look.CARD:
        small = min(1.0, 7.2 / theme.key.size)
        theme = replace(
            theme,
            **{name: with_size(getattr(theme, name), small) for name in ("key", "value", "heading", "small")},
            title=with_size(theme.title, min(1.0, 12 / theme.title.size)),
            **{"columns": 1, "numbered": "", "required": 0.0, "hints": 0.0, "comb": False, "fill": 0.98},
        )
        size = rng.uniform(250, 330)
        return Sheet(size, size * rng.uniform(0.6, 0.7), theme, rng, margin=10.0), CardPage
    sheet = Sheet(width, height, theme, rng, margin=rng.uniform(40, 62))
    pages = {Look.LETTER: LetterPage, Look.FAX: FaxPage, Look.TYPED: TypedPage}
    return sheet, pages.get(look, DomainPage)


class LetterPage(Written):
    """A letter with a form in it: letterhead, address, sentences, a section or two, a signature."""

    def build(self, page: tuple[int, int]) -> None:
        """The whole page.

        Args:
            page: this page and all pages, for the footer.
        """
        sheet, rng, content = self.sheet, self.rng, self.content
        sender = content.authority()
        texts.letterhead(
            sheet, content, sender, content.address_lines()[:1], "left", sheet.right - sheet.left
        )
        sheet.y += 18
        for line in (content.applicant, *content.address_lines()):
            self.say(line, 0.0)
        self.say(f"{content.place['city']}, {content.day()}", 10.0, "right")
        style = with_size(self.theme.heading, 1.1)
        lines = fonts.wrap(self.title(), style.face, style.size, sheet.right - sheet.left)
        sheet.entry(HEADER, sheet.paragraph(lines, sheet.left, sheet.y, 0, style))
        sheet.y += len(lines) * style.size * style.leading + 8
        self.say(self.word("salutation"), 6.0)
        self.say(self.word("opening"), 8.0)
        for _ in range(rng.choice((1, 1, 2, 3))):
            self.own_fields(3, 8)
        if rng.random() < 0.4 and content.domain.tables:
            self.table(Step("table", content.register(rng.choice(content.domain.tables))))
        self.say(self.word("ending"), 8.0)
        self.say(self.word("closing"), 10.0)
        self._signatures = content.register(content.common.sections[-1])
        self.sign(Step("sign"))
        self.finish(page)


class FaxPage(Written):
    """A fax cover sheet: to whom, from whom, how many pages, and a message."""

    def build(self, page: tuple[int, int]) -> None:
        """The whole page.

        Args:
            page: this page and all pages, for the footer.
        """
        sheet, rng, content = self.sheet, self.rng, self.content
        words = sheet_words(content.language)
        if rng.random() < 0.6:
            align, width = rng.choice(("left", "centre")), sheet.right - sheet.left
            texts.letterhead(sheet, content, content.company(), content.address_lines()[:1], align, width)
        texts.title(sheet, content, self.word("fax"), rng.choice(("left", "centre")))
        fields = [
            Field(kind or "pages", key, [self._written(kind)] if rng.random() < self.theme.fill else [])
            for key, kind in zip(words["fax_keys"], _FAX_VALUES, strict=True)
            if rng.random() < 0.85
        ]
        sheet.theme = replace(self.theme, columns=2, numbered="", required=0.0)
        arrange = rng.choice((field_rows.lined, field_rows.tabbed, grid, field_rows.inline))
        arrange(sheet, content, fields, sheet.left, sheet.right)
        sheet.theme = self.theme
        sheet.y += 8
        marks = [f"{rng.choice('□□□☑')} {word}" for word in words["fax_marks"]]
        self.say("   ".join(marks), 8.0)
        sheet.rule(sheet.left, sheet.y, sheet.right, sheet.y, 1.2)
        sheet.y += 12
        self.say(self.word("opening"), 6.0)
        if rng.random() < 0.7:
            self.own_fields(3, 9)
        self.say(content.text("remarks", 2), 6.0)
        self.say(self.word("ending"), 12.0)
        self.say(self.word("closing"), 4.0)
        self.say(content.person(), 4.0)
        self.finish(page)

    def _written(self, kind: str) -> str:
        if not kind:
            return str(self.rng.randint(1, 14))
        return self.content.value(Value("named", name=kind))


class ReceiptPage(Written):
    """A narrow receipt: who sells, what, and how much it is."""

    def build(self, page: tuple[int, int]) -> None:
        """The whole page.

        Args:
            page: this page and all pages, for the footer.
        """
        sheet, rng, content = self.sheet, self.rng, self.content
        self.say(content.company(), 0.0, "centre")
        self.say(content.address_lines()[0], 5.0, "centre")
        texts.title(sheet, content, self.title(), "centre")
        sections = content.domain.sections
        made = [content.key_field(key, True) for key in self.chosen(sections[0].keys, 6)]
        arrange = rng.choice((field_rows.inline, field_rows.inline, field_rows.tabbed))
        arrange(sheet, content, [f for f in made if not f.options], sheet.left, sheet.right)
        self._dashes()
        if content.domain.tables:
            group = rng.choice(content.domain.tables)
            table = table_of(content, group, rng.randrange(2, 7), 0, 0.0, 3)
            self.draw_table(table, rng.choice(("open", "head")))
        self._dashes()
        amounts = [key for group in sections for key in group.keys if key.value.name == "money"]
        made = [content.key_field(key, True) for key in self.chosen(tuple(amounts), 5)]
        for made_field in made:
            made_field.unit = ""
        field_rows.tabbed(sheet, content, made, sheet.left, sheet.right)
        self._dashes()
        if rng.random() < 0.6:
            made = [content.key_field(key, True) for key in self.chosen(sections[-1].keys, 3)]
            field_rows.inline(sheet, content, [f for f in made if not f.options], sheet.left, sheet.right)
        self.say(self.word("thanks"), 2.0, "centre")
        sheet.height = min(sheet.height, sheet.y + 24)

    def _dashes(self) -> None:
        sheet = self.sheet
        sheet.y += 3
        sheet.rule(sheet.left, sheet.y, sheet.right, sheet.y, 0.6, self.rng.choice((0.0, 2.0)))
        sheet.y += 4


class CardPage(Written):
    """A card: who handed it out, a photograph, some fields."""

    def build(self, page: tuple[int, int]) -> None:
        """The whole page.

        Args:
            page: this page and all pages, for the footer.
        """
        sheet, rng, content = self.sheet, self.rng, self.content
        colour = rng.choice(((222, 234, 246), (232, 240, 224), (246, 236, 220), (240, 240, 240)))
        sheet.fill(0, 0, sheet.width, sheet.top + self.theme.title.size * 2.6, colour)
        self.say(content.authority(), 0.0, "centre")
        texts.title(sheet, content, self.word("card"), "centre")
        sheet.y = max(sheet.y, sheet.top + self.theme.title.size * 2.6) + 4
        left = sheet.left
        if rng.random() < 0.6:
            side = min(62.0, sheet.bottom - sheet.y - 4)
            sheet.frame(left, sheet.y, left + side * 0.8, sheet.y + side)
            sheet.fill(left + 1, sheet.y + 1, left + side * 0.8 - 1, sheet.y + side - 1, (214, 214, 214))
            sheet.left = left + side * 0.8 + 8
        common, own = content.common.sections[0].keys, content.domain.sections[0].keys
        keys = [*self.chosen(common, 4), *self.chosen(own, 4)]
        made = [field for field in (content.key_field(key, True) for key in keys) if not field.options]
        for made_field in made:
            made_field.weight = 1
        arrange = rng.choice((field_rows.inline, field_rows.tabbed, field_rows.stacked))
        arrange(sheet, content, made, sheet.left, sheet.right)
        sheet.left = left
        sheet.frame(1, 1, sheet.width - 1, sheet.height - 1, 1.0)
