"""The encoder: embeddings, self-attention with its biases, transformer layers.

After LayoutXLM (arXiv 2104.08836, section 2) and LayoutLMv2 (arXiv 2012.14740). Parameters carry the names of
Hugging Face's LayoutLMv2 where both have them.

Shapes: B windows, T tokens, N boxes (text lines) of a window, V visual tokens, S = T + V, H hidden size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.inputs.batches import Batch
from beam_kie.layoutxlm.network.attention_bias import MASKED, AttentionBias, LineBias, token_bias
from beam_kie.layoutxlm.network.token_layout import TokenLayout


class Embeddings(nn.Module):
    """Sum of word, position, 2-D layout and type embeddings, then layer norm (arXiv 2012.14740, section 2.1).

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        hidden, grid = config.architecture.hidden_size, config.architecture.max_2d_position_embeddings
        self.word_embeddings = nn.Embedding(
            config.architecture.vocab_size, hidden, padding_idx=config.tokenising.pad_token_id
        )
        self.position_embeddings = nn.Embedding(config.architecture.max_position_embeddings, hidden)
        self.x_position_embeddings = nn.Embedding(grid, config.architecture.coordinate_size)
        self.y_position_embeddings = nn.Embedding(grid, config.architecture.coordinate_size)
        self.h_position_embeddings = nn.Embedding(grid, config.architecture.shape_size)
        self.w_position_embeddings = nn.Embedding(grid, config.architecture.shape_size)
        self.token_type_embeddings = nn.Embedding(config.architecture.type_vocab_size, hidden)
        self.LayerNorm = nn.LayerNorm(hidden, eps=config.architecture.layer_norm_eps)
        self.dropout = nn.Dropout(config.architecture.hidden_dropout_prob)
        self.token_layout = TokenLayout(config) if config.architecture.token_layout else None

    def spatial(self, boxes: Tensor) -> Tensor:
        """Embeds ... x 4 boxes into ... x H: x0, y0, x1, y1, height, width.

        Args:
            boxes: ... x 4 int64 on the 0..1000 grid.
        """
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
        """The embedding of every token, B x T x H.

        Args:
            batch: of windows.
        """
        # A window has far fewer lines than tokens, and all tokens of a line share its box.
        layout = self.spatial(batch.line_boxes)
        rows = batch.lines.unsqueeze(-1).expand(-1, -1, layout.shape[-1])
        total = (
            self.word_embeddings(batch.ids)
            + self.position_embeddings(batch.positions)
            + layout.gather(1, rows)
            + self.token_type_embeddings.weight[0]
        )
        if batch.line_features is not None:
            total = total + batch.line_features
        if self.token_layout is not None and batch.layout is not None:
            total = total + self.token_layout(batch.layout, self.x_position_embeddings)
        return self.dropout(self.LayerNorm(total))


class SelfAttention(nn.Module):
    """Multi-head attention with a bias.

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.heads = config.architecture.num_attention_heads
        self.dropout_rate = config.architecture.attention_probs_dropout_prob
        self.query = nn.Linear(config.architecture.hidden_size, config.architecture.hidden_size)
        self.key = nn.Linear(config.architecture.hidden_size, config.architecture.hidden_size)
        self.value = nn.Linear(config.architecture.hidden_size, config.architecture.hidden_size)

    def forward(self, hidden: Tensor, bias: AttentionBias | Tensor | None) -> Tensor:
        """Attention over the sequence, B x S x H to the same.

        Args:
            hidden: B x S x H.
            bias: added to the scores, or, where it is bool, True for the scores to keep; None: neither.
        """
        query, key, value = (
            part(hidden).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        dropout = self.dropout_rate if self.training else 0.0
        if not isinstance(bias, AttentionBias):
            return _attend(query, key, value, bias, dropout).transpose(1, 2).flatten(2)
        query = _append(query * query.shape[-1] ** -0.5, bias.query)
        key = _append(key, bias.key)
        weights = functional.dropout((query @ key.transpose(-1, -2)).softmax(-1), dropout)
        return (weights @ value).transpose(1, 2).flatten(2)


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, dropout: float) -> Tensor:
    """Attention with scores that a tensor masks (bool) or is added to."""
    if bias is not None and bias.dtype != torch.bool:
        bias = bias.to(query.dtype)
    if query.dtype != torch.bfloat16 or query.device.type != "cpu":
        return functional.scaled_dot_product_attention(query, key, value, bias, dropout)
    # On CPUs PyTorch's own kernel leaves the bfloat16 instructions unused: this is twice as fast.
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if bias is not None:
        scores = scores.masked_fill_(~bias, MASKED) if bias.dtype == torch.bool else scores + bias
    return functional.dropout(scores.softmax(-1), dropout) @ value


def _append(states: Tensor, columns: Tensor) -> Tensor:
    columns = columns.to(states.dtype).expand(-1, states.shape[1], -1, -1)
    return torch.cat([states, columns], dim=-1)


class AttentionOutput(nn.Module):
    """Projection with residual and layer norm; also the second half of the feed-forward block.

    Args:
        size: of its input.
        config: of the network.
    """

    def __init__(self, size: int, config: LayoutXLMConfig):
        super().__init__()
        self.dense = nn.Linear(size, config.architecture.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.architecture.hidden_size, eps=config.architecture.layer_norm_eps)
        self.dropout = nn.Dropout(config.architecture.hidden_dropout_prob)


class Attention(nn.Module):
    """Attention with its output projection, named as in Hugging Face's checkpoints.

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.self = SelfAttention(config)
        self.output = AttentionOutput(config.architecture.hidden_size, config)


class Intermediate(nn.Module):
    """First half of the feed-forward block.

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.dense = nn.Linear(config.architecture.hidden_size, config.architecture.intermediate_size)


class Layer(nn.Module):
    """One transformer layer, post-norm as published or pre-norm.

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.norm_first = config.architecture.norm_first
        self.attention = Attention(config)
        self.intermediate = Intermediate(config)
        self.output = AttentionOutput(config.architecture.intermediate_size, config)

    def forward(self, hidden: Tensor, bias: AttentionBias | Tensor | None) -> Tensor:
        """One layer, B x S x H to the same.

        Args:
            hidden: B x S x H.
            bias: as of SelfAttention.forward.
        """
        for sublayer, output in ((self._attend, self.attention.output), (self._feed, self.output)):
            source = output.LayerNorm(hidden) if self.norm_first else hidden
            # Cast once here: autocast would do so for query, key and value each.
            source = source.to(output.dense.weight.dtype)
            hidden = hidden + output.dropout(output.dense(sublayer(source, bias)))
            if not self.norm_first:
                hidden = output.LayerNorm(hidden)
        return hidden

    def _attend(self, hidden: Tensor, bias: AttentionBias | Tensor | None) -> Tensor:
        return self.attention.self(hidden, bias)

    def _feed(self, hidden: Tensor, _bias: AttentionBias | Tensor | None) -> Tensor:
        return functional.gelu(self.intermediate.dense(hidden))


class Encoder(nn.Module):
    """The stack of layers, with the attention bias.

    ``recompute``: in training, keep the input of every layer only, and compute the rest again on the way
    back ("Training Deep Nets with Sublinear Memory Cost", arXiv 1604.06174).

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        heads = config.architecture.num_attention_heads
        self.layer = nn.ModuleList(Layer(config) for _ in range(config.architecture.num_hidden_layers))
        self.recompute = False
        self.line_bias = LineBias(config) if config.architecture.spatial_bias == "lines" else None
        order, space = (
            config.architecture.has_relative_attention_bias,
            config.architecture.has_spatial_attention_bias,
        )
        self.furthest = (
            config.architecture.max_rel_pos,
            config.architecture.max_rel_2d_pos,
            config.architecture.max_rel_2d_pos,
        )
        self.rel_pos_bias = nn.Linear(config.architecture.rel_pos_bins, heads, bias=False) if order else None
        self.rel_pos_x_bias = (
            nn.Linear(config.architecture.rel_2d_pos_bins, heads, bias=False) if space else None
        )
        self.rel_pos_y_bias = (
            nn.Linear(config.architecture.rel_2d_pos_bins, heads, bias=False) if space else None
        )
        self.final_norm = (
            nn.LayerNorm(config.architecture.hidden_size, eps=config.architecture.layer_norm_eps)
            if config.architecture.norm_first
            else nn.Identity()
        )

    def forward(self, hidden: Tensor, batch: Batch, visual_boxes: Tensor | None = None) -> Tensor:
        """All layers, B x S x H to the same.

        Args:
            hidden: B x S x H: T text tokens, then V visual ones.
            batch: the windows, for their boxes and masks.
            visual_boxes: V x 4 int64 on the 0..1000 grid, where there are visual tokens.
        """
        if self.line_bias is not None:
            biases = self.line_bias(
                batch.lines, batch.line_boxes, batch.mask, hidden.dtype, batch.cell_relations
            )
        else:
            biases = [self._mask_and_bias(batch, hidden.shape[1], visual_boxes)] * len(self.layer)
        for layer, bias in zip(self.layer, biases, strict=True):
            if self.recompute and self.training:
                hidden = checkpoint(layer, hidden, bias, use_reentrant=False)
            else:
                hidden = layer(hidden, bias)
        return self.final_norm(hidden)

    def _mask_and_bias(self, batch: Batch, length: int, visual_boxes: Tensor | None) -> Tensor | None:
        seen = functional.pad(batch.mask, (0, length - batch.mask.shape[1]), value=True)[:, None, None, :]
        if self.rel_pos_bias is None and self.rel_pos_x_bias is None:
            return seen if batch.padded else None
        positions = batch.positions
        boxes = batch.line_boxes.gather(1, batch.lines.unsqueeze(-1).expand(-1, -1, 4))
        if visual_boxes is not None:
            count = len(positions)
            numbers = torch.arange(len(visual_boxes), device=positions.device)
            positions = torch.cat([positions, numbers.expand(count, -1)], 1)
            boxes = torch.cat([boxes, visual_boxes.expand(count, -1, -1)], 1)
        tables = (self.rel_pos_bias, self.rel_pos_x_bias, self.rel_pos_y_bias)
        places = (positions, boxes[..., 0], boxes[..., 3])  # left and bottom, as published
        terms = [
            (table.weight, place, furthest)
            for table, place, furthest in zip(tables, places, self.furthest, strict=True)
            if table is not None
        ]
        return token_bias(terms) + torch.where(seen, 0.0, MASKED)
