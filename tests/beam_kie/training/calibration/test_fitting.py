import numpy as np
import pytest

from beam_kie.layoutxlm.decoding.calibration import look_up
from beam_kie.training.calibration.confidences import PageConfidences
from beam_kie.training.calibration.fitting import (
    AS_COMPUTED,
    TABLE,
    TABLES,
    TEMPERATURE,
    TEMPERATURES,
    FittedCalibration,
    choose_ways,
    crosswise,
    fit,
    fit_table,
    halves,
    joined,
    log_loss,
)
from beam_kie.training.calibration.reliability import reliability
from tests.small_networks import small_config


def cooled(confidences, temperatures=TEMPERATURES):
    """Confidences of two outcomes at every temperature."""
    logits = np.log(confidences) - np.log1p(-confidences)
    return np.stack([1 / (1 + np.exp(-logits / temperature)) for temperature in temperatures])


def page(number, truth, seed=0, source="s", lines="gold", count=400):
    """``count`` entities and half as many relations; a confidence c is right with probability truth(c)."""
    random = np.random.default_rng([seed, number])
    entities = random.uniform(0.05, 0.995, count)
    right = random.uniform(size=count) < truth(entities)
    keys, values = np.arange(0, count, 2), np.arange(1, count, 2)
    links = random.uniform(0.5, 0.995, count // 2)
    linked = random.uniform(size=count // 2) < links
    return PageConfidences(
        source,
        lines,
        f"p{number}",
        TEMPERATURES,
        entities=cooled(entities),
        entity_right=right,
        links=cooled(links),
        keys=keys,
        values=values,
        relation_right=right[keys] & right[values] & linked,
        given_links=cooled(links),
        given_right=linked,
    )


def squared(confidences):
    return confidences**2


def test_a_table_finds_the_truth_and_keeps_the_order():
    random = np.random.default_rng(0)
    confidences = random.uniform(size=20_000)
    table = fit_table(confidences, random.uniform(size=20_000) < squared(confidences))

    grid = np.linspace(0.05, 0.98, 50)
    assert np.abs(look_up(grid, table) - squared(grid)).max() < 0.03
    assert (np.diff(look_up(grid, table)) > 0).all()
    assert small_config(entity_calibration=table).calibration.entity_calibration == table


@pytest.mark.parametrize("right", [True, False])
def test_a_table_of_a_few_examples_of_one_kind_is_a_table_still(right):
    table = fit_table(np.array([0.8, 0.9, 0.95]), np.full(3, right))

    assert small_config(entity_calibration=table)
    assert (look_up(np.array([0.9]), table) > 0.9) == right


def test_a_temperature_is_found():
    # The computed confidences claim what scores twice as large would.
    wrong = TEMPERATURES.index(2.0)
    pages = [page(number, lambda c: cooled(c)[wrong]) for number in range(10)]

    made = fit(pages, TEMPERATURE, TEMPERATURE)

    assert (made.entity_temperature, made.relation_temperature) == (2.0, 1.0)
    assert made.entity_calibration == made.relation_calibration == ()


def test_pages_are_measured_with_what_the_other_half_gave():
    pages = [page(number, squared) for number in range(6)]
    sides = halves(pages)
    # One half is always right, the other never.
    for one, side in zip(pages, sides, strict=True):
        one.entity_right[:] = side == 0

    means = [made.entities(one).mean() for one, made in crosswise(pages, TABLE, AS_COMPUTED)]

    assert all(mean < 0.1 if side == 0 else mean > 0.9 for mean, side in zip(means, sides, strict=True))


def test_the_halves_divide_every_source_and_keep_the_views_of_a_page_together():
    pages = [
        page(n, squared, source=s, lines=v, count=2) for n in range(6) for s in "ab" for v in ("gold", "OCR")
    ]

    sides = halves(pages)

    assert sides == halves(pages)
    of_page = {}
    for each, side in zip(pages, sides, strict=True):
        of_page.setdefault((each.source, each.name), set()).add(side)
    assert all(len(both) == 1 for both in of_page.values())
    for source in "ab":
        assert sum(side for (s, _), (side,) in of_page.items() if s == source) == 3


def test_calibrated_confidences_fit_in_cross_validation():
    pages = [page(number, squared) for number in range(10)]

    ways = choose_ways(pages)
    after = crosswise(pages, *ways)

    assert ways[0] == TABLE
    right = joined(p.entity_right for p in pages)
    assert reliability(joined(FittedCalibration().entities(p) for p in pages), right).ece > 0.1
    assert reliability(joined(c.entities(p) for p, c in after), right).ece < 0.03
    right = joined(p.relation_right for p in pages)
    assert reliability(joined(FittedCalibration().relations(p) for p in pages), right).ece > 0.1
    assert reliability(joined(c.relations(p) for p, c in after), right).ece < 0.04


def test_gold_lines_and_lines_that_ocr_read_get_tables_of_their_own_where_they_differ():
    pages = [page(n, lambda c: c, lines="gold") for n in range(10)]
    pages += [page(n, squared, lines="OCR") for n in range(10, 20)]

    ways = choose_ways(pages)

    assert ways[0] == TABLES
    for lines in ("gold", "OCR"):
        right = joined(p.entity_right for p in pages if p.lines == lines)
        own, shared = (
            joined(c.entities(p) for p, c in crosswise(pages, way, AS_COMPUTED) if p.lines == lines)
            for way in (TABLES, TABLE)
        )
        assert reliability(own, right).ece < 0.03 < 0.06 < reliability(shared, right).ece
    made = fit(pages, TABLES, TABLES)
    assert made.read_entity_calibration != made.entity_calibration
    assert made.read_relation_calibration != made.relation_calibration


@pytest.mark.parametrize("lines", ["gold", "OCR"])
def test_pages_of_one_kind_of_lines_have_one_table(lines):
    pages = [page(number, squared, lines=lines) for number in range(6)]

    assert choose_ways(pages)[0] == TABLE
    made = fit(pages, TABLES, TABLES)
    assert made == fit(pages, TABLE, TABLE)
    assert made.read_entity_calibration == made.read_relation_calibration == ()


def test_calibrated_confidences_stay():
    pages = [page(number, lambda c: c) for number in range(10)]
    ways = choose_ways(pages)
    after = crosswise(pages, *ways)

    right = joined(p.entity_right for p in pages)
    assert reliability(joined(c.entities(p) for p, c in after), right).ece < 0.03
    assert (
        log_loss(joined(c.entities(p) for p, c in after), right)
        <= log_loss(joined(FittedCalibration().entities(p) for p in pages), right) + 1e-3
    )


def test_temperatures_stay_so_that_nothing_else_is_found():
    pages = [page(number, squared) for number in range(6)]
    start = FittedCalibration(1.4, 0.75, ((0.0, 0.5), (1.0, 1.0)))

    ways = choose_ways(pages, start)
    made = fit(pages, *ways, start)

    assert TEMPERATURE not in ways
    assert (made.entity_temperature, made.relation_temperature) == (1.4, 0.75)
    assert made == fit(pages, *ways, FittedCalibration(1.4, 0.75))
    assert made.entity_calibration != fit(pages, *ways).entity_calibration
    assert all(c.entity_temperature == 1.4 for _, c in crosswise(pages, *ways, start))


def test_pages_without_findings_change_nothing():
    pages = [page(number, squared, count=0) for number in range(4)]

    assert choose_ways(pages) == (AS_COMPUTED, AS_COMPUTED)
    assert fit(pages, TABLE, TABLE).entity_temperature == 1.0


def test_a_temperature_that_was_not_measured_is_an_error():
    with pytest.raises(ValueError, match="3"):
        FittedCalibration(3.0).entities(page(0, squared))
