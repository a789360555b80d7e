"""Pages with sentences round their fields, and the words of letters, fax cover sheets and the like."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

from beam_kie.forms import fonts
from beam_kie.forms.domain_page import DomainPage
from beam_kie.forms.kinds import Step
from beam_kie.forms.model import OTHER
from beam_kie.forms.theme import regular, spaced


@lru_cache(maxsize=16)
def sheet_words(language: str) -> dict[str, tuple[str, ...]]:
    """The words of letters, fax cover sheets, receipts, cards and typed sheets, by name.

    Args:
        language: one of ``LANGUAGES``.
    """
    path = resources.files("beam_kie.forms") / "vocabulary" / "sheets.toml"
    data = tomllib.loads(path.read_text(encoding="utf-8"))[language]
    return {name: tuple(words.split("|")) for name, words in data.items()}


class Written(DomainPage):
    """A page with sentences round its fields."""

    def word(self, name: str) -> str:
        """One of the words of ``sheet_words``.

        Args:
            name: of the list.
        """
        return self.rng.choice(sheet_words(self.content.language)[name])

    def say(self, text: str, gap: float = 4.0, align: str = "left", pitch: float | None = None) -> bool:
        """A paragraph that is labelled OTHER; False, and nothing drawn, where it does not fit.

        Args:
            text: of the paragraph.
            gap: below it, in points.
            align: "left", "centre" or "right".
            pitch: from line to line, in points; None: that of the keys.
        """
        sheet, style = self.sheet, regular(self.theme.key)
        style = style if pitch is None else spaced(style, pitch)
        width = sheet.right - sheet.left
        lines = fonts.wrap(text, style.face, style.size, width)
        if sheet.y + len(lines) * style.size * style.leading > sheet.bottom:
            return False
        sheet.parent = None
        sheet.each_line(OTHER, sheet.paragraph(lines, sheet.left, sheet.y, width, style, align))
        sheet.y += len(lines) * style.size * style.leading + gap
        return True

    def own_fields(self, low: int, high: int) -> None:
        """A section of the domain.

        Args:
            low: the fewest fields.
            high: the most fields.
        """
        group = self.rng.choice(self.content.domain.sections)
        self.step(Step("fields", self.content.register(group), (), low, high))
