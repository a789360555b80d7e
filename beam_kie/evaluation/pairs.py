"""Key-value pairs from the picture alone: decoded and read as the job does it, compared by text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from beam_kie.choices.choosing import with_choices
from beam_kie.document import PageResult
from beam_kie.evaluation.lenient import lenient_score
from beam_kie.evaluation.measure import Model, Progress, chunks, no_progress
from beam_kie.evaluation.metrics import Score, TextPair, pair_score
from beam_kie.imaging.decode import upright
from beam_kie.imaging.marks import with_ruling
from beam_kie.labelled.alignment import KEYS_AND_VALUES, Pairing
from beam_kie.labelled.gold import GoldPage
from beam_kie.labelled.sources import page_images, with_page_picture
from beam_kie.ocr import OcrEngine
from beam_kie.ocr.dropped_marks import with_dropped_marks

_DRAWS = 1_000


@dataclass(frozen=True, slots=True)
class PairScores:
    """Scores of pairs page by page: ``strict`` (metrics.py) of what a model finds, ``lenient`` (lenient.py)
    of what the tables hold of it."""

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
    return float(_drawn_f1(pages).std()) if pages else 0.0


def gain(before: Sequence[Score], after: Sequence[Score]) -> tuple[float, float]:
    """How much F1 rises from one result to another, 0 to 1, with the standard error of the difference.

    The bootstrap draws the same pages for both.

    Args:
        before: the score of each page, of at least one.
        after: those of the same pages.
    """
    difference = sum(after, Score()).f1 - sum(before, Score()).f1
    return difference, float((_drawn_f1(after) - _drawn_f1(before)).std())


def _drawn_f1(pages: Sequence[Score]) -> np.ndarray:
    """F1 of pages drawn again with replacement, the same ones for equal numbers of pages."""
    counts = np.array([(2 * page.correct, page.predicted + page.gold) for page in pages])
    drawn = np.random.default_rng(0).integers(0, len(pages), (_DRAWS, len(pages)))
    right, all_of_them = counts[drawn].sum(axis=1).T
    return right / np.maximum(all_of_them, 1)


def read_pairs(
    model: Model,
    engine: OcrEngine,
    gold: Sequence[GoldPage],
    folder: Path,
    progress: Progress = no_progress,
    pairing: Pairing = KEYS_AND_VALUES,
) -> PairScores:
    """Key-value pairs that a model finds on what an OCR engine reads, against the linked gold pairs.

    Args:
        model: what is measured.
        engine: reads the pictures.
        gold: the pages, by the names of their pictures.
        folder: where the pictures are.
        progress: called with what is being done, pages done and pages in all.
        pairing: the labels of keys and of values.

    Returns:
        As of ``pairs_on_lines``.

    Raises:
        PictureError: where a picture is missing or cannot be decoded.
    """
    scores: list[PairScores] = []
    done = 0
    for chunk in chunks(gold):
        pages = []
        for gold_page, image in zip(chunk, page_images(chunk, folder), strict=True):
            (read,) = engine.read([image])
            page = with_dropped_marks(with_ruling(read, image.pixels))
            page = with_page_picture(page, upright(image.pixels, page.rotation_deg), model.pictures)
            pages.append(replace(gold_page, page=page))
            done += 1
            progress("pictures", done, len(gold))
        scores.append(pairs_on_lines(model, pages, pairing))
    return PairScores(
        tuple(score for part in scores for score in part.strict),
        tuple(score for part in scores for score in part.lenient),
    )


def pairs_on_lines(model: Model, read: Sequence[GoldPage], pairing: Pairing = KEYS_AND_VALUES) -> PairScores:
    """Key-value pairs that a model finds on lines that were read, against the linked gold pairs.

    The strict score is that of what the model finds. The lenient one is that of what the tables hold: the job
    cuts values with several boxes to tick into one for each, while labels mostly keep them together.

    Args:
        model: what is measured.
        read: gold pages with the lines, marks and pictures as they were read.
        pairing: the labels of keys and of values.
    """
    results = model.predict([page.page for page in read])
    both = list(zip(read, results, strict=True))
    return PairScores(
        tuple(pair_score(text_pairs(result), page.text_pairs) for page, result in both),
        tuple(lenient_score(with_choices(result, *pairing), page) for page, result in both),
    )


def pairs_from_lines(model: Model, read: Sequence[GoldPage]) -> Score:
    """The strict score of ``pairs_on_lines``.

    Args:
        model: finds and relates the entities.
        read: pages as of ``with_read_lines``.
    """
    results = model.predict([page.page for page in read])
    scores = [
        pair_score(text_pairs(result), page.text_pairs) for page, result in zip(read, results, strict=True)
    ]
    return sum(scores, Score())


def text_pairs(result: PageResult) -> list[TextPair]:
    """The (key text, value text) of every relation of a page.

    Args:
        result: of the model, for a page.
    """
    return [(result.entities[r.head].text, result.entities[r.tail].text) for r in result.relations]
