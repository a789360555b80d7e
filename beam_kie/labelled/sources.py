"""Labelled pages and what belongs to them: pictures, lines that OCR read, and which pages are held out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from beam_kie.document import DocumentError, Failure, PageImage, PageText, TextLine
from beam_kie.imaging.decode import DecodeLimits, decode_pages
from beam_kie.imaging.ruling import find_cells, find_ink
from beam_kie.labelled.formats import LabelledPage, file_and_page
from beam_kie.labelled.gold import GoldPage
from beam_kie.labelled.readings import ReadPage, read_readings
from beam_kie.layoutxlm.config import STRIPS
from beam_kie.layoutxlm.inputs.images import with_picture
from beam_kie.reading_order import order_lines

# Labels that reach less far than this over every page were drawn on a larger picture's smaller copy.
SMALLEST_EXTENT = 0.6
_DAMAGES = (ValueError, KeyError, TypeError, AttributeError, RecursionError)  # of lines of another kind


class PictureError(ValueError):
    """A picture that is not there or cannot be read; the message names it and says what to do."""


@dataclass(frozen=True)
class LabelledSource:
    """A set of labelled pages.

    ``labels`` and ``images`` as for the evaluation command; ``ocr_lines``: JSON lines of what an OCR
    engine read on them (see the command ``python -m beam_kie.training.data.ocr_lines``); ``more_ocr_lines``:
    other readings of the same pages, from which training draws as well; ``holdout``: pages
    whose name this regular expression finds are kept for measuring; ``weight``: how often its pages are
    drawn, against other sources. ``licence``: that of the pages, if it extends to weights that are trained
    on them; ``description``: what the model card calls them.
    """

    labels: str
    images: str | None = None
    ocr_lines: str | None = None
    holdout: str | None = None
    weight: float = 1.0
    licence: str | None = None
    description: str | None = None
    more_ocr_lines: tuple[str, ...] = ()


def split_held_out(
    pages: list[LabelledPage], holdout: str | None
) -> tuple[list[LabelledPage], list[LabelledPage]]:
    """Divides pages by their names.

    Args:
        pages: labelled pages.
        holdout: a regular expression; None: nothing is held out.

    Returns:
        The pages to learn from, and those kept for measuring (whose name ``holdout`` finds).
    """
    if holdout is None:
        return pages, []
    held = [page for page in pages if re.search(holdout, page.name)]
    return [page for page in pages if page not in held], held


def source_name(source: LabelledSource) -> str:
    """A short name of a source for logs: the folder and file of its labels.

    Args:
        source: with labels of its own.
    """
    path = Path(source.labels)
    return f"{path.parent.name}/{path.stem}"


def read_ocr_lines(path: str) -> dict[str, tuple[TextLine, ...]]:
    """What an OCR engine read, without what else is known of the pages (``read_readings``).

    Args:
        path: JSON lines as the command ``beam_kie.training.data.ocr_lines`` writes them.

    Returns:
        The lines of every page by its names in label files, as of ``read_readings``.

    Raises:
        LabelError: a line of the file is of another kind.
    """
    return {name: read.page.lines for name, read in read_readings(path).items()}


def with_read_lines(gold: Sequence[GoldPage], lines: Mapping[str, Sequence[TextLine]]) -> list[GoldPage]:
    """Gold pages with the lines that an OCR engine read on them; pages without are left out.

    Their entities keep the gold texts, but no longer name characters of the page.

    Args:
        gold: the pages, as labelled.
        lines: that were read, by the name of the page.
    """
    return [
        replace(page, page=page.page.with_read_lines(order_lines(lines[page.name])))
        for page in gold
        if page.name in lines
    ]


def with_readings(gold: Sequence[GoldPage], readings: Mapping[str, ReadPage]) -> list[GoldPage]:
    """Gold pages as an OCR engine read them, with all that it knows of them; pages without are left out.

    Their entities keep the gold texts, but no longer name characters of the page.

    Args:
        gold: the pages, as labelled.
        readings: of ``read_readings``, by the name of the page; in the pixels of the labels.
    """
    return [
        replace(page, page=_as_read(page.page, readings[page.name].page))
        for page in gold
        if page.name in readings
    ]


def _as_read(page: PageText, read: PageText) -> PageText:
    return replace(
        page.with_read_lines(read.lines),
        skew_deg=read.skew_deg,
        straightening=read.straightening,
        cells=read.cells,
        marks=read.marks,
    )


def with_pictures(gold: Sequence[GoldPage], folder: str | Path | None, kind: str | None) -> list[GoldPage]:
    """Gold pages with what a model reads beside their text.

    Args:
        gold: the pages, by the names of their pictures.
        folder: where the pictures are; None: there are none, which is enough for a model of line strips, to
            which a line without pixels is text alone.
        kind: the model's ``pictures``; None: it reads text alone, and the pages are returned as they are.

    Raises:
        PictureError: the model needs pictures and no folder is named, or one is missing or cannot be decoded.
    """
    if kind is None or (folder is None and kind == STRIPS):
        return list(gold)
    if folder is None:
        raise PictureError(
            "the model needs the pictures of pages: give their folder with --images, or as images of their "
            "source in the settings"
        )
    return [
        replace(gold_page, page=with_page_picture(gold_page.page, image.pixels, kind))
        for gold_page, image in zip(gold, page_images(gold, Path(folder)), strict=True)
    ]


def page_images(gold: Sequence[GoldPage], folder: Path) -> Iterator[PageImage]:
    """The pictures of pages, one at a time (they are large) and decoded as the job does it.

    A file is opened once for all its pages that follow each other.

    Args:
        gold: the pages, as labelled.
        folder: with the pictures.

    Raises:
        PictureError: a picture is missing or cannot be decoded.
    """
    for name, same_file in groupby(gold, key=lambda gold_page: file_and_page(gold_page.name)[0]):
        yield from _decode_all(folder / name, [gold_page.page.page for gold_page in same_file])


def missing_pictures(gold: Sequence[GoldPage], folder: Path) -> list[str]:
    """Names of pictures that are missing in ``folder``.

    Args:
        gold: the pages, as labelled.
        folder: with the pictures.
    """
    return [page.name for page in gold if not (folder / file_and_page(page.name)[0]).is_file()]


def scale_warning(gold: Sequence[GoldPage]) -> str | None:
    """A warning where labels and pictures seem to be of different sizes; None where they fit.

    Coordinates of a picture at another resolution put the lines in the wrong place of the page, and scores
    fall without an error.

    Args:
        gold: the pages, as labelled.
    """
    extents = [_extent(gold_page.page) for gold_page in gold if gold_page.page.lines]
    if extents and max(extents) > 1.05:
        return "labels reach beyond their pictures; are the pictures those that were labelled?"
    if extents and max(extents) < SMALLEST_EXTENT:
        return f"no label lies beyond {SMALLEST_EXTENT:.0%} of its picture; was a smaller copy labelled?"
    return None


def _extent(page: PageText) -> float:
    """How far the lines reach, as a share of the page's width or height, whichever is larger."""
    right = max(line.box[2] for line in page.lines) / page.width_px
    bottom = max(line.box[3] for line in page.lines) / page.height_px
    return max(right, bottom)


def with_page_picture(page: PageText, pixels: np.ndarray, kind: str | None) -> PageText:
    """The page with the picture that a model needs, and with its ruled cells.

    Args:
        page: its lines.
        pixels: H x W x 3 uint8 RGB, of the upright page.
        kind: as KieModel.pictures; None: the page is returned as it is.
    """
    if kind is None:
        return page
    return with_picture(replace(page, cells=page.cells or find_cells(find_ink(pixels))), pixels, kind)


def _decode_all(path: Path, numbers: Sequence[int]) -> Iterator[PageImage]:
    """Pages in any order; a run of rising numbers is read at one go."""
    start = 0
    for end in range(1, len(numbers) + 1):
        if end == len(numbers) or numbers[end] <= numbers[end - 1]:
            yield from _decode(path, numbers[start:end])
            start = end


def _decode(path: Path, numbers: Sequence[int]) -> Iterator[PageImage]:
    wanted = iter(numbers)
    number = next(wanted)
    try:
        for page in decode_pages(path.read_bytes(), path.name, str(path), DecodeLimits()):
            if page.page != number:
                continue
            if isinstance(page, Failure):
                raise PictureError(f"{path}: page {number}: {page.message}")
            yield page
            number = next(wanted, None)
            if number is None:
                return
    except (OSError, DocumentError) as error:
        raise PictureError(f"{path}: {error}") from error
    raise PictureError(f"{path}: there is no page {number} in this file, but the labels have one")
