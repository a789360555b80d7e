"""The part of the network that reads the strips of text lines (inputs/strips.py)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.inputs.strips import HEIGHT, MARGIN, TokenPlaces

_STRIDE = 8
_WHITE, _CONTRAST = 220.0, 80.0  # about the mean and the deviation of grey levels on printed lines
_GAP = 24  # wider than the receptive field of a column: no line reaches its neighbours


class StripReader(nn.Module):
    """Three convolutions along the strips of many lines at once; every token takes the mean of its columns.

    To the token's own columns it adds those just before its line.

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        sizes = (1, *config.architecture.strip_channels)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=2, padding=1) for before, after in itertools.pairwise(sizes)
        )
        rows = HEIGHT // 2 ** len(config.architecture.strip_channels)
        self.columns = nn.Conv2d(sizes[-1], sizes[-1], (rows, 3), padding=(0, 1))
        # Tokens differ little in the means of their columns: these are stretched to a variance of one.
        self.norm = nn.BatchNorm1d(2 * sizes[-1], momentum=0.02, affine=False)
        self.dense = nn.Linear(2 * sizes[-1], config.architecture.hidden_size)

    def reset(self) -> None:
        """Random weights that keep the variance of the ink, and line features that begin as zero.

        Features of random size would hide the text, from which everything else is learned.
        """
        for module in (*self.convolutions, self.columns):
            weight, bias = module.parameters()
            nn.init.kaiming_normal_(weight, nonlinearity="relu")
            nn.init.zeros_(bias)
        nn.init.zeros_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, strips: Sequence[np.ndarray | None], places: TokenPlaces) -> Tensor:
        """A vector for every token, T x H; zero for tokens of lines without a strip.

        Args:
            strips: of the lines, HEIGHT x W uint8 each; None where a line has none.
            places: where the T tokens stand on their lines.
        """
        device = self.dense.weight.device
        features = torch.zeros(len(places.lines), self.dense.out_features, device=device)
        batch, starts = _strip_batch(strips)
        seen = np.flatnonzero(np.isin(places.lines, [i for i, s in enumerate(strips) if s is not None]))
        if len(seen) < 1 + self.training:  # one token alone has no variance to learn from
            return features
        columns = self._read(torch.from_numpy(batch).to(device))
        own, before = (
            _means(columns, *(torch.from_numpy(bound).to(device) for bound in bounds))
            for bounds in _bounds(strips, starts, places, seen)
        )
        found = self.dense(self.norm(torch.cat([own, before], 1)))
        return features.index_put((torch.from_numpy(seen).to(device),), found.float())

    def _read(self, batch: Tensor) -> Tensor:
        """HEIGHT x W uint8 to W / 8 x C features."""
        ink = (_WHITE - batch.float()[None, None]) / _CONTRAST
        for convolution in self.convolutions:
            ink = functional.gelu(convolution(ink))
        return functional.gelu(self.columns(ink))[0, :, 0].T.float()


def _strip_batch(strips: Sequence[np.ndarray | None]) -> tuple[np.ndarray, np.ndarray]:
    """All strips side by side, white around them, and the column at which each one starts."""
    widths = [0 if strip is None else -(-strip.shape[1] // _STRIDE) * _STRIDE + _GAP for strip in strips]
    starts = np.cumsum([_GAP, *widths])
    batch = np.full((HEIGHT, int(starts[-1])), 255, np.uint8)
    for strip, start in zip(strips, starts[:-1].tolist(), strict=True):
        if strip is not None:
            batch[:, start : start + strip.shape[1]] = strip
    return batch, starts[:-1]


def _bounds(
    strips: Sequence[np.ndarray | None], starts: np.ndarray, places: TokenPlaces, seen: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """First and last (exclusive) column of features of ``seen`` tokens, and of what is before their line."""
    widths = np.array([0 if strip is None else strip.shape[1] - 2 * MARGIN for strip in strips])
    lines = places.lines[seen]
    begin = starts[lines] + MARGIN
    first = np.floor((begin + places.first[seen] * widths[lines]) / _STRIDE).astype(np.int64)
    last = np.ceil((begin + places.last[seen] * widths[lines]) / _STRIDE).astype(np.int64)
    before = starts[lines] // _STRIDE
    return (first, np.maximum(last, first + 1)), (before, before + MARGIN // _STRIDE)


def _means(columns: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """Means of W x C over the columns ``first`` to ``last``, T each: T x C."""
    sums = functional.pad(columns.cumsum(0), (0, 0, 1, 0))
    return (sums[last] - sums[first]) / (last - first)[:, None]
