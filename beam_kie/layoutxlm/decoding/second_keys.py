"""The second key of a value in a table: the header of its row as well as that of its column."""

from __future__ import annotations

import torch
from torch import Tensor

_OVERLAP = 0.3  # of the smaller extent: less is a neighbouring row or column


def with_second_keys(
    probabilities: Tensor, linked: Tensor, keys: Tensor, values: Tensor, least: float
) -> tuple[Tensor, Tensor]:
    """Links and confidences of V values and K keys, in which a value may have two keys.

    A softmax head shares one probability among all keys of a value. A value with two right keys gives about
    half to each, so the probability of both is the sum, and that of the second alone is at most twice its
    share.

    Args:
        probabilities: V x K, the share of every key.
        linked: V x K bool, at most one key a value.
        keys: K x 4 boxes (x0, y0, x1, y1).
        values: V x 4 boxes.
        least: the least confidence of a second key, above 0, up to 1.

    Returns:
        V x K bool, at most two keys a value, one beside and one above or below it; and V x K confidences.
    """
    beside = _side_by_side(keys, values, along=0)
    stacked = _side_by_side(keys, values, along=1)
    first = probabilities.masked_fill(~linked, 0)
    first_beside = (linked & beside).any(1, keepdim=True)
    first_stacked = (linked & stacked).any(1, keepdim=True)
    others = (first_beside & stacked) | (first_stacked & beside)
    share, place = probabilities.masked_fill(~others | linked, 0).max(1, keepdim=True)
    both = share + first.sum(1, keepdim=True)
    confidence = torch.minimum(2 * share, both)
    has_second = confidence >= least
    second = torch.zeros_like(linked).scatter(1, place, has_second)
    confidences = torch.where(linked & has_second, both, probabilities)
    return linked | second, torch.where(second, confidence, confidences)


def _side_by_side(keys: Tensor, values: Tensor, along: int) -> Tensor:
    """V x K bool: whether boxes are apart along one axis (0: x, 1: y) and overlap across the other."""

    def overlap(axis: int) -> Tensor:
        ends = torch.minimum(values[:, None, axis + 2], keys[None, :, axis + 2])
        shared = ends - torch.maximum(values[:, None, axis], keys[None, :, axis])
        sizes = [boxes[:, axis + 2] - boxes[:, axis] for boxes in (values, keys)]
        return shared / torch.minimum(sizes[0][:, None], sizes[1][None]).clamp(min=1)

    return (overlap(along) < _OVERLAP) & (overlap(1 - along) >= _OVERLAP)
