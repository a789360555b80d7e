"""What the network knows of the place of every token: on its line, and in its ruled cell.

All tokens of a line share the line's box, which says nothing of what stands where within it. OCR engines
merge a key and its value, or two cells of a table, into one line: the gap between them, another pitch of the
characters and the rule that they cross show it. All numbers are buckets: 0 stands for "not known".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from beam_kie.document import PageText
from beam_kie.layoutxlm.inputs.cells import NO_CELL, cell_boxes_1000, cells_at, relations_between
from beam_kie.layoutxlm.inputs.features import PageTokens, token_places
from beam_kie.text_width import char_width

BUCKETS = 32

COLUMNS = (
    "gap_before",
    "gap_after",
    "pitch",
    "cell",
    "cell_width",
    "cell_height",
    "cell_lines",
    "row_place",
    "row_cells",
    "column_place",
    "column_cells",
)
"""The buckets of every token: the free space before and behind it on its line, in heights of the line; its
width by character, in heights; whether it is in a cell, and in the same as the token before; the size of this
cell in heights and the number of its lines; how many cells stand before it in its row, and in the row; the
same for its column."""

_END = BUCKETS - 1  # there is nothing more on the line
_OUTSIDE, _INSIDE, _ENTERED, _LEFT = 1, 2, 3, 4


def with_layout(tokens: PageTokens, page: PageText) -> PageTokens:
    """The tokens with their layout: see PageTokens.

    Args:
        tokens: of the page, or some of them: whole lines.
        page: its lines, with the places of their characters where these are known, and its cells.
    """
    texts = [line.text for line in page.lines]
    places = token_places(texts, tokens, [line.char_spans for line in page.lines])
    boxes = np.array([line.box for line in page.lines], dtype=float).reshape(-1, 4)[tokens.lines]
    widths = boxes[:, 2] - boxes[:, 0]
    x0, x1 = boxes[:, 0] + places.first * widths, boxes[:, 0] + places.last * widths
    heights = np.maximum(boxes[:, 3] - boxes[:, 1], 1)
    scale = 1000 / page.width_px
    grid = np.stack([x0 * scale, x1 * scale], 1).clip(0, 1000).astype(np.int64)
    cells = cell_boxes_1000(page)
    middles = (boxes[:, 1] + boxes[:, 3]) / 2 * 1000 / page.height_px
    owners = cells_at((x0 + x1) / 2 * scale, middles, cells)
    known = np.array([line.char_spans is not None for line in page.lines], dtype=bool)[tokens.lines]
    buckets = np.zeros((len(tokens), len(COLUMNS)), dtype=np.int64)
    buckets[:, :3] = np.where(known[:, None], _line_buckets(tokens, texts, x0, x1, heights), 0)
    if len(cells):
        pixels = cells * (np.array([page.width_px, page.height_px] * 2) / 1000)
        buckets[:, 3:] = _cell_buckets(tokens, owners, pixels, heights)
    line_cells = _line_cells(tokens, owners, len(page.lines))
    return replace(
        tokens,
        places=places,
        layout=np.concatenate([grid, buckets], 1),
        line_cells=line_cells,
        cell_boxes=cells,
    )


def _line_buckets(
    tokens: PageTokens, texts: Sequence[str], x0: np.ndarray, x1: np.ndarray, heights: np.ndarray
) -> np.ndarray:
    """T x 3: the gaps beside tokens, and their pitch."""
    follows = np.zeros(len(tokens), dtype=bool)
    follows[1:] = tokens.lines[1:] == tokens.lines[:-1]
    gaps = np.zeros(len(tokens))
    gaps[1:] = x0[1:] - x1[:-1]
    before = np.where(follows, _gap_bucket(gaps / heights), _END)
    after = np.full(len(tokens), _END)
    after[:-1] = np.where(follows[1:], before[1:], _END)
    units = [
        sum(char_width(character) for character in texts[line][start:end])
        for line, start, end in zip(
            tokens.lines.tolist(), tokens.starts.tolist(), tokens.ends.tolist(), strict=True
        )
    ]
    pitch = (x1 - x0) / np.maximum(units, 1) / heights
    return np.stack([before, after, 1 + (pitch * 20).clip(0, _END - 1).astype(np.int64)], 1)


def _gap_bucket(gaps: np.ndarray) -> np.ndarray:
    """1 to 30: finer near 0; overlaps count as none. 30 stands for nine heights and more."""
    return 1 + (np.log1p(gaps.clip(0) * 8) / np.log1p(72) * 29).round().clip(0, 29).astype(np.int64)


def _cell_buckets(
    tokens: PageTokens, owners: np.ndarray, cells: np.ndarray, heights: np.ndarray
) -> np.ndarray:
    """T x 8; ``cells``: in pixels, as ``heights``, those of the tokens' lines."""
    state = np.where(owners == NO_CELL, _OUTSIDE, _INSIDE)
    changed = np.zeros(len(tokens), dtype=bool)
    changed[1:] = (tokens.lines[1:] == tokens.lines[:-1]) & (owners[1:] != owners[:-1])
    state = np.where(changed, np.where(owners == NO_CELL, _LEFT, _ENTERED), state)
    own = cells[owners]
    sizes = (own[:, 2:] - own[:, :2]) / heights[:, None]
    sizes = 1 + (np.log2(1 + sizes) * 5).clip(0, 29).astype(np.int64)
    lines = np.array([len(np.unique(tokens.lines[owners == cell])) for cell in range(len(cells))])
    used, places = np.unique(owners, return_inverse=True)
    table = [_neighbours(cells, axis)[used] for axis in (0, 1)]
    counts = np.concatenate([lines[owners][:, None], *(part[places] for part in table)], 1)
    found = np.concatenate([sizes, 1 + counts.clip(0, 29)], 1)
    return np.concatenate([state[:, None], np.where((owners == NO_CELL)[:, None], 0, found)], 1)


def _neighbours(cells: np.ndarray, axis: int) -> np.ndarray:
    """M x 2: how many cells stand before each one in its row (axis 0) or column (1), and how many with it."""
    beside = 1 - axis
    middle = (cells[:, beside] + cells[:, beside + 2]) / 2
    shared = (middle[:, None] > cells[None, :, beside]) & (middle[:, None] < cells[None, :, beside + 2])
    before = shared & (cells[None, :, axis] < cells[:, None, axis])
    return np.stack([before.sum(1), shared.sum(1)], 1)


def _line_cells(tokens: PageTokens, owners: np.ndarray, count: int) -> np.ndarray:
    """The cell of the middle token of every line; NO_CELL for lines without tokens."""
    found = np.full(count, NO_CELL, dtype=np.int64)
    lines, starts, sizes = np.unique(tokens.lines, return_index=True, return_counts=True)
    found[lines] = owners[starts + sizes // 2]
    return found


def line_relations(tokens: PageTokens, lines: np.ndarray) -> np.ndarray:
    """How the cells of N lines stand to each other: N x N of CellRelation.

    Args:
        tokens: with their layout.
        lines: N indices of lines of the page.
    """
    assert tokens.line_cells is not None and tokens.cell_boxes is not None, "tokens have their layout"
    own = tokens.line_cells[lines]
    return relations_between(own, own, tokens.cell_boxes)
