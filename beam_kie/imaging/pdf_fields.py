"""The fields of a fillable PDF form: what they are called, where they stand on a page, and their states.

Call only under the lock of ``beam_kie.imaging.pdf``.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from beam_kie.escaping import whole_characters
from beam_kie.geometry import box_polygon
from beam_kie.imaging.pdf_text import page_to_pixels
from beam_kie.page_parts import FieldKind, FormField

_KINDS = {
    pdfium_c.FPDF_FORMFIELD_TEXTFIELD: FieldKind.TEXT,
    pdfium_c.FPDF_FORMFIELD_COMBOBOX: FieldKind.CHOICE,
    pdfium_c.FPDF_FORMFIELD_LISTBOX: FieldKind.CHOICE,
    pdfium_c.FPDF_FORMFIELD_CHECKBOX: FieldKind.CHECKBOX,
    pdfium_c.FPDF_FORMFIELD_RADIOBUTTON: FieldKind.RADIO,
}
_BUTTONS = (FieldKind.CHECKBOX, FieldKind.RADIO)
_UNSEEN = pdfium_c.FPDF_ANNOT_FLAG_HIDDEN | pdfium_c.FPDF_ANNOT_FLAG_NOVIEW
_PASSWORD = 1 << 13  # the field's flag: its value must not be shown
_LONGEST = 1 << 16  # bytes of a text that is taken


def read_fields(page: pdfium.PdfPage, width_px: int, height_px: int) -> tuple[FormField, ...]:
    """The fields that a viewer shows on a page, with what they inherit, in the order of the file.

    Args:
        page: an open page, not yet flattened, of a document whose forms are initialised.
        width_px: of the page as it is rendered.
        height_px: of the page as it is rendered.
    """
    if page.formenv is None:
        return ()
    to_pixels = page_to_pixels(page, width_px, height_px)
    found = []
    for place in range(pdfium_c.FPDFPage_GetAnnotCount(page)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, place)
        if not annotation:
            continue
        try:
            field = _field(page.formenv, annotation, to_pixels)
        finally:
            pdfium_c.FPDFPage_CloseAnnot(annotation)
        if field is not None:
            found.append(field)
    return tuple(found)


def _field(form: Any, annotation: Any, to_pixels: Callable) -> FormField | None:
    kind = _KINDS.get(pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation))
    box = pdfium_c.FS_RECTF()
    if (
        kind is None
        or pdfium_c.FPDFAnnot_GetFlags(annotation) & _UNSEEN
        or not pdfium_c.FPDFAnnot_GetRect(annotation, box)
    ):
        return None
    corners = to_pixels((box.left, box.bottom, box.right, box.top))
    if not math.isfinite(sum(corners)) or corners[2] - corners[0] < 1 or corners[3] - corners[1] < 1:
        return None
    polygon = box_polygon(corners)
    name = _text(pdfium_c.FPDFAnnot_GetFormFieldName, form, annotation) or ""
    tooltip = _text(pdfium_c.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
    if kind in _BUTTONS:
        selected, option = _state(form, annotation)
        return FormField(name, tooltip, kind, polygon, None, selected, option)
    return FormField(name, tooltip, kind, polygon, _value(form, annotation, kind))


def _state(form: Any, annotation: Any) -> tuple[bool, str | None]:
    """Whether a button is on, and what it stands for.

    /AS is what viewers go by. pdfium's own answer needs pictures of the button in the file.
    """
    option = _text(pdfium_c.FPDFAnnot_GetFormFieldExportValue, form, annotation)
    size = min(pdfium_c.FPDFAnnot_GetStringValue(annotation, b"AS", None, 0), _LONGEST)
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    pdfium_c.FPDFAnnot_GetStringValue(annotation, b"AS", buffer, size)
    state = _decoded(buffer, size)
    if state is None:
        return bool(pdfium_c.FPDFAnnot_IsChecked(form, annotation)), option
    return state != "Off", option if state == "Off" else state


def _value(form: Any, annotation: Any, kind: FieldKind) -> str | None:
    """The value as a viewer shows it: of a choice the label, not what it stands for."""
    if pdfium_c.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD and kind is FieldKind.TEXT:
        return None
    if kind is FieldKind.CHOICE and (labels := list(_chosen(form, annotation))):
        return "\n".join(labels)
    return _text(pdfium_c.FPDFAnnot_GetFormFieldValue, form, annotation)


def _chosen(form: Any, annotation: Any) -> Iterator[str]:
    for index in range(max(0, pdfium_c.FPDFAnnot_GetOptionCount(form, annotation))):
        if pdfium_c.FPDFAnnot_IsOptionSelected(form, annotation, index):
            size = pdfium_c.FPDFAnnot_GetOptionLabel(form, annotation, index, None, 0)
            buffer = (ctypes.c_ushort * (size // 2 + 1))()
            pdfium_c.FPDFAnnot_GetOptionLabel(form, annotation, index, buffer, size)
            if label := _decoded(buffer, size):
                yield label


def _text(get: Callable, form: Any, annotation: Any) -> str | None:
    """What a function of pdfium writes into a buffer; None where it is nothing."""
    size = min(get(form, annotation, None, 0), _LONGEST)
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    if size <= 2 or get(form, annotation, buffer, size) > size:
        return None
    return _decoded(buffer, size)


def _decoded(buffer: Any, size: int) -> str | None:
    text = bytes(buffer)[: max(0, size - 2)].decode("utf-16-le", errors="surrogatepass")
    text = whole_characters(text).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text if text.strip() else None
