"""What text lines look like: a strip of grey pixels each, and the part of the network that reads it.

Forms are printed in one face and filled in with another, by hand or by machine: a thing that boxes and text
do not tell. LayoutXLM looks at the whole page in 7 x 7 cells (arXiv 2104.08836, section 2.2), of which a line
is a sliver; here every token sees its own piece of its line, in the size of the print, and what stands before
the line (a box to tick). Lines without pixels are read as before.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from beam_kie.document import Box
from beam_kie.layoutxlm.config import LayoutXLMConfig

HEIGHT = 24
"""Rows of a strip: the line in the middle two thirds, what is above and below in the others."""

MARGIN = 24
"""Columns before and behind the line: one and a half times its height."""

MAX_LINE = 1_000
"""Columns of a line at most; longer lines are squeezed."""

_TEXT_ROWS = 16
_STRIDE = 8
_WHITE, _CONTRAST = 220.0, 80.0  # about the mean and the deviation of grey levels on printed lines
_GAP = 24  # a column of features sees no further: lines do not look at their neighbours on the tape


class TokenPlaces(NamedTuple):
    """Where T tokens stand: ``lines``, the index of their line, and ``first`` and ``last``, the shares of its
    width at which they begin and end, 0 to 1."""

    lines: np.ndarray
    first: np.ndarray
    last: np.ndarray


def cut_strip(grey: np.ndarray, box: Box) -> np.ndarray:
    """The strip of the line in ``box`` (pixels): HEIGHT x W uint8, MARGIN columns on either side of the line.

    ``grey`` is the page, H x W uint8; what lies outside of it is white.
    """
    x0, y0, x1, y1 = box
    scale = _TEXT_ROWS / max(y1 - y0, 1.0)
    width = int(min(max(round((x1 - x0) * scale), 1), MAX_LINE))
    across = (x1 - x0) / width if x1 > x0 else 1 / scale
    above = (HEIGHT - _TEXT_ROWS) / 2 / scale
    left, right = x0 - MARGIN * across, x1 + MARGIN * across
    part = _crop(grey, round(left), round(y0 - above), round(right), round(y1 + above))
    return cv2.resize(part, (width + 2 * MARGIN, HEIGHT), interpolation=cv2.INTER_AREA)


def _crop(grey: np.ndarray, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """A part of the page, at least one pixel; white where it reaches beyond."""
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    height, width = grey.shape
    inside = grey[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    if inside.shape == (y1 - y0, x1 - x0):
        return inside
    part = np.full((y1 - y0, x1 - x0), 255, np.uint8)
    if inside.size:
        part[max(-y0, 0) : min(y1, height) - y0, max(-x0, 0) : min(x1, width) - x0] = inside
    return part


def page_strips(pixels: np.ndarray, boxes: Sequence[Box]) -> list[np.ndarray]:
    """The strips of lines at ``boxes`` (pixels) on a page of H x W x 3 uint8 RGB."""
    if not boxes:
        return []
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return [cut_strip(grey, box) for box in boxes]


def pack_strips(strips: Sequence[np.ndarray]) -> bytes:
    """Strips as bytes that travel with the page; about a third of their size."""
    widths = np.array([strip.shape[1] for strip in strips], dtype="<u2")
    parts = [strip.tobytes() for strip in strips]
    return zlib.compress(np.array([len(strips)], "<u4").tobytes() + widths.tobytes() + b"".join(parts), 1)


def unpack_strips(packed: bytes) -> list[np.ndarray]:
    """What ``pack_strips`` was given. Raises ValueError where the bytes are none of its."""
    try:
        data = zlib.decompress(packed)
        (count,) = np.frombuffer(data, "<u4", 1)
        widths = np.frombuffer(data, "<u2", int(count), 4).astype(int)
    except (zlib.error, ValueError) as error:
        raise ValueError(f"these are no strips of lines: {error}") from error
    ends = 4 + 2 * len(widths) + HEIGHT * np.cumsum(widths, dtype=int)
    if len(data) != (ends[-1] if len(ends) else 4):
        raise ValueError("these are no strips of lines: their widths do not add up")
    return [
        np.frombuffer(data, np.uint8, HEIGHT * width, end - HEIGHT * width).reshape(HEIGHT, width)
        for width, end in zip(widths.tolist(), ends.tolist(), strict=True)
    ]


class StripReader(nn.Module):
    """Three convolutions along the strips of many lines at once; every token takes the mean of its columns.

    To the token's own columns it adds those just before its line.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        sizes = (1, *config.strip_channels)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=2, padding=1) for before, after in itertools.pairwise(sizes)
        )
        rows = HEIGHT // 2 ** len(config.strip_channels)
        self.columns = nn.Conv2d(sizes[-1], sizes[-1], (rows, 3), padding=(0, 1))
        # Tokens differ little in the means of their columns: these are stretched to a variance of one.
        self.norm = nn.BatchNorm1d(2 * sizes[-1], momentum=0.02, affine=False)
        self.dense = nn.Linear(2 * sizes[-1], config.hidden_size)

    def reset(self) -> None:
        """Random weights that keep the variance of the ink, and looks that begin as nothing.

        Looks of random size would hide the text, from which everything else is learned.
        """
        for convolution in (*self.convolutions, self.columns):
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            nn.init.zeros_(convolution.bias)
        nn.init.zeros_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, strips: Sequence[np.ndarray | None], places: TokenPlaces) -> Tensor:
        """T x H of ``places``; zero for tokens of lines whose strip is None."""
        device = self.dense.weight.device
        looks = torch.zeros(len(places.lines), self.dense.out_features, device=device)
        tape, starts = _tape(strips)
        seen = np.flatnonzero(np.isin(places.lines, [i for i, s in enumerate(strips) if s is not None]))
        if len(seen) < 1 + self.training:  # one token alone has no variance to learn from
            return looks
        columns = self._read(torch.from_numpy(tape).to(device))
        own, before = (
            _means(columns, *(torch.from_numpy(bound).to(device) for bound in bounds))
            for bounds in _bounds(strips, starts, places, seen)
        )
        found = self.dense(self.norm(torch.cat([own, before], 1)))
        return looks.index_put((torch.from_numpy(seen).to(device),), found.float())

    def _read(self, tape: Tensor) -> Tensor:
        """HEIGHT x W uint8 to W / 8 x C features."""
        ink = (_WHITE - tape.float()[None, None]) / _CONTRAST
        for convolution in self.convolutions:
            ink = functional.gelu(convolution(ink))
        return functional.gelu(self.columns(ink))[0, :, 0].T.float()


def _tape(strips: Sequence[np.ndarray | None]) -> tuple[np.ndarray, np.ndarray]:
    """All strips side by side, white around them, and the column at which each one starts."""
    widths = [0 if strip is None else -(-strip.shape[1] // _STRIDE) * _STRIDE + _GAP for strip in strips]
    starts = np.cumsum([_GAP, *widths])
    tape = np.full((HEIGHT, int(starts[-1])), 255, np.uint8)
    for strip, start in zip(strips, starts[:-1].tolist(), strict=True):
        if strip is not None:
            tape[:, start : start + strip.shape[1]] = strip
    return tape, starts[:-1]


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
