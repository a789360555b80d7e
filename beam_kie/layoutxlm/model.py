"""A model folder, loaded: pages of text in, entities and relations out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from beam_kie.document import Entity, PageResult, PageText, Relation
from beam_kie.geometry import normalise_box_1000
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding import DecodedEntity, TagDecoder, decode_entities
from beam_kie.layoutxlm.features import (
    PageTokens,
    Window,
    collate,
    cut_windows,
    page_tokens,
    plan_batches,
)
from beam_kie.layoutxlm.network import LayoutXLM

DEFAULT_BATCH_TOKENS = 4096


class ModelError(ValueError):
    """A model folder that cannot be used; the message says why and what to do."""


class KieModel:
    """SER and RE with one joint checkpoint: the encoder runs once per page.

    ``name``, ``revision`` (first 12 hex digits of the weights' SHA-256), ``labels``, ``device`` and
    ``size_bytes`` describe it. Not safe to share between threads that load; safe to share for predict.
    """

    def __init__(
        self,
        network: LayoutXLM,
        tokenizer: Tokenizer,
        revision: str = "unsaved",
        max_batch_tokens: int = DEFAULT_BATCH_TOKENS,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ):
        self.config = network.config
        self.device = torch.device(device)
        self.dtype = dtype
        self.network = network.eval().to(self.device)
        self.tokenizer = tokenizer
        self.name = self.config.name
        self.revision = revision
        self.labels = list(self.config.labels)
        self.max_batch_tokens = max_batch_tokens
        self.size_bytes = sum(p.numel() * p.element_size() for p in network.parameters())
        self._decoder = TagDecoder(self.config.tags, self.config.switch_penalty)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        device: str = "auto",
        dtype: str = "auto",
        max_batch_tokens: int = DEFAULT_BATCH_TOKENS,
    ) -> KieModel:
        """Loads a folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json``.

        ``device`` is "auto", "cpu" or "cuda"; ``dtype`` "auto", "float32" or "bfloat16" (auto: bfloat16
        where the device has matrix instructions for it). Raises ModelError.
        """
        folder = Path(folder)
        missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
        if missing:
            raise ModelError(f"{folder} is not a model folder: it lacks {', '.join(missing)}")
        config = LayoutXLMConfig.load(folder / "config.json")
        network = LayoutXLM(config)
        try:
            weights = {key: value.float() for key, value in load_file(folder / "model.safetensors").items()}
            network.load_state_dict(weights)
        except Exception as error:  # safetensors and torch raise many kinds
            raise ModelError(f"{folder}: the weights do not fit the configuration: {error}") from error
        place = resolve_device(device)
        return cls(
            network,
            Tokenizer.from_file(str(folder / "tokenizer.json")),
            revision=file_revision(folder / "model.safetensors"),
            max_batch_tokens=max_batch_tokens,
            dtype=resolve_dtype(dtype, place),
            device=place,
        )

    def count_tokens(self, page: PageText) -> int:
        """How many tokens the page has for this model: its weight in a batch."""
        texts = [line.text for line in page.lines]
        return sum(len(e.ids) for e in self.tokenizer.encode_batch(texts, add_special_tokens=False))

    def predict(self, pages: Sequence[PageText]) -> list[PageResult]:
        """Entities (in reading order) and relations of every page, in the order of the pages."""
        tokens = [page_tokens(page, self.tokenizer) for page in pages]
        results = []
        for page, page_token, (hidden, log_probs) in zip(pages, tokens, self._encode(tokens), strict=True):
            entities = decode_entities(page, page_token, log_probs, self._decoder) if len(page_token) else []
            results.append(self._result(page, entities, hidden))
        return results

    def relate(self, pages: Sequence[PageText], entities: Sequence[Sequence[Entity]]) -> list[PageResult]:
        """Relations between given entities, for evaluation with gold entities.

        An entity without tokens (blank text) takes part in no relation.
        """
        tokens = [page_tokens(page, self.tokenizer) for page in pages]
        results = []
        for page, given, page_token, (hidden, _) in zip(
            pages, entities, tokens, self._encode(tokens), strict=True
        ):
            decoded = [DecodedEntity(entity, _tokens_of(entity, page_token)) for entity in given]
            results.append(self._result(page, decoded, hidden))
        return results

    def token_predictions(self, pages: Sequence[PageText]) -> list[list[list[str]]]:
        """For every page and line the tag of each token by itself, as PaddleOCR's metric counts them."""
        tokens = [page_tokens(page, self.tokenizer) for page in pages]
        tagged = []
        for page, page_token, (_, log_probs) in zip(pages, tokens, self._encode(tokens), strict=True):
            lines: list[list[str]] = [[] for _ in page.lines]
            for line, tag in zip(page_token.lines, log_probs.argmax(-1), strict=True):
                lines[line].append(self.config.tags[tag])
            tagged.append(lines)
        return tagged

    @torch.inference_mode()
    def _encode(self, pages: Sequence[PageTokens]) -> list[tuple[torch.Tensor, np.ndarray]]:
        """Per page: T x H hidden states and T x tags log probabilities, windows merged by their mean."""
        config = self.config
        sizes = (len(config.tags), config.hidden_size)
        logits = [torch.zeros(len(page), sizes[0]) for page in pages]
        hidden = [torch.zeros(len(page), sizes[1]) for page in pages]
        counts = [torch.zeros(len(page), 1) for page in pages]
        windows = [
            window
            for index, page in enumerate(pages)
            for window in cut_windows(page, index, config.window_tokens, config.window_overlap_tokens)
        ]
        for group in plan_batches(windows, self.max_batch_tokens):
            for window, states, scores in zip(group, *self._run(group, pages), strict=True):
                part = slice(window.start, window.end)
                hidden[window.page][part] += states[: len(window)]
                logits[window.page][part] += scores[: len(window)]
                counts[window.page][part] += 1
        return [
            (h / n.clamp(min=1), (s / n.clamp(min=1) / config.entity_temperature).log_softmax(-1).numpy())
            for h, s, n in zip(hidden, logits, counts, strict=True)
        ]

    def _run(self, group: list[Window], pages: Sequence[PageTokens]) -> tuple[torch.Tensor, torch.Tensor]:
        batch = collate(group, pages, self.config).to(self.device)
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
            states = self.network.encode(batch)
            scores = self.network.classify(states, batch)
        return states.float().cpu(), scores.float().cpu()

    @torch.inference_mode()
    def _result(self, page: PageText, decoded: list[DecodedEntity], hidden: torch.Tensor) -> PageResult:
        entities = tuple(item.entity for item in decoded)
        heads = self._candidates(decoded, self.config.head_labels)
        tails = self._candidates(decoded, self.config.tail_labels)
        if self.network.relations is None or not heads or not tails:
            return PageResult(page, entities)
        vectors = torch.stack(
            [
                hidden[item.tokens].mean(0) if len(item.tokens) else hidden.new_zeros(hidden.shape[1])
                for item in decoded
            ]
        )
        labels = torch.tensor([self.labels.index(e.label) for e in entities])
        boxes = torch.tensor([normalise_box_1000(e.box, page.width_px, page.height_px) for e in entities])
        head_index, tail_index = torch.tensor(heads), torch.tensor(tails)
        scores = self.network.relations(
            vectors.to(self.device),
            labels.to(self.device),
            boxes.to(self.device),
            head_index.to(self.device),
            tail_index.to(self.device),
        )
        chosen = (scores.float().cpu() / self.config.relation_temperature).softmax(-1)
        best = chosen.max(-1)
        relations = tuple(
            Relation(heads[column], tails[row], float(probability))
            for row, (probability, column) in enumerate(
                zip(best.values.tolist(), best.indices.tolist(), strict=True)
            )
            if column < len(heads)
        )
        return PageResult(page, entities, relations)

    @staticmethod
    def _candidates(decoded: list[DecodedEntity], labels: Sequence[str]) -> list[int]:
        return [i for i, item in enumerate(decoded) if item.entity.label in labels and len(item.tokens)]


MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json")


def _tokens_of(entity: Entity, tokens: PageTokens) -> np.ndarray:
    chosen = np.zeros(len(tokens), dtype=bool)
    for span in entity.spans:
        chosen |= (tokens.lines == span.line) & (tokens.starts < span.end) & (tokens.ends > span.start)
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
