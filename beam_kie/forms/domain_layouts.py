"""Layouts of forms of a domain."""

from __future__ import annotations

import random
from collections.abc import Sequence

from beam_kie.forms.domain_content import DomainContent
from beam_kie.forms.domains import domain_names
from beam_kie.forms.looks import Look, personal_theme, pick_look, typed_theme
from beam_kie.forms.model import LANGUAGES, Layout
from beam_kie.forms.sheets import RECEIPTS, format_of
from beam_kie.forms.theme import make_theme

PREFIX = "domain"


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
    look: Look | None = None,
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
        look: a whole form, a letter, a fax cover sheet, a receipt, a card or a typed sheet; None for any.

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
    labels = labels or ("funsd" if language == "en" and style < 0.9 else "xfund")
    look = look or pick_look(rng, chosen in RECEIPTS, labels)
    content = DomainContent.load(language, chosen, rng, prose)
    theme = personal_theme(make_theme(rng, content.words, labels, noto_only), rng, language, noto_only)
    if look is Look.TYPED:
        theme = typed_theme(theme, rng, noto_only)
    content.capitals = theme.upper_values
    sheet, drawn = format_of(look, language, rng, theme)
    drawn(sheet, content, chosen).build(page)
    return sheet.finish(language, f"{PREFIX}:{chosen}", seed, dpi)


def domain_languages() -> tuple[str, ...]:
    """The languages that have domains."""
    return tuple(language for language in LANGUAGES if domain_names(language))
