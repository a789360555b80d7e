"""hOCR (HTML, as Tesseract and others write it) and ALTO (XML, as libraries keep it).

After the hOCR specification 1.2 and the schemas of ALTO 2 to 4 at the Library of Congress.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

from beam_kie.document import TextLine
from beam_kie.geometry import box_polygon
from beam_kie.ocr.convert.found import FormatError, FoundPage
from beam_kie.ocr.shapes import numbers, read_polygon
from beam_kie.ocr.words import join_words

# ---------------------------------------------------------------- hOCR

_LINES = frozenset(["ocr_line", "ocr_header", "ocr_footer", "ocr_caption", "ocr_textfloat", "ocrx_line"])
_VOID = frozenset(["area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"])
_PERCENT = 100


def read_hocr(markup: str) -> list[FoundPage]:
    """The pages of an hOCR file.

    Args:
        markup: the file, HTML or XHTML.

    Raises:
        FormatError: an element has no box.
    """
    parser = _HocrParser()
    parser.feed(markup)
    parser.close()
    pages = [_hocr_page(page, number) for number, page in enumerate(parser.pages, start=1)]
    if len({page.uri for page in pages}) == 1:
        return pages
    # Several pictures in one file: each has pages of its own.
    counts = Counter(page.uri for page in pages)
    return [replace(page, page=1) if counts[page.uri] == 1 else page for page in pages]


@dataclass
class _Element:
    """An element of hOCR: its kind, its properties, its own text, and those that it encloses."""

    kind: str
    title: str
    text: str = ""
    inner: list[_Element] = field(default_factory=list)

    def box(self) -> tuple[float, ...]:
        """Its property bbox."""
        match = re.search(r"\bbbox((?:\s+-?[\d.]+){4})", self.title)
        try:
            return numbers(map(float, match[1].split()), "bbox") if match else _no_box(self.kind)
        except ValueError:
            return _no_box(self.kind)

    def number(self, name: str) -> float | None:
        """A property that is a number."""
        match = re.search(rf"\b{name}\s+(\d+(?:\.\d+)?)", self.title)
        return float(match[1]) if match else None


def _no_box(kind: str) -> tuple[float, ...]:
    raise FormatError(f"an element of class {kind} has no bbox in its title")


class _HocrParser(HTMLParser):
    """Collects pages, lines and words; text goes to the innermost of them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pages: list[_Element] = []
        self._open: list[tuple[str, _Element | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        values = dict(attrs)
        kinds = (values.get("class") or "").split()
        kind = next((kind for kind in kinds if kind in _LINES | {"ocr_page", "ocrx_word"}), None)
        element = None if kind is None else _Element(kind, values.get("title") or "")
        if element is not None:
            self._place(element)
        if tag not in _VOID:
            self._open.append((tag, element))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content."""

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        # HTML may leave out the ends of what is inside.
        found = next((i for i in reversed(range(len(self._open))) if self._open[i][0] == tag), None)
        if found is not None:
            del self._open[found:]

    def handle_data(self, data: str) -> None:
        """Text, of the innermost word or line."""
        if (inner := self._innermost()) is not None:
            inner.text += data

    def _innermost(self) -> _Element | None:
        return next((element for _, element in reversed(self._open) if element is not None), None)

    def _place(self, element: _Element) -> None:
        if element.kind == "ocr_page":
            self.pages.append(element)
            return
        outer = self._innermost()
        if outer is None:
            raise FormatError(f"an element of class {element.kind} is in no ocr_page")
        outer.inner.append(element)


def _hocr_page(page: _Element, number: int) -> FoundPage:
    image = re.search(r"\bimage\s+(?:\"([^\"]*)\"|'([^']*)'|([^;]+))", page.title)
    name = next((part for part in image.groups() if part), "").strip() if image else ""
    x0, y0, x1, y1 = page.box()
    lines = [_hocr_line(line, x0, y0) for line in _lines_in(page)]
    counted = page.number("ppageno")
    return FoundPage(
        number if counted is None else int(counted) + 1,
        tuple(line for line in lines if line is not None),
        (x1 - x0, y1 - y0) if x1 > x0 and y1 > y0 else None,
        name or None,
    )


def _lines_in(element: _Element) -> Iterator[_Element]:
    """Lines, and words that are in no line."""
    for inner in element.inner:
        yield inner
        if inner.kind in _LINES:
            yield from (each for each in _lines_in(inner) if each.kind in _LINES)


def _hocr_line(line: _Element, left: float, top: float) -> TextLine | None:
    words = [word for word in line.inner if word.kind == "ocrx_word" and word.text.strip()]
    x0, y0, x1, y1 = line.box()
    polygon = box_polygon((x0 - left, y0 - top, x1 - left, y1 - top))
    own = " ".join(line.text.split())
    if not words:
        score = line.number("x_wconf")
        return TextLine(own, polygon, None if score is None else score / _PERCENT) if own else None
    if own:
        # Words of a line that are marked and words that are not: their order is lost.
        raise FormatError("a line has text outside its words")
    joined = join_words([_hocr_word(word) for word in words])
    return TextLine(joined.text, polygon, joined.confidence)


def _hocr_word(word: _Element) -> TextLine:
    score = word.number("x_wconf")
    text = " ".join(word.text.split())
    return TextLine(text, box_polygon(word.box()), None if score is None else score / _PERCENT)


# ---------------------------------------------------------------- ALTO


def read_alto(markup: str) -> list[FoundPage]:
    """The pages of an ALTO file.

    Args:
        markup: the file.

    Raises:
        FormatError: it is no XML, declares entities, or is not as the format has it.
    """
    # Entities can make a small file very large; ALTO has no use for them.
    if "<!ENTITY" in markup:
        raise FormatError("it declares entities, which are not read")
    try:
        root = ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", markup))
    except ElementTree.ParseError as error:
        raise FormatError(f"not XML: {error}") from None
    name = next((element.text for element in _named(root, "fileName") if element.text), None)
    return [
        _alto_page(page, number, name.strip() if name else None)
        for number, page in enumerate(_named(root, "Page"), start=1)
    ]


def _named(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """All elements of that name below, in any namespace: every version of ALTO has its own."""
    return (each for each in element.iter() if each.tag.rpartition("}")[2] == name)


def _alto_page(page: ElementTree.Element, number: int, name: str | None) -> FoundPage:
    size = None
    if page.get("WIDTH") and page.get("HEIGHT"):
        width, height = _attributes(page, "WIDTH", "HEIGHT")
        size = (width, height) if width > 0 and height > 0 else None
    lines = [_alto_line(line) for line in _named(page, "TextLine")]
    # PHYSICAL_IMG_NR is the picture's number; a file with one page is about that picture alone.
    return FoundPage(number, tuple(line for line in lines if line is not None), size, name)


def _alto_line(line: ElementTree.Element) -> TextLine | None:
    words, text = [], ""
    for child in line:
        kind = child.tag.rpartition("}")[2]
        if kind == "String":
            words.append(child)
            text += child.get("CONTENT", "")
        elif kind == "SP":
            text += " "
        elif kind == "HYP":
            text += child.get("CONTENT", "-")
    # Some writers leave out the spaces.
    if len(words) > 1 and " " not in text:
        strings = [TextLine(word.get("CONTENT", ""), (0.0,) * 8) for word in words]
        text = join_words(strings).text
    if not text.strip():
        return None
    known = [_attributes(word, "WC")[0] for word in words if word.get("WC")]
    return TextLine(text.strip(), _alto_polygon(line), sum(known) / len(known) if known else None)


def _alto_polygon(line: ElementTree.Element) -> tuple[float, ...]:
    points = next((each.get("POINTS") for each in line.findall("./{*}Shape/{*}Polygon")), None)
    if points:
        try:
            return read_polygon([float(value) for value in re.split(r"[\s,]+", points.strip())], "POINTS")
        except ValueError:
            raise FormatError("POINTS of a Polygon must be numbers") from None
    x, y, width, height = _attributes(line, "HPOS", "VPOS", "WIDTH", "HEIGHT")
    return box_polygon((x, y, x + width, y + height))


def _attributes(element: ElementTree.Element, *names: str) -> tuple[float, ...]:
    kind = element.tag.rpartition("}")[2]
    try:
        return numbers([float(element.get(name, "")) for name in names], kind)
    except ValueError:
        raise FormatError(f"{kind} must have the numbers {', '.join(names)}") from None
