"""What a PDF file says of a page: the fields of its form, and what is left to OCR beside its text."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np


class FieldKind(StrEnum):
    """What a field of a fillable form is."""

    TEXT = "text"
    CHOICE = "choice"
    CHECKBOX = "checkbox"
    RADIO = "radio"


@dataclass(frozen=True, slots=True)
class FormField:
    """One place of a fillable form's field on a page, as the file declares it.

    ``name`` is the full name of the field, ``tooltip`` what its author calls it for people (None: nothing);
    ``polygon`` is where it stands. ``value`` is the text of a field for text or of a choice as a viewer shows
    it; None where it is empty or must not be shown (passwords). ``selected`` is the state of a check box or
    radio button, None for other kinds. ``option`` is what such a button stands for in the file.
    """

    name: str
    tooltip: str | None
    kind: FieldKind
    polygon: tuple[float, ...]
    value: str | None = field(default=None, repr=False)
    selected: bool | None = None
    option: str | None = None


@dataclass(frozen=True, slots=True)
class PageRemainder:
    """What OCR has to do on a page of which some lines are given.

    ``pixels`` is the page without the ink of the given lines (H x W x 3 uint8 RGB), ``box`` encloses what may
    be text on it (None: nothing). ``fonts`` names for each given line the fonts of which nothing but the
    file says which letters they draw: a sample of each has to be compared with what OCR reads.
    """

    pixels: np.ndarray = field(repr=False, compare=False)
    box: tuple[float, float, float, float] | None
    fonts: tuple[frozenset[int], ...] = ()
