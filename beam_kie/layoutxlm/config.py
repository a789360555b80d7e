"""The configuration of a LayoutXLM network; ``config.json`` of a model folder.

In memory it has parts: what the network is built of, how text becomes tokens, how scores become findings, how
confidences are calibrated. In the file all fields stand side by side, under the names of Hugging Face's
LayoutLMv2 where it has them, so that files of any age load.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from beam_kie.escaping import listed
from beam_kie.layoutxlm.architecture import Architecture
from beam_kie.layoutxlm.config_values import (
    FILE_NAMES,
    ConfigError,
    Part,
    frozen,
    is_like,
    is_pairs,
    is_table,
    kind_of,
)
from beam_kie.layoutxlm.file_limits import ModelFileError, check_settings, read_settings

STRIPS = "strips"
"""The value of ``LayoutXLMConfig.pictures`` for a network that reads strips of the text lines."""


@dataclass(frozen=True)
class Tokenising(Part):
    """How the lines of a page become the network's input.

    ``position_kind`` is "page" (tokens counted through the page, as published) or "line" (counted
    from the start of their text line). ``special_tokens`` is "none" (PaddleOCR's way) or "hf" (every
    window stands between <s> and </s>). ``token_boxes`` gives every token the box of its "line" or of
    its "word" (the line's box cut in proportion to characters). Pages of more than ``window_tokens`` are
    cut into windows that share ``window_overlap_tokens``.
    """

    pad_token_id: int = 1
    bos_token_id: int = 0
    eos_token_id: int = 2
    special_tokens: str = "none"
    token_boxes: str = "line"
    position_kind: str = "page"
    window_tokens: int = 512
    window_overlap_tokens: int = 128

    CHOICES: ClassVar = {
        "position_kind": ("page", "line"),
        "special_tokens": ("none", "hf"),
        "token_boxes": ("line", "word"),
    }

    @property
    def text_tokens(self) -> int:
        """How many tokens of text a window holds beside its special tokens."""
        return self.window_tokens - (2 if self.special_tokens == "hf" else 0)

    @property
    def special_before(self) -> int:
        """How many special tokens stand before the text of a window."""
        return 1 if self.special_tokens == "hf" else 0

    def _check(self) -> None:
        if not 0 <= self.window_overlap_tokens < self.text_tokens:
            raise ConfigError("window_overlap_tokens must be less than the text tokens of a window")
        if self.special_tokens == "hf" and self.position_kind == "line":
            raise ConfigError('special_tokens "hf" needs position_kind "page"')


@dataclass(frozen=True)
class Decoding(Part):
    """How scores become entities and relations. Costs are in nats.

    ``method`` is "runs" (entities are runs of tokens) or "line_vote" (PaddleOCR's: one label a line). A cut
    within a line costs ``switch_penalty`` (``colon_discount`` less right after a colon, ``capitals_discount``
    less where words in capitals are followed by other ones or numbers, ``phrase_penalty`` more in brackets
    and beside a comma of ideographs), a join of lines ``join_penalty``, "no key" for a value
    ``none_penalty``: training shows the first two more often than pages do.
    ``page_prior_weight``: how much a page's other keys in two scripts count for one (decoding/page_prior.py).
    A join across the border of a ruled cell costs ``cell_penalty``, one of a line in a cell with a line in
    none ``cell_edge_penalty``; one of keys right below each other in a cell gains ``cell_bonus``
    (decoding/cell_joins.py). ``joint_weight``: how much the probabilities of labels count where labels and
    links of lines that OCR read are decided together (decoding/joint.py); 0: labels first.
    ``relation_choice`` is "best" (only the most probable key of a value) or "every" (all keys above the
    threshold). With "best", a value in a table gets a second key, the header of its row as well as that of
    its column, where that link's confidence is ``second_key`` or more; 0: never (decoding/second_keys.py).
    A value that is known to be one, as where entities are given, gets the key that has at least
    ``certain_value_share`` of what all keys have, also where "no key" is likelier; 0: never
    (decoding/certain_values.py). ``row_repairs``: on lines that OCR read, keys and values over several
    rows are cut by what stands beside these, and parts of values that stand side by side are joined
    (decoding/row_repairs.py).
    """

    method: str = "runs"
    switch_penalty: float = 0.0
    colon_discount: float = 0.0
    capitals_discount: float = 0.0
    phrase_penalty: float = 0.0
    join_penalty: float = 0.0
    none_penalty: float = 0.0
    page_prior_weight: float = 0.0
    cell_penalty: float = 0.0
    cell_edge_penalty: float = 0.0
    cell_bonus: float = 0.0
    joint_weight: float = 0.0
    relation_choice: str = "best"
    second_key: float = 0.0
    certain_value_share: float = 0.0
    row_repairs: bool = False

    CHOICES: ClassVar = {"method": ("runs", "line_vote"), "relation_choice": ("best", "every")}

    def _check(self) -> None:
        if not 0 <= self.second_key <= 1:
            raise ConfigError("second_key must be from 0 to 1")
        if self.second_key and self.relation_choice != "best":
            raise ConfigError('second_key goes with relation_choice "best" alone')
        if self.certain_value_share and not 0.5 < self.certain_value_share <= 1:
            raise ConfigError("certain_value_share must be 0, or above 0.5 and up to 1")

    @property
    def sees_cells(self) -> bool:
        """Whether it matters in which ruled cells lines stand."""
        return bool(self.cell_penalty or self.cell_edge_penalty or self.cell_bonus)


@dataclass(frozen=True)
class Calibration(Part):
    """What turns confidences as computed into those that are reported (decoding/calibration.py).

    The temperatures divide scores before they become probabilities. ``entity_calibration`` and
    ``relation_calibration`` are tables ((computed, reported), ...) of rising confidences in [0, 1]; empty:
    reported as computed. ``read_entity_calibration`` and ``read_relation_calibration`` take their place on
    pages of which it is not known that every line is one entity or none (``PageText.whole_lines``); empty:
    the same as on the others.
    """

    entity_temperature: float = 1.0
    relation_temperature: float = 1.0
    entity_calibration: tuple[tuple[float, float], ...] = ()
    relation_calibration: tuple[tuple[float, float], ...] = ()
    read_entity_calibration: tuple[tuple[float, float], ...] = ()
    read_relation_calibration: tuple[tuple[float, float], ...] = ()

    def of_entities(self, whole_lines: bool) -> tuple[tuple[float, float], ...]:
        """The table of entities.

        Args:
            whole_lines: as of the page.
        """
        read = self.read_entity_calibration or self.entity_calibration
        return self.entity_calibration if whole_lines else read

    def of_relations(self, whole_lines: bool) -> tuple[tuple[float, float], ...]:
        """The table of relations.

        Args:
            whole_lines: as of the page.
        """
        read = self.read_relation_calibration or self.relation_calibration
        return self.relation_calibration if whole_lines else read

    def _check(self) -> None:
        for name in _TABLES:
            if not is_table(getattr(self, name)):
                raise ConfigError(f"{name} must be points [x, y] from 0 to 1, x rising and y not falling")


@dataclass(frozen=True)
class LayoutXLMConfig:
    """A model: its name, the labels that it knows, and the parts of its configuration.

    ``head_labels`` are those of keys, ``tail_labels`` those of values. ``links``: (key's label, value's
    label) that may belong together; empty: all. ``keyless_labels``: entities of these are values even where
    no key goes with them. ``tag_names`` are the classifier's
    classes in their order; empty: O, then B- and I- of every label. ``relation_labels`` are the rows of a
    biaffine head's label embedding; empty: the order of ``labels``.

    ``ensemble_size`` networks read every page, and the mean of their scores counts. They differ in weights
    alone, but for line images: members without weights for strips are text-only.
    """

    name: str = "layoutxlm"
    labels: tuple[str, ...] = ("QUESTION", "ANSWER", "HEADER")
    head_labels: tuple[str, ...] = ("QUESTION",)
    tail_labels: tuple[str, ...] = ("ANSWER",)
    links: tuple[tuple[str, str], ...] = ()
    keyless_labels: tuple[str, ...] = ()
    tag_names: tuple[str, ...] = ()
    relation_labels: tuple[str, ...] = ()
    ensemble_size: int = 1
    architecture: Architecture = field(default_factory=Architecture)
    tokenising: Tokenising = field(default_factory=Tokenising)
    decoding: Decoding = field(default_factory=Decoding)
    calibration: Calibration = field(default_factory=Calibration)

    def __post_init__(self) -> None:
        if self.ensemble_size < 1:
            raise ConfigError("ensemble_size must be 1 or more")
        for name in ("none_penalty", "second_key", "certain_value_share"):
            if getattr(self.decoding, name) and self.architecture.relation_head != "softmax":
                raise ConfigError(f'{name} goes with relation_head "softmax" alone')
        if self.architecture.strip_channels and self.tokenising.special_tokens == "hf":
            raise ConfigError('strip_channels do not go with special_tokens "hf"')
        if self.architecture.token_layout and (
            self.tokenising.special_tokens == "hf" or self.tokenising.token_boxes == "word"
        ):
            raise ConfigError('token_layout needs special_tokens "none" and token_boxes "line"')
        longest = self.architecture.max_position_embeddings
        if self.tokenising.position_kind == "page" and self.tokenising.window_tokens > longest:
            raise ConfigError("window_tokens must not exceed max_position_embeddings")
        self._check_labels()

    def _check_labels(self) -> None:
        unknown = set(self.head_labels + self.tail_labels + self.keyless_labels) - set(self.labels)
        if unknown:
            raise ConfigError(
                f"head_labels, tail_labels and keyless_labels name unknown labels: {listed(unknown)}"
            )
        for head, tail in self.links:
            if head not in self.head_labels or tail not in self.tail_labels:
                raise ConfigError(f"links: {head} is none of head_labels, or {tail} none of tail_labels")
        if self.relation_labels and set(self.relation_labels) != set(self.labels):
            raise ConfigError("relation_labels must hold the same labels as labels")
        allowed = {"O", *(f"{prefix}-{label}" for label in self.labels for prefix in "BI")}
        strange = set(self.tags) - allowed
        if strange:
            raise ConfigError(f"tag_names must be O, B-label or I-label; these are not: {listed(strange)}")

    @property
    def tags(self) -> tuple[str, ...]:
        """Token classes in the order of the classifier, for example O, B-QUESTION, I-QUESTION, ..."""
        return self.tag_names or (
            "O",
            *(f"{prefix}-{label}" for label in self.labels for prefix in "BI"),
        )

    def may_link(self, head: str, tail: str) -> bool:
        """Whether a value of one label may belong to a key of another one.

        Args:
            head: label of the key.
            tail: label of the value.
        """
        return not self.links or (head, tail) in self.links

    @property
    def pictures(self) -> str | None:
        """What the network reads beside text and boxes (inputs/images.py): thumbnails made in the way that
        ``image_normalisation`` names, or STRIPS of the lines; None: nothing."""
        if self.architecture.strip_channels:
            return STRIPS
        return self.architecture.image_normalisation if self.architecture.use_visual_backbone else None

    @classmethod
    def from_fields(cls, **values: Any) -> LayoutXLMConfig:
        """The configuration with these fields, under their names in the file; others have defaults.

        Args:
            values: for example ``hidden_size=256, labels=["KEY", "VALUE"], decoding="runs"``; lists serve
                for tuples, whole numbers for numbers.

        Raises:
            ConfigError: for unknown names, values of the wrong type, and values that do not go together.
        """
        values = {_OLD_NAMES.get(name, name): frozen(value, 0) for name, value in values.items()}
        known = {name: (part, field) for name, part, field in _fields()}
        unknown = set(values) - set(known)
        if unknown:
            raise ConfigError(f"unknown fields: {listed(unknown)}")
        try:
            check_settings(values)
        except ModelFileError as error:
            raise ConfigError(str(error)) from error
        own: dict[str, Any] = {}
        of_parts: dict[str, dict[str, Any]] = {name: {} for name in _PARTS}
        for name, value in values.items():
            part, field = known[name]
            if name == "links" and not is_pairs(value):
                raise ConfigError("links must be a list of pairs [key's label, value's label]")
            if name not in (*_TABLES, "links") and not is_like(value, field):
                raise ConfigError(f"{name} must be {kind_of(field)}")
            (own if part is None else of_parts[part])[field.name] = value
        for name, fields in of_parts.items():
            own[name] = _PARTS[name](**fields)
        return cls(**own)

    def fields(self) -> dict[str, Any]:
        """All fields by their names in the file."""
        return {
            name: getattr(self if part is None else getattr(self, part), field.name)
            for name, part, field in _fields()
        }

    def with_fields(self, **changes: Any) -> LayoutXLMConfig:
        """This configuration with other values of some fields.

        Args:
            changes: fields by name, as of ``from_fields``.

        Raises:
            ConfigError: a field is unknown, or a value does not fit.
        """
        changes = {_OLD_NAMES.get(name, name): value for name, value in changes.items()}
        return self.from_fields(**{**self.fields(), **changes})

    @classmethod
    def load(cls, path: str | Path) -> LayoutXLMConfig:
        """Reads ``config.json``.

        Args:
            path: of the file.

        Raises:
            ConfigError: the file cannot be read, a field is unknown, or a value does not fit.
        """
        try:
            values = read_settings(path)
        except ModelFileError as error:
            raise ConfigError(str(error)) from error
        try:
            return cls.from_fields(**values)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Writes ``config.json``.

        Args:
            path: of the file.
        """
        Path(path).write_text(json.dumps(self.fields(), indent=2, ensure_ascii=False) + "\n", "utf-8")


_PARTS: dict[str, type[Part]] = {
    "architecture": Architecture,
    "tokenising": Tokenising,
    "decoding": Decoding,
    "calibration": Calibration,
}
# What files of earlier versions call a field.
_OLD_NAMES = {"habit_weight": "page_prior_weight"}
_TABLES = (
    "entity_calibration",
    "relation_calibration",
    "read_entity_calibration",
    "read_relation_calibration",
)


def _fields() -> Iterator[tuple[str, str | None, dataclasses.Field[Any]]]:
    """Every field: its name in the file, its part (None: the configuration itself) and itself."""
    for own in dataclasses.fields(LayoutXLMConfig):
        if own.name not in _PARTS:
            yield own.name, None, own
            continue
        for each in dataclasses.fields(_PARTS[own.name]):  # pyright: ignore[reportArgumentType] - all are dataclasses
            yield FILE_NAMES.get(each.name, each.name), own.name, each
