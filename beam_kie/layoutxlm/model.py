"""A model folder, loaded: pages of text in, entities and relations out."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from beam_kie.document import Category, DocumentError, Entity, PageResult, PageText
from beam_kie.layoutxlm.calibration import calibrated_entities, whole_relations
from beam_kie.layoutxlm.checkpoints import WeightsError, load_weights
from beam_kie.layoutxlm.config import ConfigError, LayoutXLMConfig
from beam_kie.layoutxlm.decoding import DecodedEntity, Piece, create_decoder, decode_entities
from beam_kie.layoutxlm.features import (
    PageTokens,
    Window,
    collate,
    cut_windows,
    pad_looks,
    page_tokens,
    plan_batches,
    token_places,
)
from beam_kie.layoutxlm.grouping import group_pieces
from beam_kie.layoutxlm.images import thumbnail_pixels
from beam_kie.layoutxlm.linking import find_relations
from beam_kie.layoutxlm.network import LayoutXLM
from beam_kie.layoutxlm.strips import unpack_strips
from beam_kie.layoutxlm.tokenizer import PageTokenizer, TokenizerError, load_tokenizer

DEFAULT_BATCH_TOKENS = 4096
WEIGHTS_FILE = "model.safetensors"
PICTURES_AT_ONCE = 8


class ModelError(ValueError):
    """A model folder that cannot be used; the message says why and what to do."""


class Encoded(NamedTuple):
    """What the network makes of a page: T x H hidden states (None: not asked for), T x tags log
    probabilities (None: the network has no token classifier)."""

    hidden: Tensor | None
    log_probs: np.ndarray | None


class KieModel:
    """SER and RE with one checkpoint: the encoder runs once per page.

    ``name``, ``revision`` (first 12 hex digits of the weights' SHA-256), ``labels``, ``device`` and
    ``size_bytes`` describe it; ``pictures`` says what pictures its pages need (None: none). A model
    without a relation head finds no relations, one without a token classifier only relates given
    entities. The network passed in is made ready for use and can no longer be trained. Not safe to share
    between threads that load; safe to share for predict.
    """

    def __init__(
        self,
        network: LayoutXLM,
        tokenizer: PageTokenizer,
        revision: str = "unsaved",
        max_batch_tokens: int = DEFAULT_BATCH_TOKENS,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ):
        self.config = network.config
        self.device = torch.device(device)
        self.dtype = dtype
        self.network = network.eval().to(self.device)
        self.network.prepare(dtype)
        self.tokenizer = tokenizer
        self.name = self.config.name
        self.revision = revision
        self.labels = list(self.config.labels)
        self.pictures = self.config.pictures
        self.max_batch_tokens = max_batch_tokens
        # On a CPU a batch saves no time, and its sums would depend on the pages that share it: there
        # windows go one by one, and a page's result is the same whatever else is read.
        self.batch_budget = 1 if self.device.type == "cpu" else max_batch_tokens
        self.size_bytes = sum(p.numel() * p.element_size() for p in network.parameters())
        self._decoder = create_decoder(self.config)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        device: str = "auto",
        dtype: str = "auto",
        max_batch_tokens: int = DEFAULT_BATCH_TOKENS,
    ) -> KieModel:
        """Loads a folder with ``config.json``, ``model.safetensors`` and a tokenizer.

        ``device`` is "auto", "cpu" or "cuda"; ``dtype`` "auto", "float32" or "bfloat16" (auto: bfloat16
        where the device has matrix instructions for it). Raises ModelError.
        """
        folder = Path(folder)
        missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
        if missing:
            raise ModelError(f"{folder} is not a model folder: it lacks {', '.join(missing)}")
        try:
            network = load_network(folder)
            tokenizer = load_tokenizer(folder)
        except (ConfigError, TokenizerError) as error:
            raise ModelError(str(error)) from error
        if tokenizer.get_vocab_size() > network.config.vocab_size:
            raise ModelError(
                f"{folder}: the tokenizer has {tokenizer.get_vocab_size()} ids, but the network knows "
                f"{network.config.vocab_size}: they do not belong together"
            )
        place = resolve_device(device)
        return cls(
            network,
            tokenizer,
            revision=file_revision(folder / WEIGHTS_FILE),
            max_batch_tokens=max_batch_tokens,
            dtype=resolve_dtype(dtype, place),
            device=place,
        )

    def count_tokens(self, page: PageText) -> int:
        """How many tokens the page has for this model: its weight in a batch."""
        texts = [line.text for line in page.lines]
        return sum(len(e.ids) for e in self.tokenizer.encode_batch(texts, add_special_tokens=False))

    def predict(self, pages: Sequence[PageText]) -> list[PageResult]:
        """Entities (in reading order) and relations of every page, in the order of the pages.

        Raises DocumentError where a page lacks the thumbnail that a visual backbone looks at, or comes with a
        picture that is not of its lines. A page without strips of its lines is read all the same.
        """
        found = self._find(pages, keep_hidden=self.network.relation_head is not None)
        return [
            self._result(page, decoded, hidden) for page, (decoded, hidden) in zip(pages, found, strict=True)
        ]

    def find_entities(self, pages: Sequence[PageText]) -> list[list[Entity]]:
        """Entities alone, in reading order."""
        return [[item.entity for item in decoded] for decoded, _ in self._find(pages, keep_hidden=False)]

    def relate(self, pages: Sequence[PageText], entities: Sequence[Sequence[Entity]]) -> list[PageResult]:
        """Relations between given entities, for evaluation with gold entities or after another model.

        An entity without tokens (blank text) or with a label that the model does not know takes part in
        no relation.
        """
        if self.network.relation_head is None:
            return [PageResult(page, tuple(given)) for page, given in zip(pages, entities, strict=True)]
        tokens = self._tokens(pages)
        encoded = self._encode(pages, tokens, keep_hidden=True)
        results = []
        for page, given, page_token, state in zip(pages, entities, tokens, encoded, strict=True):
            decoded = [DecodedEntity(entity, tokens_of(entity, page_token)) for entity in given]
            results.append(self._result(page, decoded, state.hidden))
        return results

    def token_predictions(self, pages: Sequence[PageText]) -> list[list[list[str]]]:
        """For every page and line the tags of its tokens, as PaddleOCR's metric counts them.

        They are what the model's decoding makes of the tokens: by themselves for checkpoints that vote by
        line, as PaddleOCR does, on the best path of the line for the others.
        """
        self._check_finds_entities()
        tokens = self._tokens(pages)
        tagged = []
        for page, page_token, state in zip(
            pages, tokens, self._encode(pages, tokens, keep_hidden=False), strict=True
        ):
            lines: list[list[str]] = [[] for _ in page.lines]
            tags = self._decoder.token_tags(state.log_probs, page_token.lines)
            for line, tag in zip(page_token.lines, tags, strict=True):
                lines[line].append(self.config.tags[tag])
            tagged.append(lines)
        return tagged

    def _find(
        self, pages: Sequence[PageText], keep_hidden: bool
    ) -> list[tuple[list[DecodedEntity], Tensor | None]]:
        self._check_finds_entities()
        tokens = self._tokens(pages)
        encoded = self._encode(pages, tokens, keep_hidden or self.network.grouping is not None)
        return [
            (self._calibrated(self._decode(page, page_token, state)), state.hidden)
            for page, page_token, state in zip(pages, tokens, encoded, strict=True)
        ]

    @torch.inference_mode()
    def _decode(self, page: PageText, tokens: PageTokens, state: Encoded) -> list[DecodedEntity]:
        head = self.network.grouping
        if head is None:
            return decode_entities(page, tokens, state.log_probs, self._decoder)

        def join(pieces: list[Piece]) -> list[list[Piece]]:
            return group_pieces(head, self.config, page, tokens, pieces, state.hidden)

        return decode_entities(page, tokens, state.log_probs, self._decoder, join)

    def _calibrated(self, decoded: list[DecodedEntity]) -> list[DecodedEntity]:
        return calibrated_entities(decoded, self.config.entity_calibration)

    def _check_finds_entities(self) -> None:
        if self.network.classifier is None:
            raise ModelError(f"model {self.name} finds relations only; it needs another one for the entities")

    def _tokens(self, pages: Sequence[PageText]) -> list[PageTokens]:
        return [page_tokens(page, self.tokenizer, self.config.token_boxes) for page in pages]

    @torch.inference_mode()
    def _encode(
        self, pages: Sequence[PageText], tokens: Sequence[PageTokens], keep_hidden: bool
    ) -> list[Encoded]:
        """Every page's states and scores, those of overlapping windows merged by their mean."""
        config = self.config
        finds = self.network.classifier is not None

        def empty(columns: int, wanted: bool = True) -> list[Tensor | None]:
            sizes = [len(page) for page in tokens]
            return [torch.zeros(size, columns, device=self.device) if wanted else None for size in sizes]

        logits, hidden = empty(len(config.tags), finds), empty(config.hidden_size, keep_hidden)
        counts = empty(1)
        windows = [
            window
            for index, page in enumerate(tokens)
            for window in cut_windows(page, index, config.text_tokens, config.window_overlap_tokens)
        ]
        pictures = self._look(pages, sorted({window.page for window in windows}))
        looks = [self._looks(page, page_token) for page, page_token in zip(pages, tokens, strict=True)]
        extra = config.window_tokens - config.text_tokens + config.visual_tokens
        for group in plan_batches(windows, self.batch_budget, extra):
            for window, states, scores in zip(group, *self._run(group, tokens, pictures, looks), strict=True):
                part = slice(window.start, window.end)
                text = slice(config.special_before, config.special_before + len(window))
                counts[window.page][part] += 1
                if keep_hidden:
                    hidden[window.page][part] += states[text]
                if finds:
                    logits[window.page][part] += scores[text]
        return [self._merged(h, s, n) for h, s, n in zip(hidden, logits, counts, strict=True)]

    def _merged(self, hidden: Tensor | None, scores: Tensor | None, counts: Tensor) -> Encoded:
        counts = counts.clamp(min=1)
        log_probs = None
        if scores is not None:
            log_probs = (scores / counts / self.config.entity_temperature).log_softmax(-1).cpu().numpy()
        return Encoded(None if hidden is None else hidden / counts, log_probs)

    def _run(
        self,
        group: list[Window],
        tokens: Sequence[PageTokens],
        pictures: dict[int, Tensor],
        looks: Sequence[Tensor | None],
    ) -> tuple[Tensor, Sequence[Tensor | None]]:
        """B x T x H states and B x T x tags scores (None each where there is no classifier)."""
        batch = collate(group, tokens, self.config).to(self.device)
        if pictures:
            visual = torch.stack([pictures[window.page] for window in group])
            batch = dataclasses.replace(batch, visual=visual)
        parts = [
            None if looks[window.page] is None else looks[window.page][window.start : window.end]
            for window in group
        ]
        batch = dataclasses.replace(batch, looks=pad_looks(parts, batch.ids.shape[1]))
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
            states = self.network.encode(batch)
            if self.network.classifier is None:
                return states.float(), [None] * len(group)
            scores = self.network.classify(states, batch)
        return states.float(), scores.float()

    def _look(self, pages: Sequence[PageText], wanted: list[int]) -> dict[int, Tensor]:
        """Visual tokens of the pages with these indices, V x H each: once for all windows of a page."""
        seen: dict[int, Tensor] = {}
        if self.network.visual is None:
            return seen
        for start in range(0, len(wanted), PICTURES_AT_ONCE):
            part = wanted[start : start + PICTURES_AT_ONCE]
            images = np.stack([self._picture(pages[index]) for index in part])
            seen.update(zip(part, self.network.look(torch.from_numpy(images).to(self.device)), strict=True))
        return seen

    def _looks(self, page: PageText, tokens: PageTokens) -> Tensor | None:
        """What the tokens of a page look like, T x H; None where its lines come without pixels."""
        if self.network.strips is None or page.picture is None or not len(tokens):
            return None
        strips = unpack_strips(page.picture)
        if len(strips) != len(page.lines):
            raise DocumentError(
                Category.MODEL_FAILED,
                f"Page {page.page} has {len(page.lines)} lines, but pixels of {len(strips)}.",
            )
        places = token_places([line.text for line in page.lines], tokens)
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
            return self.network.strips(strips, places)

    def _picture(self, page: PageText) -> np.ndarray:
        if page.picture is None:
            raise DocumentError(
                Category.MODEL_FAILED,
                f"Model {self.name} looks at the picture of a page, but page {page.page} came without one; "
                "use a model without a visual backbone for text that has no pictures.",
            )
        return thumbnail_pixels(page.picture)

    @torch.inference_mode()
    def _result(self, page: PageText, decoded: list[DecodedEntity], hidden: Tensor | None) -> PageResult:
        entities = tuple(item.entity for item in decoded)
        head = self.network.relation_head
        if hidden is None or head is None:
            return PageResult(page, entities)
        links = find_relations(head, self.config, page, decoded, hidden)
        return PageResult(page, entities, whole_relations(links, entities, self.config.relation_calibration))


MODEL_FILES = ("config.json", WEIGHTS_FILE)
_WORDS = "embeddings.word_embeddings.weight"


def load_network(folder: str | Path) -> LayoutXLM:
    """The network of a model folder, in float32, on the CPU.

    Word embeddings, more than half of a published checkpoint, stay in the file and in its type: only the
    rows of words that occur are ever read. Raises ConfigError and ModelError.
    """
    folder = Path(folder)
    path = folder / WEIGHTS_FILE
    config = LayoutXLMConfig.load(folder / "config.json")
    with torch.device("meta"):
        network = LayoutXLM(config)
    try:
        # Opened twice: the mapping of all that is copied goes, that of the words stays.
        with safe_open(path, "pt") as file:
            names = list(file.keys())
            rest = [name for name in names if not name.endswith(_WORDS)]
            tensors = {name: file.get_tensor(name).to(torch.float32, copy=True) for name in rest}
        with safe_open(path, "pt") as file:
            tensors.update({name: file.get_tensor(name) for name in names if name not in tensors})
        load_weights(network, tensors)
    except (WeightsError, SafetensorError, OSError) as error:
        raise ModelError(f"{path}: {error}") from error
    return network


def tokens_of(entity: Entity, tokens: PageTokens) -> np.ndarray:
    """Indices of the tokens that an entity's spans touch; the mark of a word's start has no width."""
    chosen = np.zeros(len(tokens), dtype=bool)
    ends = np.maximum(tokens.ends, tokens.starts + 1)
    for span in entity.spans:
        chosen |= (tokens.lines == span.line) & (tokens.starts < span.end) & (ends > span.start)
    return np.flatnonzero(chosen)


def resolve_device(device: str) -> torch.device:
    """ "auto" takes the GPU where there is one. Raises ModelError for a GPU that is not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError("--device cuda: no GPU is visible to PyTorch here; use --device cpu or auto")
    return torch.device(device)


def resolve_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """ "auto" takes bfloat16 where the device multiplies it natively, float32 elsewhere."""
    if dtype != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[dtype]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    native = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if native else torch.float32


def file_revision(path: Path) -> str:
    """First 12 hex digits of a file's SHA-256."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
