from types import SimpleNamespace

import pytest
import torch

from beam_kie.training.losses import relation_loss
from tests.small_networks import BUNDLED_KIND, small_config

CONFIG = small_config(**BUNDLED_KIND)


def page(*keys_of_values, keys=2):
    """A page with keys first, then a value for each tuple of indices of its keys."""
    labels = ["QUESTION"] * keys + ["ANSWER"] * len(keys_of_values)
    return SimpleNamespace(
        supervised=True,
        entity_labels=[CONFIG.labels.index(label) for label in labels],
        tails=[(keys + place, of_value) for place, of_value in enumerate(keys_of_values)],
    )


def loss(shares, *keys_of_values):
    """Of the probabilities of two keys and of "no key"."""
    return relation_loss([torch.tensor(shares).log()], [page(*keys_of_values)], CONFIG).item()


def test_a_value_with_one_key_and_one_without():
    assert loss([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]], (0,), ()) == pytest.approx(-torch.tensor(0.5).log())


def test_two_keys_of_a_value_are_best_with_equal_shares():
    equal, unequal = loss([[0.5, 0.5, 1e-9]], (0, 1)), loss([[0.9, 0.1, 1e-9]], (0, 1))
    assert equal == pytest.approx(-torch.tensor(0.5).log())
    assert unequal > equal


def test_a_key_that_labels_exclude_does_not_count():
    assert loss([[0.5, 0.0, 0.5]], (0, 1)) == pytest.approx(-torch.tensor(0.5).log())
    assert loss([[0.0, 0.0, 1.0]], (0, 1)) == pytest.approx(0)
