"""Networks to begin from without a model folder, and the settings that published networks are trained with.

The fields of "layoutxlm" are those of ``microsoft/layoutxlm-base``; "vi-layoutxlm" is the same without a
visual backbone, as PaddleOCR trains it. Rates are those of PaddleOCR's configurations for XFUND.
"""

from __future__ import annotations

from typing import Any

SMALL_NETWORK: dict[str, Any] = {
    "name": "beam-kie-small",
    "hidden_size": 256,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "intermediate_size": 1024,
    "coordinate_size": 43,
    "shape_size": 42,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "position_kind": "line",
    "spatial_bias": "lines",
    "norm_first": True,
    "line_classifier": True,
    "relation_head": "softmax",
    "relation_size": 256,
    "grouping_head": True,
    "switch_penalty": 6.0,
    "colon_discount": 2.0,
    "capitals_discount": 6.0,
    "phrase_penalty": 2.0,
    "row_repairs": True,
    "none_penalty": 0.5,
    "page_prior_weight": 3.0,
    "window_tokens": 640,
    "window_overlap_tokens": 128,
}

VI_LAYOUTXLM: dict[str, Any] = {
    "name": "vi-layoutxlm",
    "attention_probs_dropout_prob": 0.1,
    "relation_head": "biaffine",
    "image_normalisation": "paddleocr",
    "decoding": "line_vote",
}

LAYOUTXLM: dict[str, Any] = {
    "name": "layoutxlm",
    "attention_probs_dropout_prob": 0.1,
    "relation_head": "biaffine",
    "use_visual_backbone": True,
    "special_tokens": "hf",
}

BASES = {"small": SMALL_NETWORK, "layoutxlm": LAYOUTXLM, "vi-layoutxlm": VI_LAYOUTXLM}

PUBLISHED_TRAINING: dict[str, Any] = {
    "learning_rate": 5e-5,
    "schedule": "linear",
    "weight_decay": 0.01,
    "clip_norm": 10.0,
    "tag_weights": "tokens",
    "label_smoothing": 0.0,
    "mask_rate": 0.0,
    "masked_weight": 0.0,
    "average_decay": 0.0,
    "relation_weight": 1.0,
    "saved_type": "float32",
    "augmentation": {
        "line_drop": 0.0,
        "merged_pages": 0.0,
        "cut": 0.0,
        "character_noise": 0.0,
        "scale": 0.0,
        "shift": 0.0,
        "box_jitter": 0.0,
        "skew": 0.0,
    },
}
"""Settings of networks with a published vocabulary, where the file does not say otherwise: no augmentation,
no masked tokens, every token counts the same."""
