"""Confidences of what a model finds on labelled pages, and which of it is right.

Every page is measured on its gold lines and, where there are any, on the lines that OCR read. There the gold
entities are the characters that ``beam_kie.labelled.alignment`` gives them, so that a misread letter does not
count against the model.
"""

from __future__ import annotations

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
from beam_kie.layoutxlm.config import Calibration
from beam_kie.layoutxlm.decoding.entities import entity_from_spans
from beam_kie.layoutxlm.reading import EncodedPage

GOLD, OCR = "gold", "OCR"
Found = tuple[str, Place]


class Model(Protocol):
    """The part of a model's interface that the calibration uses; KieModel has it."""

    def with_config(self, *, calibration: Calibration) -> Model:
        """The same model with another calibration.

        Args:
            calibration: the other one.
        """
        ...

    def encode(self, pages: Sequence[PageText]) -> list[EncodedPage]:
        """What the networks say of every page.

        Args:
            pages: their lines, and their pictures where the model needs them.
        """
        ...

    def decide(self, encoded: Sequence[EncodedPage]) -> list[PageResult]:
        """Entities and relations of every page.

        Args:
            encoded: pages, by this model with any calibration.
        """
        ...

    def relate_encoded(
        self, encoded: Sequence[EncodedPage], entities: Sequence[Sequence[Entity]]
    ) -> list[PageResult]:
        """Relations between the given entities of every page.

        Args:
            encoded: as of ``decide``.
            entities: of every page.
        """
        ...


@dataclass(frozen=True)
class PageConfidences:
    """What was found on a page, at each of T ``temperatures``, and whether it is right.

    ``entities``: T x E; ``links``: T x R, that the ends of a relation belong together; ``keys`` and
    ``values``: R indices of the ends; ``given_links``: T x G, of relations between the gold entities.
    A relation is right when its key, its value and their link are.
    """

    source: str
    lines: str
    name: str
    temperatures: Sequence[float]
    entities: np.ndarray
    entity_right: np.ndarray
    links: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    relation_right: np.ndarray
    given_links: np.ndarray
    given_right: np.ndarray

    def at(self, temperature: float) -> int:
        """Which of T a temperature is; ValueError for one that was not measured.

        Args:
            temperature: that scores were divided by.
        """
        return list(self.temperatures).index(temperature)


def gold_on_ocr_lines(
    labelled: LabelledPage, gold: GoldPage, lines: Sequence[TextLine], pairing: Pairing
) -> GoldPage:
    """A gold page with the lines that OCR read in place of its own, and its entities on these.

    Entities that are on no line are left out, with their pairs.

    Args:
        labelled: the page, with all that its labels say.
        gold: the same page.
        lines: that OCR read on it.
        pairing: the labels that a link may have at its ends.
    """
    view = ocr_view(labelled, lines, pairing)
    page = gold.page.with_read_lines(
        TextLine(line.text, box_polygon(line.box), char_spans=line.char_spans) for line in view.lines
    )
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
            owner = line.owners[start]
            if owner is not None and line.text[start:end].strip():
                found.setdefault(owner, []).append(LineSpan(number, start, end))
            start = end
    return found


def measure_confidences(
    model: Model,
    pages: Mapping[tuple[str, str], Sequence[GoldPage]],
    temperatures: Sequence[float],
    progress: Progress = no_progress,
) -> list[PageConfidences]:
    """Confidences of a model on gold pages, without its own calibration.

    Args:
        model: that is measured.
        pages: by source and lines.
        temperatures: to divide scores by, above 0. They change confidences, but not what is found; the
            findings of the first one are kept.
        progress: called with the name of the work, pages done and pages in all.
    """
    found: list[PageConfidences] = []
    total = sum(len(each) for each in pages.values())
    models = [model.with_config(calibration=Calibration(each, each)) for each in temperatures]
    for (source, lines), gold in pages.items():
        for chunk in chunks(gold):
            found += _measure_chunk(models, temperatures, source, lines, chunk)
            progress("confidences", len(found), total)
    return found


def _measure_chunk(
    models: Sequence[Model],
    temperatures: Sequence[float],
    source: str,
    lines: str,
    gold: Sequence[GoldPage],
) -> Iterator[PageConfidences]:
    """``models``: one for every temperature."""
    encoded = models[0].encode([page.page for page in gold])
    entities = [page.entities for page in gold]
    predicted = [model.decide(encoded) for model in models]
    related = [model.relate_encoded(encoded, entities) for model in models]
    for page, results, given in zip(
        gold, zip(*predicted, strict=True), zip(*related, strict=True), strict=True
    ):
        yield _compared(source, lines, temperatures, page, results, given)


def _compared(
    source: str,
    lines: str,
    temperatures: Sequence[float],
    gold: GoldPage,
    results: Sequence[PageResult],
    given: Sequence[PageResult],
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
        temperatures,
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
    """What a gold entity is recognised by: its label and its characters."""
    return entity.label, tuple(sorted(place(entity, page)))
