"""How one form looks: faces, sizes, inks, rules, and how its keys are written."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from beam_kie.forms.vocabulary import Vocabulary

Colour = tuple[int, int, int]
BLACK: Colour = (25, 25, 28)


class Style(NamedTuple):
    """How a run of text is set. ``size`` in points, ``leading`` in sizes from line to line.

    ``wobble``: as of ``Run``.
    """

    face: str
    size: float
    bold: bool = False
    colour: Colour = BLACK
    leading: float = 1.32
    wobble: float = 0.0


@dataclass(frozen=True, slots=True)
class Theme:
    """The choices that hold for a whole form.

    ``labels`` is the annotation style: "xfund" (a key without a value is OTHER, a section heading over
    keys is a QUESTION) or "funsd" (such keys stay QUESTION, a section heading is a HEADER). ``uneven``: the
    cells of a ruled grid differ in width and height. ``upper_heads``: titles and headings are in capitals.
    ``heading_colon`` ends a heading. ``upper_values``: what is filled in is typed in capitals.
    ``numbers_apart``: the number of a key is a text of its own; ``words_apart``: every word of free text is.
    """

    labels: str
    cjk: bool
    key: Style
    value: Style
    heading: Style
    title: Style
    small: Style
    rule: float
    rule_colour: Colour
    shade: Colour | None
    colon: str
    upper_keys: bool
    required: float
    hints: float
    numbered: str
    spread: bool
    fill: float
    arrangement: str
    columns: int
    key_share: float
    pitch: float
    heading_look: str
    heading_is_header: bool
    joined: bool
    options_look: str
    options_gap: float
    options_as_keys: bool
    paragraph_lines: bool
    notes_linked: bool
    value_centred: bool
    key_centred: bool
    jitter: float
    same_run: bool
    table_look: str
    dotted: bool
    comb: bool
    bilingual: bool
    uneven: bool = False
    upper_heads: bool = False
    heading_colon: str = ""
    upper_values: bool = False
    numbers_apart: bool = False
    words_apart: bool = False


ARRANGEMENTS = {
    # Relative weights: ruled grid, underlined blanks, captioned boxes, key over value, "Key: value", tab.
    "cjk": {"grid": 58, "lined": 14, "boxed": 4, "stacked": 4, "inline": 8, "tabbed": 12},
    "latin": {"grid": 20, "lined": 30, "boxed": 16, "stacked": 8, "inline": 12, "tabbed": 14},
}
_VALUE_INKS: tuple[Colour, ...] = (BLACK, BLACK, BLACK, (32, 44, 120), (20, 30, 90), (60, 60, 64))
_LATIN_FACES = ("noto-sc", "sans", "serif", "serif", "sans", "wide-serif")
_VALUE_FACES = ("same", "same", "typewriter", "serif", "sans", "noto-sc")


def pick_weighted(rng: random.Random, weights: Mapping[str, float]) -> str:
    """A random key of ``weights``.

    Args:
        rng: the random generator.
        weights: relative, 0 or more.
    """
    return rng.choices(list(weights), weights=list(weights.values()))[0]


def make_theme(rng: random.Random, vocabulary: Vocabulary, labels: str, noto_only: bool = False) -> Theme:
    """A random look that suits the language.

    Args:
        rng: the random generator.
        vocabulary: of the language.
        labels: the annotation style, "xfund" or "funsd".
        noto_only: whether only the face that is always installed is used.
    """
    language = vocabulary.language
    cjk = language in ("zh", "ja")
    size = rng.uniform(8.2, 11.0) if cjk else rng.uniform(7.6, 10.6)
    key_face, value_face = _faces(rng, language, cjk, noto_only)
    bold_keys = rng.random() < (0.12 if cjk else 0.3)
    key = Style(_bold_face(key_face, bold_keys), size, bold_keys)
    value_size = size * rng.choice((1.0, 1.0, 0.92, 1.1, 1.2))
    value = Style(value_face, value_size, colour=rng.choice(_VALUE_INKS))
    heading = Style(_bold_face(key_face, True), size * rng.uniform(1.0, 1.35), True)
    title = Style(_bold_face(key_face, True), size * rng.uniform(1.6, 2.6), rng.random() < 0.85)
    return Theme(
        labels=labels,
        cjk=cjk,
        key=key,
        value=value,
        heading=heading,
        title=title,
        small=Style(key_face, max(5.8, size * rng.uniform(0.72, 0.92))),
        rule=rng.choice((0.5, 0.6, 0.8, 1.0)),
        rule_colour=rng.choice((BLACK, BLACK, (70, 70, 75), (110, 110, 115))),
        shade=rng.choice((None, None, None, (236, 236, 236), (225, 230, 238))),
        colon=vocabulary.pick(rng, "format", "colon"),
        upper_keys=not cjk and rng.random() < 0.14,
        required=rng.choice((0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.6)),
        hints=rng.choice((0.0, 0.0, 0.04, 0.12)),
        numbered=rng.choice((*[""] * 14, "{n}.", "({n})", "{n}", "{n}、" if cjk else "{n})")),
        spread=cjk and rng.random() < 0.3,
        fill=rng.choice((0.98, 0.95, 0.9, 0.85, 0.75, 0.6, 0.45)),
        arrangement=pick_weighted(rng, ARRANGEMENTS["cjk" if cjk else "latin"]),
        columns=rng.choice((2, 2, 2, 3)) if not cjk else rng.choice((2, 2, 3, 3)),
        key_share=rng.uniform(0.30, 0.42),
        pitch=rng.uniform(1.75, 2.5),
        heading_look=rng.choice(("left", "left", "band", "centred", "underlined", "side" if cjk else "left")),
        heading_is_header=labels == "funsd" or rng.random() < 0.15,
        joined=rng.random() < (0.6 if cjk else 0.35),
        options_look=rng.choice(("box", "box", "box", "after", "bracket", "round", "paren")),
        options_gap=rng.uniform(1.0, 2.2),
        options_as_keys=labels == "funsd" and rng.random() < 0.35,
        paragraph_lines=rng.random() < (0.25 if labels == "funsd" else 0.75),
        notes_linked=rng.random() < (0.1 if labels == "funsd" else 0.5),
        value_centred=rng.random() < (0.4 if cjk else 0.1),
        key_centred=rng.random() < (0.65 if cjk else 0.08),
        jitter=rng.choice((0.0, 0.0, 0.6, 1.2)),
        same_run=rng.random() < 0.5,
        table_look=rng.choice(("full", "full", "full", "rows", "head", "open")),
        dotted=rng.random() < 0.25,
        comb=rng.random() < 0.15,
        bilingual=rng.random() < (0.05 if language != "en" else 0.0),
    )


def _faces(rng: random.Random, language: str, cjk: bool, noto_only: bool) -> tuple[str, str]:
    if cjk:
        region = "jp" if language == "ja" else "sc"
        return f"noto-{region}", rng.choice((f"noto-{region}", f"noto-{region}", f"noto-mono-{region}"))
    if noto_only:
        return "noto-sc", rng.choice(("noto-sc", "noto-mono-sc"))
    key = rng.choice(_LATIN_FACES)
    value = rng.choice(_VALUE_FACES)
    return key, key if value == "same" else value


def _bold_face(face: str, bold: bool) -> str:
    return f"{face}-bold" if bold and face in ("sans", "serif", "wide-serif") else face


def with_size(style: Style, factor: float) -> Style:
    """The style, larger or smaller.

    Args:
        style: of the text.
        factor: of its size, above 0.
    """
    return style._replace(size=style.size * factor)


def regular(style: Style) -> Style:
    """The style without bold letters.

    Args:
        style: of the text.
    """
    return style._replace(bold=False, face=style.face.removesuffix("-bold"))


def spaced(style: Style, pitch: float) -> Style:
    """The style with lines at a pitch.

    Args:
        style: of the text.
        pitch: from line to line, in points.
    """
    return style._replace(leading=pitch / style.size)


def baseline(style: Style, top: float) -> float:
    """Where a line of text stands, in points from the top.

    Args:
        style: of the text.
        top: of the line, in points.
    """
    return top + 0.5 * (style.size * style.leading + 0.74 * style.size)


def varied(theme: Theme, rng: random.Random) -> Theme:
    """The theme for one section: mostly unchanged, sometimes with another arrangement of fields.

    Args:
        theme: of the form.
        rng: the random generator.
    """
    if rng.random() > 0.2:
        return theme
    weights = ARRANGEMENTS["cjk" if theme.cjk else "latin"]
    return replace(theme, arrangement=pick_weighted(rng, weights), columns=rng.choice((1, 2, 2, 3)))
