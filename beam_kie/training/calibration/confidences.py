"""Confidences beside the truth: what a model finds on labelled pages, and which of it is right.

Every page is looked at on its gold lines and, where they are at hand, on the lines that OCR read. There the
gold entities are the characters that ``beam_kie.labelled.alignment`` gives them, so that what counts is the
model's work and not a misread letter.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from beam_kie.document import Entity, LineSpan, PageResult, PageText, TextLine
from beam_kie.evaluation.measure import Place, Progress, chunks, no_progress, place
from beam_kie.geometry import box_polygon
from beam_kie.labelled.alignment import Pairing, TrainingPage, ocr_view
from beam_kie.labelled.formats import LabelledPage
from beam_kie.labelled.gold import GoldPage
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding import entity_from_spans

GOLD, OCR = "gold", "OCR"
Found = tuple[str, Place]


class Model(Protocol):
    """What is asked of a model: that of ``measure.Model``, and a configuration that may be exchanged."""

    config: LayoutXLMConfig

    def predict(self, pages: Sequence[PageText]) -> list[PageResult]:
        """Entities and relations of every page."""

    def relate(self, pages: Sequence[PageText], entities: Sequence[Sequence[Entity]]) -> list[PageResult]:
        """Relations between the given entities of every page."""


@dataclass(frozen=True)
class PageConfidences:
    """What was found on a page, at each of T temperatures, and whether it is right.

    ``entities``: T x E; ``links``: T x R, that the ends of a relation belong together; ``keys`` and
    ``values``: R indices of the ends; ``given_links``: T x G, of relations between the gold entities.
    A relation is right when its key, its value and their link are.
    """

    source: str
    lines: str
    name: str
    entities: np.ndarray
    entity_right: np.ndarray
    links: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    relation_right: np.ndarray
    given_links: np.ndarray
    given_right: np.ndarray


def gold_on_ocr_lines(
    labelled: LabelledPage, gold: GoldPage, lines: Sequence[TextLine], pairing: Pairing
) -> GoldPage:
    """A gold page with the lines that OCR read in place of its own, and its entities on these.

    Entities that no line holds are left out, with their pairs.
    """
    view = ocr_view(labelled, lines, pairing)
    page = gold.page.with_read_lines(TextLine(line.text, box_polygon(line.box)) for line in view.lines)
    spans = _spans(view)
    index = {owner: number for number, owner in enumerate(spans)}
    entities = tuple(
        entity_from_spans(page, view.labels[owner], tuple(parts), 1.0) for owner, parts in spans.items()
    )
    pairs = tuple((index[a], index[b]) for a, b in sorted(view.relations) if a in index and b in index)
    return GoldPage(gold.name, page, entities, pairs)


def _spans(view: TrainingPage) -> dict[int, list[LineSpan]]:
    """The runs of characters of every entity, by its id, entities in reading order."""
    found: dict[int, list[LineSpan]] = {}
    for number, line in enumerate(view.lines):
        start = 0
        for end in range(1, len(line.owners) + 1):
            if end < len(line.owners) and line.owners[end] == line.owners[start]:
                continue
            if line.owners[start] is not None and line.text[start:end].strip():
                found.setdefault(line.owners[start], []).append(LineSpan(number, start, end))
            start = end
    return found


def measure_confidences(
    model: Model,
    pages: Mapping[tuple[str, str], Sequence[GoldPage]],
    temperatures: Sequence[float],
    progress: Progress = no_progress,
) -> list[PageConfidences]:
    """Confidences of ``model`` on pages by (source, lines), its own calibration left out.

    The first temperature is the one whose findings are judged; temperatures change confidences, not what
    is found.
    """
    own, found = model.config, []
    total = sum(len(each) for each in pages.values())
    try:
        for (source, lines), gold in pages.items():
            for chunk in chunks(gold):
                found += _measure_chunk(model, own, source, lines, chunk, temperatures)
                progress("confidences", len(found), total)
    finally:
        model.config = own
    return found


def _measure_chunk(
    model: Model,
    own: LayoutXLMConfig,
    source: str,
    lines: str,
    gold: Sequence[GoldPage],
    temperatures: Sequence[float],
) -> Iterator[PageConfidences]:
    predicted, related = [], []
    texts = [page.page for page in gold]
    for temperature in temperatures:
        model.config = dataclasses.replace(
            own,
            entity_temperature=temperature,
            relation_temperature=temperature,
            entity_calibration=(),
            relation_calibration=(),
        )
        predicted.append(model.predict(texts))
        related.append(model.relate(texts, [page.entities for page in gold]))
    for page, results, given in zip(
        gold, zip(*predicted, strict=True), zip(*related, strict=True), strict=True
    ):
        yield _judged(source, lines, page, results, given)


def _judged(
    source: str, lines: str, gold: GoldPage, results: Sequence[PageResult], given: Sequence[PageResult]
) -> PageConfidences:
    found = [_name(entity, gold.page) for entity in results[0].entities]
    wanted = [_name(entity, gold.page) for entity in gold.entities]
    pairs = {(wanted[key], wanted[value]) for key, value in gold.pairs}
    ends = [(r.head, r.tail) for r in results[0].relations]
    given_ends = [(r.head, r.tail) for r in given[0].relations]
    names = [[_name(entity, gold.page) for entity in result.entities] for result in results]
    return PageConfidences(
        source,
        lines,
        gold.name,
        entities=_column(
            [
                {name: entity.confidence for name, entity in zip(names_of, result.entities, strict=True)}
                for names_of, result in zip(names, results, strict=True)
            ],
            found,
        ),
        entity_right=np.array([name in wanted for name in found], dtype=bool),
        links=_column(
            [
                {(names_of[r.head], names_of[r.tail]): r.link_confidence for r in result.relations}
                for names_of, result in zip(names, results, strict=True)
            ],
            [(found[key], found[value]) for key, value in ends],
        ),
        keys=np.array([key for key, _ in ends], dtype=int),
        values=np.array([value for _, value in ends], dtype=int),
        relation_right=np.array([(found[a], found[b]) in pairs for a, b in ends], dtype=bool),
        given_links=_column(
            [{(r.head, r.tail): r.link_confidence for r in result.relations} for result in given], given_ends
        ),
        given_right=np.array([(wanted[a], wanted[b]) in pairs for a, b in given_ends], dtype=bool),
    )


def _column(confidences: Sequence[Mapping], names: Sequence) -> np.ndarray:
    """T x N: of every temperature the confidences of ``names``.

    Where rounding broke a tie the other way at a temperature, that of the first one stands in.
    """
    first = confidences[0]
    return np.array([[each.get(name, first[name]) for name in names] for each in confidences], dtype=float)


def _name(entity: Entity, page: PageText) -> Found:
    """What makes an entity the gold's: its label and its characters."""
    return entity.label, tuple(sorted(place(entity, page)))
