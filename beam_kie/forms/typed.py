"""Typed sheets: memos, reports and orders as typewriters set them, at the pitch of running text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from beam_kie.forms import fonts
from beam_kie.forms.content import Field
from beam_kie.forms.domain_content import DomainContent
from beam_kie.forms.domain_tables import matrix_of, report_of, table_of
from beam_kie.forms.domains import Value
from beam_kie.forms.heads import title_block
from beam_kie.forms.matrix import Matrix
from beam_kie.forms.model import HEADER
from beam_kie.forms.sheet import Sheet
from beam_kie.forms.typed_lines import Manner, check_columns, key_lines, remark, typed_heading, underline
from beam_kie.forms.typed_tables import typed_columns, typed_matrix
from beam_kie.forms.written import Written, sheet_words

# Types of values of the keys of a memo, in their order.
_MEMO_VALUES = ("names", "person", "text", "date", "names", "id", "samples", "person")
_DATE, _COPIES = 3, 4  # their places


class TypedPage(Written):
    """A typed sheet: a title, to whom it goes, lists of keys, open tables, what can be ticked, remarks, who
    approves.

    Args:
        sheet: the page that is drawn on.
        content: of the form: its words and values.
        kind: of form, as of ``KINDS``.
    """

    def __init__(self, sheet: Sheet, content: DomainContent, kind: str):
        super().__init__(sheet, content, kind)
        key, value = self.theme.key, self.theme.value
        self.pitch = max(key.size * key.leading, value.size * 1.06)
        self.gap = self.pitch * self.rng.choice((0.2, 0.5, 0.8, 1.0, 1.0, 1.6))
        # Half of such sheets are older than what other forms are dated.
        if self.rng.random() < 0.5:
            content.today = date(self.rng.randint(1964, 2001), content.today.month, content.today.day)

    def build(self, page: tuple[int, int]) -> None:
        """The whole page.

        Args:
            page: this page and all pages, for the footer.
        """
        sheet, rng = self.sheet, self.rng
        if rng.random() < 0.85:
            self._title()
        if rng.random() < 0.55:
            self._block("", self._memo)
        blocks: dict[Callable[[], bool], int] = {
            self._lists: 8,
            self._report: 3,
            self._columns: 3,
            self._checks: 3,
            self._remarks: 7,
            self._amounts_due: 1,
            self._paragraph: 2,
        }
        room = (sheet.bottom - sheet.y) * rng.choice((0.6, 0.85, 1.0, 1.0))
        limit, end = sheet.y + room, sheet.bottom
        approvals = rng.random() < 0.4
        sheet.bottom -= 90 if approvals else 30
        for block in rng.choices(list(blocks), weights=list(blocks.values()), k=14):
            if sheet.y < limit - 3 * self.pitch:
                self._block("", block)
        sheet.bottom = end
        if approvals:
            self._block("", self._approvals)
        elif rng.random() < 0.4:
            self._block("", self._copies)
        self.finish(page)

    def manner(self, leaders: str = "") -> Manner:
        """How a block is typed; the pitch is that of the page.

        Args:
            leaders: what may stand between key and value, separated by spaces, besides nothing.
        """
        rng = self.rng
        apart = rng.choice((1.0, 1.0, 1.0, 1.0, 1.25, 1.5, 2.0))
        leader = rng.choice(["", *leaders.split(" ")]) if leaders else ""
        return Manner(self.pitch, apart, leader, rng.random() < 0.75, rng.random() < 0.08)

    def _title(self) -> None:
        content, rng = self.content, self.rng
        parts = [content.company(), content.make("list:department"), self.title()]
        parts = parts[rng.choice((0, 1, 2, 2)) :]
        align = rng.choice(("centre", "centre", "left"))
        if rng.random() < 0.5:
            title_block(self.sheet, parts, align)
            return
        sheet, style = self.sheet, self.theme.title
        for part in parts:
            part = part.upper() if self.theme.upper_heads else part
            lines = fonts.wrap(part, style.face, style.size, sheet.right - sheet.left)
            pieces = sheet.paragraph(lines, sheet.left, sheet.y, sheet.right - sheet.left, style, align)
            sheet.parent = None
            sheet.entry(HEADER, pieces)
            if rng.random() < 0.4:
                underline(sheet, pieces)
            sheet.y += len(lines) * style.size * style.leading + rng.choice((0.0, 0.0, 0.5)) * self.pitch
        sheet.y += self.pitch

    # Blocks, each from ``sheet.y`` on; False where it does not fit

    def _memo(self) -> bool:
        """To whom, from whom, about what."""
        sheet, content, rng = self.sheet, self.content, self.rng
        made = []
        for key, kind in zip(sheet_words(content.language)["memo_keys"], _MEMO_VALUES, strict=True):
            if rng.random() < 0.65:
                made.append(Field(kind, key, self._memo_values(kind) if rng.random() < 0.93 else []))
        rng.shuffle(made)
        end = sheet.right if rng.random() < 0.6 else (sheet.left + sheet.right) / 2
        return bool(made) and key_lines(sheet, content, made, sheet.left, end, self.manner("rule")) > 1

    def _memo_values(self, kind: str) -> list[str]:
        content, rng = self.content, self.rng
        if kind == "names" and rng.random() < 0.2:
            return ["\n".join([self._named(), *self._where()])]
        if kind == "names":
            return [self._named() for _ in range(rng.choice((1, 1, 1, 2, 3, 4, 6)))]
        if kind == "samples":
            return [content.code("@@ ##-###") if rng.random() < 0.4 else self.title()]
        if kind == "text":
            return [content.text("remarks", 1)] if rng.random() < 0.3 else [self.title()]
        return [self._named() if kind == "person" else content.value(Value("named", name=kind))]

    def _named(self) -> str:
        """A person as typed sheets name one: with initials, a courtesy title or a place at times."""
        content, rng = self.content, self.rng
        name = content.person()
        if self.theme.cjk:
            return name
        parts = name.split()
        if len(parts) > 1 and rng.random() < 0.6:
            initials = [part[0] + "." for part in parts[:-1]]
            initials += [content.code("@.")] if rng.random() < 0.5 else []
            name = " ".join([*initials, parts[-1]])
        if rng.random() < 0.25:
            name = f"{self.word('courtesy')} {name}"
        if rng.random() < 0.12:
            name += f" ({content.place['city']})"
        return name.upper() if self.theme.upper_values else name

    def _where(self) -> list[str]:
        """The lines below a name: what somebody is, a company, an address."""
        content, rng = self.content, self.rng
        lines = [content.make("list:job"), content.company(), *content.address_lines()]
        lines = [line for line in lines if rng.random() < 0.6] or lines[1:]
        return [line.upper() for line in lines] if self.theme.upper_values else lines

    def _lists(self) -> bool:
        """One list of keys or two side by side, each under a heading at times."""
        sheet, rng = self.sheet, self.rng
        manner = self.manner("rule rule dashes dots")
        if rng.random() < 0.65:
            right = sheet.right if rng.random() < 0.6 else sheet.left + 0.7 * (sheet.right - sheet.left)
            return self._list(sheet.left, right, manner)
        top, middle = sheet.y, sheet.left + rng.uniform(0.45, 0.55) * (sheet.right - sheet.left)
        done = self._list(sheet.left, middle - 10, manner)
        end, sheet.y = sheet.y, top
        done = self._list(middle + 10, sheet.right, manner) or done
        sheet.y = max(end, sheet.y)
        return done

    def _list(self, x0: float, x1: float, manner: Manner) -> bool:
        sheet, content, rng = self.sheet, self.content, self.rng
        groups = [*content.domain.sections, *content.common.sections[1:4]]
        group = rng.choice(groups)
        keys = self.chosen(group.keys, rng.randrange(2, 12))
        made = [content.key_field(key, rng.random() < self.theme.fill) for key in keys]
        for key, field in zip(keys, made, strict=True):
            if key.value.name in ("address", "company", "office") and field.values and rng.random() < 0.5:
                field.values = ["\n".join([*field.values[: rng.randrange(2)], *self._where()])]
        if manner.right:
            made = [field for field in made if not field.long]
        mark = sheet.mark()
        sheet.parent = None
        headed = rng.random() < 0.6
        if headed and not typed_heading(sheet, content.heading(content.register(group)), x0, x1, self.pitch):
            return False
        inner = x0 + (rng.choice((0.0, 0.0, 16.0, 32.0)) if headed else 0.0)
        if made and key_lines(sheet, content, made, inner, x1, manner):
            return True
        sheet.rollback(mark)
        return False

    def _report(self) -> bool:
        """A table with keys on two sides."""
        sheet, content, rng = self.sheet, self.content, self.rng
        matrix: Matrix | None = None
        if rng.random() < 0.3 and content.domain.tables:
            matrix = matrix_of(content, self.theme, rng.choice(content.domain.tables))
        matrix = matrix or report_of(content, self.theme)
        if matrix is None:
            return False
        if rng.random() < 0.5:
            first = [row[:3] for row in matrix.cells]
            matrix = replace(matrix, columns=matrix.columns[:3], cells=first, spans=[])
        manner = replace(self.manner("rule"), apart=rng.choice((1.0, 1.0, 1.25, 1.5, 2.0)))
        inner = sheet.left + rng.choice((0.0, 0.0, 30.0))
        return typed_matrix(sheet, matrix, inner, sheet.right, manner)

    def _columns(self) -> bool:
        """Columns of values under their keys, a few rows or many."""
        sheet, content, rng = self.sheet, self.content, self.rng
        groups = content.domain.tables or content.domain.sections
        rows = rng.choice((2, 2, 3, 4, 5, 8, 12))
        table = table_of(content, rng.choice(groups), rows, 0, rng.choice((0.0, 0.05, 0.2)), 5)
        return typed_columns(sheet, table, sheet.left, sheet.right, self.manner("rule"))

    def _checks(self) -> bool:
        """Items with a place for an X."""
        sheet, content, rng = self.sheet, self.content, self.rng
        keys = [key for group in content.domain.sections for key in group.keys if len(key.value.words) > 2]
        if keys and rng.random() < 0.6:
            key = rng.choice(keys)
            text, items = content.wording(key), [content.code(word) for word in key.value.words]
        else:
            group = rng.choice(content.domain.sections)
            text = content.heading(content.register(group))
            items = [min(key.wordings, key=len) for key in self.chosen(group.keys, rng.randrange(4, 24))]
        return check_columns(sheet, text, items, sheet.left, sheet.right, self.manner())

    def _remarks(self) -> bool:
        """A key with paragraphs."""
        sheet, content, rng = self.sheet, self.content, self.rng
        keys = [key for group in content.domain.sections for key in group.keys]
        keys += [key for group in content.common.sections for key in group.keys]
        key = rng.choice([key for key in keys if key.value.name == "text"] or keys)
        values = [self._told() for _ in range(rng.choice((1, 1, 1, 1, 2, 3)))]
        right = sheet.right if rng.random() < 0.75 else (sheet.left + sheet.right) / 2
        return remark(sheet, content.wording(key), values, sheet.left, right, self.pitch)

    def _told(self) -> str:
        """One to seven sentences."""
        content, rng = self.content, self.rng
        pool = [*content.domain.free, *content.common.free, *content.fresh("notes"), *(content.prose or ())]
        pool += content.fresh("declarations") if rng.random() < 0.3 else []
        text = " ".join(rng.sample(pool, min(len(pool), rng.choice((1, 2, 3, 4, 5, 7)))))
        return text.upper() if self.theme.upper_values else text

    def _amounts_due(self) -> bool:
        """Amounts below one another and their sum."""
        sheet, content, rng = self.sheet, self.content, self.rng
        keys = [key for group in content.domain.sections for key in group.keys]
        keys = self.chosen(tuple(keys), rng.randrange(3, 8))
        cents = rng.random() < 0.6
        made = [round(rng.uniform(20, 40_000), 2 if cents else 0) for _ in keys]
        texts = [content.money(amount) for amount in (*made, sum(made))]
        words = [*(content.wording(key) for key in keys), self.word("total")]
        fields = [Field("money", word, [text]) for word, text in zip(words, texts, strict=True)]
        manner = replace(self.manner("dots"), right=True)
        end = sheet.left + rng.uniform(0.55, 1.0) * (sheet.right - sheet.left)
        return key_lines(sheet, content, fields, sheet.left, end, manner) > 2

    def _paragraph(self) -> bool:
        return self.say(self._told(), 0.0, pitch=self.pitch)

    def _approvals(self) -> bool:
        """Who signs: roles below one another with names, lines to sign on and dates."""
        sheet, content, rng = self.sheet, self.content, self.rng
        roles = list(sheet_words(content.language)["roles"])
        roles = rng.sample(roles, min(len(roles), rng.randrange(2, 6)))
        made = [Field("sign", role, [self._named()] if rng.random() < 0.75 else []) for role in roles]
        manner = replace(self.manner("rule"), apart=rng.choice((1.0, 1.5, 2.0)))
        left, right = sheet.left, sheet.left + rng.choice((0.55, 0.7)) * (sheet.right - sheet.left)
        top = sheet.y
        done = key_lines(sheet, content, made, left, right, manner)
        word = sheet_words(content.language)["memo_keys"][_DATE]
        if done and rng.random() < 0.5:
            end, sheet.y = sheet.y, top
            dates = [Field("date", word, [content.day()] if field.values else []) for field in made[:done]]
            key_lines(sheet, content, dates, right + 14, sheet.right, manner)
            sheet.y = max(end, sheet.y)
        return done > 0

    def _copies(self) -> bool:
        """Who gets a copy."""
        sheet, rng = self.sheet, self.rng
        word = sheet_words(self.content.language)["memo_keys"][_COPIES]
        made = [Field("names", word, [self._named() for _ in range(rng.randrange(1, 8))])]
        return key_lines(sheet, self.content, made, sheet.left, sheet.right, self.manner()) > 0
