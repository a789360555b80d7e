"""The LayoutXLM network: encoder, visual backbone, token classifier and relation heads.

After "LayoutXLM: Multimodal Pre-training for Multilingual Visually-rich Document Understanding"
(arXiv 2104.08836, section 2) and LayoutLMv2 (arXiv 2012.14740). Parameters carry the names of Hugging
Face's LayoutLMv2 where both have them. One class serves every size; see LayoutXLMConfig.

Shapes: B windows, T tokens, N boxes (text lines) of a window, V visual tokens, S = T + V, H hidden size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.inputs.batches import Batch
from beam_kie.layoutxlm.network.encoder import Embeddings, Encoder
from beam_kie.layoutxlm.network.relations import BiaffineRelationHead, SoftmaxRelationHead
from beam_kie.layoutxlm.network.strip_reader import StripReader
from beam_kie.layoutxlm.network.token_layout import TokenLayout
from beam_kie.layoutxlm.network.visual import VisualBackbone, cell_boxes


class LayoutXLM(nn.Module):
    """Encoder, visual backbone, token classifier and relation heads: those that the configuration names.

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.config = config
        hidden, tags = config.architecture.hidden_size, len(config.tags)
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config)
        self.dropout = nn.Dropout(config.architecture.hidden_dropout_prob)
        self.classifier = nn.Linear(hidden, tags) if config.architecture.token_classifier else None
        self.line_classifier = nn.Linear(hidden, tags) if config.architecture.line_classifier else None
        self.relations = (
            SoftmaxRelationHead(config) if config.architecture.relation_head == "softmax" else None
        )
        self.extractor = (
            BiaffineRelationHead(config) if config.architecture.relation_head == "biaffine" else None
        )
        self.grouping = SoftmaxRelationHead(config) if config.architecture.grouping_head else None
        self.strips = StripReader(config) if config.architecture.strip_channels else None
        self.visual = None
        if config.architecture.use_visual_backbone:
            self.visual = VisualBackbone(config)
            self.visual_proj = nn.Linear(config.architecture.image_feature_pool_shape[2], hidden)
            self.visual_LayerNorm = nn.LayerNorm(hidden, eps=config.architecture.layer_norm_eps)
            if config.architecture.has_visual_segment_embedding:
                self.visual_segment_embedding = nn.Parameter(torch.zeros(hidden))
        self.apply(_initialise)
        if self.strips is not None:
            self.strips.reset()
        if self.embeddings.token_layout is not None:
            self._reset_layout(self.embeddings.token_layout)

    def _reset_layout(self, token_layout: TokenLayout) -> None:
        """Weights for the layout begin as zero, so that a network trained without it begins as it was."""
        token_layout.reset()
        tables = (self.encoder.line_bias, self.relations, self.grouping)
        for cells in (table.cells for table in tables if table is not None and table.cells is not None):
            nn.init.zeros_(cells.weight)

    @property
    def relation_head(self) -> SoftmaxRelationHead | BiaffineRelationHead | None:
        """The head that scores pairs of entities, if there is one."""
        return self.relations if self.relations is not None else self.extractor

    def recompute_activations(self) -> None:
        """Makes training keep the inputs of layers and blocks alone: less memory for about a third more
        time."""
        self.encoder.recompute = True
        if self.visual is not None:
            self.visual.backbone.bottom_up.recompute = True

    def prepare(self, dtype: torch.dtype) -> None:
        """Prepares the network for inference; it can no longer be trained.

        Matrices that autocast would turn into ``dtype`` at every call are turned into it once. The rest
        stays as it is: embeddings, norms and relation heads are read in the type they have.

        Args:
            dtype: of the large matrices: float32, bfloat16 or float16.
        """
        for part in (self.encoder.layer, self.classifier, self.line_classifier):
            for module in part.modules() if part is not None else ():
                if isinstance(module, nn.Linear):
                    module.to(dtype)
        if self.visual is not None:
            self.visual.prepare(dtype)

    def visual_states(self, images: Tensor) -> Tensor:
        """Visual tokens of pages, P x V x H. Computed once a page, for all its windows.

        Args:
            images: P x H x W x 3 uint8 RGB.
        """
        assert self.visual is not None, "only networks with a visual backbone are given pictures"
        features = self.visual(images)
        boxes = self._cells(features.device)
        total = (
            self.visual_proj(features)
            + self.embeddings.position_embeddings.weight[: len(boxes)]
            + self.embeddings.spatial(boxes)
        )
        if self.config.architecture.has_visual_segment_embedding:
            total = total + self.visual_segment_embedding
        return self.dropout(self.visual_LayerNorm(total))

    def encode(self, batch: Batch) -> Tensor:
        """Hidden states of the text, B x T x H.

        Args:
            batch: of B windows of T tokens.
        """
        return self.encode_all(batch)[:, : batch.ids.shape[1]]

    def encode_all(self, batch: Batch) -> Tensor:
        """Hidden states of the text and of the visual tokens behind it, B x S x H.

        Args:
            batch: of B windows of T tokens.
        """
        hidden = self.embeddings(batch)
        if batch.visual is None:
            return self.encoder(hidden, batch)
        hidden = torch.cat([hidden, batch.visual.to(hidden.dtype)], dim=1)
        return self.encoder(hidden, batch, self._cells(hidden.device))

    def classify(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Token logits, B x T x tags: of the token itself and, where configured, of its line's mean.

        Args:
            hidden: B x T x H, as of ``encode``.
            batch: that they are of.
        """
        assert self.classifier is not None, "only networks with a token classifier are asked for tags"
        logits = self.classifier(self.dropout(hidden))
        if self.line_classifier is None:
            return logits
        means = line_means(hidden, batch)
        rows = batch.lines.unsqueeze(-1)
        by_line = self.line_classifier(self.dropout(means))
        return logits + by_line.gather(1, rows.expand(-1, -1, by_line.shape[-1]))

    def _cells(self, device: torch.device) -> Tensor:
        return cell_boxes(*self.config.architecture.image_feature_pool_shape[:2]).to(device)


def line_means(hidden: Tensor, batch: Batch) -> Tensor:
    """Mean hidden state of every line, B x N x H; zero for lines without tokens.

    Args:
        hidden: B x T x H.
        batch: that they are of.
    """
    member = functional.one_hot(batch.lines, batch.line_boxes.shape[1]).to(hidden.dtype)
    member = member * batch.mask.unsqueeze(-1)
    return member.transpose(1, 2) @ hidden / member.sum(1).clamp(min=1).unsqueeze(-1)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
