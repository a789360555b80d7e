"""The part of a configuration that says what a network is built of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from beam_kie.layoutxlm.config_values import ConfigError, Part


@dataclass(frozen=True)
class Architecture(Part):
    """Sizes and parts of the network: what its weights depend on.

    Encoder: ``spatial_bias`` is "none" or "lines" (attention bias from the relative place of two text
    lines); ``has_relative_attention_bias`` and ``has_spatial_attention_bias`` are LayoutLMv2's biases
    between tokens. ``norm_first`` puts layer norms before the sublayers. The dropout rates act in training
    alone.

    Picture: with ``use_visual_backbone`` a ResNeXt-FPN of the ``visual_*`` sizes reads the page.
    ``image_normalisation`` is "hf" (blue-green-red, normalised once) or "paddleocr" (red-green-blue,
    normalised by its pre-processing and again by the network, as its published weights were trained).
    ``strip_channels`` are the channels of three convolutions along the image of each text line, from which
    every token gets features (network/strip_reader.py); empty: a text-only network.

    ``token_layout``: every token knows its own place on its line and the gap before it, and tokens and pairs
    of lines know their ruled cells (inputs/layout.py).

    Heads: ``token_classifier`` is False for weights that only find relations. ``relation_head`` is "softmax"
    (each value chooses among the keys and "none"), "biaffine" (LayoutXLM's: each pair is scored alone) or
    "none". With ``grouping_head`` a head of its own decides which lines continue an entity; without it, I-
    tags at the start of lines do.
    """

    vocab_size: int = 250002
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    layer_norm_eps: float = 1e-5
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.0
    max_position_embeddings: int = 514
    max_2d_position_embeddings: int = 1024
    coordinate_size: int = 128
    shape_size: int = 128
    type_vocab_size: int = 1
    spatial_bias: str = "none"
    has_relative_attention_bias: bool = False
    rel_pos_bins: int = 32
    max_rel_pos: int = 128
    has_spatial_attention_bias: bool = False
    rel_2d_pos_bins: int = 64
    max_rel_2d_pos: int = 256
    use_visual_backbone: bool = False
    visual_blocks: tuple[int, ...] = (3, 4, 23, 3)
    visual_groups: int = 32
    visual_width_per_group: int = 8
    visual_stem_channels: int = 64
    visual_res2_channels: int = 256
    image_feature_pool_shape: tuple[int, ...] = (7, 7, 256)
    has_visual_segment_embedding: bool = True
    image_normalisation: str = "hf"
    strip_channels: tuple[int, ...] = ()
    token_layout: bool = False
    norm_first: bool = False
    token_classifier: bool = True
    line_classifier: bool = False
    relation_head: str = "none"
    relation_size: int = 384
    grouping_head: bool = False

    CHOICES: ClassVar = {
        "spatial_bias": ("none", "lines"),
        "image_normalisation": ("hf", "paddleocr"),
        "relation_head": ("none", "softmax", "biaffine"),
    }

    @property
    def visual_tokens(self) -> int:
        """How many tokens the picture of a page adds to each of its windows."""
        rows, columns = self.image_feature_pool_shape[:2]
        return rows * columns if self.use_visual_backbone else 0

    def _check(self) -> None:
        if self.hidden_size % self.num_attention_heads:
            raise ConfigError("hidden_size must be a multiple of num_attention_heads")
        if 4 * self.coordinate_size + 2 * self.shape_size != self.hidden_size:
            raise ConfigError("4 * coordinate_size + 2 * shape_size must equal hidden_size")
        biased = self.has_relative_attention_bias or self.has_spatial_attention_bias
        if self.spatial_bias == "lines" and (biased or self.use_visual_backbone):
            raise ConfigError('spatial_bias "lines" goes with neither other biases nor a visual backbone')
        if len(self.image_feature_pool_shape) != 3 or self.visual_tokens > 4096:
            raise ConfigError(
                "image_feature_pool_shape must be rows, columns (4,096 cells at most), channels"
            )
        if len(self.visual_blocks) != 4:
            raise ConfigError("visual_blocks must hold the number of blocks of res2, res3, res4 and res5")
        if self.strip_channels and (len(self.strip_channels) != 3 or min(self.strip_channels) < 1):
            raise ConfigError("strip_channels must hold three numbers of channels, or none")
        if self.token_layout and self.spatial_bias != "lines":
            raise ConfigError('token_layout goes with spatial_bias "lines" alone')
        if self.strip_channels and self.use_visual_backbone:
            raise ConfigError("strip_channels do not go with a visual backbone")
