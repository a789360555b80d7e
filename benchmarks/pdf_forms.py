"""A fillable PDF form with every kind of field, stored in the ways that form editors store them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.pdf_writer import Pdf, numbers  # noqa: E402 (needs the path)

_DA = "/DA(/F1 12 Tf 0 g)"
# The least that says what XFA says; the values in it are old ones, which no viewer of the shadow shows.
_XFA = b"""<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"><xfa:datasets
xmlns:xfa="http://www.xfa.org/schema/xfa-data/1.0/"><xfa:data><person><name>Old Value</name></person>
</xfa:data></xfa:datasets></xdp:xdp>"""


@dataclass(frozen=True, slots=True)
class FormStyle:
    """How a form is stored.

    ``needs_appearances``: the reader has to draw the fields. ``has_appearances``: the file brings their
    pictures along. ``inherits``: type, value and name come from a parent of the field. ``has_xfa``: the form
    is described in XFA as well, and its fields are the shadow of that.
    """

    needs_appearances: bool = False
    has_appearances: bool = True
    inherits: bool = False
    has_xfa: bool = False


def form(style: FormStyle, ticked: bool = True) -> bytes:
    """A form: name and city as text, a country to choose, a check box, and two radio buttons.

    Args:
        style: how the fields are stored.
        ticked: whether the check box is ticked.
    """
    pdf = Pdf()
    dingbats = pdf.add("/Type/Font/Subtype/Type1/BaseFont/ZapfDingbats")
    pdf.fonts["ZaDb"] = dingbats
    fields = [
        _text(pdf, style, "person.name", "Name of the applicant", "Hanna Berger", 160, 240, "Name:"),
        _text(pdf, style, "person.city", "City", "Erfurt", 160, 210, None),
        _choice(pdf, style, 160, 180),
        _check(pdf, style, dingbats, ticked, 160, 150),
        _radio(pdf, style, dingbats, 160, 120),
    ]
    needed = str(style.needs_appearances).lower()
    xfa = f"/XFA {pdf.add('', _XFA)}" if style.has_xfa else ""
    pdf.catalog = (
        f"/AcroForm<</Fields[{' '.join(fields)}]/NeedAppearances {needed}{_DA}{xfa}"
        f"/DR<</Font<</F1 5 0 R/ZaDb {dingbats}>>>>>>"
    )
    return pdf.save()


def _drawn(pdf: Pdf, style: FormStyle, text: str, width: float) -> str:
    if not style.has_appearances:
        return ""
    content = f"/Tx BMC BT /F1 12 Tf 2 5 Td ({text}) Tj ET EMC"
    return f"/AP<</N {pdf.form(content, (0, 0, width, 18))}>>"


def _text(
    pdf: Pdf, style: FormStyle, name: str, tooltip: str, value: str, x: float, y: float, label: str | None
) -> str:
    if label:
        pdf.text(label, 40, y)
    place = f"/Subtype/Widget/Rect[{numbers((x, y - 5, x + 160, y + 13))}]/F 4"
    about = f"/FT/Tx/T({name.split('.')[-1]})/TU({tooltip})/V({value}){_DA}"
    drawn = _drawn(pdf, style, value, 160)
    if not style.inherits:
        return pdf.annotation(f"{place}{about}{drawn}")
    # The field is an object of its own, without a place; the annotation has nothing but a place.
    number = pdf._next
    parent = pdf.add(f"{about}/Kids[{number + 1} 0 R]")
    pdf.annotation(f"{place}{drawn}/Parent {parent}")
    return parent


def _choice(pdf: Pdf, style: FormStyle, x: float, y: float) -> str:
    pdf.text("Country:", 40, y)
    about = f"/FT/Ch/Ff 131072/T(country)/TU(Country)/Opt[[(de)(Germany)][(fr)(France)]]/V(fr){_DA}"
    place = f"/Subtype/Widget/Rect[{numbers((x, y - 5, x + 160, y + 13))}]/F 4"
    return pdf.annotation(f"{place}{about}{_drawn(pdf, style, 'France', 160)}")


def _marks(pdf: Pdf, style: FormStyle, dingbats: str, code: str, on: str) -> str:
    if not style.has_appearances:
        return ""
    resources = f"/Type/XObject/Subtype/Form/BBox[0 0 14 14]/Resources<</Font<</ZaDb {dingbats}>>>>"
    ticked = pdf.add(resources, f"q BT /ZaDb 12 Tf 2 2 Td ({code}) Tj ET Q".encode())
    empty = pdf.add(resources, b"")
    return f"/AP<</N<</Off {empty}/{on} {ticked}>>>>"


def _check(pdf: Pdf, style: FormStyle, dingbats: str, ticked: bool, x: float, y: float) -> str:
    pdf.text("Member:", 40, y)
    state = "Yes" if ticked else "Off"
    place = f"/Subtype/Widget/Rect[{numbers((x, y - 3, x + 14, y + 11))}]/F 4/MK<</CA(4)>>"
    about = f"/FT/Btn/T(member)/TU(Member of the club)/V/{state}"
    looks = f"/AS/{state}/DA(/ZaDb 0 Tf 0 g){_marks(pdf, style, dingbats, '4', 'Yes')}"
    if not style.inherits:
        return pdf.annotation(f"{place}{about}{looks}")
    number = pdf._next
    parent = pdf.add(f"{about}/Kids[{number + 1} 0 R]")
    pdf.annotation(f"{place}{looks}/Parent {parent}")
    return parent


def _radio(pdf: Pdf, style: FormStyle, dingbats: str, x: float, y: float) -> str:
    pdf.text("Payment:", 40, y)
    first = pdf._next
    # Parent, then for each button its pictures and the button itself.
    each = 3 if style.has_appearances else 1
    kids = [first + 1 + each - 1, first + 1 + 2 * each - 1]
    parent = pdf.add(
        f"/FT/Btn/Ff 49152/T(payment)/TU(Way of payment)/V/cash/Kids[{kids[0]} 0 R {kids[1]} 0 R]"
    )
    for place, (option, label) in enumerate((("cash", "in cash"), ("card", "by card"))):
        left = x + 90 * place
        state = option if option == "cash" else "Off"
        marks = _marks(pdf, style, dingbats, "l", option)
        pdf.annotation(
            f"/Subtype/Widget/Rect[{numbers((left, y - 3, left + 14, y + 11))}]/F 4/MK<</CA(l)>>"
            f"/Parent {parent}/AS/{state}/DA(/ZaDb 0 Tf 0 g){marks}"
        )
        pdf.text(label, left + 20, y)
    return parent
