"""Runs one network over pages: windows in batches, overlaps merged by their mean."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from beam_kie.document import Category, DocumentError, PageText
from beam_kie.layoutxlm.inputs.batches import Window, collate, cut_windows, pad_line_features, plan_batches
from beam_kie.layoutxlm.inputs.features import PageTokens, token_places
from beam_kie.layoutxlm.inputs.images import thumbnail_pixels
from beam_kie.layoutxlm.inputs.strips import unpack_strips
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM

PICTURES_AT_ONCE = 8


class Reading(NamedTuple):
    """The output of a network for a page: T x H hidden states (None: not asked for), T x tags scores
    (None: the network has no token classifier)."""

    hidden: Tensor | None
    scores: Tensor | None


class EncodedPage(NamedTuple):
    """What networks say of a page, before anything is decided.

    ``given``: the page as it was given; ``page``: the same as the networks read it; ``tokens``: T tokens;
    ``hidden``: T x H states of each member (none: not asked for); ``scores``: T x tags, the mean of the
    members (None: they have no token classifier).
    """

    given: PageText
    page: PageText
    tokens: PageTokens
    hidden: tuple[Tensor, ...]
    scores: Tensor | None

    def log_probs(self, temperature: float) -> np.ndarray:
        """T x tags log probabilities of a model that has a token classifier.

        Args:
            temperature: that the scores are divided by, above 0.
        """
        assert self.scores is not None, "asked for entities, the model has to find them"
        return (self.scores / temperature).log_softmax(-1).cpu().numpy()


class NetworkReader:
    """A network that is prepared for inference on ``device``; it can no longer be trained.

    Args:
        network: with its weights.
        dtype: of the large matrices: float32, bfloat16 or float16.
        device: that it is to run on.
    """

    def __init__(self, network: LayoutXLM, dtype: torch.dtype, device: torch.device):
        self.config = network.config
        self.device, self.dtype = device, dtype
        self.network = network.eval().to(device)
        self.network.prepare(dtype)

    @torch.inference_mode()
    def read(
        self, pages: Sequence[PageText], tokens: Sequence[PageTokens], keep_hidden: bool, budget: int
    ) -> list[Reading]:
        """Every page's states and scores.

        Args:
            pages: the pages, with their pictures where the network reads any.
            tokens: the tokens of every page.
            keep_hidden: whether the states are wanted.
            budget: tokens of a batch, padding included; one window goes through in any case.

        Returns:
            One reading a page.

        Raises:
            DocumentError: where a page lacks the picture that a visual backbone needs, or comes with one that
                is not of its lines.
        """
        config = self.config
        windows = [
            window
            for index, page in enumerate(tokens)
            for window in cut_windows(
                page, index, config.tokenising.text_tokens, config.tokenising.window_overlap_tokens
            )
        ]
        pictures = self._visual_states(pages, sorted({window.page for window in windows}))
        features = [self._line_features(page, its) for page, its in zip(pages, tokens, strict=True)]
        sums = [self._empty(len(page), keep_hidden) for page in tokens]
        before = config.tokenising.special_before
        extra = config.tokenising.window_tokens - config.tokenising.text_tokens
        for group in plan_batches(windows, budget, extra + config.architecture.visual_tokens):
            states, scores = self._run(group, tokens, pictures, features)
            for row, window in enumerate(group):
                part, text = slice(window.start, window.end), slice(before, before + len(window))
                page = sums[window.page]
                page.counts[part] += 1
                if page.hidden is not None:
                    page.hidden[part] += states[row][text]
                if page.scores is not None and scores is not None:
                    page.scores[part] += scores[row][text]
        return [_mean(page) for page in sums]

    def _empty(self, size: int, keep_hidden: bool) -> _Sums:
        def zeros(columns: int) -> Tensor:
            return torch.zeros(size, columns, device=self.device)

        return _Sums(
            zeros(self.config.architecture.hidden_size) if keep_hidden else None,
            zeros(len(self.config.tags)) if self.network.classifier is not None else None,
            zeros(1),
        )

    def _run(
        self,
        group: list[Window],
        tokens: Sequence[PageTokens],
        pictures: dict[int, Tensor],
        features: Sequence[Tensor | None],
    ) -> tuple[Tensor, Tensor | None]:
        """B x T x H states and B x T x tags scores (None where there is no classifier)."""
        batch = collate(group, tokens, self.config).to(self.device)
        if pictures:
            visual = torch.stack([pictures[window.page] for window in group])
            batch = dataclasses.replace(batch, visual=visual)
        parts = [_part(features[window.page], window) for window in group]
        batch = dataclasses.replace(batch, line_features=pad_line_features(parts, batch.ids.shape[1]))
        with self._autocast():
            states = self.network.encode(batch)
            if self.network.classifier is None:
                return states.float(), None
            scores = self.network.classify(states, batch)
        return states.float(), scores.float()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32)

    def _visual_states(self, pages: Sequence[PageText], wanted: list[int]) -> dict[int, Tensor]:
        """Visual tokens of the pages with these indices, V x H each: once for all windows of a page."""
        seen: dict[int, Tensor] = {}
        if self.network.visual is None:
            return seen
        for start in range(0, len(wanted), PICTURES_AT_ONCE):
            part = wanted[start : start + PICTURES_AT_ONCE]
            images = np.stack([self._picture(pages[index]) for index in part])
            seen.update(
                zip(part, self.network.visual_states(torch.from_numpy(images).to(self.device)), strict=True)
            )
        return seen

    def _picture(self, page: PageText) -> np.ndarray:
        if page.picture is None:
            raise DocumentError(
                Category.MODEL_FAILED,
                f"Model {self.config.name} needs the picture of a page, but page {page.page} came without "
                "one; use a model without a visual backbone for text that has no pictures.",
            )
        return thumbnail_pixels(page.picture)

    def _line_features(self, page: PageText, tokens: PageTokens) -> Tensor | None:
        """Line features of the tokens of a page, T x H; None where its lines come without pixels."""
        if self.network.strips is None or page.picture is None or not len(tokens):
            return None
        strips = unpack_strips(page.picture)
        if len(strips) != len(page.lines):
            raise DocumentError(
                Category.MODEL_FAILED,
                f"Page {page.page} has {len(page.lines)} lines, but pixels of {len(strips)}.",
            )
        places = tokens.places or token_places([line.text for line in page.lines], tokens)
        with self._autocast():
            return self.network.strips(strips, places)


class _Sums(NamedTuple):
    """Sums over the windows of a page: T x H states and T x tags scores (None: not asked for), and T x 1, how
    many windows a token was in."""

    hidden: Tensor | None
    scores: Tensor | None
    counts: Tensor


def _part(features: Tensor | None, window: Window) -> Tensor | None:
    return None if features is None else features[window.start : window.end]


def _mean(sums: _Sums) -> Reading:
    counts = sums.counts.clamp(min=1)
    return Reading(
        None if sums.hidden is None else sums.hidden / counts,
        None if sums.scores is None else sums.scores / counts,
    )
