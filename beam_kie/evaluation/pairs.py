"""Key-value pairs from the picture alone: decoded and read as the job does it, compared by text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from beam_kie.document import PageResult
from beam_kie.evaluation.lenient import lenient_score
from beam_kie.evaluation.measure import Model, Progress, chunks, no_progress
from beam_kie.evaluation.metrics import Score, TextPair, pair_score
from beam_kie.imaging.decode import upright
from beam_kie.imaging.marks import with_ruling
from beam_kie.labelled.gold import GoldPage
from beam_kie.labelled.sources import page_images, with_page_picture
from beam_kie.ocr import OcrEngine
from beam_kie.ocr.dropped_marks import with_dropped_marks

_DRAWS = 1_000


@dataclass(frozen=True, slots=True)
class PairScores:
    """Scores of pairs page by page: ``strict`` as of ``metrics``, ``lenient`` as of ``lenient``."""

    strict: tuple[Score, ...]
    lenient: tuple[Score, ...]

    @property
    def total(self) -> Score:
        """The strict score of all pages."""
        return sum(self.strict, Score())

    def as_dict(self) -> dict[str, dict[str, float]]:
        """``{"strict": ..., "lenient": ...}``: precision, recall, F1 and its standard error, 0 to 1."""
        return {
            name: {**sum(pages, Score()).as_dict(), "f1_standard_error": standard_error(pages)}
            for name, pages in (("strict", self.strict), ("lenient", self.lenient))
        }


def standard_error(pages: Sequence[Score]) -> float:
    """The standard error of F1 over pages drawn again with replacement (bootstrap, Efron 1979), 0 to 1.

    Args:
        pages: the score of each page.
    """
    if not pages:
        return 0.0
    counts = np.array([(2 * page.correct, page.predicted + page.gold) for page in pages])
    drawn = np.random.default_rng(0).integers(0, len(pages), (_DRAWS, len(pages)))
    right, all_of_them = counts[drawn].sum(axis=1).T
    return float((right / np.maximum(all_of_them, 1)).std())


def read_pairs(
    model: Model,
    engine: OcrEngine,
    gold: Sequence[GoldPage],
    folder: Path,
    progress: Progress = no_progress,
) -> PairScores:
    """Key-value pairs that a model finds on what an OCR engine reads, against the linked gold pairs.

    Options are left as the model found them: labels often hold several of them in one value, and the job cuts
    them.

    Args:
        model: what is measured.
        engine: reads the pictures.
        gold: the pages, by the names of their pictures.
        folder: where the pictures are.
        progress: called with what is being done, pages done and pages in all.

    Raises:
        PictureError: where a picture is missing or cannot be decoded.
    """
    strict: list[Score] = []
    lenient: list[Score] = []
    for chunk in chunks(gold):
        pages = []
        for image in page_images(chunk, folder):
            (read,) = engine.read([image])
            page = with_dropped_marks(with_ruling(read, image.pixels))
            pages.append(with_page_picture(page, upright(image.pixels, page.rotation_deg), model.pictures))
            progress("pictures", len(strict) + len(pages), len(gold))
        for gold_page, result in zip(chunk, model.predict(pages), strict=True):
            strict.append(pair_score(text_pairs(result), gold_page.text_pairs))
            lenient.append(lenient_score(result, gold_page))
    return PairScores(tuple(strict), tuple(lenient))


def pairs_from_lines(model: Model, read: Sequence[GoldPage]) -> Score:
    """The strict score of ``read_pairs``, on pages of ``with_read_lines``.

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
