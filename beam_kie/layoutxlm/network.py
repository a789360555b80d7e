"""The LayoutXLM encoder and its token classifier.

After "LayoutXLM: Multimodal Pre-training for Multilingual Visually-rich Document Understanding"
(arXiv 2104.08836, section 2) and LayoutLMv2 (arXiv 2012.14740). Parameters carry the names of Hugging
Face's LayoutLMv2 where both have them. One class serves every size; see LayoutXLMConfig.

Shapes: B windows, T tokens, N text lines of a window, H hidden size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.relations import SoftmaxRelationHead

MASKED = -1e4  # added to masked attention scores; finite in every dtype


@dataclass
class Batch:
    """Padded windows. Boxes are on the 0..1000 grid.

    ids, positions, lines: B x T int64 (``lines`` numbers the text line of a token within its window);
    mask: B x T bool, True for real tokens; line_boxes: B x N x 4 int64; line_mask: B x N bool.
    """

    ids: Tensor
    positions: Tensor
    lines: Tensor
    mask: Tensor
    line_boxes: Tensor
    line_mask: Tensor

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        return Batch(**{name: value.to(device) for name, value in vars(self).items()})


class Embeddings(nn.Module):
    """Sum of word, position, 2-D layout and type embeddings, then layer norm (section 2.1)."""

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        hidden, grid = config.hidden_size, config.max_2d_position_embeddings
        self.word_embeddings = nn.Embedding(config.vocab_size, hidden, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, hidden)
        self.x_position_embeddings = nn.Embedding(grid, config.coordinate_size)
        self.y_position_embeddings = nn.Embedding(grid, config.coordinate_size)
        self.h_position_embeddings = nn.Embedding(grid, config.shape_size)
        self.w_position_embeddings = nn.Embedding(grid, config.shape_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, hidden)
        self.LayerNorm = nn.LayerNorm(hidden, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def spatial(self, boxes: Tensor) -> Tensor:
        """Embeds ... x 4 boxes into ... x H: x0, y0, x1, y1, height, width."""
        x0, y0, x1, y1 = boxes.unbind(-1)
        parts = (
            self.x_position_embeddings(x0),
            self.y_position_embeddings(y0),
            self.x_position_embeddings(x1),
            self.y_position_embeddings(y1),
            self.h_position_embeddings(y1 - y0),
            self.w_position_embeddings(x1 - x0),
        )
        return torch.cat(parts, dim=-1)

    def forward(self, batch: Batch) -> Tensor:
        """B x T x H."""
        # A window has far fewer lines than tokens, and all tokens of a line share its box.
        layout = self.spatial(batch.line_boxes)
        rows = batch.lines.unsqueeze(-1).expand(-1, -1, layout.shape[-1])
        total = (
            self.word_embeddings(batch.ids)
            + self.position_embeddings(batch.positions)
            + layout.gather(1, rows)
            + self.token_type_embeddings.weight[0]
        )
        return self.dropout(self.LayerNorm(total))


class LineBias(nn.Module):
    """Attention bias from where two text lines stand to each other, for every layer and head.

    LayoutLMv2's spatial-aware attention (arXiv 2012.14740, section 2.2) at the level of lines: all
    tokens of a line share a box, so the bias is computed per pair of lines and expanded to tokens by
    two matrix products. Distances are log-bucketed.
    """

    BUCKETS = 32

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.heads, self.layers = config.num_attention_heads, config.num_hidden_layers
        self.tables = nn.ModuleList(nn.Embedding(self.BUCKETS, self.layers * self.heads) for _ in range(6))
        for table in self.tables:
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, batch: Batch) -> list[Tensor]:
        """One B x heads x N x N bias a layer."""
        features = self._distances(batch.line_boxes)
        bias = sum(table(log_bucket(f, self.BUCKETS)) for table, f in zip(self.tables, features, strict=True))
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
    """Signed distances to 0..buckets-1, finer near 0: half of the buckets for each sign."""
    half = buckets // 2
    scaled = torch.log1p(distance.abs().float() / 4) / math.log1p(furthest / 4) * (half - 1)
    bucket = scaled.round().long().clamp(max=half - 1)
    return torch.where(distance < 0, bucket + half, bucket)


@dataclass
class AttentionBias:
    """What is added to attention scores, as a product: bias = query @ key^T.

    query: B x heads-or-1 x T x C; key: the same. Appending both to the attention's own queries and keys
    makes scores and bias in one matrix product, without a T x T tensor for the bias.
    """

    query: Tensor
    key: Tensor


class SelfAttention(nn.Module):
    """Multi-head attention with a bias."""

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.heads = config.num_attention_heads
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden: Tensor, bias: AttentionBias) -> Tensor:
        """B x T x H to the same."""
        query, key, value = (
            part(hidden).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        query = _append(query * query.shape[-1] ** -0.5, bias.query)
        key = _append(key, bias.key)
        weights = (query @ key.transpose(-1, -2)).softmax(-1)
        return (weights @ value).transpose(1, 2).flatten(2)


def _append(states: Tensor, columns: Tensor) -> Tensor:
    columns = columns.to(states.dtype).expand(-1, states.shape[1], -1, -1)
    return torch.cat([states, columns], dim=-1)


class AttentionOutput(nn.Module):
    """Projection with residual and layer norm; also the second half of the feed-forward block."""

    def __init__(self, size: int, config: LayoutXLMConfig):
        super().__init__()
        self.dense = nn.Linear(size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)


class Attention(nn.Module):
    """Attention with its output projection, named as in Hugging Face's checkpoints."""

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.self = SelfAttention(config)
        self.output = AttentionOutput(config.hidden_size, config)


class Intermediate(nn.Module):
    """First half of the feed-forward block."""

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)


class Layer(nn.Module):
    """One transformer layer, post-norm as published or pre-norm."""

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.norm_first = config.norm_first
        self.attention = Attention(config)
        self.intermediate = Intermediate(config)
        self.output = AttentionOutput(config.intermediate_size, config)

    def forward(self, hidden: Tensor, bias: AttentionBias) -> Tensor:
        """B x T x H to the same."""
        for sublayer, output in ((self._attend, self.attention.output), (self._feed, self.output)):
            source = output.LayerNorm(hidden) if self.norm_first else hidden
            hidden = hidden + output.dropout(output.dense(sublayer(source, bias)))
            if not self.norm_first:
                hidden = output.LayerNorm(hidden)
        return hidden

    def _attend(self, hidden: Tensor, bias: AttentionBias) -> Tensor:
        return self.attention.self(hidden, bias)

    def _feed(self, hidden: Tensor, _bias: AttentionBias) -> Tensor:
        return functional.gelu(self.intermediate.dense(hidden))


class Encoder(nn.Module):
    """The stack of layers, with the attention bias."""

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.layer = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.line_bias = LineBias(config) if config.spatial_bias == "lines" else None
        self.final_norm = (
            nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
            if config.norm_first
            else nn.Identity()
        )

    def forward(self, hidden: Tensor, batch: Batch) -> Tensor:
        """B x T x H to the same."""
        for layer, bias in zip(self.layer, self._biases(batch, hidden.dtype), strict=True):
            hidden = layer(hidden, bias)
        return self.final_norm(hidden)

    def _biases(self, batch: Batch, dtype: torch.dtype) -> Iterator[AttentionBias]:
        padding = torch.where(batch.mask, 0.0, MASKED).to(dtype)[:, None, :, None]
        ones = torch.ones_like(padding)
        if self.line_bias is None:
            yield from [AttentionBias(ones, padding)] * len(self.layer)
            return
        member = functional.one_hot(batch.lines, batch.line_boxes.shape[1]).to(dtype).unsqueeze(1)
        key = torch.cat([member, padding], dim=-1)
        for bias in self.line_bias(batch):
            query = member @ bias
            yield AttentionBias(
                torch.cat([query, ones.to(query.dtype).expand(-1, query.shape[1], -1, -1)], -1), key
            )


class LayoutXLM(nn.Module):
    """Encoder, token classifier and relation head."""

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, len(config.tags))
        self.line_classifier = (
            nn.Linear(config.hidden_size, len(config.tags)) if config.line_classifier else None
        )
        self.relations = SoftmaxRelationHead(config) if config.relation_head == "softmax" else None
        self.apply(_initialise)

    def encode(self, batch: Batch) -> Tensor:
        """Hidden states, B x T x H."""
        return self.encoder(self.embeddings(batch), batch)

    def classify(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Token logits, B x T x tags: the token's own evidence and, where configured, its line's mean."""
        logits = self.classifier(self.dropout(hidden))
        if self.line_classifier is None:
            return logits
        means = line_means(hidden, batch)
        rows = batch.lines.unsqueeze(-1)
        by_line = self.line_classifier(self.dropout(means))
        return logits + by_line.gather(1, rows.expand(-1, -1, by_line.shape[-1]))


def line_means(hidden: Tensor, batch: Batch) -> Tensor:
    """Mean hidden state of every line, B x N x H; zero for lines without tokens."""
    member = functional.one_hot(batch.lines, batch.line_boxes.shape[1]).to(hidden.dtype)
    member = member * batch.mask.unsqueeze(-1)
    return member.transpose(1, 2) @ hidden / member.sum(1).clamp(min=1).unsqueeze(-1)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding) and module.embedding_dim > 64:
        nn.init.normal_(module.weight, std=0.02)
