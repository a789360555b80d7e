"""Key-value pairs from the picture alone: decoded and read as the job does it, compared by text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from beam_kie.document import PageResult
from beam_kie.evaluation.measure import Model, Progress, chunks, no_progress
from beam_kie.evaluation.metrics import Score, TextPair, pair_score
from beam_kie.imaging.decode import upright
from beam_kie.imaging.marks import with_ruling
from beam_kie.labelled.gold import GoldPage
from beam_kie.labelled.sources import page_images, with_page_picture
from beam_kie.ocr import OcrEngine


def pairs_from_pictures(
    model: Model,
    engine: OcrEngine,
    gold: Sequence[GoldPage],
    folder: Path,
    progress: Progress = no_progress,
) -> Score:
    """Key-value pairs that a model finds on what an OCR engine reads, against the linked gold pairs.

    A pair counts when key and value text are both similar to a gold pair's (``metrics.match_pairs``).

    Args:
        model: what is measured.
        engine: reads the pictures.
        gold: the pages, by the names of their pictures.
        folder: where the pictures are.
        progress: called with what is being done, pages done and pages in all.

    Raises:
        PictureError: where a picture is missing or cannot be decoded.
    """
    score, done = Score(), 0
    for chunk in chunks(gold):
        pages = []
        for image in page_images(chunk, folder):
            (read,) = engine.read([image])
            page = with_ruling(read, image.pixels)
            pages.append(with_page_picture(page, upright(image.pixels, page.rotation_deg), model.pictures))
            done += 1
            progress("pictures", done, len(gold))
        for gold_page, result in zip(chunk, model.predict(pages), strict=True):
            score += pair_score(text_pairs(result), gold_page.text_pairs)
    return score


def pairs_from_lines(model: Model, read: Sequence[GoldPage]) -> Score:
    """As ``pairs_from_pictures``, on pages of ``with_read_lines``.

    Args:
        model: finds and relates the entities.
        read: pages as of ``with_read_lines``.
    """
    score = Score()
    for gold_page, result in zip(read, model.predict([page.page for page in read]), strict=True):
        score += pair_score(text_pairs(result), gold_page.text_pairs)
    return score


def text_pairs(result: PageResult) -> list[TextPair]:
    """The (key text, value text) of every relation of a page.

    Args:
        result: of the model, for a page.
    """
    return [(result.entities[r.head].text, result.entities[r.tail].text) for r in result.relations]
