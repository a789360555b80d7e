"""Puts a form together: from a kind's recipe to a finished layout."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from beam_kie.forms import field_rows, stamps, texts
from beam_kie.forms.business import business_head
from beam_kie.forms.content import Content, Field
from beam_kie.forms.grid import grid, side_heading
from beam_kie.forms.kinds import BUSINESS_FILLERS, CLOSING, FILLERS, RECIPES, Step
from beam_kie.forms.model import BUSINESS, KINDS, LANGUAGES, Layout
from beam_kie.forms.page_steps import Steps
from beam_kie.forms.sheet import HEADING, Sheet
from beam_kie.forms.theme import make_theme, varied

_A4, _LETTER = (595.3, 841.9), (612.0, 792.0)
_ARRANGE = {
    "grid": grid,
    "lined": field_rows.lined,
    "boxed": field_rows.boxed,
    "stacked": field_rows.stacked,
    "inline": field_rows.inline,
    "tabbed": field_rows.tabbed,
}
# Fields that are often asked of somebody else, and sections where they are.
_OTHERS = frozenset({"name", "phone", "mobile", "address", "birth_date", "id_number", "email", "occupation"})


def generate_layout(
    language: str,
    seed: int,
    kind: str | None = None,
    *,
    dpi: float = 150.0,
    labels: str | None = None,
    prose: Sequence[str] | None = None,
    noto_only: bool = False,
    page: tuple[int, int] = (1, 1),
) -> Layout:
    """One form without a picture; the same arguments give the same form.

    Args:
        language: one of ``LANGUAGES``.
        seed: any whole number.
        kind: one of ``KINDS``; None: any.
        dpi: pixels per inch, above 0.
        labels: the annotation style, "xfund" or "funsd"; None: FUNSD's for most English forms, XFUND's
            otherwise.
        prose: sentences that may stand in free text; None: only those of the vocabulary.
        noto_only: whether everything is set in the one face that is always installed, so that the result is
            the same on every machine.
        page: the number of this page and of all pages, for the footer.

    Raises:
        ValueError: unknown language, kind or style.
    """
    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r}, expected one of {', '.join(LANGUAGES)}")
    if kind is not None and kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}, expected one of {', '.join(KINDS)}")
    if labels not in (None, "xfund", "funsd"):
        raise ValueError(f"unknown annotation style {labels!r}, expected 'xfund' or 'funsd'")
    rng = random.Random(f"{language}/{kind}/{seed}")
    chosen = kind or rng.choice(KINDS)
    style = rng.random()
    labels = labels or ("funsd" if language == "en" and style < 0.75 else "xfund")
    content = Content(language, rng, prose, chosen)
    theme = make_theme(rng, content.words, labels, noto_only)
    width, height = paper(language, rng)
    if chosen in BUSINESS and rng.random() < 0.06:
        width, height = height, width
    sheet = Sheet(width, height, theme, rng, margin=rng.uniform(32, 58))
    Page(sheet, content, chosen).build(page)
    return sheet.finish(language, chosen, seed, dpi)


def paper(language: str, rng: random.Random) -> tuple[float, float]:
    """Width and height of a sheet in points: Letter for most English forms, A4 otherwise.

    Args:
        language: one of ``LANGUAGES``.
        rng: decides everything that is random.
    """
    return _LETTER if language == "en" and rng.random() < 0.6 else _A4


class Page(Steps):
    """Draws a recipe's steps on a sheet, one method a kind of step.

    Args:
        sheet: the page that is drawn on.
        content: of the form: its words and values.
        kind: of form, as of ``KINDS``.
    """

    def build(self, page: tuple[int, int]) -> None:
        """The whole page.

        Args:
            page: this page and all pages, for the footer.
        """
        sheet, rng = self.sheet, self.rng
        self.head()
        steps = [step for step in self.recipe() if rng.random() < step.chance]
        closing = [step for step in steps if step.what in CLOSING and step is not steps[0]]
        bottom = sheet.bottom
        sheet.bottom -= 34.0 * len(closing)
        room = (sheet.bottom - sheet.y) * rng.choice((0.8, 1.0, 1.0, 1.0))
        limit = sheet.y + room
        upper = [step for step in steps if step not in closing]
        while upper and sheet.y < limit - 20:
            step = upper.pop(0)
            if rng.random() < (0.03 if self.theme.cjk else 0.1):
                self._block("", lambda: texts.paragraph(sheet, self.content, sheet.left, sheet.right))
            if upper and step.what == upper[0].what == "fields" and rng.random() < 0.12:
                self.side_by_side(step, upper.pop(0))
            else:
                self.step(step)
        fillers = self.fillers()
        for step in rng.sample(fillers, len(fillers)):
            if sheet.y < limit - 0.3 * room and sheet.lines < 60:
                self.step(step)
        sheet.bottom = bottom
        for step in closing:
            self.step(step)
        if rng.random() < (0.35 if self.theme.cjk else 0.2):
            stamps.stamp(sheet, self.content, (sheet.right - 90, sheet.y - 40))
        texts.footer(sheet, self.content, page)
        if rng.random() < 0.08:
            sheet.frame(sheet.left - 8, sheet.top - 8, sheet.right + 8, sheet.bottom + 6, 1.0)

    def recipe(self) -> Sequence[Step]:
        """The parts of the form, from top to bottom."""
        return RECIPES[self.kind]

    def fillers(self) -> Sequence[Step]:
        """More parts, for a page that is still half empty."""
        return BUSINESS_FILLERS if self.kind in BUSINESS else FILLERS

    def step(self, step: Step) -> None:
        """One step, with the look varied a little; nothing where it does not fit.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        sheet = self.sheet
        sheet.theme = varied(self.theme, self.rng)
        getattr(self, step.what)(step)
        sheet.theme = self.theme

    def side_by_side(self, first: Step, second: Step) -> None:
        """Two sections of fields, one in each half of the page.

        Args:
            first: the left step.
            second: the right step.
        """
        sheet = self.sheet
        if self.joined_at == sheet.y:
            sheet.y += self.gap
        left, right, top = sheet.left, sheet.right, sheet.y
        middle = (left + right) / 2
        look = replace(self.theme, columns=1, joined=False)
        sheet.theme, sheet.right = look, middle - 6
        self.fields(first)
        first_end, sheet.y = sheet.y, top
        sheet.theme, sheet.left, sheet.right = look, middle + 6, right
        self.fields(second)
        sheet.theme, sheet.left = self.theme, left
        sheet.y = max(first_end, sheet.y)

    # The top of the page

    def head(self) -> None:
        """Corner label, letterhead or number block, title."""
        sheet, content, rng = self.sheet, self.content, self.rng
        if rng.random() < 0.2:
            texts.corner_label(sheet, content)
        if self.kind in BUSINESS:
            business_head(sheet, content, self.kind, self.title(), self.gap)
            return
        letterhead = rng.random() < 0.25
        if letterhead:
            details = [content.address()] if rng.random() < 0.5 else []
            align = rng.choice(("left", "centre"))
            texts.letterhead(sheet, content, content.authority(), details, align, sheet.right - sheet.left)
        align = "centre" if rng.random() < 0.8 else "left"
        texts.title(sheet, content, self.title(), align, office=rng.random() < 0.3 and not letterhead)
        if rng.random() < (0.15 if self.theme.cjk else 0.35):
            self._block("", lambda: texts.paragraph(sheet, content, sheet.left, sheet.right))

    def title(self) -> str:
        """The form's title."""
        content = self.content
        topic = (
            content.pick("titles", f"{self.kind}_topic")
            if content.words.has("titles", f"{self.kind}_topic")
            else ""
        )
        return content.pick("titles", self.kind).format(
            topic=topic, TOPIC=topic.upper(), authority=content.authority(), company=content.company()
        )

    # Steps of recipes

    def fields(self, step: Step) -> None:
        """A section of keys and values in one of the arrangements.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        made = self._make_fields(step)
        if made:
            self._section(step.section, made)

    def _make_fields(self, step: Step) -> list[Field]:
        content, rng = self.content, self.rng
        names = [name for name in step.names if content.words.has("keys", name)]
        if "family_name" in names:
            # Either the whole name or its parts.
            drop = {"name"} if rng.random() < 0.4 else {"family_name", "given_name"}
            names = [name for name in names if name not in drop]
        if "street" in names:
            drop = {"address"} if rng.random() < 0.4 else {"street"}
            names = [name for name in names if name not in drop]
        count = min(len(names), rng.randint(step.low, step.high))
        chosen = sorted(rng.sample(range(len(names)), count))
        made = []
        for index in chosen:
            name = names[index]
            filled = rng.random() < self.theme.fill
            other = name in _OTHERS and rng.random() < 0.12
            field = content.role_field(name, filled) if other else content.field(name, filled)
            if field is not None:
                made.append(field)
        return made

    def _section(self, section: str, made: list[Field]) -> None:
        sheet, rng, theme = self.sheet, self.rng, self.sheet.theme
        mark = sheet.mark()
        is_grid = theme.arrangement in ("grid", "boxed")
        joined = is_grid and theme.joined and self.joined_at == sheet.y
        if self.joined_at == sheet.y and not joined:
            sheet.y += self.gap
        sheet.parent = None
        text = self.content.heading(section) if section and rng.random() < 0.7 else ""
        if text and theme.arrangement == "grid" and theme.heading_look == "side":
            text = text.lstrip("0123456789一二三四. 、")
            done = self._with_side_heading(text, made)
        else:
            if text:
                texts.heading(
                    sheet, text, sheet.left, sheet.right, attached=joined or (is_grid and theme.joined)
                )
            done = self._arranged(made, sheet.left, sheet.right)
        if done < min(2, len(made)):
            sheet.rollback(mark)
            return
        if is_grid and theme.joined:
            self.joined_at = sheet.y
        else:
            sheet.y += self.gap

    def _arranged(self, made: list[Field], x0: float, x1: float) -> int:
        sheet = self.sheet
        arrangement = sheet.theme.arrangement
        if arrangement == "grid" and self.photo and x1 - x0 > 300:
            done = grid(sheet, self.content, made, x0, x1, photo=len(made) > 5)
            self.photo = self.photo and len(made) <= 5
            return done
        return _ARRANGE[arrangement](sheet, self.content, made, x0, x1)

    def _with_side_heading(self, text: str, made: list[Field]) -> int:
        """The heading in a cell at the left, upright; on top instead where it does not fit there."""
        sheet = self.sheet
        mark, top = sheet.mark(), sheet.y
        size = sheet.theme.key.size
        width = size * (1.9 if len(text) < 7 else 2.9)
        number = sheet.reserve(HEADING)
        sheet.parent = number
        done = self._arranged(made, sheet.left + width, sheet.right)
        columns = 1 if width < size * 2 else 2
        if done and -(-len(text) // columns) * size * 1.18 < sheet.y - top - 4:
            side_heading(sheet, number, text, sheet.left, sheet.left + width, top, sheet.y)
            return done
        sheet.rollback(mark)
        texts.heading(sheet, text, sheet.left, sheet.right, attached=sheet.theme.joined)
        return self._arranged(made, sheet.left, sheet.right)

    def _open_gap(self) -> None:
        if self.joined_at == self.sheet.y and not self.sheet.theme.joined:
            self.sheet.y += self.gap

    def choices(self, step: Step) -> None:
        """Keys with options to tick.

        Args:
            step: what is drawn, as of the kind's recipe.
        """
        content, rng = self.content, self.rng
        names = [name for name in step.names if content.words.has("option_keys", name)]
        count = min(len(names), rng.randint(step.low, step.high))
        made = [
            f
            for n in rng.sample(names, count)
            if (f := content.option_field(n, rng.random() < self.theme.fill))
        ]
        seen = set()
        made = [field for field in made if not (field.key in seen or seen.add(field.key))]
        for field in made:
            length = sum(len(word) + 2 for word, _ in field.options)
            field.weight = 3 if length > (16 if self.theme.cjk else 30) or len(field.key) > 30 else 2
        if made:
            self._section(step.section if rng.random() < 0.4 else "", made)
