"""Corrected pages as labelled pages, for training and for other tools."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from PIL import Image

from beam_kie.document import Box, Polygon
from beam_kie.geometry import overlap_share, rotate_polygon
from beam_kie.labelled.applying import RunPage
from beam_kie.labelled.corrections_file import CorrectionsError
from beam_kie.labelled.formats import LabelledEntry, LabelledPage
from beam_kie.labelled.run_tables import RunTables
from beam_kie.tables.cells import COORDINATE_DECIMALS
from beam_kie.tables.schema import Row

Place = Callable[[Polygon], Polygon]
"""From the upright page to where labels have their points."""

_COVERED = 0.5


def labels_of_scans(run: RunTables, pages: Sequence[RunPage]) -> list[LabelledPage]:
    """Labels in pixels of the scans as they are stored, named after the files.

    Pages of files with several are named ``file#page=1``, ``file#page=2``, ..., as in ``samples/labels.txt``.

    Args:
        run: the tables that the pages belong to.
        pages: to write labels of.

    Raises:
        CorrectionsError: two files have one name.
    """
    several = run.several_pages()
    names = [scan_name(page.page, page.page["document_id"] in several) for page in pages]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise CorrectionsError(
            f"several scans are called {twice[0]}: add --images FOLDER for names of their own"
        )
    return [
        _labelled(page, name, partial(to_stored, page=page.page))
        for page, name in zip(pages, names, strict=True)
    ]


def labels_of_pictures(run: RunTables, pages: Sequence[RunPage], folder: Path) -> list[LabelledPage]:
    """Labels in pixels of the review's pictures, which are copied to ``folder``.

    Args:
        run: the tables that the pages belong to.
        pages: to write labels of.
        folder: for the pictures; it is made where it is not there.

    Raises:
        CorrectionsError: a page has no picture.
        OSError: pictures cannot be copied.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for page in pages:
        document_id, number = page.page["document_id"], page.page["page"]
        source = run.pictures / document_id / f"p{number:04d}.jpg"
        if not source.is_file():
            raise CorrectionsError(
                f"page {number} of {page.page['uri']} has no picture for --images: run the job with "
                "--review, or leave --images out"
            )
        shutil.copyfile(source, folder / picture_label_name(document_id, number))
        with Image.open(source) as image:
            scale = (image.width / page.page["page_width_px"], image.height / page.page["page_height_px"])
        found.append(_labelled(page, picture_label_name(document_id, number), partial(_scaled, scale=scale)))
    return found


def scan_name(page: Row, several: bool) -> str:
    """The name of a page in labels of scans.

    Args:
        page: a row of the table pages.
        several: whether its file has more than one page.
    """
    name = page["uri"].rstrip("/").rsplit("/", 1)[-1]
    return f"{name}#page={page['page']}" if several else name


def picture_label_name(document_id: str, page: int) -> str:
    """The name of a copied picture.

    Args:
        document_id: 32 hex digits.
        page: from 1.
    """
    return f"{document_id}_p{page:04d}.jpg"


def to_stored(polygon: Polygon, page: Row) -> Polygon:
    """A polygon of the upright page in pixels of the page as it is stored.

    Args:
        polygon: in pixels of the upright page.
        page: its row in the table pages.
    """
    back = (360 - page["rotation_deg"]) % 360
    return rotate_polygon(polygon, page["page_width_px"], page["page_height_px"], back)


def _scaled(polygon: Polygon, scale: tuple[float, float]) -> Polygon:
    return tuple(value * scale[index % 2] for index, value in enumerate(polygon))


def _labelled(page: RunPage, name: str, place: Place) -> LabelledPage:
    names = {row["entity_id"]: row["entity_index"] for row in page.entities}
    links: dict[int, list[tuple[int, int]]] = {}
    for row in page.key_values:
        if row["value_entity_id"] is not None and row["key_entity_id"] is not None:
            ends = (names[row["key_entity_id"]], names[row["value_entity_id"]])
            for end in ends:
                links.setdefault(end, []).append(ends)
    entries = [
        _entry(row["entity_index"], row, row["label"], place, links.get(row["entity_index"], ()))
        for row in page.entities
    ]
    first = max(names.values(), default=-1) + 1
    others = _uncovered(page.lines, page.entities)
    entries += [_entry(first + index, row, "OTHER", place) for index, row in enumerate(others)]
    sizes = [place((0.0, 0.0, float(page.page["page_width_px"]), float(page.page["page_height_px"])))]
    width, height = (round(max(sizes[0][start::2])) for start in (0, 1))
    return LabelledPage(name, width, height, tuple(entries))


def _entry(
    number: int, row: Row, label: str, place: Place, links: Iterable[tuple[int, int]] = ()
) -> LabelledEntry:
    polygon = tuple(round(value, COORDINATE_DECIMALS) for value in place(tuple(row["polygon"])))
    return LabelledEntry(number, row["text"] or "", label, polygon, tuple(links))


def _uncovered(lines: Iterable[Row], entities: Sequence[Row]) -> list[Row]:
    """Lines of which no entity takes the greater part: they are neither key nor value."""
    return [line for line in lines if sum(_taken(line, row) for row in entities) < _COVERED]


def _taken(line: Row, entity: Row) -> float:
    """The share of a line that is an entity's, by area or by letters.

    Boxes that people draw lie close to the ink, those of OCR stand off it: a short word may fill less than
    half of its line's box.
    """
    line_box, box = _box(line), _box(entity)
    letters = len(entity["text"] or "") / max(1, len(line["text"]))
    return max(overlap_share(line_box, box), min(1.0, letters) * overlap_share(box, line_box))


def _box(row: Row) -> Box:
    return (row["x0"], row["y0"], row["x1"], row["y1"])
