"""Attention biases from the relative positions of two tokens or of their lines.

Shapes: B windows, T tokens of text, N text lines of a window, S all tokens, C columns.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.inputs.cells import CellRelation

MASKED = -1e4  # added to masked attention scores; finite in every dtype


@dataclass
class AttentionBias:
    """What is added to attention scores, as a product: bias = query @ key^T.

    query: B x heads-or-1 x T x C; key: the same. Appending both to the attention's own queries and keys
    makes scores and bias in one matrix product, without a T x T tensor for the bias.
    """

    query: Tensor
    key: Tensor


class LineBias(nn.Module):
    """Attention bias from where two text lines stand to each other, for every layer and head.

    LayoutLMv2's spatial-aware attention (arXiv 2012.14740, section 2.2) at the level of lines: all
    tokens of a line share a box, so the bias is computed per pair of lines and expanded to tokens by
    two matrix products. Distances are log-bucketed.

    Args:
        config: of the network.
    """

    BUCKETS = 32

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.heads, self.layers = (
            config.architecture.num_attention_heads,
            config.architecture.num_hidden_layers,
        )
        tables = [nn.Embedding(self.BUCKETS, self.layers * self.heads) for _ in range(6)]
        self.tables = nn.ModuleList(tables)
        for table in tables:
            nn.init.normal_(table.weight, std=0.02)
        looks = config.architecture.token_layout
        self.cells = nn.Embedding(len(CellRelation), self.layers * self.heads) if looks else None

    def forward(
        self,
        lines: Tensor,
        boxes: Tensor,
        mask: Tensor,
        dtype: torch.dtype,
        cell_relations: Tensor | None = None,
    ) -> Iterator[AttentionBias]:
        """The bias of every layer, masked tokens included.

        Args:
            lines: B x T, the line of each token.
            boxes: B x N x 4 int64 on the 0..1000 grid.
            mask: B x T bool, True for tokens.
            dtype: of the bias.
            cell_relations: B x N x N int64, of CellRelation; None: not known.

        Yields:
            One bias for each layer.
        """
        padding = torch.where(mask, 0.0, MASKED).to(dtype)[:, None, :, None]
        ones = torch.ones_like(padding)
        member = functional.one_hot(lines, boxes.shape[1]).to(dtype).unsqueeze(1)
        key = torch.cat([member, padding], dim=-1)
        for bias in self._between_lines(boxes, cell_relations):
            query = member @ bias
            yield AttentionBias(
                torch.cat([query, ones.to(query.dtype).expand(-1, query.shape[1], -1, -1)], -1), key
            )

    def _between_lines(self, boxes: Tensor, cell_relations: Tensor | None) -> list[Tensor]:
        """One B x heads x N x N bias a layer."""
        features = self._distances(boxes)
        biases = [table(log_bucket(f, self.BUCKETS)) for table, f in zip(self.tables, features, strict=True)]
        if self.cells is not None and cell_relations is not None:
            biases.append(self.cells(cell_relations))
        bias = functools.reduce(operator.add, biases)
        return [part.permute(0, 3, 1, 2) for part in bias.split(self.heads, dim=-1)]

    @staticmethod
    def _distances(boxes: Tensor) -> list[Tensor]:
        x0, y0, x1, y1 = boxes.unbind(-1)
        order = torch.arange(boxes.shape[1], device=boxes.device).expand(boxes.shape[:2]) * 8

        def pairs(target: Tensor, source: Tensor) -> Tensor:
            return target.unsqueeze(1) - source.unsqueeze(2)

        middle = (y0 + y1) // 2
        return [
            pairs(x0, x0), pairs(x1, x1), pairs(x0, x1),
            pairs(middle, middle), pairs(y0, y1), pairs(order, order),
        ]  # fmt: skip


def log_bucket(distance: Tensor, buckets: int, furthest: int = 1000) -> Tensor:
    """Signed distances to 0..buckets-1, finer near 0: half of the buckets for each sign.

    Args:
        distance: any shape.
        buckets: their number, even.
        furthest: the distance from which on all are alike.
    """
    half = buckets // 2
    scaled = torch.log1p(distance.abs().float() / 4) / math.log1p(furthest / 4) * (half - 1)
    bucket = scaled.round().long().clamp(max=half - 1)
    return torch.where(distance < 0, bucket + half, bucket)


def token_bias(terms: Sequence[tuple[Tensor, Tensor, int]]) -> Tensor:
    """LayoutLMv2's bias between tokens (arXiv 2012.14740, section 2.2), the same for every layer.

    Args:
        terms: for each kind of position a buckets x heads table, the positions (B x S int64), and the
            distance from which on all are alike.

    Returns:
        B x heads x S x S.
    """
    biases = []
    for table, places, furthest in terms:
        distance = places[:, None, :] - places[:, :, None]
        biases.append(table.T[relative_bucket(distance, table.shape[1], furthest)])
    return functools.reduce(operator.add, biases).permute(0, 3, 1, 2)


def relative_bucket(distance: Tensor, buckets: int, furthest: int) -> Tensor:
    """Signed distances to 0..buckets-1 as in T5 (arXiv 1910.10683, section 2.1): half for each sign, exact
    near 0, then logarithmic.

    Args:
        distance: int64, any shape.
        buckets: their number, a multiple of 4.
        furthest: the distance from which on all are alike.
    """
    half = buckets // 2
    exact = half // 2
    size = distance.abs()
    growth = torch.log(size.clamp(min=1).float() / exact) / math.log(furthest / exact) * (half - exact)
    far = (exact + growth.long()).clamp(max=half - 1)
    return torch.where(distance > 0, half, 0) + torch.where(size < exact, size, far)
