"""Mean pooling of the states of groups of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def group_means(hidden: Tensor, groups: Sequence[np.ndarray]) -> Tensor:
    """The mean state of each group, G x H; zero where a group has no tokens.

    Args:
        hidden: T x H.
        groups: G arrays of token indices.
    """
    sizes = [len(group) for group in groups]
    places = torch.from_numpy(np.concatenate([np.empty(0, np.int64), *groups])).to(hidden.device)
    owners = torch.from_numpy(np.repeat(np.arange(len(groups)), sizes)).to(hidden.device)
    sums = hidden.new_zeros(len(groups), hidden.shape[1]).index_add(0, owners, hidden[places])
    return sums / hidden.new_tensor(sizes).clamp(min=1)[:, None]
