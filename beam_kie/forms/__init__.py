"""Realistic forms with labels: for samples, tests and training.

``generate_layout`` makes the annotation of a form in milliseconds, ``generate_form`` its picture as well,
``scan_form`` what a printer and a scanner do to it.
"""

from beam_kie.forms.model import KINDS, LANGUAGES, Entry, Form, Layout, Piece
from beam_kie.forms.page import generate_layout

__all__ = ["KINDS", "LANGUAGES", "Entry", "Form", "Layout", "Piece", "generate_layout"]
