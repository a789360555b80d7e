"""Scores of several readings: standard errors, mean and spread."""

import pytest

from beam_kie.evaluation.metrics import Score
from beam_kie.evaluation.pairs import PairScores, standard_error
from beam_kie.evaluation.readings import readings_table


def test_the_standard_error_is_that_of_drawing_pages_again():
    """Pages that are all right or all wrong: F1 is the share of right ones, a binomial share."""
    pages = [Score(10, 10, 10)] * 20 + [Score(0, 10, 10)] * 20
    assert standard_error(pages) == pytest.approx((0.5 * 0.5 / 40) ** 0.5, rel=0.1)
    assert standard_error([Score(5, 10, 10)] * 40) == 0
    assert standard_error([]) == standard_error([Score()]) == 0


def test_the_table_has_every_reading_and_how_far_they_lie_apart():
    def scores(strict, lenient):
        return PairScores((Score(strict, 10, 10),), (Score(lenient, 10, 10),))

    *_, first, second, last = readings_table({"default": scores(6, 7), "tight": scores(4, 6)})
    assert first.split()[-4:] == ["60.00", "0.00", "70.00", "0.00"]
    assert "tight" in second
    assert last.split()[-4:] == ["50.00", "20.00", "65.00", "10.00"]
    assert len(readings_table({"default": scores(6, 7)})) == 3
    assert readings_table({}) == []
