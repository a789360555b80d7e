"""Steps of a page that stand by themselves: tables, lists, notes, signatures."""

from __future__ import annotations

from beam_kie.forms import lists, tables, texts
from beam_kie.forms.business import staff_row
from beam_kie.forms.content import Content
from beam_kie.forms.kinds import Step
from beam_kie.forms.model import BUSINESS
from beam_kie.forms.sheet import Sheet


class Steps:
    """Draws single steps on a sheet, one method a kind of step; nothing is drawn where it does not fit.

    Args:
        sheet: the page that is drawn on.
        content: of the form: its words and values.
        kind: of form, as of ``KINDS``.
    """

    def __init__(self, sheet: Sheet, content: Content, kind: str):
        self.sheet, self.content, self.kind = sheet, content, kind
        self.rng, self.theme = sheet.rng, sheet.theme
        self.gap = self.rng.uniform(4, 13)
        self.joined_at: float | None = None
        self.photo = kind in ("application", "job", "registration") and self.rng.random() < 0.35

    def table(self, step: Step) -> None:
        """A table of columns.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        rng = self.rng
        rows = rng.randrange(1, 5)
        empty = rng.choice((0, 0, 1, 2, 3))
        name = rng.choice(step.names)
        made = tables.make_table(self.content, name, rows, empty, rng.choice((0.0, 0.05, 0.2)))
        self._table(step.section, made)

    def goods(self, step: Step) -> None:
        """A table of goods with totals.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        rows = self.rng.choice((2, 3, 4, 5, 6, 7, 8, 9, 11))
        self._table(
            step.section if self.rng.random() < 0.2 else "",
            tables.goods_table(self.content, rows, "priced" in step.names),
        )

    def _table(self, section: str, made: tables.Table) -> None:
        sheet, rng = self.sheet, self.rng
        mark = sheet.mark()
        joined = sheet.theme.joined and sheet.theme.table_look == "full" and self.joined_at == sheet.y
        if self.joined_at == sheet.y and not joined:
            sheet.y += self.gap
        sheet.parent = None
        if section and rng.random() < 0.8:
            texts.heading(sheet, self.content.heading(section), sheet.left, sheet.right, attached=joined)
        if not tables.draw_table(sheet, made, sheet.left, sheet.right):
            sheet.rollback(mark)
            return
        if joined and not made.totals:
            self.joined_at = sheet.y
        else:
            sheet.y += self.gap

    def amounts(self, step: Step) -> None:
        """Numbered amounts of a tax form.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        sheet, content, rng = self.sheet, self.content, self.rng
        pool = content.words.words("lists", step.names[0])
        chosen = sorted(rng.sample(range(len(pool)), rng.randrange(4, 9)))
        keys = [pool[index] for index in chosen]
        self._block(
            step.section,
            lambda: lists.amount_lines(sheet, content, keys, sheet.left, sheet.right),
        )

    def ratings(self, step: Step) -> None:
        """Statements to rate.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        sheet = self.sheet
        self._block(step.section, lambda: lists.rating_table(sheet, self.content, sheet.left, sheet.right))

    def questions(self, step: Step) -> None:
        """Questions as whole sentences, each with options or a line for an answer.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        sheet = self.sheet
        self._block(step.section, lambda: lists.question_list(sheet, self.content, sheet.left, sheet.right))

    def _block(self, section: str, draw_it) -> None:
        sheet = self.sheet
        mark = sheet.mark()
        if self.joined_at == sheet.y:
            sheet.y += self.gap
        sheet.parent = None
        if section and self.rng.random() < 0.85:
            texts.heading(sheet, self.content.heading(section), sheet.left, sheet.right)
        if draw_it():
            sheet.y += self.gap
        else:
            sheet.rollback(mark)

    def notes(self, step: Step) -> None:
        """Notes to whoever fills the form in.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        topic = "goods_notes" if self.kind in BUSINESS else "notes"
        self._block(
            "",
            lambda: texts.notes(
                self.sheet, self.content, topic, self.sheet.left, self.sheet.right, self.rng.randrange(1, 6)
            ),
        )

    def declaration(self, step: Step) -> None:
        """What the applicant declares.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        self._block(
            "",
            lambda: texts.notes(
                self.sheet,
                self.content,
                "declarations",
                self.sheet.left,
                self.sheet.right,
                self.rng.randrange(1, 4),
            ),
        )

    def sign(self, step: Step) -> None:
        """Places to sign.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        count = self.rng.randrange(1, min(4, len(step.names) + 1))
        names = [
            name for name in step.names[:2] + tuple(self.rng.sample(step.names[2:], len(step.names) - 2))
        ][:count]
        self._block(
            "", lambda: texts.signatures(self.sheet, self.content, names, self.sheet.left, self.sheet.right)
        )

    def staff(self, step: Step) -> None:
        """A row of who wrote, checked and received it.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        count = self.rng.randint(step.low, step.high)
        names = self.rng.sample(step.names, min(len(step.names), count))
        self._block("", lambda: staff_row(self.sheet, self.content, names))
