"""The labelled pages that a model is measured on: with their gold lines, and with the lines that OCR read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from beam_kie.labelled.alignment import Pairing
from beam_kie.labelled.formats import LabelledPage, read_labels
from beam_kie.labelled.gold import GoldPage, gold_pages
from beam_kie.labelled.sources import (
    LabelledSource,
    read_ocr_lines,
    source_name,
    split_held_out,
    with_pictures,
)
from beam_kie.layoutxlm.model import KieModel
from beam_kie.training.calibration.confidences import GOLD, OCR, gold_on_ocr_lines
from beam_kie.training.settings import Settings

Pages = dict[tuple[str, str], list[GoldPage]]
"""By the name of the source, and GOLD or OCR."""


def held_out_pages(config: str | Path, model: KieModel, part: slice | None = None) -> Pages:
    """The pages that a training run held out.

    Args:
        config: its settings file.
        model: that is measured.
        part: which of the pages of every source; None: all.

    Raises:
        SettingsError: the settings cannot be read.
        LabelError: labels cannot be read.
        PictureError: the model needs pictures that a source does not have, or one cannot be decoded.
    """
    sources = [source for source in Settings.load(config).sources if source.holdout is not None]
    return pages_of(sources, model, part)


def pages_of(sources: Iterable[LabelledSource], model: KieModel, part: slice | None = None) -> Pages:
    """The pages of sources, only those held out where they hold out some. Kinds without pages are left out.

    Args:
        sources: of labelled pages.
        model: that is measured.
        part: which of the pages of every source; None: all.

    Raises:
        LabelError: labels cannot be read.
        PictureError: the model needs pictures that a source does not have, or one cannot be decoded.
    """
    found: Pages = {}
    for source in sources:
        labelled = _held_out(source)[part or slice(None)]
        pairing = Pairing(model.config.head_labels, model.config.tail_labels)
        gold = gold_pages(labelled, *pairing)
        lines = read_ocr_lines(source.ocr_lines) if source.ocr_lines else {}
        read = [
            gold_on_ocr_lines(page, its_gold, lines[page.name], pairing)
            for page, its_gold in zip(labelled, gold, strict=True)
            if page.name in lines
        ]
        found[source_name(source), GOLD] = with_pictures(gold, source.images, model.pictures)
        found[source_name(source), OCR] = with_pictures(read, source.images, model.pictures)
    return {key: pages for key, pages in found.items() if pages}


def _held_out(source: LabelledSource) -> list[LabelledPage]:
    pages = read_labels(source.labels, source.images)
    return split_held_out(pages, source.holdout)[1] if source.holdout is not None else pages
