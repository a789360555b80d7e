"""Keys of values that are known to be values, as where entities are given and not found.

That a value has no key is mostly a sign that it is none. Where its label is certain, "no key" is what is left
when the key stands in an unusual place, and the keys among themselves say which one it is.
"""

from __future__ import annotations

import torch
from torch import Tensor


def with_keys_of_certain_values(
    probabilities: Tensor, threshold: Tensor, certain: Tensor, least: float
) -> tuple[Tensor, Tensor]:
    """Probabilities and thresholds with which certain values have the key that stands out.

    Args:
        probabilities: V x K, of every key of V values; with "no key" they come to 1.
        threshold: V x 1, what a key has to exceed.
        certain: V bool, which values are known to be values.
        least: the least share that a key has of what all keys have together, above 0.5, up to 1.

    Returns:
        Both again. In the rows of certain values without a link and with such a key they are the shares of
        the keys, and half of ``least``; all others are as they were.
    """
    total = probabilities.sum(1, keepdim=True)
    shares = probabilities / total.clamp(min=torch.finfo(probabilities.dtype).tiny)
    has_no_link = (probabilities <= threshold).all(1, keepdim=True)
    changed = certain[:, None] & has_no_link & (shares >= least).any(1, keepdim=True)
    return (
        torch.where(changed, shares, probabilities),
        torch.where(changed, torch.full_like(threshold, least / 2), threshold),
    )
