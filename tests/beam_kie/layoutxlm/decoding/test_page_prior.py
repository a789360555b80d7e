import numpy as np
import pytest

from beam_kie.layoutxlm.decoding.page_prior import page_prior, script_changes


def test_scripts_are_compared_where_the_pieces_meet():
    texts = ["姓名", "Name", "名字 2", " ", "a", "住址"]
    assert script_changes(texts, [1, 0, 1, 0, 3, 0]) == [True, False, True, None, None, None]


def test_prior_of_a_piece_is_the_mean_of_the_others_with_the_same_change():
    odds = np.array([1.0, 2.0, 3.0, -1.0, 5.0])
    assert page_prior(odds, [False, False, False, None, True], 0.5) == pytest.approx([1.25, 1.0, 0.75, 0, 0])


def test_too_few_keys_give_no_prior_and_improbable_joins_do_not_count():
    odds = np.array([1.0, 2.0, -4.5, -np.inf])
    assert page_prior(odds, [True] * 4, 2.0).tolist() == [0] * 4
    assert page_prior(np.zeros(0), [], 2.0).tolist() == []


def test_keys_that_are_not_joined_lower_the_odds_of_a_join():
    added = page_prior(np.array([0.5, -2.0, -2.0]), [True] * 3, 1.0)
    assert added[0] == -2.0
