"""Labelled pages: readers and a writer for the label formats of this field.

- PaddleOCR's: one line a page, ``image<TAB>[{"transcription", "label", "points", "id", "linking"}]``.
- XFUND's own JSON: ``{"documents": [{"img": {"fname", "width", "height"}, "document": [...]}]}``.
- FUNSD: one JSON file a page, ``{"form": [...]}``, in a folder ``annotations`` beside ``images``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from PIL import ExifTags, Image

from beam_kie.document import Box, DocumentError, PageImage, Polygon
from beam_kie.escaping import whole_characters
from beam_kie.imaging.decode import DecodeLimits, decode_pages

# What values of the wrong type, in the wrong place or too deeply nested lead to while they are read.
_DAMAGES = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError)
# Pixels: no page reaches further. It keeps out NaN and infinity as well.
_LARGEST = 10_000_000

IGNORED_LABELS = frozenset({"OTHER", "OTHERS", "IGNORE", "O", ""})


class LabelError(ValueError):
    """A label file that cannot be read; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of an entry and its box, in pixels."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class LabelledEntry:
    """One labelled segment of a page.

    ``label`` is upper case ("QUESTION", "ANSWER", "HEADER", "OTHER"); ``links`` are (id, id) pairs as
    the file gives them; ``words`` is empty where the format has none.
    """

    id: int
    text: str
    label: str
    polygon: Polygon
    links: tuple[tuple[int, int], ...] = ()
    words: tuple[Word, ...] = ()

    @property
    def is_entity(self) -> bool:
        """Whether the label names an entity at all ("OTHER" does not)."""
        return self.label not in IGNORED_LABELS


@dataclass(frozen=True, slots=True)
class LabelledPage:
    """A page with its labels; sizes in pixels, those of the coordinates in ``entries``."""

    name: str
    width_px: int
    height_px: int
    entries: tuple[LabelledEntry, ...] = field(repr=False)

    def relations(
        self, heads: Collection[str] = ("QUESTION",), tails: Collection[str] = ("ANSWER",)
    ) -> list[tuple[int, int]]:
        """Links as (head id, tail id), in the order of the entries.

        A link from tail to head is turned round, others are dropped, as PaddleOCR does (XFUND also
        links questions with questions, headers with questions and more).

        Args:
            heads: labels of keys.
            tails: labels of values.
        """
        labels = {entry.id: entry.label for entry in self.entries}
        found: dict[tuple[int, int], None] = {}
        for entry in self.entries:
            for a, b in entry.links:
                if labels.get(a) in heads and labels.get(b) in tails:
                    found[(a, b)] = None
                elif labels.get(a) in tails and labels.get(b) in heads:
                    found[(b, a)] = None
        return list(found)


def file_and_page(name: str) -> tuple[str, int]:
    """The file and the number of the page that a label file names: ``scan.tif#page=2`` is page 2 of scan.tif.

    Args:
        name: of a labelled page. Without a number it is page 1.
    """
    file, mark, number = name.rpartition("#page=")
    # Nothing but digits, and not very many: other names are those of files.
    if mark and file and number.isascii() and number.isdigit() and 0 < int(number[:9]) == int(number):
        return file, int(number)
    return name, 1


def page_name(file: str, page: int) -> str:
    """The name of a page in label files; the reverse of ``file_and_page``.

    Args:
        file: name of the file.
        page: from 1.
    """
    return file if page == 1 else f"{file}#page={page}"


SizeOf = Callable[[str], tuple[int, int] | None]


def read_labels(path: str | Path, images: str | Path | None = None) -> list[LabelledPage]:
    """All pages of a label file (PaddleOCR's or XFUND's) or of a FUNSD folder.

    Pages of a file with several are named ``file#page=2``; where a name comes again, it is the next page's.

    Args:
        path: a label file, UTF-8, or a folder of FUNSD's annotations.
        images: the folder of the pictures, for page sizes where the format has none; None: the extent of the
            polygons stands in.

    Raises:
        LabelError: where the labels cannot be read; the message names the file and the line.
    """
    return _numbered(_read(Path(path), images))


def _numbered(pages: list[LabelledPage]) -> list[LabelledPage]:
    seen: Counter[str] = Counter()
    found = []
    for page in pages:
        seen[page.name] += 1
        count = seen[page.name]
        found.append(page if count == 1 else replace(page, name=page_name(page.name, count)))
    return found


def _read(path: Path, images: str | Path | None) -> list[LabelledPage]:
    if path.is_dir():
        return list(_read_funsd(path))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError(f"{path}: cannot read labels: {error}") from error
    if text.lstrip()[:1] == "{" and "\t" not in text.split("\n", 1)[0]:
        return list(_read_xfund(path, text))
    folder = Path(images) if images else None
    return list(_read_paddleocr(path, text, lambda name: _image_size(folder, name)))


def write_paddleocr(path: str | Path, pages: Iterable[LabelledPage]) -> None:
    """Writes pages in PaddleOCR's label format, UTF-8, one line a page.

    Args:
        path: of the file to write.
        pages: to be written.
    """
    with open(path, "w", encoding="utf-8") as file:
        for page in pages:
            file.write(paddleocr_line(page) + "\n")


def paddleocr_line(page: LabelledPage) -> str:
    """One page as a line of PaddleOCR's label format, without the line's end.

    Args:
        page: to be written.
    """
    entries = [
        {
            "transcription": entry.text,
            "label": entry.label.lower(),
            "points": [list(point) for point in zip(entry.polygon[0::2], entry.polygon[1::2], strict=True)],
            "id": entry.id,
            "linking": [list(link) for link in entry.links],
        }
        for entry in page.entries
    ]
    return f"{page.name}\t{json.dumps(entries, ensure_ascii=False)}"


def _read_paddleocr(path: Path, text: str, size_of: SizeOf) -> Iterator[LabelledPage]:
    # Not splitlines: texts may hold other line separators, such as U+2028.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        name, tab, payload = line.partition("\t")
        try:
            if not tab:
                raise ValueError("no tab between the image's name and its labels")
            entries = tuple(_paddleocr_entry(item, index) for index, item in enumerate(json.loads(payload)))
        except _DAMAGES as error:
            raise LabelError(f"{path}:{number}: not a line of PaddleOCR's label format: {error!r}") from error
        width, height = size_of(name) or _extent(entries)
        yield LabelledPage(name, width, height, entries)


def _paddleocr_entry(item: dict, index: int) -> LabelledEntry:
    return LabelledEntry(
        id=int(item.get("id", index)),
        text=whole_characters(str(item["transcription"])),
        label=whole_characters(str(item.get("label") or item.get("key_cls") or "OTHER")).upper(),
        polygon=_polygon(item["points"]),
        links=_links(item.get("linking")),
    )


def _read_xfund(path: Path, text: str) -> Iterator[LabelledPage]:
    try:
        for document in json.loads(text)["documents"]:
            image = document["img"]
            entries = tuple(_boxed_entry(item) for item in document["document"])
            width, height = int(_pixels(image["width"])), int(_pixels(image["height"]))
            if width < 1 or height < 1:
                raise ValueError("a page without a size")
            yield LabelledPage(_text(image["fname"]), width, height, entries)
    except _DAMAGES as error:
        raise LabelError(f"{path}: not XFUND's JSON: {error!r}") from error


def _read_funsd(folder: Path) -> Iterator[LabelledPage]:
    annotations = folder / "annotations" if (folder / "annotations").is_dir() else folder
    files = sorted(annotations.glob("*.json"))
    if not files:
        raise LabelError(f"{folder}: no *.json annotations in this folder")
    for file in files:
        try:
            entries = tuple(_boxed_entry(item) for item in json.loads(file.read_text("utf-8"))["form"])
        except (OSError, *_DAMAGES) as error:
            raise LabelError(f"{file}: not a FUNSD annotation: {error!r}") from error
        name = file.with_suffix(".png").name
        width, height = _image_size(folder / "images", name) or _extent(entries)
        yield LabelledPage(name, width, height, entries)


def _boxed_entry(item: dict) -> LabelledEntry:
    x0, y0, x1, y1 = _box(item["box"])
    words = tuple(Word(_text(word["text"]), _box(word["box"])) for word in item.get("words", ()))
    return LabelledEntry(
        id=int(item["id"]),
        text=_text(item["text"]),
        label=whole_characters(str(item["label"])).upper(),
        polygon=(x0, y0, x1, y0, x1, y1, x0, y1),
        links=_links(item.get("linking")),
        words=words,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} where text should be")
    return whole_characters(value)


def _box(values: Iterable[float]) -> Box:
    x0, y0, x1, y1 = (_pixels(value) for value in values)
    return (x0, y0, x1, y1)


def _polygon(points: Iterable[Iterable[float]]) -> Polygon:
    polygon = []
    for point in points:
        x, y = point
        polygon += [_pixels(x), _pixels(y)]
    if not polygon:
        raise ValueError("no points")
    return tuple(polygon)


def _pixels(value: float) -> float:
    number = float(value)
    if not abs(number) <= _LARGEST:
        raise ValueError(f"{number} is no number of pixels")
    return number


def _links(linking: Iterable[Sequence[int]] | None) -> tuple[tuple[int, int], ...]:
    return tuple((int(link[0]), int(link[1])) for link in linking or () if len(link) == 2)


def _extent(entries: tuple[LabelledEntry, ...]) -> tuple[int, int]:
    right = max((max(entry.polygon[0::2]) for entry in entries), default=1)
    bottom = max((max(entry.polygon[1::2]) for entry in entries), default=1)
    return max(1, int(right) + 1), max(1, int(bottom) + 1)


def _image_size(folder: Path | None, name: str) -> tuple[int, int] | None:
    if folder is None:
        return None
    file, number = file_and_page(name)
    try:
        if not (folder / file).is_file():
            return None
        if file.lower().endswith(".pdf"):
            return _pdf_sizes(folder / file).get(number)
        with Image.open(folder / file) as image:
            image.seek(number - 1)
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
            width, height = image.size
    except Exception:  # damaged pictures raise anything
        return None
    return (height, width) if turned else (width, height)


@lru_cache(maxsize=8)
def _pdf_sizes(path: Path) -> dict[int, tuple[int, int]]:
    """Width and height in pixels of the pages of a PDF, as the job draws them, by their numbers."""
    try:
        pages = list(decode_pages(path.read_bytes(), "", path.name, DecodeLimits()))
    except (OSError, DocumentError):
        return {}
    images = [page for page in pages if isinstance(page, PageImage)]
    return {page.page: (page.pixels.shape[1], page.pixels.shape[0]) for page in images}
