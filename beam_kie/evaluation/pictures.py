"""Key-value pairs from the picture alone: decoded and read as the job does it, compared by text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from beam_kie.document import DocumentError, Failure, PageImage, PageResult, PageText, TextLine
from beam_kie.evaluation.measure import Model, Progress, chunks, no_progress
from beam_kie.evaluation.metrics import Score, TextPair, pair_score
from beam_kie.imaging.decode import DecodeLimits, decode_pages, upright
from beam_kie.labelled.gold import GoldPage
from beam_kie.layoutxlm.images import with_picture
from beam_kie.ocr import OcrEngine
from beam_kie.reading_order import order_lines

# Labels that reach less far than this over every page were drawn on a larger picture's smaller copy.
SMALLEST_EXTENT = 0.6


class PictureError(ValueError):
    """A picture that is not there or cannot be read; the message names it and says what to do."""


def pairs_from_pictures(
    model: Model,
    engine: OcrEngine,
    gold: Sequence[GoldPage],
    folder: Path,
    progress: Progress = no_progress,
) -> Score:
    """Key-value pairs that ``model`` finds on what ``engine`` reads, against the linked gold pairs.

    A pair counts when key and value text are both similar to a gold pair's (``metrics.match_pairs``).
    Raises PictureError.
    """
    score, done = Score(), 0
    for chunk in chunks(gold):
        pages = []
        for image in page_images(chunk, folder):
            (page,) = engine.read([image])
            pages.append(_with_picture(page, upright(image.pixels, page.rotation_deg), model.pictures))
            done += 1
            progress("pictures", done, len(gold))
        for gold_page, result in zip(chunk, model.predict(pages), strict=True):
            score += pair_score(text_pairs(result), gold_page.text_pairs)
    return score


def with_read_lines(gold: Sequence[GoldPage], lines: Mapping[str, Sequence[TextLine]]) -> list[GoldPage]:
    """Gold pages with lines that were read on them before, by page name; pages without are left out.

    Their entities keep the gold texts, but no longer name characters of the page.
    """
    return [
        replace(page, page=page.page.with_read_lines(order_lines(lines[page.name])))
        for page in gold
        if page.name in lines
    ]


def pairs_from_lines(model: Model, read: Sequence[GoldPage]) -> Score:
    """As ``pairs_from_pictures``, on pages of ``with_read_lines``."""
    score = Score()
    for gold_page, result in zip(read, model.predict([page.page for page in read]), strict=True):
        score += pair_score(text_pairs(result), gold_page.text_pairs)
    return score


def with_pictures(gold: Sequence[GoldPage], folder: Path, kind: str) -> list[GoldPage]:
    """Gold pages for a model that looks at pictures; ``kind`` is its ``pictures``. Raises PictureError."""
    return [
        replace(gold_page, page=_with_picture(gold_page.page, image.pixels, kind))
        for gold_page, image in zip(gold, page_images(gold, folder), strict=True)
    ]


def page_images(gold: Sequence[GoldPage], folder: Path) -> Iterator[PageImage]:
    """The pictures of ``gold``, one at a time (they are large) and decoded as the job does it.

    A file is opened once for all its pages that follow each other. Raises PictureError.
    """
    for name, same_file in groupby(gold, key=lambda gold_page: gold_page.name):
        yield from _decode(folder / name, [gold_page.page.page for gold_page in same_file])


def text_pairs(result: PageResult) -> list[TextPair]:
    """The (key text, value text) of every relation of a page."""
    return [(result.entities[r.head].text, result.entities[r.tail].text) for r in result.relations]


def missing_pictures(gold: Sequence[GoldPage], folder: Path) -> list[str]:
    """Names of pictures that ``folder`` does not hold."""
    return [gold_page.name for gold_page in gold if not (folder / gold_page.name).is_file()]


def scale_warning(gold: Sequence[GoldPage]) -> str | None:
    """What looks wrong about labels and page sizes taken together, or None.

    Coordinates of a picture at another resolution put the lines in the wrong place of the page, and
    the figures suffer in silence.
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


def _with_picture(page: PageText, pixels: np.ndarray, kind: str | None) -> PageText:
    return page if kind is None else with_picture(page, pixels, kind)


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
