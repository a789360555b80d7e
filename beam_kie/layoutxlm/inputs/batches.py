"""Tokens of pages to windows, windows to padded batches.

A page longer than the network's window is cut into overlapping windows, so that nothing is lost at its end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.inputs.features import PageTokens
from beam_kie.layoutxlm.inputs.layout import line_relations

START_BOX, END_BOX = (0, 0, 0, 0), (1000, 1000, 1000, 1000)


@dataclass
class Batch:
    """Padded windows. Boxes are on the 0..1000 grid.

    ids, positions, lines: B x T int64 (``lines`` numbers the text line of a token within its window);
    mask: B x T bool, True for real tokens; line_boxes: B x N x 4 int64; line_mask: B x N bool. Where
    boxes are those of words or of special tokens, each of these counts as a line of its own.
    visual: B x V x H, the visual tokens of the pages; None where the network has no visual backbone.
    line_features: B x T x H, features of the line images (StripReader); None where there are none.
    layout: B x T x 13 int64 (PageTokens); cell_relations: B x N x N int64 (CellRelation) of the lines; both
    None where the network does not look at the layout. padded: whether ``mask`` is False anywhere.
    """

    ids: Tensor
    positions: Tensor
    lines: Tensor
    mask: Tensor
    line_boxes: Tensor
    line_mask: Tensor
    visual: Tensor | None = None
    line_features: Tensor | None = None
    layout: Tensor | None = None
    cell_relations: Tensor | None = None
    padded: bool = True

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device.

        Args:
            device: as PyTorch names it.
        """
        tensors = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return dataclasses.replace(self, **tensors)


@dataclass(frozen=True)
class Window:
    """Tokens ``start`` to ``end`` (exclusive) of page ``page`` of a batch."""

    page: int
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


def cut_windows(tokens: PageTokens, page: int, size: int, overlap: int) -> list[Window]:
    """Windows that cover a page. They start at the start of a line wherever a line fits.

    Args:
        tokens: the page's tokens.
        page: its index in the batch.
        size: tokens of a window at most.
        overlap: about how many tokens neighbours share, less than ``size``.
    """
    total = len(tokens)
    if total <= size:
        return [Window(page, 0, total)] if total else []
    starts_line = np.flatnonzero(tokens.positions == 0)
    windows, start = [], 0
    while True:
        end = _last_boundary(starts_line, start + 1, start + size) if start + size < total else total
        windows.append(Window(page, start, end))
        if end >= total:
            return windows
        start = max(_last_boundary(starts_line, start + 1, max(end - overlap, start + 1)), start + 1)


def _last_boundary(boundaries: np.ndarray, low: int, high: int) -> int:
    """The last line start in low..high, or ``high`` where there is none."""
    index = np.searchsorted(boundaries, high, side="right") - 1
    return int(boundaries[index]) if index >= 0 and boundaries[index] >= low else high


def plan_batches(windows: Sequence[Window], budget: int, extra: int = 0) -> list[list[Window]]:
    """Windows of similar length together: longest first.

    Args:
        windows: windows of any pages.
        budget: tokens of a batch, padding included; a longer window is a batch of its own.
        extra: tokens that come with every window.
    """
    batches: list[list[Window]] = []
    for window in sorted(windows, key=lambda w: (-len(w), w.page, w.start)):
        if batches and (len(batches[-1][0]) + extra) * (len(batches[-1]) + 1) <= budget:
            batches[-1].append(window)
        else:
            batches.append([window])
    return batches


def collate(windows: Sequence[Window], pages: Sequence[PageTokens], config: LayoutXLMConfig) -> Batch:
    """Pads windows to the longest and numbers each window's lines from 0.

    Args:
        windows: B windows, at least one.
        pages: the tokens of all pages, to which the windows refer by index.
        config: says which special tokens stand around each window's text, and how positions count.
    """
    parts = [_window_arrays(window, pages[window.page], config) for window in windows]
    width = max(len(part["ids"]) for part in parts)
    height = max(len(part["line_boxes"]) for part in parts)

    def stack(name: str, size: int, fill: int = 0) -> torch.Tensor:
        shape = (len(parts), size, *parts[0][name].shape[1:])
        out = np.full(shape, fill, dtype=np.int64)
        for row, part in zip(out, parts, strict=True):
            row[: len(part[name])] = part[name]
        return torch.from_numpy(out)

    token_counts = torch.tensor([len(part["ids"]) for part in parts])
    line_counts = torch.tensor([len(part["line_boxes"]) for part in parts])
    return Batch(
        ids=stack("ids", width, config.tokenising.pad_token_id),
        positions=stack("positions", width),
        lines=stack("lines", width),
        mask=torch.arange(width)[None] < token_counts[:, None],
        line_boxes=stack("line_boxes", height),
        line_mask=torch.arange(height)[None] < line_counts[:, None],
        layout=stack("layout", width) if "layout" in parts[0] else None,
        cell_relations=_stacked_relations([part["relations"] for part in parts], height)
        if "relations" in parts[0]
        else None,
        padded=bool((token_counts < width).any()),
    )


def _stacked_relations(parts: Sequence[np.ndarray], height: int) -> Tensor:
    out = np.zeros((len(parts), height, height), dtype=np.int64)
    for square, part in zip(out, parts, strict=True):
        square[: len(part), : len(part)] = part
    return torch.from_numpy(out)


def pad_line_features(parts: Sequence[Tensor | None], width: int) -> Tensor | None:
    """Line features of B windows, T x H each, as B x ``width`` x H; a window without is zero.

    None where all are None.

    Args:
        parts: of the B windows; None for a window without.
        width: the number of tokens to pad to, at least the longest T.
    """
    known = next((part for part in parts if part is not None), None)
    if known is None:
        return None
    nothing = known.new_zeros(0, known.shape[1])
    parts = [nothing if part is None else part for part in parts]
    return torch.stack([functional.pad(part, (0, 0, 0, width - len(part))) for part in parts])


def _window_arrays(window: Window, tokens: PageTokens, config: LayoutXLMConfig) -> dict[str, np.ndarray]:
    part = slice(window.start, window.end)
    rows, boxes = tokens.lines, tokens.line_boxes
    if tokens.words is not None and tokens.word_boxes is not None:
        rows, boxes = tokens.words, tokens.word_boxes
    used, lines = np.unique(rows[part], return_inverse=True)
    ids, line_boxes = tokens.ids[part], boxes[used]
    if config.tokenising.special_tokens == "hf":
        ids = np.array([config.tokenising.bos_token_id, *ids, config.tokenising.eos_token_id])
        lines = np.array([len(used), *lines, len(used) + 1])
        line_boxes = np.concatenate([line_boxes, [START_BOX, END_BOX]])
    if config.tokenising.position_kind == "page":
        positions = np.arange(len(ids))
    else:
        positions = np.minimum(tokens.positions[part], config.architecture.max_position_embeddings - 1)
    arrays = {"ids": ids, "positions": positions, "lines": lines, "line_boxes": line_boxes}
    if config.architecture.token_layout and tokens.layout is not None:
        arrays |= {"layout": tokens.layout[part], "relations": line_relations(tokens, used)}
    return arrays
