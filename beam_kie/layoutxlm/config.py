"""The configuration of a LayoutXLM network; ``config.json`` of a model folder."""

from __future__ import annotations

import dataclasses
import itertools
import json
from dataclasses import dataclass
from pathlib import Path


class ConfigError(ValueError):
    """A configuration that cannot be used; the message says which field and why."""


@dataclass(frozen=True)
class LayoutXLMConfig:
    """Sizes and switches of a network. Field names follow Hugging Face's LayoutLMv2 where it has them.

    Text: ``position_kind`` is "page" (tokens counted through the page, as published) or "line" (counted
    from the start of their text line). ``special_tokens`` is "none" (PaddleOCR's way) or "hf" (every
    window stands between <s> and </s>). ``token_boxes`` gives every token the box of its "line" or of
    its "word" (the line's box cut in proportion to characters).

    Encoder: ``spatial_bias`` is "none" or "lines" (attention bias from the relative place of two text
    lines); ``has_relative_attention_bias`` and ``has_spatial_attention_bias`` are LayoutLMv2's biases
    between tokens. ``norm_first`` puts layer norms before the sublayers.

    Picture: with ``use_visual_backbone`` a ResNeXt-FPN of the ``visual_*`` sizes looks at the page.
    ``image_normalisation`` is "hf" (blue-green-red, normalised once) or "paddleocr" (red-green-blue,
    normalised by its pre-processing and again by the network, as its published weights were trained).
    With ``strip_channels``, the channels of three convolutions, every token sees its own piece of its text
    line (strips.py) where the page comes with pixels; empty: none does.

    Heads: ``token_classifier`` is False for weights that only find relations. ``relation_head`` is
    "softmax" (each value chooses among the keys and "none"), "biaffine" (LayoutXLM's: each pair is
    judged alone) or "none". ``relation_labels`` are the rows of a biaffine head's label embedding; empty:
    the order of ``labels``. ``relation_choice`` is "best" (a value takes its best key) or "every" (all
    keys that are likely enough). With ``grouping_head`` a head of its own says which lines go on with an
    entity; without, I- tags at the start of lines do. ``tag_names`` are the classifier's classes in their
    order; empty: O, then B- and I- of every label.

    ``decoding`` is "runs" (entities are runs of tokens) or "line_vote" (PaddleOCR's: one label a line).
    A cut within a line costs ``switch_penalty`` nats (``colon_discount`` less right after a colon), a join of
    lines ``join_penalty``, "no key" for a value ``none_penalty``: training shows the first two more often
    than pages do. ``page_prior_weight``: how much a page's other keys in two scripts count for one (page_prior.py).

    ``ensemble_size`` networks read every page, and the mean of their scores counts. They differ in weights
    alone, but that one without weights for strips does not look at them.

    Confidences: the temperatures divide scores before they become probabilities; ``entity_calibration``
    and ``relation_calibration`` are tables [[computed, reported], ...] of rising confidences (see
    calibration.py); empty: reported as computed.
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
    bos_token_id: int = 0
    eos_token_id: int = 2
    special_tokens: str = "none"
    token_boxes: str = "line"
    position_kind: str = "page"
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
    norm_first: bool = False
    token_classifier: bool = True
    line_classifier: bool = False
    relation_head: str = "none"
    relation_size: int = 384
    relation_labels: tuple[str, ...] = ()
    relation_choice: str = "best"
    grouping_head: bool = False
    window_tokens: int = 512
    window_overlap_tokens: int = 128
    labels: tuple[str, ...] = ("QUESTION", "ANSWER", "HEADER")
    head_labels: tuple[str, ...] = ("QUESTION",)
    tail_labels: tuple[str, ...] = ("ANSWER",)
    tag_names: tuple[str, ...] = ()
    decoding: str = "runs"
    name: str = "layoutxlm"
    ensemble_size: int = 1
    entity_temperature: float = 1.0
    relation_temperature: float = 1.0
    entity_calibration: tuple[tuple[float, float], ...] = ()
    relation_calibration: tuple[tuple[float, float], ...] = ()
    switch_penalty: float = 0.0
    colon_discount: float = 0.0
    join_penalty: float = 0.0
    none_penalty: float = 0.0
    page_prior_weight: float = 0.0

    def __post_init__(self):
        if self.hidden_size % self.num_attention_heads:
            raise ConfigError("hidden_size must be a multiple of num_attention_heads")
        if 4 * self.coordinate_size + 2 * self.shape_size != self.hidden_size:
            raise ConfigError("4 * coordinate_size + 2 * shape_size must equal hidden_size")
        for field, allowed in _CHOICES.items():
            if getattr(self, field) not in allowed:
                raise ConfigError(f"{field} must be one of {', '.join(allowed)}")
        biased = self.has_relative_attention_bias or self.has_spatial_attention_bias
        if self.spatial_bias == "lines" and (biased or self.use_visual_backbone):
            raise ConfigError('spatial_bias "lines" goes with neither other biases nor a visual backbone')
        if len(self.visual_blocks) != 4:
            raise ConfigError("visual_blocks must hold the number of blocks of res2, res3, res4 and res5")
        self._check_parts()
        if not 0 <= self.window_overlap_tokens < self.text_tokens:
            raise ConfigError("window_overlap_tokens must be less than the text tokens of a window")
        if self.special_tokens == "hf" and self.position_kind == "line":
            raise ConfigError('special_tokens "hf" needs position_kind "page"')
        if self.position_kind == "page" and self.window_tokens > self.max_position_embeddings:
            raise ConfigError("window_tokens must not exceed max_position_embeddings")
        self._check_labels()
        for field in _TABLES:
            if not _is_table(getattr(self, field)):
                raise ConfigError(f"{field} must be points [x, y] from 0 to 1, x rising and y not falling")

    def _check_parts(self) -> None:
        if self.none_penalty and self.relation_head != "softmax":
            raise ConfigError('none_penalty goes with relation_head "softmax" alone')
        if self.ensemble_size < 1:
            raise ConfigError("ensemble_size must be 1 or more")
        if not self.strip_channels:
            return
        if len(self.strip_channels) != 3 or min(self.strip_channels) < 1:
            raise ConfigError("strip_channels must hold three numbers of channels, or none")
        if self.use_visual_backbone or self.special_tokens == "hf":
            raise ConfigError('strip_channels go with neither a visual backbone nor special_tokens "hf"')

    def _check_labels(self) -> None:
        unknown = set(self.head_labels + self.tail_labels) - set(self.labels)
        if unknown:
            raise ConfigError(f"head_labels and tail_labels name unknown labels: {sorted(unknown)}")
        if self.relation_labels and set(self.relation_labels) != set(self.labels):
            raise ConfigError("relation_labels must hold the same labels as labels")
        allowed = {"O", *(f"{prefix}-{label}" for label in self.labels for prefix in "BI")}
        strange = set(self.tags) - allowed
        if strange:
            raise ConfigError(f"tag_names must be O, B-label or I-label; these are not: {sorted(strange)}")

    @property
    def tags(self) -> tuple[str, ...]:
        """Token classes in the order of the classifier, for example O, B-QUESTION, I-QUESTION, ..."""
        return self.tag_names or (
            "O",
            *(f"{prefix}-{label}" for label in self.labels for prefix in "BI"),
        )

    @property
    def text_tokens(self) -> int:
        """How many tokens of text a window holds beside its special tokens."""
        return self.window_tokens - (2 if self.special_tokens == "hf" else 0)

    @property
    def special_before(self) -> int:
        """How many special tokens stand before the text of a window."""
        return 1 if self.special_tokens == "hf" else 0

    @property
    def pictures(self) -> str | None:
        """What the network looks at beside text and boxes (see images.py): thumbnails made in the way that
        ``image_normalisation`` names, or STRIPS of the lines; None: nothing."""
        if self.strip_channels:
            return STRIPS
        return self.image_normalisation if self.use_visual_backbone else None

    @property
    def visual_tokens(self) -> int:
        """How many tokens the picture of a page adds to each of its windows."""
        rows, columns = self.image_feature_pool_shape[:2]
        return rows * columns if self.use_visual_backbone else 0

    @classmethod
    def load(cls, path: str | Path) -> LayoutXLMConfig:
        """Reads ``config.json``. Raises ConfigError for unknown or ill-fitting fields."""
        try:
            values = json.loads(Path(path).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: cannot read the model's configuration: {error}") from error
        if not isinstance(values, dict):
            raise ConfigError(f"{path}: the configuration must be a JSON object")
        fields = {field.name: field for field in dataclasses.fields(cls)}
        unknown = set(values) - set(fields)
        if unknown:
            raise ConfigError(f"{path}: unknown fields: {', '.join(sorted(unknown))}")
        values = {key: _frozen(value) for key, value in values.items()}
        for key, value in values.items():
            if key not in _TABLES and not _is_like(value, fields[key].default):
                raise ConfigError(f"{path}: {key} must be {_KINDS[type(fields[key].default)]}")
        try:
            return cls(**values)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Writes ``config.json``."""
        text = json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False)
        Path(path).write_text(text + "\n", "utf-8")


def _frozen(value: object) -> object:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _is_table(value: object) -> bool:
    """Whether a value is a calibration table; one of one point would make all confidences alike."""
    if not isinstance(value, tuple) or len(value) == 1:
        return False
    if not all(isinstance(point, tuple) and len(point) == 2 for point in value):
        return False
    if not all(type(number) in (int, float) and 0 <= number <= 1 for point in value for number in point):
        return False
    return all(a[0] < b[0] and a[1] <= b[1] for a, b in itertools.pairwise(value))


def _is_like(value: object, default: object) -> bool:
    if isinstance(default, float) and not isinstance(default, bool):
        return isinstance(value, int | float) and not isinstance(value, bool)
    if type(value) is not type(default):
        return False
    return not isinstance(value, tuple) or all(type(item) in (int, str) for item in value)


_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", tuple: "a list"}

STRIPS = "strips"
"""What ``LayoutXLMConfig.pictures`` says of a network that looks at strips of the text lines."""

_TABLES = ("entity_calibration", "relation_calibration")

_CHOICES = {
    "position_kind": ("page", "line"),
    "special_tokens": ("none", "hf"),
    "token_boxes": ("line", "word"),
    "spatial_bias": ("none", "lines"),
    "image_normalisation": ("hf", "paddleocr"),
    "relation_head": ("none", "softmax", "biaffine"),
    "relation_choice": ("best", "every"),
    "decoding": ("runs", "line_vote"),
}
