"""Realistic forms with labels: for samples, tests and training.

``generate_layout`` makes the annotation of a form in milliseconds, ``generate_form`` its picture as well,
``scan_form`` what a printer and a scanner do to it; ``visual_lines`` are its text lines as an OCR engine
would find them. ``generate_domain_layout`` makes a form of a domain, such as taxes or customs, with the words
of its vocabulary file; ``generate_form`` does so for the kinds "domain" and "domain:<name>".
"""

from collections.abc import Sequence

from beam_kie.forms.domain_layouts import PREFIX, domain_languages, generate_domain_layout
from beam_kie.forms.domains import domain_names
from beam_kie.forms.lines import VisualLine, visual_lines
from beam_kie.forms.looks import Look
from beam_kie.forms.model import KINDS, LANGUAGES, Entry, Form, Layout, Piece
from beam_kie.forms.page import generate_layout
from beam_kie.forms.photo import PHOTO, photograph
from beam_kie.forms.render import render
from beam_kie.forms.scan import ScanSettings, fax_form, random_settings, scan_form, scan_layout

__all__ = [
    "KINDS",
    "LANGUAGES",
    "Entry",
    "Form",
    "Layout",
    "Look",
    "Piece",
    "ScanSettings",
    "VisualLine",
    "domain_languages",
    "domain_names",
    "fax_form",
    "generate_domain_layout",
    "generate_form",
    "generate_layout",
    "photograph",
    "random_settings",
    "render",
    "scan_form",
    "scan_layout",
    "visual_lines",
]


def generate_form(
    language: str,
    seed: int,
    kind: str | None = None,
    *,
    dpi: float = 150.0,
    scan: str = "none",
    labels: str | None = None,
    prose: Sequence[str] | None = None,
    noto_only: bool = False,
    page: tuple[int, int] = (1, 1),
) -> Form:
    """One form with its picture.

    Args:
        language: one of ``LANGUAGES``.
        seed: any whole number; the same arguments give the same form.
        kind: one of ``KINDS`` (None for any), "domain" for a form of any domain of the language or
            "domain:<name>" for one of ``domain_names(language)``.
        dpi: pixels per inch, above 0.
        scan: "none", "light", "heavy", or "photo": photographed at an angle.
        labels: as of ``generate_layout``.
        prose: as of ``generate_layout``.
        noto_only: as of ``generate_layout``.
        page: as of ``generate_layout``.

    Raises:
        ValueError: unknown language, kind, domain, style or scan.
    """
    prefix, _, domain = (kind or "").partition(":")
    if prefix == PREFIX:
        layout = generate_domain_layout(
            language,
            seed,
            domain or None,
            dpi=dpi,
            labels=labels,
            prose=prose,
            noto_only=noto_only,
            page=page,
        )
    else:
        layout = generate_layout(
            language, seed, kind, dpi=dpi, labels=labels, prose=prose, noto_only=noto_only, page=page
        )
    form = Form(render(layout), layout)
    if scan == PHOTO:
        return photograph(form, seed)
    return form if scan == "none" else scan_form(form, scan, seed)
