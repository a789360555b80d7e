"""Means of token states."""

import numpy as np
import torch

from beam_kie.layoutxlm.network.pooling import group_means

HIDDEN = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))


def test_every_group_is_the_mean_of_its_tokens():
    groups = [np.array([0, 2]), np.array([5]), np.array([1, 2, 3])]
    wanted = torch.stack([HIDDEN[group].mean(0) for group in groups])
    assert torch.allclose(group_means(HIDDEN, groups), wanted, atol=1e-6)


def test_a_group_without_tokens_is_zero():
    found = group_means(HIDDEN, [np.array([], np.int64), np.array([1])])
    assert found[0].eq(0).all() and torch.equal(found[1], HIDDEN[1])


def test_no_groups_give_no_rows():
    assert group_means(HIDDEN, []).shape == (0, 4)


def test_states_learn_from_means():
    hidden = HIDDEN.clone().requires_grad_()
    group_means(hidden, [np.array([0, 1])]).sum().backward()
    assert torch.equal(hidden.grad[:3, 0], torch.tensor([0.5, 0.5, 0.0]))
