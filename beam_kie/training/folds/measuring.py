"""Counts of a fold: what its run finds on the pages that it did not learn from, page by page."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from beam_kie.evaluation.arguments import UsageError
from beam_kie.evaluation.measure import Progress, chunks, measure_pages
from beam_kie.evaluation.metrics import Score
from beam_kie.evaluation.pairs import pairs_on_lines
from beam_kie.labelled.alignment import Pairing
from beam_kie.labelled.formats import LabelError, file_and_page, page_name
from beam_kie.labelled.gold import GoldPage, gold_pages
from beam_kie.labelled.readings import ReadPage, read_readings
from beam_kie.labelled.sources import LabelledSource, source_name, with_pictures, with_readings
from beam_kie.layoutxlm.model import KieModel
from beam_kie.ocr.dropped_marks import with_dropped_marks
from beam_kie.training.folds.dividing import Folds, labelled_pages

GOLD_LINES = "gold lines"
"""The name of the reading for figures that need no OCR."""

STRICT, LENIENT = "pairs_ocr_lines", "pairs_ocr_lines_lenient"

FIGURES = {
    "ser_paddleocr": "SER as PaddleOCR measures it",
    "re_paddleocr": "RE as PaddleOCR measures it",
    "ser": "SER, entities",
    "re": "RE, gold entities",
    "pairs_gold_lines": "pairs, gold lines",
    STRICT: "pairs, OCR lines, strict",
    LENIENT: "pairs, OCR lines, lenient",
}
"""What is measured, and how it is called in tables."""

Counts = dict[str, dict[str, list[int]]]
"""Of one page: right, found and labelled, by figure and reading."""


def readings_of(source: LabelledSource, names: Sequence[str] | None) -> dict[str, str]:
    """The files of a source's readings by their names: the box geometry that the file states, else its stem.

    Args:
        source: with ``ocr_lines`` and ``more_ocr_lines``.
        names: those that are wanted; None: all.

    Raises:
        UsageError: a file cannot be read.
    """
    found: dict[str, str] = {}
    for path in filter(None, (source.ocr_lines, *source.more_ocr_lines)):
        name = _geometry(path) or Path(path).stem
        found[Path(path).stem if name in found else name] = path
    return {name: path for name, path in found.items() if names is None or name in names}


def _geometry(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            geometry = json.loads(file.readline() or "{}").get("geometry")
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"{path}: no lines that OCR read: {error}") from error
    return geometry if isinstance(geometry, str) else None


def measure_fold(
    model: KieModel,
    sources: Sequence[LabelledSource],
    found: Sequence[Folds],
    fold: int,
    names: Sequence[str] | None,
    wanted: Collection[str],
    progress: Progress,
) -> dict[str, dict[str, Counts]]:
    """The counts of every page of a fold, by source and page.

    Args:
        model: that did not learn from the fold.
        sources: of the settings.
        found: the fold of their files.
        fold: which one, from 1.
        names: readings to measure; None: all.
        wanted: sources to measure, as of ``unique_names``.
        progress: called with what is being done, pages done and pages in all.

    Raises:
        UsageError: labels or readings cannot be read.
        PictureError: the model needs pictures that a source does not have, or one cannot be decoded.
    """
    pairing = Pairing(model.config.head_labels, model.config.tail_labels)
    counts: dict[str, dict[str, Counts]] = {}
    for place, (name, source) in enumerate(by_name(sources).items()):
        if name not in wanted:
            continue
        files = found[place]
        gold = gold_pages(labelled_pages(source, f"sources[{place}]"), *pairing)
        gold = [page for page in gold if files[file_and_page(page.name)[0]] == fold]

        def told(what: str, done: int, total: int, of: str = f"fold {fold}, {name}") -> None:
            progress(f"{of}, {what}", done, total)

        of_pages = _on_gold_lines(model, with_pictures(gold, source.images, model.pictures), told)
        for reading, path in readings_of(source, names).items():
            _add_reading(model, gold, source, reading, read_lines(path), pairing, of_pages, told)
        counts[name] = {key_of(page): of_page for page, of_page in zip(gold, of_pages, strict=True)}
    return counts


def unique_names(sources: Sequence[LabelledSource]) -> list[str]:
    """A name for every source that no other one has.

    Args:
        sources: of the settings.
    """
    names = [source_name(source) for source in sources]
    return [f"{name} ({place})" if names.count(name) > 1 else name for place, name in enumerate(names)]


def by_name(
    sources: Sequence[LabelledSource], names: Sequence[str] | None = None, where: str = "the settings"
) -> dict[str, LabelledSource]:
    """Sources by their names.

    Args:
        sources: of the settings.
        names: those that are wanted, as of ``unique_names``; None: all.
        where: what the sources are of, for the message.

    Returns:
        The wanted ones, in the order of the settings.

    Raises:
        UsageError: there is no such source.
    """
    found = dict(zip(unique_names(sources), sources, strict=True))
    for name in names or ():
        if name not in found:
            raise UsageError(f"--sources {name}: {where} has no such source; there are {', '.join(found)}")
    return {name: source for name, source in found.items() if names is None or name in names}


def key_of(page: GoldPage) -> str:
    """The name of a page that no other page of its source has.

    Args:
        page: of a source.
    """
    return page_name(file_and_page(page.name)[0], page.page.page)


def _on_gold_lines(model: KieModel, gold: Sequence[GoldPage], progress: Progress) -> list[Counts]:
    relates = model.network.relation_head is not None
    wanted = [name for name in FIGURES if name not in (STRICT, LENIENT)]
    wanted = [name for name in wanted if relates or name.startswith("ser")]
    return [
        {name: {GOLD_LINES: _counted(getattr(page, name))} for name in wanted}
        for page in measure_pages(model, gold, progress)
    ]


def _add_reading(
    model: KieModel,
    gold: Sequence[GoldPage],
    source: LabelledSource,
    reading: str,
    lines: Mapping[str, ReadPage],
    pairing: Pairing,
    counts: Sequence[Counts],
    progress: Progress,
) -> None:
    """Adds the counts of pairs on the lines of one reading; pages that it lacks get none."""
    if model.network.relation_head is None:
        return
    of_page = dict(zip(map(key_of, gold), counts, strict=True))
    done = 0
    for chunk in chunks(with_readings(gold, lines)):
        pages = as_in_job(chunk, source, model)
        scores = pairs_on_lines(model, pages, pairing)
        for page, strict, lenient in zip(pages, scores.strict, scores.lenient, strict=True):
            its = of_page[key_of(page)]
            its.setdefault(STRICT, {})[reading] = _counted(strict)
            its.setdefault(LENIENT, {})[reading] = _counted(lenient)
        done += len(pages)
        progress(reading, done, len(gold))


def as_in_job(read: Sequence[GoldPage], source: LabelledSource, model: KieModel) -> list[GoldPage]:
    """Pages as the job gives them to a model: with the marks that OCR dropped, and their pictures.

    Args:
        read: pages of the source, with lines that OCR read.
        source: of the settings.
        model: that reads them.

    Raises:
        PictureError: the model needs pictures that a source does not have, or one cannot be decoded.
    """
    pages = [replace(page, page=with_dropped_marks(page.page)) for page in read]
    return with_pictures(pages, source.images, model.pictures)


def read_lines(path: str) -> dict[str, ReadPage]:
    """A file of what OCR read, by the names of the pages.

    Args:
        path: of the file.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return read_readings(path)
    except (LabelError, OSError) as error:
        raise UsageError(str(error)) from error


def _counted(score: Score) -> list[int]:
    return [score.correct, score.predicted, score.gold]
