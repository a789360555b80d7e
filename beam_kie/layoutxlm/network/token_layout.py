"""The part of the network that reads where each token stands on its line and in its ruled cell."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.inputs.layout import BUCKETS, COLUMNS

LAYOUT_WEIGHTS = (
    "embeddings.token_layout.",
    "encoder.line_bias.cells.",
    "relations.cells.",
    "grouping.cells.",
)
"""How names of weights begin that only networks with ``token_layout`` have; they begin as zero."""


class TokenLayout(nn.Module):
    """A vector for every token: of its x-range, through the embeddings of coordinates, and of its buckets.

    Both are linear in weights that begin as zero. So a trained network begins as it was, and the mean of two
    networks of which one does not have them is that with zeros in their place.

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        hidden = config.architecture.hidden_size
        self.x_range = nn.Linear(2 * config.architecture.coordinate_size, hidden, bias=False)
        self.buckets = nn.Embedding(len(COLUMNS) * BUCKETS, hidden)

    def reset(self) -> None:
        """Zeros."""
        nn.init.zeros_(self.x_range.weight)
        nn.init.zeros_(self.buckets.weight)

    def forward(self, layout: Tensor, coordinates: nn.Embedding) -> Tensor:
        """B x T x H.

        Args:
            layout: B x T x 13 int64, as of Batch.
            coordinates: the embeddings of x-coordinates.
        """
        x_range, buckets = layout.split([2, len(COLUMNS)], dim=-1)
        places = buckets + BUCKETS * torch.arange(len(COLUMNS), device=layout.device)
        return self.x_range(coordinates(x_range).flatten(-2)) + self.buckets(places).sum(-2)
