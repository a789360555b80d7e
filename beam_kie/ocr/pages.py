"""From pages to text with models for single steps: find lines, turn the page if need be, read the lines."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from beam_kie.document import CharSpans, PageImage, PageText, Polygon
from beam_kie.geometry import rotate_polygon
from beam_kie.imaging.decode import upright
from beam_kie.ocr.blank_marks import without_blank_marks
from beam_kie.ocr.cleaning import clean_lines
from beam_kie.ocr.columns import Column, as_it_stands, lay_column
from beam_kie.ocr.crops import crop_line, stands
from beam_kie.ocr.letter_case import with_letter_case
from beam_kie.ocr.rotation import (
    are_columns,
    find_rotation,
    in_doubt,
    is_sideways,
    longest_lines,
    sample_confidence,
)
from beam_kie.ocr.straightening import straightened

_MOST_OF_ONE = 3.0
"""Up to so many times taller than wide, something may be a single character."""


class Reading(NamedTuple):
    """What a line says.

    ``confidence`` in [0, 1] is the mean of its characters', ``weakest`` that of the least certain one (None:
    not known). ``char_spans`` as of TextLine. ``gap`` is the least probability that nothing stands where
    nothing was read: a character that was overlooked makes it small (None: not known).
    """

    text: str
    confidence: float
    char_spans: CharSpans | None = None
    weakest: float | None = None
    gap: float | None = None


class LineModels(Protocol):
    """Models that find and read lines; for several threads at once."""

    def find_lines(self, pixels: np.ndarray) -> list[Polygon]:
        """The lines on an RGB page (H x W x 3 uint8) as quadrilaterals in its pixels, none empty.

        Args:
            pixels: the page, H x W x 3 uint8 RGB.
        """
        ...

    def read_crops(self, crops_of_pages: Sequence[Sequence[np.ndarray]]) -> list[list[Reading]]:
        """What the RGB pictures of lines say, page by page; a page's readings depend on that page alone.

        Args:
            crops_of_pages: of every page the pictures of its lines, h x w x 3 uint8 RGB.
        """
        ...


@dataclass(slots=True)
class _Page:
    """A page on its way: lines found, then read (``readings`` None until then)."""

    pixels: np.ndarray
    polygons: list[Polygon]
    crops: list[np.ndarray]
    rotation_deg: int = 0
    readings: list[Reading] | None = None

    @property
    def confidences(self) -> list[float] | None:
        return None if self.readings is None else [reading.confidence for reading in self.readings]


class PageReader:
    """An OcrEngine on top of ``LineModels``; lines are looked for on several pages at once."""

    def __init__(
        self,
        identity: tuple[str, str],
        models: LineModels,
        threads: ThreadPoolExecutor,
        detect_rotation: bool,
        min_confidence: float,
    ):
        """``identity`` is name and revision; ``min_confidence`` in [0, 1] as of OcrOptions.

        Args:
            identity: name and revision of the engine.
            models: what finds and reads lines.
            threads: of the engine; pages are searched in them.
            detect_rotation: whether pages turned by 90, 180 or 270 degrees are recognised.
            min_confidence: in [0, 1]; less certain lines are left out.
        """
        self.name, self.revision = identity
        self._line_models = models
        self._threads = threads
        self._detect_rotation = detect_rotation
        self._min_confidence = min_confidence

    def read(self, images: Sequence[PageImage]) -> list[PageText]:
        """See OcrEngine.read.

        Args:
            images: pages as they lie in their files.
        """
        pages = list(self._threads.map(self._find_lines, [image.pixels for image in images]))
        self._read_lines([page for page in pages if not self._may_be_sideways(page)])
        if self._detect_rotation:
            pages = [self._turned(page) for page in pages]
        return [self._page_text(image, page) for image, page in zip(images, pages, strict=True)]

    def _find_lines(self, pixels: np.ndarray) -> _Page:
        return _Page(pixels, *_cut_out(pixels, self._line_models.find_lines(pixels)))

    def _read_lines(self, pages: Sequence[_Page]) -> None:
        """Fill in what the lines of the pages say."""
        readings = self._line_models.read_crops([page.crops for page in pages])
        standing = [_standing(page.polygons, page.crops) for page in pages]
        again = [[column.picture for _, column in columns] for columns in standing]
        read_again = self._line_models.read_crops(again) if any(again) else [[] for _ in pages]
        for page, reading, columns, others in zip(pages, readings, standing, read_again, strict=True):
            for (index, column), other in zip(columns, others, strict=True):
                if other.confidence > reading[index].confidence:
                    reading[index] = other._replace(char_spans=column.on_column(other.char_spans))
            page.crops = []
            page.readings = reading

    def _may_be_sideways(self, page: _Page) -> bool:
        return self._detect_rotation and is_sideways(page.polygons)

    def _turned(self, page: _Page) -> _Page:
        """The page read upright: itself, or read once more the right way up."""
        if page.confidences is not None and not in_doubt(page.polygons, page.confidences):
            return page
        rotation = find_rotation(
            page.confidences is None, lambda rotation_deg: self._probe(page, rotation_deg)
        )
        if rotation in (90, 270) and self._has_columns(page, rotation):
            rotation = (rotation + 90) % 360
        if rotation:
            # Lines are found anew: the result is that of a page which was stored upright.
            page = self._find_lines(upright(page.pixels, rotation))
            page.rotation_deg = rotation
        if page.readings is None:
            self._read_lines([page])
        return page

    def _probe(self, page: _Page, rotation_deg: int) -> float:
        """How well the page's longest lines read when the page is turned by that much."""
        if rotation_deg == 0 and page.confidences is not None:
            return sample_confidence(page.polygons, page.confidences)
        height, width = page.pixels.shape[:2]
        polygons = [rotate_polygon(polygon, width, height, rotation_deg) for polygon in page.polygons]
        sample = [polygons[index] for index in longest_lines(polygons)]
        if not sample:
            return 0.0
        sample, crops = _cut_out(upright(page.pixels, rotation_deg), sample)
        (readings,) = self._line_models.read_crops([crops])
        return sample_confidence(sample, [reading.confidence for reading in readings])

    def _has_columns(self, page: _Page, rotation_deg: int) -> bool:
        """Whether lines stand because they are columns of upright characters.

        They are read well when the page is turned by ``rotation_deg``, 90 or 270 degrees: then the columns
        themselves stand on their heads, or upright.
        """
        polygons = [page.polygons[index] for index in longest_lines(page.polygons, standing=True)]
        _, crops = _cut_out(page.pixels, polygons)
        # A crop of a standing line shows it as on the page turned by 270 degrees.
        lying = crops if rotation_deg == 270 else [np.ascontiguousarray(np.rot90(crop, 2)) for crop in crops]
        cut = [lay_column(_upended(crop)).picture for crop in lying]
        turned, laid = self._line_models.read_crops([lying, cut])
        return are_columns([r.confidence for r in turned], [r.confidence for r in laid])

    def _page_text(self, image: PageImage, page: _Page) -> PageText:
        height, width = page.pixels.shape[:2]
        readings = page.readings or []
        lines = clean_lines(
            [reading.text for reading in readings],
            page.polygons,
            [reading.confidence for reading in readings],
            (width, height),
            self._min_confidence,
            [reading.char_spans for reading in readings],
        )
        lines = with_letter_case(page.pixels, without_blank_marks(page.pixels, lines))
        return straightened(
            PageText(image.document_id, image.uri, image.page, width, height, page.rotation_deg, lines, "ocr")
        )


def _cut_out(pixels: np.ndarray, polygons: Sequence[Polygon]) -> tuple[list[Polygon], list[np.ndarray]]:
    """The pictures of lines, and the polygons of those that have one (all but the thinnest)."""
    crops = [crop_line(pixels, polygon) for polygon in polygons]
    kept = [(polygon, crop) for polygon, crop in zip(polygons, crops, strict=True) if crop is not None]
    return [polygon for polygon, _ in kept], [crop for _, crop in kept]


def _standing(polygons: Sequence[Polygon], crops: Sequence[np.ndarray]) -> list[tuple[int, Column]]:
    """Other pictures of the lines that stand, with the lines' indices: their characters side by side."""
    found: list[tuple[int, Column]] = []
    for index, (polygon, crop) in enumerate(zip(polygons, crops, strict=True)):
        if stands(polygon):
            standing = _upended(crop)
            found.append((index, lay_column(standing)))
            if standing.shape[0] < _MOST_OF_ONE * standing.shape[1]:
                found.append((index, as_it_stands(standing)))
    return found


def _upended(crop: np.ndarray) -> np.ndarray:
    """A line that ``crop_line`` turned, as it stands on the page."""
    return np.ascontiguousarray(np.rot90(crop, -1))


def usable_cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
