"""The settings of a training run: one JSON file."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beam_kie.forms import LANGUAGES
from beam_kie.labelled.sources import LabelledSource
from beam_kie.layoutxlm.inputs.tokenizer import SENTENCEPIECE_FILE
from beam_kie.training.augmentation.pages import Augmentation
from beam_kie.training.planning.presets import BASES, PUBLISHED_TRAINING
from beam_kie.training.planning.values import SettingsError, checked, is_number


@dataclass(frozen=True)
class Settings:
    """One training run. Rates per step; ``views`` are the odds of gold, visual and OCR lines.

    Network: that of the model folder ``start_from``, else the ``base`` ("small", "layoutxlm",
    "vi-layoutxlm"), with the fields of ``network`` changed. ``tasks``: "entities", "relations" or both;
    empty: those that the network has heads for, both where it has none.

    Optimiser: AdamW. ``schedule`` ("cosine", "linear", "constant") is that of the learning rate after
    ``warmup_steps`` (None: 200, but at most a tenth of the steps). A layer learns ``layer_decay`` times as
    fast as the one above it. ``rates``: how much faster than the rest "words", "visual", "encoder", "heads"
    and "layout" (of tokens) learn; 0: not at all. ``strip_rate``: the same for the part that reads strips of
    lines. ``accumulate`` batches of ``batch_tokens`` make a step.

    Memory and speed: ``precision`` ("auto", "float32", "bfloat16", "float16"), ``activation_checkpointing``
    (less memory, a third more time), ``average_decay`` (0: no second copy of the weights).

    Losses: ``tag_weights`` is "lines" (tokens of long lines count less) or "tokens". ``teacher``: a model
    folder of the same labels and vocabulary; its output is ``teacher_weight`` (0 to 1) of the target, the
    labels are the rest (see teacher.py). ``mask_rate`` of the tokens are masked and guessed,
    ``line_mask_rate`` of the lines are hidden whole.

    Pages: ``synthetic_share`` of them are forms from the project's generator in ``synthetic_languages``;
    ``domain_share`` of these are forms of a domain such as taxes (docs/forms.md). ``text_share`` are pages of
    plain text (files, .xz or not) from which only masked tokens are learned. ``line_vectors``: a file of
    ``python -m beam_kie.training.line_vectors``; lines with a text of it learn its vector, with a weight of
    ``line_vector_weight`` in the loss, and ``phrase_share`` of the pages hold such texts alone.
    Without ``tokenizer`` and ``start_from`` a vocabulary of ``vocabulary_size`` pieces is learned from
    ``texts``, labelled pages and the texts of ``line_vectors``.
    ``never_open``: folders of which no file is opened, such as data that must not enter the weights.
    ``text_embeddings``: word embeddings begin with what ``texts`` say (see embeddings.py). Longer pages are
    cropped to ``max_page_tokens`` (None: what a window and a batch hold).

    Held-out pages are measured every ``evaluate_every`` steps (None: five times in a run, and at least every
    500 steps). ``patience``: stop after so many measurements in a row without a better one, and keep the best
    model; 0: all steps are made, and the last model is kept. ``saved_type`` is the type of the weights in the
    model folder.
    """

    output: str
    sources: tuple[LabelledSource, ...] = ()
    network: dict[str, Any] = field(default_factory=dict)
    base: str = "small"
    tasks: tuple[str, ...] = ()
    tokenizer: str | None = None
    texts: tuple[str, ...] = ()
    vocabulary_size: int = 12000
    text_embeddings: bool = False
    line_vectors: str | None = None
    line_vector_weight: float = 0.5
    never_open: tuple[str, ...] = ()
    start_from: str | None = None
    teacher: str | None = None
    teacher_weight: float = 0.5
    steps: int = 3000
    batch_tokens: int = 3072
    accumulate: int = 1
    max_page_tokens: int | None = None
    learning_rate: float = 5e-4
    schedule: str = "cosine"
    warmup_steps: int | None = None
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    layer_decay: float = 1.0
    rates: dict[str, float] = field(default_factory=dict)
    strip_rate: float = 3.0
    precision: str = "auto"
    activation_checkpointing: bool = False
    average_decay: float = 0.999
    tag_weights: str = "lines"
    relation_weight: float = 0.5
    grouping_weight: float = 0.5
    masked_weight: float = 0.1
    mask_rate: float = 0.08
    line_mask_rate: float = 0.0
    label_smoothing: float = 0.05
    views: tuple[float, ...] = (0.5, 0.2, 0.3)
    synthetic_share: float = 0.0
    synthetic_languages: tuple[str, ...] = ("zh", "en", "ja", "de", "fr", "es", "it", "pt")
    domain_share: float = 0.5
    text_share: float = 0.0
    phrase_share: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    evaluate_every: int | None = None
    patience: int = 0
    checkpoint_minutes: float = 3.0
    saved_type: str = "float16"
    threads: int | None = None
    seed: int = 0

    def __post_init__(self):
        for name, (least, most) in _BOUNDS.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise SettingsError(f"{name} is {value}, but must lie between {least:.9g} and {most:.9g}")
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            wrong = [
                item for item in (value if isinstance(value, tuple) else (value,)) if item not in allowed
            ]
            if wrong:
                raise SettingsError(f"{name}: {wrong[0]!r} is none of {', '.join(allowed)}")
        if not self.learning_rate:
            raise SettingsError("learning_rate is 0, so that nothing would be learned")
        if self.warmup_steps and self.warmup_steps >= self.steps:
            raise SettingsError(
                f"warmup_steps is {self.warmup_steps}, but a run of {self.steps} steps would end before"
            )
        if len(self.views) != 3 or min(self.views) < 0 or not sum(self.views):
            raise SettingsError("views must be three odds, not all 0: of labelled, printed and OCR's lines")
        self._check_rates()

    def _check_rates(self) -> None:
        for name, rate in self.rates.items():
            if name not in PARTS or not is_number(rate) or not 0 <= rate <= 1000:
                raise SettingsError(f"rates: {name!r}: {rate!r}; give {', '.join(PARTS)} a number, 0 to 1000")
        if self.synthetic_share and not self.synthetic_languages:
            raise SettingsError("synthetic_share needs synthetic_languages")
        if self.text_share + self.synthetic_share + self.phrase_share > 1:
            raise SettingsError("text_share, synthetic_share and phrase_share together exceed 1")
        if self.phrase_share and self.line_vectors is None:
            raise SettingsError("phrase_share needs line_vectors: a file of short texts and their vectors")
        if self.text_share and not self.texts:
            raise SettingsError("text_share needs texts: files of plain text")

    @property
    def warmup(self) -> int:
        """Steps until the learning rate is reached."""
        return min(200, self.steps // 10) if self.warmup_steps is None else self.warmup_steps

    @property
    def measure_every(self) -> int:
        """Steps between two measurements."""
        return min(500, math.ceil(self.steps / 5)) if self.evaluate_every is None else self.evaluate_every

    @classmethod
    def load(cls, path: str | Path) -> Settings:
        """Reads a settings file.

        Paths in it are relative to it, and may hold environment variables ("$DATA/labels.txt"). What it does
        not set is taken from the file that it ``extends``, whose paths are relative to the first one, too,
        then from PUBLISHED_TRAINING where the network has a published vocabulary, then from the defaults.

        Args:
            path: of the file, JSON.

        Raises:
            SettingsError: it cannot be read, a key is unknown, or a value does not fit.
        """
        path = Path(path)
        try:
            values = checked(cls, _read(path), "")
            sources = values.get("sources", ())
            values["sources"] = tuple(
                LabelledSource(**checked(LabelledSource, source, f"sources[{number}]."))
                for number, source in enumerate(sources)
            )
            defaults = PUBLISHED_TRAINING if _is_published(values, path.parent) else {}
            strengths = checked(Augmentation, values.get("augmentation", {}), "augmentation.")
            for name, value in strengths.items():
                if not 0 <= value <= 1:
                    raise SettingsError(f"augmentation.{name} is {value}, but must lie between 0 and 1")
            values = {**defaults, **values}
            values["augmentation"] = Augmentation(**{**defaults.get("augmentation", {}), **strengths})
            if not str(values["output"]).strip():
                raise SettingsError("output is empty; name the folder of the run")
            settings = cls(**values)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise SettingsError(f"{path}: {error}") from error
        return settings._relative_to(path.parent)

    def _relative_to(self, folder: Path) -> Settings:
        sources = tuple(
            dataclasses.replace(
                source,
                labels=_place(source.labels, folder),
                images=_place(source.images, folder),
                ocr_lines=_place(source.ocr_lines, folder),
                more_ocr_lines=tuple(_place(each, folder) for each in source.more_ocr_lines),
            )
            for source in self.sources
        )
        return dataclasses.replace(
            self,
            output=_place(self.output, folder),
            sources=sources,
            tokenizer=_place(self.tokenizer, folder),
            texts=tuple(_place(text, folder) for text in self.texts),
            line_vectors=_place(self.line_vectors, folder),
            start_from=_place(self.start_from, folder),
            teacher=_place(self.teacher, folder),
            never_open=tuple(_place(name, folder) for name in self.never_open),
        )


def _place(value: Any, folder: Path) -> Any:
    return None if value is None else str(folder / os.path.expandvars(value))


def _is_published(values: dict[str, Any], folder: Path) -> bool:
    """Whether the network has a published vocabulary, and with it published weights or their sizes."""
    start = _place(values.get("start_from"), folder)
    if start is not None:
        return (Path(start) / SENTENCEPIECE_FILE).is_file()
    return values.get("base", "small") != "small"


def _read(path: Path) -> dict[str, Any]:
    values = json.loads(path.read_text("utf-8"))
    if not isinstance(values, dict):
        raise SettingsError("must hold a JSON object")
    base = values.pop("extends", None)
    if not isinstance(base, str | None):
        raise SettingsError("extends must name one settings file")
    return values if base is None else {**_read(path.parent / base), **values}


PARTS = ("words", "visual", "encoder", "heads", "layout")
"""The parts of a network that may learn at rates of their own."""

_CHOICES = {
    "base": tuple(BASES),
    "tasks": ("entities", "relations"),
    "schedule": ("cosine", "linear", "constant"),
    "precision": ("auto", "float32", "bfloat16", "float16"),
    "tag_weights": ("lines", "tokens"),
    "saved_type": ("float16", "float32"),
    "synthetic_languages": tuple(LANGUAGES),
}

_SHARE, _COUNT, _NUMBER = (0.0, 1.0), (1, 10**9), (0.0, 1e6)
_FEWEST_TOKENS = 16  # fewer hold no key with its value
_BOUNDS: dict[str, tuple[float, float]] = {
    "teacher_weight": _SHARE,
    "average_decay": (0.0, 0.99999),
    "mask_rate": _SHARE,
    "line_mask_rate": _SHARE,
    "label_smoothing": (0.0, 0.9),
    "synthetic_share": _SHARE,
    "domain_share": _SHARE,
    "text_share": _SHARE,
    "phrase_share": _SHARE,
    "layer_decay": _SHARE,
    "vocabulary_size": (100, 10**6),
    "steps": _COUNT,
    "batch_tokens": (_FEWEST_TOKENS, 10**9),
    "accumulate": _COUNT,
    "max_page_tokens": (_FEWEST_TOKENS, 10**9),
    "seed": (0, 2**32),
    "evaluate_every": _COUNT,
    "threads": _COUNT,
    "warmup_steps": _NUMBER,
    "learning_rate": (0.0, 1.0),
    "weight_decay": _NUMBER,
    "clip_norm": _NUMBER,
    "strip_rate": _NUMBER,
    "relation_weight": _NUMBER,
    "grouping_weight": _NUMBER,
    "masked_weight": _NUMBER,
    "line_vector_weight": _NUMBER,
    "checkpoint_minutes": _NUMBER,
    "patience": _NUMBER,
}
