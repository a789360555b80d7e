"""What cannot work in the settings of a run: told before it begins, the key first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from beam_kie.escaping import listed
from beam_kie.layoutxlm.config import ConfigError, LayoutXLMConfig
from beam_kie.layoutxlm.inputs.tokenizer import PageTokenizer, TokenizerError, load_tokenizer
from beam_kie.training.data.vocabulary import mask_id, same_vocabulary
from beam_kie.training.planning.labels import STANDARD
from beam_kie.training.planning.sources import SourcePages
from beam_kie.training.planning.values import SettingsError
from beam_kie.training.settings import Settings
from beam_kie.training.teacher import may_teach


def check_files(settings: Settings) -> None:
    """Refuses folders and files that are not there or would be written over.

    Args:
        settings: of the run.

    Raises:
        SettingsError: the first problem.
    """
    output = Path(settings.output)
    if any(part.is_file() for part in (output, *output.parents)):
        raise SettingsError(f"output: {output} is a file, or lies in one; name a folder")
    for key in ("start_from", "teacher"):
        folder = getattr(settings, key)
        if folder is not None and not Path(folder).is_dir():
            raise SettingsError(f"{key}: {folder}: no such folder; name that of a model")
        if folder is not None and Path(folder).resolve() == (output / "model").resolve():
            raise SettingsError(f"output: the run would write its model over {key}, {folder}; name another")
    for place, text in enumerate(settings.texts):
        if not Path(text).is_file():
            raise SettingsError(f"texts[{place}]: {text}: no such file")


def problems(
    settings: Settings, config: LayoutXLMConfig, tokenizer: PageTokenizer, sources: Sequence[SourcePages]
) -> Iterator[str]:
    """What does not go together, a line each; nothing where the run can begin.

    Args:
        settings: of the run.
        config: of its network.
        tokenizer: of the network.
        sources: its labelled pages.
    """
    yield from _of_sizes(settings, config, tokenizer)
    yield from _of_teacher(settings, config, tokenizer)
    yield from _of_heads(settings, config)
    yield from _of_pages(settings, config, sources)
    yield from _of_texts(settings, tokenizer)
    yield from _of_measuring(settings, sources)
    yield from _of_pictures(settings, config, sources)


def _of_sizes(settings: Settings, config: LayoutXLMConfig, tokenizer: PageTokenizer) -> Iterator[str]:
    parts, window = config.architecture, config.tokenising.text_tokens
    longest = window if config.tokenising.position_kind == "page" else math.inf
    page = settings.max_page_tokens
    if page and page > longest:
        yield f"max_page_tokens is {page}, but a window holds {window} tokens of text"
    if page and page > settings.batch_tokens:
        yield f"batch_tokens is {settings.batch_tokens}, but max_page_tokens allows pages of {page} tokens"
    if tokenizer.get_vocab_size() > parts.vocab_size:
        yield f"tokenizer: has {tokenizer.get_vocab_size()} tokens, the network knows {parts.vocab_size}"


def _of_teacher(settings: Settings, config: LayoutXLMConfig, tokenizer: PageTokenizer) -> Iterator[str]:
    if settings.teacher is None:
        return
    try:
        teacher = LayoutXLMConfig.load(Path(settings.teacher) / "config.json")
        words = load_tokenizer(Path(settings.teacher))
    except (ConfigError, TokenizerError) as error:
        yield f"teacher: {error}"
        return
    if not may_teach(teacher, config) or not same_vocabulary(words, tokenizer):
        yield (
            f"teacher: {settings.teacher} has other labels, heads or another vocabulary than the network to "
            "train; leave it out"
        )


def _of_heads(settings: Settings, config: LayoutXLMConfig) -> Iterator[str]:
    parts = config.architecture
    if not parts.token_classifier and parts.relation_head == "none":
        yield "network: has neither token_classifier nor relation_head: there is nothing to learn"
    if not parts.token_classifier and parts.grouping_head:
        yield "network: grouping_head needs token_classifier"
    if not parts.token_classifier and (settings.text_share or settings.mask_rate):
        yield "text_share and mask_rate must be 0: without entities in tasks nothing is learned from them"
    if not config.head_labels and settings.tasks and "relations" in settings.tasks:
        yield f"tasks: relations need links, but no page links any of {', '.join(config.labels)}"
    learning = {part: settings.rates.get(part, 1.0) for part in ("words", "encoder", "heads")}
    learning["layout"] = settings.rates.get("layout", 1.0) if parts.token_layout else 0.0
    learning["strips"] = settings.strip_rate if parts.strip_channels else 0.0
    learning["visual"] = settings.rates.get("visual", 1.0) if parts.use_visual_backbone else 0.0
    if not any(learning.values()):
        yield "rates: all parts have the rate 0, so that nothing would be learned"


def _of_pages(settings: Settings, config: LayoutXLMConfig, sources: Sequence[SourcePages]) -> Iterator[str]:
    if not sources and settings.text_share + settings.synthetic_share + settings.phrase_share < 1:
        yield "sources: no labelled pages are named, and not all pages are generated"
    if settings.synthetic_share and not set(STANDARD) & set(config.labels):
        yield (
            f"synthetic_share must be 0: generated forms have the labels {listed(STANDARD)}, but "
            f"{listed(config.labels)} are to be learned"
        )
    if not any(settings.views[:2]) and not all(any(each.readings) for each in sources):
        yield "views: only lines that OCR read are to be learned, but not every source has ocr_lines"


def _of_texts(settings: Settings, tokenizer: PageTokenizer) -> Iterator[str]:
    if settings.text_embeddings and not isinstance(tokenizer, Tokenizer):
        yield "text_embeddings must be false: only vocabularies of the tokenizers library can be counted"
    if mask_id(tokenizer) is None and (settings.mask_rate or settings.line_mask_rate):
        yield "mask_rate and line_mask_rate must be 0: the tokenizer has no <mask>"


def _of_measuring(settings: Settings, sources: Sequence[SourcePages]) -> Iterator[str]:
    if not settings.patience:
        return
    if not any(each.held for each in sources):
        yield "patience needs pages to measure on: give a source a holdout"
    often = math.ceil(settings.steps / settings.measure_every)
    if settings.patience >= often:
        yield (
            f"patience is {settings.patience}, but {settings.steps} steps with evaluate_every "
            f"{settings.measure_every} are measured {often} times: make one of the two smaller"
        )


def _of_pictures(
    settings: Settings, config: LayoutXLMConfig, sources: Sequence[SourcePages]
) -> Iterator[str]:
    if not config.architecture.use_visual_backbone:
        return
    if settings.synthetic_share or settings.text_share:
        yield "synthetic_share and text_share must be 0: the network reads pictures, which these pages lack"
    for place, each in enumerate(sources):
        if each.source.images is None:
            yield f"sources[{place}].images: the network reads the pictures of pages; name their folder"
