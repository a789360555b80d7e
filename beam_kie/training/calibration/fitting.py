"""Fits the calibration of confidences on labelled pages.

A temperature (Guo et al. 2017, arXiv 1706.04599), or a table, or one table each for gold lines and for lines
that OCR read. A table holds points of a beta calibration (Kull et al. 2017), a rising curve of three numbers,
so that few pages suffice and the order of confidences stays. A model gets tables alone: they leave scores as
they are, so that nothing else is found, whereas another temperature changes what a cut costs beside them.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from beam_kie.layoutxlm.config import Calibration
from beam_kie.layoutxlm.decoding.calibration import Table, look_up
from beam_kie.training.calibration.confidences import GOLD, PageConfidences

TEMPERATURES = (1.0, 0.75, 1.4, 2.0)
"""Those that are compared. Each reads all pages once, and so do those that the model has."""
AS_COMPUTED, TEMPERATURE, TABLE = "as computed", "temperature", "table"
TABLES = "table for each kind of lines"
WAYS = (AS_COMPUTED, TABLE, TABLES)
"""What a model may get. A temperature is measured beside them."""
# Where confidences crowd, the points of a table stand closer.
_POINTS = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 1)
_EDGE = 1e-4  # logarithms of 0 are no use


@dataclass(frozen=True)
class FittedCalibration(Calibration):
    """A calibration of the configuration, and what it reports of measured pages.

    Entities: at ``entity_temperature``, through a table. Relations: key x value x link (at
    ``relation_temperature``), through a table. Gold lines are whole lines.
    """

    def entities(self, page: PageConfidences) -> np.ndarray:
        """The calibrated confidences of the entities.

        Args:
            page: its measured confidences.
        """
        table = self.of_entities(page.lines == GOLD)
        return look_up(page.entities[page.at(self.entity_temperature)], table)

    def relations(self, page: PageConfidences) -> np.ndarray:
        """The calibrated confidences of the relations between the entities that were found.

        Args:
            page: its measured confidences.
        """
        ends = self.entities(page)
        links = page.links[page.at(self.relation_temperature)]
        table = self.of_relations(page.lines == GOLD)
        return look_up(ends[page.keys] * ends[page.values] * links, table)

    def given_relations(self, page: PageConfidences) -> np.ndarray:
        """The calibrated confidences of the relations between gold entities, whose own confidence is 1.

        Args:
            page: its measured confidences.
        """
        table = self.of_relations(page.lines == GOLD)
        return look_up(page.given_links[page.at(self.relation_temperature)], table)


def log_loss(confidences: np.ndarray, right: np.ndarray) -> float:
    """The mean negative log likelihood of the truths, in nats.

    Args:
        confidences: N, in [0, 1].
        right: N bool, whether each finding is right.
    """
    sure = np.clip(confidences, _EDGE, 1 - _EDGE)
    return float(-np.mean(np.where(right, np.log(sure), np.log1p(-sure)))) if len(right) else 0.0


def fit_table(confidences: np.ndarray, right: np.ndarray) -> Table:
    """The table of the beta calibration (Kull et al. 2017) with the least log loss; empty without findings.

    Args:
        confidences: N, in [0, 1].
        right: N bool, whether each finding is right.
    """
    if not len(right):
        return ()
    features = _beta_features(confidences)
    signs = np.where(right, 1.0, -1.0)

    def loss(weights: np.ndarray) -> float:
        # The small term keeps few or perfectly divided examples from running off to infinity.
        prior = 0.5 * np.sum((weights - [1, 1, 0]) ** 2) / len(signs)
        return float(np.mean(np.logaddexp(0, -signs * (features @ weights))) + prior)

    limits = [(0, None), (0, None), (None, None)]  # a falling curve would turn the order round
    weights = minimize(loss, [1.0, 1.0, 0.0], bounds=limits, method="L-BFGS-B").x
    reported = 1 / (1 + np.exp(-(_beta_features(np.array(_POINTS, dtype=float)) @ weights)))
    return tuple((float(x), round(float(y), 4)) for x, y in zip(_POINTS, reported, strict=True))


def _beta_features(confidences: np.ndarray) -> np.ndarray:
    sure = np.clip(confidences, _EDGE, 1 - _EDGE)
    return np.stack([np.log(sure), -np.log1p(-sure), np.ones_like(sure)], axis=-1)


NOTHING = FittedCalibration()
"""Confidences as computed, at temperatures of 1."""


def fit(
    pages: Sequence[PageConfidences], entity_way: str, relation_way: str, start: FittedCalibration = NOTHING
) -> FittedCalibration:
    """The calibration with the least log loss on these pages.

    Args:
        pages: measured confidences.
        entity_way: how entities are calibrated, one of ``WAYS``, or TEMPERATURE.
        relation_way: the same of relations.
        start: has the temperatures that stay, but where a way is TEMPERATURE; its tables do not count.
    """
    made = FittedCalibration(start.entity_temperature, start.relation_temperature)
    if entity_way == TEMPERATURE:
        right = joined(page.entity_right for page in pages)
        made = _coolest(made, "entity_temperature", pages, lambda each, page: each.entities(page), right)
    made = _with_tables(made, "entity_calibration", entity_way, pages, _entities)
    if relation_way == TEMPERATURE:
        right = joined(page.given_right for page in pages)
        made = _coolest(
            made, "relation_temperature", pages, lambda each, page: each.given_relations(page), right
        )
    return _with_tables(made, "relation_calibration", relation_way, pages, _relations)


Findings = Callable[[FittedCalibration, PageConfidences], tuple[np.ndarray, np.ndarray]]


def _entities(made: FittedCalibration, page: PageConfidences) -> tuple[np.ndarray, np.ndarray]:
    return made.entities(page), page.entity_right


def _relations(made: FittedCalibration, page: PageConfidences) -> tuple[np.ndarray, np.ndarray]:
    return made.relations(page), page.relation_right


def _with_tables(
    made: FittedCalibration, field: str, way: str, pages: Sequence[PageConfidences], findings: Findings
) -> FittedCalibration:
    """``made`` with the tables of a field that ``way`` asks for; one where all lines are of one kind."""
    if way not in (TABLE, TABLES):
        return made
    gold = [page for page in pages if page.lines == GOLD]
    read = [page for page in pages if page.lines != GOLD]
    apart = way == TABLES and gold and read
    tables = {}
    for name, chosen in ((field, gold), (f"read_{field}", read)) if apart else ((field, pages),):
        found = [findings(made, page) for page in chosen]
        tables[name] = fit_table(joined(each for each, _ in found), joined(right for _, right in found))
    return dataclasses.replace(made, **tables)


def _coolest(
    made: FittedCalibration,
    field: str,
    pages: Sequence[PageConfidences],
    confidences: Callable[[FittedCalibration, PageConfidences], np.ndarray],
    right: np.ndarray,
) -> FittedCalibration:
    """``made`` with the temperature of the least log loss."""
    tried = [dataclasses.replace(made, **{field: temperature}) for temperature in TEMPERATURES]
    return min(tried, key=lambda each: log_loss(joined(confidences(each, page) for page in pages), right))


def joined(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """Arrays one after the other; an empty one where there are none.

    Args:
        arrays: N_i each, of any number.
    """
    return np.concatenate([*arrays, np.zeros(0)])


def halves(pages: Sequence[PageConfidences], seed: int = 0) -> list[int]:
    """Divides the pages in two for cross-validation: half of each source's pages, all views of a page
    together.

    Args:
        pages: measured confidences.
        seed: of the division.

    Returns:
        0 or 1 for every page.
    """
    names = sorted({(page.source, page.name) for page in pages})
    random.Random(seed).shuffle(names)
    places: dict[str, int] = {}
    half = {}
    for source, name in names:
        half[source, name] = places.get(source, 0) % 2
        places[source] = places.get(source, 0) + 1
    return [half[page.source, page.name] for page in pages]


def crosswise(
    pages: Sequence[PageConfidences], entity_way: str, relation_way: str, start: FittedCalibration = NOTHING
) -> list[tuple[PageConfidences, FittedCalibration]]:
    """Every page with the calibration that was fitted on the other half.

    Args:
        pages: measured confidences.
        entity_way: as of ``fit``.
        relation_way: as of ``fit``.
        start: as of ``fit``.
    """
    sides = halves(pages)
    others = [[page for page, side in zip(pages, sides, strict=True) if side != half] for half in (0, 1)]
    fitted = [fit(each, entity_way, relation_way, start) for each in others]
    return [(page, fitted[side]) for page, side in zip(pages, sides, strict=True)]


def choose_ways(pages: Sequence[PageConfidences], start: FittedCalibration = NOTHING) -> tuple[str, str]:
    """The ways of calibrating entities and relations with the least log loss in cross-validation.

    Args:
        pages: measured confidences.
        start: as of ``fit``.
    """

    def of_entities(way: str) -> float:
        fitted = crosswise(pages, way, AS_COMPUTED, start)
        return log_loss(joined(c.entities(p) for p, c in fitted), joined(p.entity_right for p in pages))

    entity_way = min(WAYS, key=of_entities)

    def of_relations(way: str) -> float:
        fitted = crosswise(pages, entity_way, way, start)
        return log_loss(joined(c.relations(p) for p, c in fitted), joined(p.relation_right for p in pages))

    return entity_way, min(WAYS, key=of_relations)
