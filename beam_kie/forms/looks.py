"""How forms of domains differ beyond their themes: handwriting, half-empty pages, typed and other sheets."""

from __future__ import annotations

import random
from dataclasses import replace
from enum import StrEnum

from beam_kie.forms.theme import Theme, pick_weighted


class Look(StrEnum):
    """What a form of a domain is printed as."""

    FORM = "form"
    LETTER = "letter"
    FAX = "fax"
    RECEIPT = "receipt"
    CARD = "card"
    TYPED = "typed"


# Relative weights.
LOOKS: dict[str, float] = {
    **{Look.FORM: 66, Look.LETTER: 8, Look.FAX: 6, Look.RECEIPT: 8, Look.CARD: 4},
    Look.TYPED: 8,
}
# Of forms in FUNSD's style, the share of typed sheets above that.
_TYPED_SHARE = 0.35
_HANDS = {"zh": ("hand-kai",), "ja": ("hand-klee", "hand-seto")}
_LATIN_HANDS = ("hand-breip", "hand-dkg")
_PENS = ((28, 42, 130), (20, 30, 90), (25, 25, 28), (40, 40, 46), (30, 60, 140))


def pick_look(rng: random.Random, receipts: bool, labels: str = "xfund") -> Look:
    """A look by its weight; typed sheets more often in FUNSD's style.

    Args:
        rng: decides everything that is random.
        receipts: whether the domain has receipts.
        labels: the annotation style, "xfund" or "funsd".
    """
    look = Look(pick_weighted(rng, LOOKS))
    if labels == "funsd" and rng.random() < _TYPED_SHARE:
        return Look.TYPED
    return Look.FORM if look is Look.RECEIPT and not receipts else look


def typed_theme(theme: Theme, rng: random.Random, noto_only: bool) -> Theme:
    """The theme of a typed sheet: one face for all that is not written by hand, lines close together.

    Args:
        theme: of the form.
        rng: the random generator.
        noto_only: whether only the face that is always installed is used.
    """
    face, size = theme.key.face.removesuffix("-bold"), rng.uniform(8.4, 11.2)
    if not noto_only and not theme.cjk and rng.random() < 0.75:
        face = "typewriter"
    plain = theme.key._replace(face=face, size=size, bold=False, leading=rng.uniform(1.06, 1.34))
    value = theme.value._replace(leading=plain.leading)
    if not value.wobble and rng.random() < 0.85:
        value = plain._replace(colour=value.colour)
    strong = rng.random() < 0.15
    return replace(
        theme,
        key=plain,
        value=value,
        heading=plain._replace(bold=strong),
        title=plain._replace(bold=strong, size=size * rng.choice((1.0, 1.0, 1.15, 1.4))),
        small=plain._replace(size=size * 0.9),
        options_look=rng.choice(("bracket", "paren", "box", "bracket")),
        rule_colour=plain.colour,
        **{"comb": False, "required": 0.0, "hints": 0.0, "shade": None},
    )


def personal_theme(theme: Theme, rng: random.Random, language: str, noto_only: bool) -> Theme:
    """The theme as one person filled the form in: by hand at times, only a part of it at times.

    Args:
        theme: of the form.
        rng: decides everything that is random.
        language: one of ``LANGUAGES``.
        noto_only: whether only the face that is always installed is used.
    """
    theme = replace(theme, uneven=rng.random() < 0.35)
    if not theme.cjk:
        theme = _capitals(theme, rng)
    if theme.labels == "funsd":
        theme = _typed(theme, rng, noto_only)
    if rng.random() < 0.1:
        theme = replace(theme, fill=rng.uniform(0.15, 0.4))
    if rng.random() < 0.22:
        hand = rng.choice(_HANDS.get(language, _LATIN_HANDS))
        wobble, scale = rng.uniform(0.012, 0.05), rng.uniform(1.05, 1.3)
        value = theme.value._replace(
            size=theme.value.size * scale, colour=rng.choice(_PENS), wobble=wobble, bold=False
        )
        theme = replace(theme, value=value if noto_only else value._replace(face=hand))
    return theme


def _capitals(theme: Theme, rng: random.Random) -> Theme:
    """Capitals as typewriters and English offices have them: titles, keys, what is filled in."""
    english = theme.labels == "funsd"
    return replace(
        theme,
        upper_keys=theme.upper_keys or rng.random() < (0.36 if english else 0.05),
        upper_heads=rng.random() < (0.65 if english else 0.3),
        heading_colon=":" if rng.random() < (0.28 if english else 0.1) else "",
        upper_values=rng.random() < (0.2 if english else 0.08),
    )


def _typed(theme: Theme, rng: random.Random, noto_only: bool) -> Theme:
    """What pages in FUNSD's style have more often: typewriters, numbers and words apart, blanks."""
    if rng.random() < 0.3 and not noto_only:
        names = ("key", "value", "heading", "title", "small")
        face = {name: getattr(theme, name)._replace(face="typewriter") for name in names}
        theme = replace(theme, **face)
    if rng.random() < 0.25:
        theme = replace(theme, fill=rng.uniform(0.2, 0.6))
    if rng.random() < 0.3:
        theme = replace(theme, pitch=rng.uniform(1.25, 1.7))
    return replace(
        theme,
        numbered=theme.numbered or rng.choice((*[""] * 10, "{n}.", "({n})")),
        numbers_apart=rng.random() < 0.6,
        words_apart=rng.random() < 0.06,
    )
