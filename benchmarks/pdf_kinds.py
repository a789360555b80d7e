"""One small PDF of every way in which the text of a file and what a viewer shows of it may differ."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.pdf_writer import (  # noqa: E402 (needs the path)
    HEIGHT,
    WIDTH,
    Pdf,
    add_mapped_helvetica,
    add_truetype,
    add_type3,
    numbers,
    outlined,
    scan,
)

NUMBER, CUSTOMER, TOTAL = "Invoice No: INV-20417", "Customer: Hanna Berger", "Total: EUR 318.40"
HIDDEN = "Draft of 1999"
_PLACES = ((NUMBER, 40, 240), (CUSTOMER, 40, 210), (TOTAL, 40, 180))
_LAYER = "/OCProperties<</OCGs[{0}]/D<</OFF[{0}]/Order[{0}]>>>>"


@dataclass(frozen=True, slots=True)
class Kind:
    """A file, the lines that a viewer shows (from top to bottom), and whether all are taken from the file."""

    name: str
    data: bytes
    lines: tuple[str, ...]
    is_digital: bool


_MAKERS: list[tuple[Callable[[Pdf], tuple[str, ...] | None], bool]] = []


def _kind(is_digital: bool):
    """Register a maker: it draws on a page and returns the lines to be seen, None for the usual three."""

    def register(maker):
        _MAKERS.append((maker, is_digital))
        return maker

    return register


def kinds() -> Iterator[Kind]:
    """All kinds."""
    for maker, is_digital in _MAKERS:
        pdf = Pdf()
        lines = maker(pdf) or (NUMBER, CUSTOMER, TOTAL)
        yield Kind(maker.__name__, pdf.save(), lines, is_digital)


def _three_lines(pdf: Pdf) -> None:
    for text, x, y in _PLACES:
        pdf.text(text, x, y)


# Text as it should be


@_kind(is_digital=True)
def born_digital(pdf: Pdf) -> None:
    _three_lines(pdf)
    pdf.content.append("0.8 G 30 170 360 90 re S 30 200 m 390 200 l S 30 230 m 390 230 l S")


@_kind(is_digital=True)
def table_on_colours(pdf: Pdf) -> None:
    pdf.content.append("q 0.1 0.2 0.5 rg 30 230 360 30 re f 0.9 0.95 1 rg 30 170 360 60 re f Q")
    pdf.text(NUMBER, 40, 240, before="1 g")
    pdf.text(CUSTOMER, 40, 210)
    pdf.text(TOTAL, 40, 180)


@_kind(is_digital=True)
def full_page(pdf: Pdf) -> tuple[str, ...]:
    pdf.size = (595, 842)
    lines = []
    for row in range(48):
        y = 790 - 15 * row
        cells = (f"Item {4711 + row}", f"Delivered on {1 + row % 28} March 2024", f"EUR {318 + 7 * row}.40")
        for text, x in zip(cells, (50, 180, 440), strict=True):
            pdf.text(text, x, y, size=10)
        pdf.content.append(f"0.5 w 40 {y - 4} m 555 {y - 4} l S")
        lines += cells
    return tuple(lines)


@_kind(is_digital=True)
def embedded_font(pdf: Pdf) -> None:
    _embedded(pdf, lambda code, char: char)


@_kind(is_digital=False)
def type3_font(pdf: Pdf) -> None:
    codes = _codes(33)
    add_type3(pdf, "F2", codes, codes)
    _in_codes(pdf, codes, 1)


@_kind(is_digital=True)
def inside_forms(pdf: Pdf) -> None:
    inner = pdf.form(f"BT /F1 12 Tf 40 240 Td ({NUMBER}) Tj ET", (0, 0, WIDTH, HEIGHT))
    outer = pdf.form(
        f"/X1 Do BT /F1 12 Tf 40 210 Td ({CUSTOMER}) Tj ET",
        (0, 0, WIDTH, HEIGHT),
        f"/XObject<</X1 {inner}>>",
    )
    pdf.xobjects["X0"] = outer
    pdf.content.append("/X0 Do")
    pdf.text(TOTAL, 40, 180)


@_kind(is_digital=True)
def page_turned_by_the_file(pdf: Pdf) -> None:
    pdf.content.append(f"q 0 1 -1 0 {WIDTH - 100} 0 cm")
    _three_lines(pdf)
    pdf.content.append("Q")
    pdf.extra = "/Rotate 90"


@_kind(is_digital=True)
def highlighted(pdf: Pdf) -> None:
    _three_lines(pdf)
    state = "/ExtGState<</G<</BM/Multiply>>>>"
    appearance = pdf.form("/G gs 1 1 0 rg 40 205 140 18 re f", (40, 205, 180, 223), state)
    pdf.annotation(
        "/Subtype/Highlight/Rect[40 205 180 223]/F 4/C[1 1 0]/QuadPoints[40 223 180 223 40 205 180 205]"
        f"/AP<</N {appearance}>>"
    )


# Text that is not what is seen


def _codes(first: int) -> dict[int, str]:
    letters = sorted(set(NUMBER + CUSTOMER + TOTAL))
    return dict(enumerate(letters, first))


def _in_codes(pdf: Pdf, codes: dict[int, str], size: int) -> None:
    back = {char: code for code, char in codes.items()}
    for text, x, y in _PLACES:
        pdf.codes(b"".join(back[char].to_bytes(size, "big") for char in text), x, y, "F2")


def _embedded(pdf: Pdf, said: Callable[[int, str], str] | None, first: int = 1) -> None:
    codes = _codes(first)
    mapped = None if said is None else {code: said(code, char) for code, char in codes.items()}
    add_truetype(pdf, "F2", codes, mapped)
    _in_codes(pdf, codes, 2)


@_kind(is_digital=False)
def letters_without_names(pdf: Pdf) -> None:
    _embedded(pdf, None)


@_kind(is_digital=False)
def letters_without_names_that_look_like_text(pdf: Pdf) -> None:
    _embedded(pdf, None, first=48)


@_kind(is_digital=False)
def letters_with_wrong_names(pdf: Pdf) -> None:
    _embedded(pdf, lambda code, char: chr(97 + code % 26))


@_kind(is_digital=False)
def digits_with_wrong_names(pdf: Pdf) -> None:
    _embedded(pdf, lambda code, char: str((int(char) * 3 + 4) % 10) if char.isdigit() else char)


@_kind(is_digital=False)
def plain_font_with_wrong_names(pdf: Pdf) -> None:
    add_mapped_helvetica(pdf, "F2", {code: chr(97 + code % 26) for code in range(33, 127)})
    for text, x, y in _PLACES:
        pdf.text(text, x, y, font="F2")


@_kind(is_digital=False)
def letters_in_the_private_area(pdf: Pdf) -> None:
    _embedded(pdf, lambda code, char: chr(0xF000 + code))


@_kind(is_digital=False)
def drawings_without_names(pdf: Pdf) -> None:
    codes = _codes(65)
    add_type3(pdf, "F2", codes, None)
    _in_codes(pdf, codes, 1)


@_kind(is_digital=False)
def one_value_without_names(pdf: Pdf) -> tuple[str, ...]:
    codes = dict(enumerate(sorted(set("INV-20417")), 1))
    add_truetype(pdf, "F2", codes, None)
    back = {char: code for code, char in codes.items()}
    pdf.text("Invoice No:", 40, 240)
    pdf.codes(b"".join(back[char].to_bytes(2, "big") for char in "INV-20417"), 160, 240, "F2")
    pdf.text(CUSTOMER, 40, 210)
    return ("Invoice No:", "INV-20417", CUSTOMER)


@_kind(is_digital=False)
def outlines(pdf: Pdf) -> None:
    pdf.text(NUMBER, 40, 240)
    pdf.content.append(outlined(CUSTOMER, 40, 210))
    pdf.text(TOTAL, 40, 180)


@_kind(is_digital=True)
def invisible(pdf: Pdf) -> None:
    _three_lines(pdf)
    pdf.text(HIDDEN, 40, 100, before="3 Tr")


@_kind(is_digital=True)
def white_on_white(pdf: Pdf) -> None:
    _three_lines(pdf)
    pdf.text(HIDDEN, 40, 100, before="1 g")


@_kind(is_digital=True)
def of_the_colour_of_its_ground(pdf: Pdf) -> None:
    _three_lines(pdf)
    pdf.content.append("q 0.2 0.3 0.7 rg 30 90 200 30 re f Q")
    pdf.text(HIDDEN, 40, 100, before="0.2 0.3 0.7 rg")


@_kind(is_digital=True)
def clipped_away(pdf: Pdf) -> None:
    _three_lines(pdf)
    pdf.text(HIDDEN, 40, 100, before="300 10 20 20 re W n")


@_kind(is_digital=True)
def layer_switched_off(pdf: Pdf) -> None:
    _three_lines(pdf)
    layer = pdf.add("/Type/OCG/Name(Draft)")
    pdf.properties["L0"] = layer
    pdf.catalog = _LAYER.format(layer)
    pdf.content.append("/OC /L0 BDC")
    pdf.text(HIDDEN, 40, 100)
    pdf.content.append("EMC")


@_kind(is_digital=True)
def covered_by_paper(pdf: Pdf) -> None:
    pdf.text(HIDDEN, 40, 100)
    pdf.content.append("q 1 g 30 90 200 30 re f Q")
    _three_lines(pdf)


@_kind(is_digital=False)
def replaced_on_paper(pdf: Pdf) -> None:
    pdf.text("Total: EUR 999.99", 40, 180)
    pdf.content.append("q 1 g 30 172 200 24 re f Q")
    _three_lines(pdf)


@_kind(is_digital=False)
def covered_by_a_picture(pdf: Pdf) -> tuple[str, ...]:
    pdf.text("Total: EUR 999.99", 40, 180)
    pdf.text(NUMBER, 40, 240)
    pdf.picture(scan([(CUSTOMER, 10, 50), (TOTAL, 10, 20)], 300, 70), 30, 160, 300, 70)
    return (NUMBER, CUSTOMER, TOTAL)


@_kind(is_digital=True)
def drawn_twice(pdf: Pdf) -> None:
    for text, x, y in _PLACES:
        pdf.text(text, x, y)
        pdf.text(text, x + 0.4, y)


@_kind(is_digital=True)
def with_shadows(pdf: Pdf) -> None:
    for text, x, y in _PLACES:
        pdf.text(text, x + 0.8, y - 0.8, before="0.7 g")
        pdf.text(text, x, y)


@_kind(is_digital=True)
def hidden_annotation(pdf: Pdf) -> None:
    _three_lines(pdf)
    appearance = pdf.form(f"BT /F1 12 Tf 2 5 Td ({HIDDEN}) Tj ET", (0, 0, 150, 20))
    pdf.annotation(f"/Subtype/FreeText/Rect[40 95 190 115]/F 2/Contents({HIDDEN})/AP<</N {appearance}>>")


# More to be seen than the text


@_kind(is_digital=False)
def scan_with_invisible_text(pdf: Pdf) -> None:
    pdf.picture(scan(_PLACES), 0, 0, WIDTH, HEIGHT)
    for text, x, y in _PLACES:
        pdf.text(text.replace("a", "o").replace("0", "O"), x, y, before="3 Tr")


@_kind(is_digital=False)
def scan_over_visible_text(pdf: Pdf) -> None:
    for text, x, y in _PLACES:
        pdf.text(text.replace("a", "o").replace("0", "O"), x, y)
    pdf.picture(scan(_PLACES), 0, 0, WIDTH, HEIGHT)


@_kind(is_digital=False)
def stamp_on_scan(pdf: Pdf) -> tuple[str, ...]:
    pdf.picture(scan(_PLACES), 0, 0, WIDTH, HEIGHT)
    stamp = "Received by mail room 2024-03-18, batch 000417, sheet 1 of 1"
    pdf.text(stamp, 40, 30, size=9)
    return (NUMBER, CUSTOMER, TOTAL, stamp)


@_kind(is_digital=False)
def letterhead_over_scan(pdf: Pdf) -> tuple[str, ...]:
    head = "Example Insurance, Erfurt branch office"
    pdf.text(head, 40, 275)
    pdf.picture(scan(_PLACES, height=260), 0, 0, WIDTH, 260)
    return (head, NUMBER, CUSTOMER, TOTAL)


@_kind(is_digital=False)
def picture_with_text(pdf: Pdf) -> tuple[str, ...]:
    _three_lines(pdf)
    pdf.picture(scan([("Paid in cash", 10, 14)], 120, 40), 250, 60, 120, 40)
    return (NUMBER, CUSTOMER, TOTAL, "Paid in cash")


@_kind(is_digital=False)
def sideways_scan_with_stamp(pdf: Pdf) -> tuple[str, ...]:
    pdf.picture(np.rot90(scan(_PLACES, HEIGHT, WIDTH)), 0, 0, WIDTH, HEIGHT)
    pdf.text("p. 1", 380, 10, size=9)
    return (NUMBER, CUSTOMER, TOTAL, "p. 1")


@_kind(is_digital=True)
def typed_as_annotation(pdf: Pdf) -> None:
    pdf.text(NUMBER, 40, 240)
    pdf.text(TOTAL, 40, 180)
    appearance = pdf.form(f"BT /F1 12 Tf 0 5 Td ({CUSTOMER}) Tj ET", (0, 0, 150, 20))
    pdf.annotation(f"/Subtype/FreeText/Rect[40 205 190 225]/F 4/Contents({CUSTOMER})/AP<</N {appearance}>>")


@_kind(is_digital=True)
def stamped_as_annotation(pdf: Pdf) -> tuple[str, ...]:
    _three_lines(pdf)
    drawn = "1 0 0 RG 1 1 78 18 re S 1 0 0 rg BT /F1 12 Tf 14 6 Td (PAID) Tj ET"
    appearance = pdf.form(drawn, (0, 0, 80, 20))
    pdf.annotation(f"/Subtype/Stamp/Rect[{numbers((250, 100, 330, 120))}]/F 4/AP<</N {appearance}>>")
    return (NUMBER, CUSTOMER, TOTAL, "PAID")
