"""Characters and brackets that stand for boxes and rings to tick, in text as OCR reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class GlyphKind(StrEnum):
    """What a character or bracket stands for."""

    BOX = "box"
    RING = "ring"
    TICK = "tick"
    """A tick without its box."""
    BRACKET = "bracket"
    BULLET = "bullet"
    """A filled box or ring, which also begins the items of lists."""
    CHARACTER = "character"
    """The character 口, which OCR reads for an empty box."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """A mark in a text: its characters ``start`` to ``end`` (exclusive), and whether it is ticked."""

    start: int
    end: int
    kind: GlyphKind
    selected: bool


EMPTY_BOX, TICKED_BOX, EMPTY_RING, TICKED_RING = "□☑○●"
"""How marks are written that OCR left out."""

MISREAD = frozenset("口囗回凶曰DOoQ0Cc〇。Ｏ[]【】|")
"""Characters that OCR reads for boxes and rings."""

MISREAD_TICKED = frozenset("中山巾团団囤困田由申甲电白自目日切动可Q")
"""Characters that OCR reads for boxes with a tick."""

_CHARACTERS = {
    # The last ones are those of Wingdings, as text layers of PDF files have them.
    **dict.fromkeys("☐□▢\uf06f\uf071\uf072\uf0a8\uf0a3", (GlyphKind.BOX, False)),
    **dict.fromkeys("☑☒✅\uf0fe\uf0fd\uf052\uf053", (GlyphKind.BOX, True)),
    **dict.fromkeys("○◯", (GlyphKind.RING, False)),
    **dict.fromkeys("◉⦿", (GlyphKind.RING, True)),
    **dict.fromkeys("√✓✔", (GlyphKind.TICK, True)),
    **dict.fromkeys("■●", (GlyphKind.BULLET, True)),
    "口": (GlyphKind.CHARACTER, False),
}
_BRACKET = "|".join(
    rf"{re.escape(left)}\s*[xX×√✓✔☑]?\s*{re.escape(right)}" for left in "[(（【" for right in "])）】"
)
_GLYPH = re.compile(f"(?P<bracket>{_BRACKET})|[{''.join(_CHARACTERS)}]")

# What says how to fill in a form: "please tick (√)", "请在□内打“√”".
_ASKED = re.compile(r"(?:打|划|画|勾|以|用|填|tick|check|mark|cocher|ankreuzen)\W{0,3}$", re.IGNORECASE)
_ASKED_BOX = re.compile(r"(?:在|请|的|该|打|划|画|填|涂)\s*[“\"「'‘]?$")
_ASKED_BEHIND = re.compile(r"\s*[”\"」'’]?\s*(?:内|中|里|处|框)")
_QUOTED = re.compile(r"[“\"「『‘]\s*$"), re.compile(r"\s*[”\"」』’]")

# Words with 口, which is read for an empty box.
_WORD_BEGINS = frozenset("座径头语腔味岸述试令红罩气服碑供吻号罪才角感碱粮算袋")
_WORD_ENDS = frozenset("户人出进入窗路港门伤接家胸缺关海汉川山谷関田樋江坂溝野井堀濱周浦戸出虎开可亲借心")


def find_glyphs(text: str) -> list[Glyph]:
    """The marks in a text, from left to right; those that only tell how to fill in a form are left out.

    Args:
        text: of a line.
    """
    found = []
    for match in _GLYPH.finditer(text):
        before, behind = text[: match.start()], text[match.end() :]
        if match["bracket"]:
            ticked = bool(match[0][1:-1].strip())
            if before[-1:].isascii() and before[-1:].isalnum():
                continue  # f(x)
            glyph = Glyph(match.start(), match.end(), GlyphKind.BRACKET, ticked)
        else:
            kind, selected = _CHARACTERS[match[0]]
            glyph = Glyph(match.start(), match.end(), kind, selected)
        if not _is_asked(glyph, before, behind):
            found.append(glyph)
    return found


def in_word(text: str, place: int) -> bool:
    """Whether the character 口 is part of a word, such as 户口 or 口座.

    Args:
        text: of a line.
        place: of the character.
    """
    return text[place + 1 : place + 2] in _WORD_BEGINS or text[place - 1 : place] in _WORD_ENDS


def written(is_ring: bool, selected: bool) -> str:
    """The character for a mark.

    Args:
        is_ring: it is round.
        selected: it is ticked.
    """
    if is_ring:
        return TICKED_RING if selected else EMPTY_RING
    return TICKED_BOX if selected else EMPTY_BOX


def option_text(text: str) -> str | None:
    """The text of an option: what stands behind or before its one mark; None for other texts.

    Args:
        text: of a value.
    """
    glyphs = [glyph for glyph in find_glyphs(text) if glyph.kind is not GlyphKind.CHARACTER]
    if len(glyphs) != 1 or (glyph := glyphs[0]).kind is GlyphKind.BULLET:
        return None
    before, behind = text[: glyph.start].strip(), text[glyph.end :].strip()
    if bool(before) == bool(behind):
        return None
    if before and glyph.kind is GlyphKind.BRACKET and not glyph.selected:
        return None  # "Phone ( )": a place to fill in
    return before or behind


def bullets_as_marks(text: str) -> str:
    """The text with ☑ in place of ■ and ●, which begin items of lists where no mark is known.

    Args:
        text: of a key or value that has a mark.
    """
    bullets = [glyph.start for glyph in find_glyphs(text) if glyph.kind is GlyphKind.BULLET]
    return "".join(TICKED_BOX if place in bullets else char for place, char in enumerate(text))


def selected_of(text: str) -> bool | None:
    """Whether a text that is a mark, or an option with one, is ticked; None for other texts.

    Args:
        text: of a value.
    """
    glyphs = find_glyphs(text)
    if len(glyphs) != 1:
        return None
    alone = not text[: glyphs[0].start].strip() and not text[glyphs[0].end :].strip()
    return glyphs[0].selected if alone or option_text(text) is not None else None


def _is_asked(glyph: Glyph, before: str, behind: str) -> bool:
    quoted = _QUOTED[0].search(before) and _QUOTED[1].match(behind)
    if glyph.kind in (GlyphKind.TICK, GlyphKind.BRACKET):
        return bool(quoted or _ASKED.search(before))
    return bool(quoted or (_ASKED_BOX.search(before) and _ASKED_BEHIND.match(behind)))
