"""Labelled pages and what belongs to them: pictures, lines that OCR read, and which pages are held out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from beam_kie.document import DocumentError, Failure, PageImage, PageText, TextLine
from beam_kie.imaging.decode import DecodeLimits, decode_pages
from beam_kie.labelled.formats import LabelError, LabelledPage, file_and_page, page_name
from beam_kie.labelled.gold import GoldPage
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
    engine read on them (see the command ``python -m beam_kie.training.data.ocr_lines``); ``holdout``: pages
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
    """What an OCR engine read.

    Args:
        path: JSON lines as the command ``beam_kie.training.data.ocr_lines`` writes them.

    Returns:
        The lines of every page by its name in label files: the picture's base name, with ``#page=2`` behind
        it from the second page on. The first page has both names, with and without number.

    Raises:
        LabelError: a line is of another kind.
    """
    found: dict[str, tuple[TextLine, ...]] = {}
    for number, text in enumerate(Path(path).read_text("utf-8", errors="replace").split("\n"), 1):
        if not text.strip():
            continue
        try:
            names, lines = _read_page(json.loads(text))
        except _DAMAGES as error:
            raise LabelError(f"{path}:{number}: not a page of lines that OCR read: {error!r}") from error
        found |= dict.fromkeys(names, lines)
    return found


def _read_page(record: dict) -> tuple[list[str], tuple[TextLine, ...]]:
    """The names of a page and its lines."""
    lines = tuple(
        TextLine(str(item["text"]), tuple(map(float, item["polygon"])), item.get("confidence"))
        for item in record["lines"]
    )
    if any(len(line.polygon) < 6 for line in lines):
        raise ValueError("a polygon has fewer than three corners")
    return page_names(Path(record["uri"]).name, int(record.get("page") or 1)), lines


def page_names(file: str, page: int) -> list[str]:
    """The names that a page may have in label files.

    Args:
        file: name of the file.
        page: from 1.
    """
    return list(dict.fromkeys([page_name(file, page), f"{file}#page={page}"]))


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


def with_pictures(gold: Sequence[GoldPage], folder: Path, kind: str) -> list[GoldPage]:
    """Gold pages with what a model reads beside their text.

    Args:
        gold: the pages, by the names of their pictures.
        folder: where the pictures are.
        kind: the model's ``pictures``.

    Raises:
        PictureError: where a picture is missing or cannot be decoded.
    """
    return [
        replace(gold_page, page=with_page_picture(gold_page.page, image.pixels, kind))
        for gold_page, image in zip(gold, page_images(gold, folder), strict=True)
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
    """The page with the picture that a model needs.

    Args:
        page: its lines.
        pixels: H x W x 3 uint8 RGB.
        kind: as KieModel.pictures; None: the page is returned as it is.
    """
    return page if kind is None else with_picture(page, pixels, kind)


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
