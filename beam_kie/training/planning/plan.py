"""Settings to a plan: all that a run needs is read, and what cannot work is refused, before it begins."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from beam_kie.escaping import listed
from beam_kie.labelled.formats import LabelledPage
from beam_kie.layoutxlm.config import STRIPS, Calibration, ConfigError, LayoutXLMConfig
from beam_kie.layoutxlm.inputs.tokenizer import (
    PageTokenizer,
    TokenizerError,
    load_tokenizer,
    read_tokenizer,
)
from beam_kie.training.data.vocabulary import (
    LearnedVocabulary,
    learned_vocabulary,
    read_text,
    same_vocabulary,
)
from beam_kie.training.line_vectors.files import LineVectors, VectorFileError
from beam_kie.training.planning.labels import label_fields
from beam_kie.training.planning.presets import BASES
from beam_kie.training.planning.problems import check_files, problems
from beam_kie.training.planning.sources import SourcePages, read_sources
from beam_kie.training.planning.values import SettingsError, unknown
from beam_kie.training.settings import Settings

VOCABULARY_CHARACTERS = 1_000_000  # of each plain text; more takes long and changes little
_FORGOTTEN = frozenset(each.name for each in fields(Calibration))


@dataclass(frozen=True)
class Plan:
    """What a run is made of.

    ``settings`` have a number of ``max_page_tokens``. ``learned``: the vocabulary, where the run learned it;
    None: it is that of a file or of another network.
    """

    settings: Settings
    config: LayoutXLMConfig
    tokenizer: PageTokenizer
    sources: tuple[SourcePages, ...]
    line_vectors: LineVectors | None = None
    learned: LearnedVocabulary | None = None

    def keep_vocabulary(self) -> None:
        """Writes a learned vocabulary into the folder of the run, where ``make_plan`` takes it up again."""
        if self.learned:
            self.learned.keep(Path(self.settings.output))


def make_plan(settings: Settings, tokenizer: PageTokenizer | None = None) -> Plan:
    """Reads what settings name, and checks that it goes together.

    Args:
        settings: of the run.
        tokenizer: of the network; None: that of the settings, or of the network to begin from, or one learned
            from the texts, now or by an interrupted command.

    Raises:
        SettingsError: settings that cannot work, with what to change.
    """
    check_files(settings)
    start = start_config(settings)
    sources = read_sources(settings.sources)
    vectors = _line_vectors(settings)
    learned = None
    tokenizer = tokenizer or _given_tokenizer(settings)
    if tokenizer is None:
        learned = _learned(settings, sources, vectors.texts if vectors else ())
        tokenizer = learned.tokenizer
    pages = [page for each in sources for page in (*each.kept, *each.held)]
    config = network_config(settings, start, pages, tokenizer.get_vocab_size())
    for problem in problems(settings, config, tokenizer, sources):
        raise SettingsError(problem)
    # Longer pages are cropped, so that no batch needs more memory than batch_tokens says.
    longest = min(config.tokenising.text_tokens, settings.batch_tokens)
    settings = replace(settings, max_page_tokens=settings.max_page_tokens or longest)
    return Plan(settings, config, tokenizer, sources, vectors, learned)


def notes(plan: Plan) -> list[str]:
    """What a run does that its settings do not say, a line each, for the user to check.

    Args:
        plan: of the run.
    """
    config = plan.config
    pages = [page for each in plan.sources for page in (*each.kept, *each.held)]
    found = {entry.label for page in pages for entry in page.entries if entry.is_entity}
    pairs = [f"{head} - {tail}" for head, tail in config.links]
    lines = [f"labels: {', '.join(config.labels)}"]
    if config.architecture.relation_head != "none":
        everything = f"any of {', '.join(config.head_labels)} - any of {', '.join(config.tail_labels)}"
        lines.append(f"keys and their values: {', '.join(pairs) or everything}")
        if not config.head_labels or not config.tail_labels:
            lines[-1] = "keys and their values: none, because no labelled page links two of the labels"
    if config.keyless_labels:
        lines.append(f"values also without a key: {', '.join(config.keyless_labels)}")
    if left := found - set(config.labels):
        lines.append(f"labels in the files that are not learned: {listed(left)}")
    tokens = plan.settings.max_page_tokens
    if tokens and tokens < config.tokenising.text_tokens:
        lines.append(f"of longer pages, {tokens} tokens at random places are learned from at a time")
    if plan.settings.start_from and plan.settings.base != "small":
        lines.append(f"base is not used: the network is that of start_from, {plan.settings.start_from}")
    if config.pictures == STRIPS and any(each.source.images is None for each in plan.sources):
        lines.append("line images are learned only from sources with images: name their folder")
    return lines


def start_config(settings: Settings) -> LayoutXLMConfig | None:
    """The configuration of the network that a run begins from; None: it begins from random weights.

    Args:
        settings: of the run.

    Raises:
        SettingsError: it cannot be read.
    """
    if settings.start_from is None:
        return None
    try:
        return LayoutXLMConfig.load(Path(settings.start_from) / "config.json")
    except ConfigError as error:
        raise SettingsError(f"start_from: {error}") from error


def network_config(
    settings: Settings, start: LayoutXLMConfig | None, pages: Sequence[LabelledPage], vocab_size: int
) -> LayoutXLMConfig:
    """The configuration of the network to train: that of the start or base, with what settings change.

    Args:
        settings: of the run.
        start: as of ``start_config``.
        pages: all labelled pages of the run.
        vocab_size: tokens of the vocabulary.

    Raises:
        SettingsError: the fields do not go together.
    """
    base: dict[str, Any] = dict(BASES[settings.base], vocab_size=vocab_size)
    if start is not None:
        base = {name: value for name, value in start.fields().items() if name not in _FORGOTTEN}
        base |= {"name": Path(settings.output).name or start.name, "ensemble_size": 1}
        base |= {"tag_names": (), "relation_labels": ()}
    for name in settings.network:
        if name not in LayoutXLMConfig().fields():
            raise SettingsError(f"network.{unknown(name, LayoutXLMConfig().fields())}")
    of_labels = label_fields(settings.network, start, pages)
    fields = {**base, **of_labels}
    own = {name: value for name, value in settings.network.items() if name not in of_labels}
    fields = {**fields, **_heads(settings, fields), **own}
    try:
        config = LayoutXLMConfig.from_fields(**fields)
    except ConfigError as error:
        raise SettingsError(f"network: {error}") from error
    given = start.architecture.strip_channels if start else ()
    if given and config.architecture.strip_channels not in ((), given):
        raise SettingsError(
            f"network.strip_channels: {settings.start_from} has {list(given)}, and other sizes would forget "
            "what it knows of line images; leave it out"
        )
    return config


def _heads(settings: Settings, fields: dict[str, Any]) -> dict[str, Any]:
    """Whether there is a token classifier, and which relation head."""
    finds, relates = fields.get("token_classifier", True), fields.get("relation_head", "none")
    if not settings.tasks and (finds or relates != "none"):
        return {}
    tasks = settings.tasks or ("entities", "relations")
    found: dict[str, Any] = {"token_classifier": "entities" in tasks}
    if "entities" not in tasks:
        found["grouping_head"] = False  # it joins entities
    if "relations" not in tasks:
        found |= {"relation_head": "none", "none_penalty": 0.0}
    elif relates == "none":
        found["relation_head"] = "biaffine"
    return found


def _line_vectors(settings: Settings) -> LineVectors | None:
    if settings.line_vectors is None:
        return None
    try:
        return LineVectors.load(Path(settings.line_vectors))
    except VectorFileError as error:
        raise SettingsError(str(error)) from error


def _given_tokenizer(settings: Settings) -> PageTokenizer | None:
    try:
        inherited = load_tokenizer(settings.start_from) if settings.start_from else None
        if settings.tokenizer is None:
            return inherited
        own = read_tokenizer(settings.tokenizer)
    except TokenizerError as error:
        raise SettingsError(f"tokenizer: {error}") from error
    if inherited is not None and not same_vocabulary(own, inherited):
        raise SettingsError(
            f"tokenizer: {settings.tokenizer} has other tokens than {settings.start_from}; leave it out"
        )
    return own


def _learned(settings: Settings, sources: Sequence[SourcePages], phrases: Sequence[str]) -> LearnedVocabulary:
    if settings.base != "small":
        raise SettingsError(f'base "{settings.base}" needs tokenizer: a file sentencepiece.bpe.model')
    texts = [line for path in settings.texts for line in _sample(read_text(path), settings.seed)]
    texts += [entry.text for source in sources for page in source.kept for entry in page.entries]
    return learned_vocabulary([*texts, *phrases], settings.vocabulary_size, Path(settings.output))


def _sample(lines: list[str], seed: int) -> list[str]:
    lines = random.Random(seed).sample(lines, len(lines))
    sizes = itertools.accumulate(len(line) for line in lines)
    return [line for line, size in zip(lines, sizes, strict=True) if size <= VOCABULARY_CHARACTERS]
