"""Settings to a plan: all that a run needs is read, and what cannot work is refused, before it begins."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from beam_kie.escaping import listed
from beam_kie.labelled.formats import LabelledPage, read_labels
from beam_kie.labelled.sources import LabelledSource, split_held_out
from beam_kie.layoutxlm.config import STRIPS, ConfigError, LayoutXLMConfig
from beam_kie.layoutxlm.inputs.tokenizer import (
    PageTokenizer,
    TokenizerError,
    load_tokenizer,
    read_tokenizer,
)
from beam_kie.training.data.vocabulary import mask_id, read_text, same_vocabulary, train_tokenizer
from beam_kie.training.planning.labels import label_fields
from beam_kie.training.planning.presets import BASES
from beam_kie.training.planning.values import SettingsError, unknown
from beam_kie.training.settings import Settings

VOCABULARY_CHARACTERS = 1_000_000  # of each plain text; more takes long and changes little
_FORGOTTEN = ("entity_temperature", "relation_temperature", "entity_calibration", "relation_calibration")


@dataclass(frozen=True)
class SourcePages:
    """The pages of a source: those to learn from, and those held out."""

    source: LabelledSource
    kept: list[LabelledPage]
    held: list[LabelledPage]


@dataclass(frozen=True)
class Plan:
    """What a run is made of. ``settings`` have a number of ``max_page_tokens``."""

    settings: Settings
    config: LayoutXLMConfig
    tokenizer: PageTokenizer
    sources: tuple[SourcePages, ...]


def make_plan(settings: Settings, tokenizer: PageTokenizer | None = None) -> Plan:
    """Reads what settings name, and checks that it goes together.

    Args:
        settings: of the run.
        tokenizer: of the network; None: that of the settings, or of the network to begin from, or one learned
            from the texts.

    Raises:
        SettingsError: settings that cannot work, with what to change.
        LabelError: a label file that cannot be read.
    """
    sources = tuple(_read_source(source, place) for place, source in enumerate(settings.sources))
    if sources and not any(each.kept for each in sources):
        count = sum(len(each.held) for each in sources)
        raise SettingsError(f"sources: nothing is left to learn from: holdout takes all {count} pages")
    start = start_config(settings)
    tokenizer = tokenizer or _tokenizer(settings, sources)
    pages = [page for each in sources for page in (*each.kept, *each.held)]
    config = network_config(settings, start, pages, tokenizer.get_vocab_size())
    plan = Plan(settings, config, tokenizer, sources)
    _check(plan)
    longest = config.tokenising.text_tokens
    return replace(plan, settings=replace(settings, max_page_tokens=settings.max_page_tokens or longest))


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
    if not Path(settings.start_from).is_dir():
        raise SettingsError(f"start_from: {settings.start_from}: no such folder; name that of a model")
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
        return LayoutXLMConfig.from_fields(**fields)
    except ConfigError as error:
        raise SettingsError(f"network: {error}") from error


def _heads(settings: Settings, fields: dict[str, Any]) -> dict[str, Any]:
    """Whether there is a token classifier, and which relation head."""
    finds, relates = fields.get("token_classifier", True), fields.get("relation_head", "none")
    if not settings.tasks and (finds or relates != "none"):
        return {}
    tasks = settings.tasks or ("entities", "relations")
    found: dict[str, Any] = {"token_classifier": "entities" in tasks}
    if "relations" not in tasks:
        found |= {"relation_head": "none", "none_penalty": 0.0}
    elif relates == "none":
        found["relation_head"] = "biaffine"
    return found


def _read_source(source: LabelledSource, place: int) -> SourcePages:
    if source.images and not Path(source.images).is_dir():
        raise SettingsError(f"sources[{place}].images: {source.images}: no such folder")
    for name, files in (("ocr_lines", (source.ocr_lines,)), ("more_ocr_lines", source.more_ocr_lines)):
        for file in files:
            if file and not Path(file).is_file():
                raise SettingsError(f"sources[{place}].{name}: {file}: no such file")
    pages = read_labels(source.labels, source.images)
    try:
        kept, held = split_held_out(pages, source.holdout)
    except re.error as error:
        raise SettingsError(f"sources[{place}].holdout: no regular expression: {error}") from error
    if source.holdout is not None and not held:
        raise SettingsError(
            f"sources[{place}].holdout: {source.holdout!r} finds none of the {len(kept)} pages of "
            f"{source.labels}{'; the first is ' + kept[0].name if kept else ''}"
        )
    return SourcePages(source, kept, held)


def _tokenizer(settings: Settings, sources: Sequence[SourcePages]) -> PageTokenizer:
    try:
        inherited = load_tokenizer(settings.start_from) if settings.start_from else None
        if settings.tokenizer is None:
            return inherited or _learned(settings, sources)
        own = read_tokenizer(settings.tokenizer)
    except TokenizerError as error:
        raise SettingsError(f"tokenizer: {error}") from error
    if inherited is not None and not same_vocabulary(own, inherited):
        raise SettingsError(
            f"tokenizer: {settings.tokenizer} has other tokens than {settings.start_from}; leave it out"
        )
    return own


def _learned(settings: Settings, sources: Sequence[SourcePages]) -> Tokenizer:
    if settings.base != "small":
        raise SettingsError(f'base "{settings.base}" needs tokenizer: a file sentencepiece.bpe.model')
    texts = [line for path in settings.texts for line in _sample(read_text(path), settings.seed)]
    texts += [entry.text for source in sources for page in source.kept for entry in page.entries]
    return train_tokenizer(texts, settings.vocabulary_size)


def _sample(lines: list[str], seed: int) -> list[str]:
    lines = random.Random(seed).sample(lines, len(lines))
    sizes = itertools.accumulate(len(line) for line in lines)
    return [line for line, size in zip(lines, sizes, strict=True) if size <= VOCABULARY_CHARACTERS]


def _check(plan: Plan) -> None:
    for problem in _problems(plan):
        raise SettingsError(problem)


def _problems(plan: Plan) -> Iterator[str]:
    settings, config = plan.settings, plan.config
    parts, window = config.architecture, config.tokenising.text_tokens
    if not plan.sources and settings.text_share + settings.synthetic_share < 1:
        yield "sources: no labelled pages are named, and not all pages are generated"
    longest = window if config.tokenising.position_kind == "page" else math.inf
    if settings.max_page_tokens and settings.max_page_tokens > longest:
        yield f"max_page_tokens is {settings.max_page_tokens}, but a window holds {window} tokens of text"
    if plan.tokenizer.get_vocab_size() > parts.vocab_size:
        yield f"tokenizer: has {plan.tokenizer.get_vocab_size()} tokens, the network knows {parts.vocab_size}"
    if not parts.token_classifier and parts.relation_head == "none":
        yield "network: has neither token_classifier nor relation_head: there is nothing to learn"
    if not parts.token_classifier and parts.grouping_head:
        yield "network: grouping_head needs token_classifier"
    if not parts.token_classifier and (settings.text_share or settings.mask_rate):
        yield "network: without token_classifier there is nothing to learn from text_share and mask_rate"
    if settings.patience and not any(each.held for each in plan.sources):
        yield "patience needs pages to measure on: give a source a holdout"
    if settings.text_embeddings and not isinstance(plan.tokenizer, Tokenizer):
        yield "text_embeddings must be false: only vocabularies of the tokenizers library can be counted"
    if mask_id(plan.tokenizer) is None and (settings.mask_rate or settings.line_mask_rate):
        yield "mask_rate and line_mask_rate must be 0: the tokenizer has no <mask>"
    if not config.head_labels and settings.tasks and "relations" in settings.tasks:
        yield f"tasks: relations need links, but no page links any of {', '.join(config.labels)}"
    yield from _problems_of_pictures(plan)


def _problems_of_pictures(plan: Plan) -> Iterator[str]:
    settings, parts = plan.settings, plan.config.architecture
    if not parts.use_visual_backbone:
        return
    if settings.synthetic_share or settings.text_share:
        yield "synthetic_share and text_share must be 0: the network reads pictures, which these pages lack"
    for place, each in enumerate(plan.sources):
        if each.source.images is None:
            yield f"sources[{place}].images: the network reads the pictures of pages; name their folder"
