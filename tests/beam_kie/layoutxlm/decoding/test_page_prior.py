import numpy as np
import pytest

from beam_kie.layoutxlm.decoding.page_prior import page_prior, script_changes


def test_scripts_are_compared_where_the_pieces_meet():
    texts = ["姓名", "Name", "名字 2", " ", "a", "住址"]
    assert script_changes(texts, [1, 0, 1, 0, 3, 0]) == [True, False, True, None, None, None]


def test_every_piece_hears_the_others_that_change_as_it_does():
    odds = np.array([1.0, 2.0, 3.0, -1.0, 5.0])
    assert page_prior(odds, [False, False, False, None, True], 0.5) == pytest.approx([1.25, 1.0, 0.75, 0, 0])


def test_too_few_are_no_habit_and_hopeless_ones_do_not_count():
    odds = np.array([1.0, 2.0, -4.5, -np.inf])
    assert page_prior(odds, [True] * 4, 2.0).tolist() == [0] * 4
    assert page_prior(np.zeros(0), [], 2.0).tolist() == []


def test_a_page_that_does_not_join_speaks_against_it():
    added = page_prior(np.array([0.5, -2.0, -2.0]), [True] * 3, 1.0)
    assert added[0] == -2.0
