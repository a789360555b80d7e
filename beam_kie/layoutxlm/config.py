"""The configuration of a LayoutXLM network; ``config.json`` of a model folder."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path


class ConfigError(ValueError):
    """A configuration that cannot be used; the message says which field and why."""


@dataclass(frozen=True)
class LayoutXLMConfig:
    """Sizes and switches of the network. Field names follow Hugging Face's LayoutLMv2 where it has them.

    ``position_kind`` is "page" (tokens counted through the page, as published) or "line" (counted from
    the start of their text line). ``spatial_bias`` is "none" or "lines" (attention bias from the
    relative place of two text lines). ``norm_first`` puts layer norms before the sublayers.
    ``relation_head`` is "softmax" (each value chooses among the keys and "none") or "none".
    """

    vocab_size: int = 250002
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    layer_norm_eps: float = 1e-5
    hidden_dropout_prob: float = 0.1
    max_position_embeddings: int = 514
    max_2d_position_embeddings: int = 1024
    coordinate_size: int = 128
    shape_size: int = 128
    type_vocab_size: int = 1
    pad_token_id: int = 1
    position_kind: str = "page"
    spatial_bias: str = "none"
    norm_first: bool = False
    line_classifier: bool = False
    relation_head: str = "none"
    relation_size: int = 384
    window_tokens: int = 512
    window_overlap_tokens: int = 128
    labels: tuple[str, ...] = ("QUESTION", "ANSWER", "HEADER")
    head_labels: tuple[str, ...] = ("QUESTION",)
    tail_labels: tuple[str, ...] = ("ANSWER",)
    name: str = "layoutxlm"
    entity_temperature: float = 1.0
    relation_temperature: float = 1.0
    switch_penalty: float = 0.0

    def __post_init__(self):
        if self.hidden_size % self.num_attention_heads:
            raise ConfigError("hidden_size must be a multiple of num_attention_heads")
        if 4 * self.coordinate_size + 2 * self.shape_size != self.hidden_size:
            raise ConfigError("4 * coordinate_size + 2 * shape_size must equal hidden_size")
        for field, allowed in _CHOICES.items():
            if getattr(self, field) not in allowed:
                raise ConfigError(f"{field} must be one of {', '.join(allowed)}")
        unknown = set(self.head_labels + self.tail_labels) - set(self.labels)
        if unknown:
            raise ConfigError(f"head_labels and tail_labels name unknown labels: {sorted(unknown)}")

    @property
    def tags(self) -> tuple[str, ...]:
        """Token classes in the order of the classifier: O, then B- and I- of every label."""
        return ("O", *(f"{prefix}-{label}" for label in self.labels for prefix in "BI"))

    @classmethod
    def load(cls, path: str | Path) -> LayoutXLMConfig:
        """Reads ``config.json``. Raises ConfigError for unknown or ill-fitting fields."""
        try:
            values = json.loads(Path(path).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: cannot read the model's configuration: {error}") from error
        fields = {field.name for field in dataclasses.fields(cls)}
        unknown = set(values) - fields
        if unknown:
            raise ConfigError(f"{path}: unknown fields: {', '.join(sorted(unknown))}")
        return cls(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})

    def save(self, path: str | Path) -> None:
        """Writes ``config.json``."""
        text = json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False)
        Path(path).write_text(text + "\n", "utf-8")


_CHOICES = {
    "position_kind": ("page", "line"),
    "spatial_bias": ("none", "lines"),
    "relation_head": ("none", "softmax"),
}
