"""Sources of training pages: labelled pages, generated forms, plain text."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from beam_kie.document import PageImage, TextLine
from beam_kie.evaluation.measure import Progress, no_progress
from beam_kie.forms import Layout, generate_domain_layout, generate_layout, visual_lines
from beam_kie.geometry import polygon_box
from beam_kie.imaging.ruling import find_cells, find_ink
from beam_kie.labelled.alignment import Pairing, TrainingLine, TrainingPage, gold_view, ocr_view, visual_view
from beam_kie.labelled.formats import IGNORED_LABELS, LabelledPage
from beam_kie.labelled.gold import GoldPage, gold_pages
from beam_kie.labelled.sources import (
    page_images,
    source_name,
    with_pictures,
    with_read_lines,
)
from beam_kie.layoutxlm.config import STRIPS
from beam_kie.layoutxlm.inputs.images import page_thumbnail, thumbnail_pixels
from beam_kie.reading_order import reading_order
from beam_kie.training.augmentation.pages import bilingual_keys, swap_texts
from beam_kie.training.augmentation.strips import with_strips
from beam_kie.training.data.vocabulary import read_text
from beam_kie.training.line_vectors.learning import phrase_page, texts_by_language
from beam_kie.training.planning.plan import Plan
from beam_kie.training.planning.values import SettingsError

TEXT_PAGE = (1000, 1414)


class Views(NamedTuple):
    """A labelled page as its segments, as its printed lines, and in any number of readings by OCR."""

    gold: TrainingPage
    visual: TrainingPage
    read: tuple[TrainingPage, ...] = ()


class _Group(NamedTuple):
    """The pages of a source in their views, how often they are drawn, and their texts by label."""

    weight: float
    pages: list[Views]
    texts: dict[str | None, list[str]]


class PageSource:
    """Draws training pages: a labelled page in one of its views, a generated form or plain text.

    ``held_out`` are the labelled pages kept for measuring, by source; ``held_out_read`` the same with the
    lines that an OCR engine read on them. Where the network reads line images, they and the pages drawn have
    strips if their source has pictures.

    Args:
        plan: of the run.
        progress: called with what is being done, pages done and pages in all, while pictures are read.

    Raises:
        PictureError: a picture cannot be decoded.
        SettingsError: a text of the settings is empty.
    """

    def __init__(self, plan: Plan, progress: Progress = no_progress):
        self._phrases = texts_by_language(plan.line_vectors) if plan.line_vectors else []
        self._settings = settings = plan.settings
        network = plan.config
        pairing = Pairing(network.head_labels, network.tail_labels)
        self._groups: list[_Group] = []
        self.held_out: dict[str, list[GoldPage]] = {}
        self.held_out_read: dict[str, list[GoldPage]] = {}
        for each in plan.sources:
            source, kept, held, lines = each.source, each.kept, each.held, each.readings[0]
            views = [_views(page, each.readings, pairing) for page in kept]
            kind = network.pictures
            images = source.images if kind else None
            if images:
                what = f"pictures of {source_name(source)}"
                decoded = page_images(gold_pages(kept, *pairing), Path(images))
                ruled = network.architecture.token_layout
                for place, image in enumerate(decoded):
                    views[place] = _seen(views[place], image, kind, ruled)
                    progress(what, place + 1, len(kept))
            self._groups.append(_Group(source.weight * len(kept), views, texts_by_label(views)))
            if held:
                name = source_name(source)
                gold = gold_pages(held, *pairing)
                read = with_read_lines(gold, lines)
                self.held_out[name] = with_pictures(gold, source.images, kind)
                self.held_out_read[name] = with_pictures(read, source.images, kind)
        self._key_label = network.head_labels[0] if network.head_labels else ""
        keys = [text for group in self._groups for text in group.texts.get(self._key_label, ())]
        self._latin_keys = [text for text in keys if text.isascii() and len(text) > 2]
        self._texts = [_text(path) for path in settings.texts] if settings.text_share else []

    def draw(self, rng: random.Random) -> tuple[TrainingPage, bool]:
        """A page, and whether its labels may be learned from.

        Args:
            rng: the random generator.
        """
        kind = rng.random()
        if kind < self._settings.text_share:
            return text_page(rng.choice(self._texts), rng), False
        kind -= self._settings.text_share
        if kind < self._settings.synthetic_share:
            return self._synthetic(rng), True
        if kind < self._settings.synthetic_share + self._settings.phrase_share:
            return phrase_page(rng.choice(self._phrases), rng), False
        # Of sources that are held out as a whole no page is drawn: they weigh nothing.
        (group,) = rng.choices(self._groups, [group.weight for group in self._groups])
        views = rng.choice(group.pages)
        page = self._view(views, rng)
        gold = page is views.gold
        page = swap_texts(page, group.texts, rng, self._settings.augmentation.text_swap)
        return (page if gold else self._bilingual(page, rng)), True

    def _view(self, views: Views, rng: random.Random) -> TrainingPage:
        odds = [odd if view else 0 for odd, view in zip(self._settings.views, views, strict=True)]
        # Without OCR's lines the gold ones stand in its place, at odds of 0; only where OCR read nothing on a
        # page, and no other lines are to be learned from, they are taken.
        pages = [views.gold, views.visual, rng.choice(views.read) if views.read else views.gold]
        return rng.choices(pages, odds if any(odds) else [1, 0, 0])[0]

    def _bilingual(self, page: TrainingPage, rng: random.Random) -> TrainingPage:
        rate = self._settings.augmentation.bilingual
        if not rate or rng.random() >= rate:
            return page
        return bilingual_keys(page, self._latin_keys, self._key_label, rng)

    def _synthetic(self, rng: random.Random) -> TrainingPage:
        settings = self._settings
        language, seed = rng.choice(settings.synthetic_languages), rng.randrange(2**31)
        # A share of 0 draws no number: runs of settings from before there were domains stay the same.
        of_domain = settings.domain_share and rng.random() < settings.domain_share
        layout = (generate_domain_layout if of_domain else generate_layout)(language, seed)
        page = gold_view(layout.labelled_page("form"))
        if rng.random() < 0.5:
            return page
        return self._bilingual(replace(page, lines=form_lines(layout)), rng)


def texts_by_label(pages: list[Views]) -> dict[str | None, list[str]]:
    """The texts of gold lines by the label of their entity; None: of no entity.

    Args:
        pages: of a source.
    """
    texts: dict[str | None, list[str]] = {}
    for gold in (views.gold for views in pages):
        for line in gold.lines:
            texts.setdefault(gold.labels.get(line.owners[0]), []).append(line.text)
    return texts


def form_lines(layout: Layout) -> tuple[TrainingLine, ...]:
    """The lines of a generated form as an OCR engine would find them, in reading order.

    Args:
        layout: of the form.
    """
    entities = {entry.id for entry in layout.entries if entry.label not in IGNORED_LABELS}
    lines = []
    for line in visual_lines(layout):
        owners: list[int | None] = [None] * len(line.text)
        for entry, start, end in ((span.line, span.start, span.end) for span in line.spans):
            if entry in entities:
                owners[start:end] = [entry] * (end - start)
        lines.append(TrainingLine(line.text, polygon_box(line.polygon), tuple(owners)))
    return tuple(lines[index] for index in reading_order([line.box for line in lines]))


def _views(
    page: LabelledPage, readings: Sequence[Mapping[str, tuple[TextLine, ...]]], pairing: Pairing
) -> Views:
    read = [lines for reading in readings if (lines := reading.get(page.name))]
    return Views(
        gold_view(page, pairing),
        visual_view(page, pairing),
        tuple(ocr_view(page, lines, pairing) for lines in read),
    )


def _seen(views: Views, image: PageImage, kind: str | None, ruled: bool) -> Views:
    """``ruled``: the network looks at ruled cells."""
    cells = tuple(cell.box for cell in find_cells(find_ink(image.pixels))) if ruled else ()
    thumbnail = None if kind == STRIPS else thumbnail_pixels(page_thumbnail(image.pixels, kind or ""))

    def seen(view: TrainingPage) -> TrainingPage:
        view = replace(view, cells=cells, picture=thumbnail)
        return with_strips(view, image.pixels) if kind == STRIPS else view

    return Views(seen(views.gold), seen(views.visual), tuple(seen(view) for view in views.read))


def _text(path: str) -> list[str]:
    lines = read_text(path)
    if not lines:
        raise SettingsError(f"texts: {path} has no text")
    return lines


def text_page(lines: list[str], rng: random.Random) -> TrainingPage:
    """A page of running text in one or two columns, broken into printed lines.

    Args:
        lines: of the text, at least one.
        rng: the random generator.
    """
    width, height = TEXT_PAGE
    columns = rng.choice((1, 1, 2))
    size = rng.uniform(12, 22)
    per_line = int((width - 160) / columns / size * rng.uniform(1.2, 1.8))
    place = rng.randrange(len(lines))
    text = " ".join(lines[place : place + 40])
    laid: list[TrainingLine] = []
    column, y = 0, 100.0
    column_width = (width - 160) / columns - 20
    while text and column < columns:
        piece = text[: max(per_line, 8)]
        text = text[len(piece) :]
        share = len(piece) / per_line * rng.uniform(0.9, 1.0)
        x0 = 80.0 + column * (column_width + 20)
        box = (x0, y, x0 + column_width * min(share, 1), y + size)
        laid.append(TrainingLine(piece, box, (None,) * len(piece)))
        y += size * rng.uniform(1.2, 2.2)
        if y > height - 100:
            column, y = column + 1, 100.0
    return TrainingPage(width, height, tuple(laid), {}, frozenset())
