"""A model folder, loaded: pages of text in, entities and relations out."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from beam_kie.document import Entity, PageResult, PageText, Relation
from beam_kie.layoutxlm.checkpoints import load_networks
from beam_kie.layoutxlm.config import Calibration, ConfigError, Decoding, LayoutXLMConfig
from beam_kie.layoutxlm.decoding.calibration import calibrated_entities, whole_relations
from beam_kie.layoutxlm.decoding.cell_rows import labels_by_cells, links_by_cells
from beam_kie.layoutxlm.decoding.entities import DecodedEntity, decode_entities, tokens_of
from beam_kie.layoutxlm.decoding.grouping import group_pieces
from beam_kie.layoutxlm.decoding.joint import decide_together
from beam_kie.layoutxlm.decoding.keyless import with_keyless
from beam_kie.layoutxlm.decoding.linking import find_relations
from beam_kie.layoutxlm.decoding.row_repairs import repair_rows
from beam_kie.layoutxlm.decoding.straight import as_pictured
from beam_kie.layoutxlm.decoding.tags import Decoder, Piece, create_decoder
from beam_kie.layoutxlm.devices import resolve_device, resolve_dtype
from beam_kie.layoutxlm.folders import MODEL_FILES, WEIGHTS_FILE, ModelError, file_revision
from beam_kie.layoutxlm.inputs.features import PageTokens, page_tokens
from beam_kie.layoutxlm.inputs.layout import with_layout
from beam_kie.layoutxlm.inputs.straight import straight_page
from beam_kie.layoutxlm.inputs.tokenizer import PageTokenizer, TokenizerError, load_tokenizer
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.layoutxlm.reading import EncodedPage, NetworkReader, Reading

DEFAULT_BATCH_TOKENS = 4096

Head = TypeVar("Head", bound=nn.Module)


class KieModel:
    """SER and RE with one checkpoint: the encoder runs once per page.

    ``name``, ``revision`` (first 12 hex digits of the weights' SHA-256), ``labels``, ``device`` and
    ``size_bytes`` describe it; ``pictures`` says what pictures its pages need (None: none). A model without a
    relation head finds no relations, one without a token classifier only relates given entities. The network
    passed in is prepared for inference and can no longer be trained. ``predict`` may be called from several
    threads at once.

    Args:
        network: with its weights; of an ensemble the first.
        tokenizer: that the network was trained with.
        revision: of the weights.
        max_batch_tokens: how many tokens are computed together, padding included; above 0.
        dtype: of the large matrices: float32, bfloat16 or float16.
        device: as PyTorch names it.
        others: the other networks of an ensemble.
    """

    def __init__(
        self,
        network: LayoutXLM,
        tokenizer: PageTokenizer,
        revision: str = "unsaved",
        max_batch_tokens: int = DEFAULT_BATCH_TOKENS,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
        others: Sequence[LayoutXLM] = (),
    ):
        self.device = torch.device(device)
        self.dtype = dtype
        self._readers = [NetworkReader(each, dtype, self.device) for each in (network, *others)]
        self.networks = tuple(reader.network for reader in self._readers)
        self.network = network
        self.tokenizer = tokenizer
        self._configure(network.config)
        self.name = self.config.name
        self.revision = revision
        self.labels = list(self.config.labels)
        self.pictures = next((each.config.pictures for each in self.networks if each.config.pictures), None)
        self.max_batch_tokens = max_batch_tokens
        # On a CPU a batch saves no time, and its sums would depend on the pages that share it: there
        # windows go one by one, and a page's result is the same whatever else is read.
        self.batch_budget = 1 if self.device.type == "cpu" else max_batch_tokens
        weights = [value for each in self.networks for value in each.parameters()]
        self.size_bytes = sum(value.numel() * value.element_size() for value in weights)

    def _configure(self, config: LayoutXLMConfig) -> None:
        self.config = config
        self._decoder = create_decoder(config)
        self._line_decoder = create_decoder(config, whole_lines=True)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        device: str = "auto",
        dtype: str = "auto",
        max_batch_tokens: int = DEFAULT_BATCH_TOKENS,
    ) -> KieModel:
        """Loads a folder with ``config.json``, ``model.safetensors`` and a tokenizer.

        Args:
            folder: the model folder.
            device: "auto" (the GPU where there is one), "cpu" or "cuda".
            dtype: "auto" (``devices.resolve_dtype``), "float32", "bfloat16" or "float16".
            max_batch_tokens: tokens of a batch, padding included; a CPU reads one window at a time.

        Raises:
            ModelError: where the folder is not a model folder, its files do not belong together, or there is
                no such device.
        """
        folder = Path(folder)
        missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
        if missing:
            raise ModelError(f"{folder} is not a model folder: it lacks {', '.join(missing)}")
        try:
            tokenizer = load_tokenizer(folder)
            network, *others = load_networks(folder)
        except (ConfigError, TokenizerError) as error:
            raise ModelError(str(error)) from error
        if tokenizer.get_vocab_size() > network.config.architecture.vocab_size:
            raise ModelError(
                f"{folder}: the tokenizer has {tokenizer.get_vocab_size()} ids, but the network knows "
                f"{network.config.architecture.vocab_size}: they do not belong together"
            )
        place = resolve_device(device)
        return cls(
            network,
            tokenizer,
            revision=file_revision(folder / WEIGHTS_FILE),
            max_batch_tokens=max_batch_tokens,
            dtype=resolve_dtype(dtype, place),
            device=place,
            others=others,
        )

    def with_config(
        self, decoding: Decoding | None = None, calibration: Calibration | None = None
    ) -> KieModel:
        """The same networks with another decoding or calibration.

        Args:
            decoding: how scores become entities and relations; None: as this model does it.
            calibration: what is reported of confidences; None: as this model does it.

        Returns:
            A model that shares the networks and the tokenizer with this one, which stays as it is.

        Raises:
            ConfigError: where the decoding does not go with the networks' heads.
        """
        changed = copy.copy(self)
        changed._configure(
            dataclasses.replace(
                self.config,
                decoding=decoding or self.config.decoding,
                calibration=calibration or self.config.calibration,
            )
        )
        return changed

    def count_tokens(self, page: PageText) -> int:
        """How many tokens the page has for this model: its weight in a batch.

        Args:
            page: its lines.
        """
        texts = [line.text for line in page.lines]
        return sum(len(e.ids) for e in self.tokenizer.encode_batch(texts, add_special_tokens=False))

    def predict(self, pages: Sequence[PageText]) -> list[PageResult]:
        """Entities and relations of pages.

        Args:
            pages: any number of pages, with what ``pictures`` names. A page without strips of its lines is
                read all the same.

        Returns:
            One result a page, in the order of the pages; entities are in reading order.

        Raises:
            DocumentError: where a page lacks the thumbnail that a visual backbone needs, or comes with a
                picture that is not of its lines.
            ModelError: where the model finds no entities.
        """
        return self.decide(self.encode(pages))

    def encode(self, pages: Sequence[PageText]) -> list[EncodedPage]:
        """The networks' output for pages: the costly part of ``predict``.

        Args:
            pages: as of ``predict``.

        Raises:
            DocumentError: as ``predict``.
        """
        straight = [straight_page(page) for page in pages]
        return self._encode_pages(pages, straight, keep_hidden=self.network.relation_head is not None)

    def decide(self, encoded: Sequence[EncodedPage]) -> list[PageResult]:
        """Entities and relations, of what ``encode`` gave, with the decoding of this model.

        Args:
            encoded: by this model, or by one that shares its networks (``with_config``).

        Raises:
            ModelError: where the model finds no entities.
        """
        results = [
            self._result(each, decoded)
            for each, decoded in zip(encoded, self._find(encoded, self._decides_together), strict=True)
        ]
        return [as_pictured(result, each.given) for result, each in zip(results, encoded, strict=True)]

    def find_entities(self, pages: Sequence[PageText]) -> list[list[Entity]]:
        """The entities of every page, in reading order, without relations.

        Args:
            pages: their lines, and their pictures where ``pictures`` asks for them.

        Raises:
            ModelError: the model has no token classifier.
        """
        found = self._find(self._encode_pages(pages, pages, keep_hidden=False), together=False)
        return [[item.entity for item in decoded] for decoded in found]

    def relate(self, pages: Sequence[PageText], entities: Sequence[Sequence[Entity]]) -> list[PageResult]:
        """Relations between given entities, for evaluation with gold entities or after another model.

        Args:
            pages: any number of pages.
            entities: those of every page. One without tokens (blank text) or with a label that the model does
                not know takes part in no relation. Labels of a confidence of 1 are taken to be right.

        Returns:
            One result a page with the given entities; without relations where the model has no relation head.

        Raises:
            DocumentError: as ``predict``.
        """
        if self.network.relation_head is None:
            return [
                self._with_relations(page, given, ()) for page, given in zip(pages, entities, strict=True)
            ]
        return self.relate_encoded(self._encode_pages(pages, pages, keep_hidden=True), entities)

    def relate_encoded(
        self, encoded: Sequence[EncodedPage], entities: Sequence[Sequence[Entity]]
    ) -> list[PageResult]:
        """Relations between given entities, as ``relate`` does it, of what ``encode`` gave.

        Args:
            encoded: as of ``decide``; of pages without skew.
            entities: those of every page.
        """
        return [
            self._result(
                each,
                [DecodedEntity(one, tokens_of(one, each.tokens)) for one in given],
                certain={index for index, one in enumerate(given) if one.confidence == 1},
            )
            for each, given in zip(encoded, entities, strict=True)
        ]

    def token_predictions(self, pages: Sequence[PageText]) -> list[list[list[str]]]:
        """For every page and line the tags of its tokens, as PaddleOCR's metric counts them.

        They follow the model's decoding: the most probable tag of each token for checkpoints that vote by
        line, as in PaddleOCR, the best path of the line for the others.

        Args:
            pages: as of ``find_entities``.

        Raises:
            ModelError: the model has no token classifier.
        """
        self._check_finds_entities()
        tagged = []
        for each in self._encode_pages(pages, pages, keep_hidden=False):
            lines: list[list[str]] = [[] for _ in each.page.lines]
            tags = self._decoder_of(each.page).token_tags(self._log_probs(each), each.tokens)
            for line, tag in zip(each.tokens.lines, tags, strict=True):
                lines[line].append(self.config.tags[tag])
            tagged.append(lines)
        return tagged

    def _encode_pages(
        self, given: Sequence[PageText], pages: Sequence[PageText], keep_hidden: bool
    ) -> list[EncodedPage]:
        tokens = self._tokens(pages)
        keep_hidden = keep_hidden or self.network.grouping is not None
        members = [reader.read(pages, tokens, keep_hidden, self.batch_budget) for reader in self._readers]
        merged = [_merged(of_page) for of_page in zip(*members, strict=True)]
        return [
            EncodedPage(was, page, its, hidden, scores)
            for was, page, its, (hidden, scores) in zip(given, pages, tokens, merged, strict=True)
        ]

    def _find(self, encoded: Sequence[EncodedPage], together: bool) -> list[list[DecodedEntity]]:
        self._check_finds_entities()
        found = []
        for each in encoded:
            log_probs = self._log_probs(each)
            decoded = self._decode(each, log_probs)
            if together and not each.page.whole_lines:
                decoded = self._together(each, log_probs, decoded)
            table = self.config.calibration.of_entities(each.page.whole_lines)
            found.append(calibrated_entities(decoded, table))
        return found

    def _log_probs(self, encoded: EncodedPage) -> np.ndarray:
        return encoded.log_probs(self.config.calibration.entity_temperature)

    @property
    def _decides_together(self) -> bool:
        one_of_each = len(self.config.head_labels) == len(self.config.tail_labels) == 1
        softmax = self.config.architecture.relation_head == "softmax" and self.network.relation_head
        return bool(self.config.decoding.joint_weight and one_of_each and softmax)

    @torch.inference_mode()
    def _together(
        self, encoded: EncodedPage, log_probs: np.ndarray, decoded: list[DecodedEntity]
    ) -> list[DecodedEntity]:
        page = encoded.page
        heads = _with_states([network.relation_head for network in self.networks], encoded.hidden)
        decoded = decide_together(heads, self.config, page, encoded.tokens, log_probs, decoded)
        if not self.config.decoding.sees_cells:
            return decoded
        return labels_by_cells(self.config, page, log_probs, decoded)

    @torch.inference_mode()
    def _decode(self, encoded: EncodedPage, log_probs: np.ndarray) -> list[DecodedEntity]:
        page, tokens = encoded.page, encoded.tokens
        decoder = self._decoder_of(page)
        if self.network.grouping is None or page.whole_lines:
            return decode_entities(page, tokens, log_probs, decoder)

        def join(pieces: list[Piece]) -> list[list[Piece]]:
            heads = _with_states([network.grouping for network in self.networks], encoded.hidden)
            return group_pieces(heads, self.config, page, tokens, pieces)

        return decode_entities(page, tokens, log_probs, decoder, join)

    def _decoder_of(self, page: PageText) -> Decoder:
        return self._line_decoder if page.whole_lines else self._decoder

    def _check_finds_entities(self) -> None:
        if self.network.classifier is None:
            raise ModelError(f"model {self.name} finds relations only; it needs another one for the entities")

    def _tokens(self, pages: Sequence[PageText]) -> list[PageTokens]:
        found = [page_tokens(page, self.tokenizer, self.config.tokenising.token_boxes) for page in pages]
        if not self.config.architecture.token_layout:
            return found
        return [with_layout(tokens, page) for tokens, page in zip(found, pages, strict=True)]

    @torch.inference_mode()
    def _result(
        self, encoded: EncodedPage, decoded: list[DecodedEntity], certain: Collection[int] | None = None
    ) -> PageResult:
        """``certain``: indices of given entities that are known to be right; None: the model found them."""
        page = encoded.page
        entities = tuple(item.entity for item in decoded)
        if not encoded.hidden or self.network.relation_head is None:
            return self._with_relations(page, entities, ())
        heads = _with_states([network.relation_head for network in self.networks], encoded.hidden)
        link = partial(find_relations, heads, self.config, page, certain=certain or ())
        if self.config.decoding.row_repairs and certain is None and not page.whole_lines:
            decoded, links = repair_rows(self.config, page, encoded.tokens, decoded, link)
            entities = tuple(item.entity for item in decoded)
        else:
            links = link(decoded)
        if self.config.decoding.sees_cells and not page.whole_lines:
            links = links_by_cells(self.config, page, decoded, links)
        table = self.config.calibration.of_relations(page.whole_lines)
        return self._with_relations(page, entities, whole_relations(links, entities, table))

    def _with_relations(
        self, page: PageText, entities: Sequence[Entity], relations: Sequence[Relation]
    ) -> PageResult:
        return with_keyless(PageResult(page, tuple(entities), tuple(relations)), self.config.keyless_labels)


def _with_states(heads: Sequence[Head | None], hidden: Sequence[Tensor]) -> list[tuple[Head, Tensor]]:
    """A head of every member that has it, each with its network's output for the page."""
    return [(head, states) for head, states in zip(heads, hidden, strict=True) if head is not None]


def _merged(readings: Sequence[Reading]) -> tuple[tuple[Tensor, ...], Tensor | None]:
    """The states of the members for a page, and the mean of their scores."""
    hidden = tuple(reading.hidden for reading in readings if reading.hidden is not None)
    scores = [reading.scores for reading in readings if reading.scores is not None]
    return hidden, torch.stack(scores).mean(0) if scores else None
