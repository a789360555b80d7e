"""The settings of a training run: one JSON file."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beam_kie.labelled.sources import LabelledSource
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.training.augmentation.pages import Augmentation


class SettingsError(ValueError):
    """A settings file that cannot be used; the message says where and why."""


@dataclass(frozen=True)
class Settings:
    """One training run. Rates per step; ``views`` are the odds of gold, visual and OCR lines.

    ``synthetic_share`` of the pages are forms from the project's generator in ``synthetic_languages``;
    ``text_share`` are pages of plain text (files, .xz or not) from which only masked tokens are learned.
    ``teacher``: a model folder of the same labels and vocabulary; its output is ``teacher_weight`` (0 to 1)
    of the target, the labels are the rest (see teacher.py). ``strip_rate``: how much faster than the rest the
    part learns that reads strips of lines. ``text_embeddings``: texts from which word embeddings are
    initialised (see embeddings.py). ``mask_rate`` of the tokens are masked and guessed, ``line_mask_rate`` of
    the lines are hidden whole.
    """

    output: str
    sources: tuple[LabelledSource, ...] = ()
    network: dict[str, Any] = field(default_factory=dict)
    tokenizer: str | None = None
    texts: tuple[str, ...] = ()
    text_embeddings: bool = False
    start_from: str | None = None
    teacher: str | None = None
    teacher_weight: float = 0.5
    steps: int = 3000
    batch_tokens: int = 3072
    max_page_tokens: int = 640
    learning_rate: float = 5e-4
    warmup_steps: int = 200
    weight_decay: float = 0.05
    strip_rate: float = 3.0
    average_decay: float = 0.999
    relation_weight: float = 0.5
    grouping_weight: float = 0.5
    masked_weight: float = 0.1
    mask_rate: float = 0.08
    line_mask_rate: float = 0.0
    label_smoothing: float = 0.05
    views: tuple[float, float, float] = (0.5, 0.2, 0.3)
    synthetic_share: float = 0.0
    synthetic_languages: tuple[str, ...] = ("zh", "en", "ja", "de", "fr", "es", "it", "pt")
    text_share: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    evaluate_every: int = 500
    checkpoint_minutes: float = 3.0
    threads: int | None = None
    seed: int = 0

    def __post_init__(self):
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsError(f"{name} must lie between 0 and 1")

    @classmethod
    def load(cls, path: str | Path) -> Settings:
        """Reads a settings file.

        Paths in it are relative to it, and may hold environment variables ("$DATA/labels.txt"). What it does
        not set is taken from the file that it ``extends``, whose paths are relative to the first one, too.

        Args:
            path: of the file, JSON.

        Raises:
            SettingsError: it cannot be read, a field is unknown, or a value does not fit.
        """
        path = Path(path)
        try:
            values: dict[str, Any] = _read(path)
            values["sources"] = tuple(LabelledSource(**source) for source in values.get("sources", ()))
            values["augmentation"] = Augmentation(**values.get("augmentation", {}))
            fields: dict[str, Any] = {
                key: tuple(v) if isinstance(v, list) else v for key, v in values.items()
            }
            settings = cls(**fields)
            settings.network_config(vocab_size=8)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise SettingsError(f"{path}: {error}") from error
        return settings._relative_to(path.parent)

    def network_config(self, vocab_size: int) -> LayoutXLMConfig:
        """The network's configuration.

        Args:
            vocab_size: tokens of the vocabulary.
        """
        return LayoutXLMConfig.from_fields(**{**SMALL_NETWORK, **self.network, "vocab_size": vocab_size})

    def _relative_to(self, folder: Path) -> Settings:
        def place(value: str | None) -> str | None:
            return None if value is None else str(folder / os.path.expandvars(value))

        sources = tuple(
            dataclasses.replace(
                source,
                labels=place(source.labels),
                images=place(source.images),
                ocr_lines=place(source.ocr_lines),
            )
            for source in self.sources
        )
        return dataclasses.replace(
            self,
            output=place(self.output),
            sources=sources,
            tokenizer=place(self.tokenizer),
            texts=tuple(place(text) for text in self.texts),
            start_from=place(self.start_from),
            teacher=place(self.teacher),
        )


def _read(path: Path) -> dict[str, Any]:
    values = json.loads(path.read_text("utf-8"))
    base = values.pop("extends", None)
    return values if base is None else {**_read(path.parent / base), **values}


_SHARES = (
    "teacher_weight",
    "average_decay",
    "mask_rate",
    "line_mask_rate",
    "label_smoothing",
    "synthetic_share",
    "text_share",
)

SMALL_NETWORK = {
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
    "none_penalty": 0.5,
    "page_prior_weight": 3.0,
    "window_tokens": 640,
    "window_overlap_tokens": 128,
}
