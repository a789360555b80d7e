"""Random changes to training pages: what scanners and OCR engines do to real ones."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np

from beam_kie.document import Box
from beam_kie.geometry import union_box
from beam_kie.labelled.alignment import TrainingLine, TrainingPage
from beam_kie.reading_order import reading_order
from beam_kie.training.augmentation.places import (
    cut_places,
    joined_places,
    places_of,
    resized_places,
    with_places,
)
from beam_kie.training.augmentation.stretching import stretched
from beam_kie.training.augmentation.strips import cut_strip_at, degraded, join_strips
from beam_kie.training.augmentation.wrapping import wrap_lines


@dataclass(frozen=True)
class Augmentation:
    """Strengths. Rates are probabilities; shifts and scales are shares of the page.

    ``merge``: how many lines are joined with the one right beside them on ``merged_pages`` of the pages:
    all of this a key with its value, a quarter of it others. ``cut``: how many lines come as two.
    ``wrap``: how many of the lines that are a whole entity come in two rows on ``wrapped_pages``.
    ``bilingual``: on how many pages keys in ideographs get a second line in Latin script.
    ``strip_drop``: how many of the pages with pixels come without.
    ``text_swap``: how many lines get the text of another line with the same label from the same source.
    ``box_margin``: by up to how much of its height all boxes of a page are larger or smaller, on each side.
    ``guessed_places``: on how many pages on which no OCR saw where characters stand this is made up;
    ``place_drop``: on how many of the others it is left out. ``cell_drop``: how many pages come without their
    ruled cells.
    ``stretch``: by up to which share rows stand further apart on ``stretched_pages`` of the pages.
    """

    line_drop: float = 0.05
    merged_pages: float = 0.6
    merge: float = 0.5
    cut: float = 0.02
    wrapped_pages: float = 0.0
    wrap: float = 0.2
    character_noise: float = 0.01
    scale: float = 0.1
    shift: float = 0.06
    box_jitter: float = 0.12
    skew: float = 0.01
    text_swap: float = 0.0
    bilingual: float = 0.0
    strip_drop: float = 0.3
    box_margin: float = 0.0
    guessed_places: float = 0.0
    place_drop: float = 0.15
    cell_drop: float = 0.2
    stretched_pages: float = 0.0
    stretch: float = 1.0


def augment(page: TrainingPage, rng: random.Random, strength: Augmentation) -> TrainingPage:
    """A changed copy of a page, in reading order again.

    Args:
        page: a page with its labels.
        rng: decides on all changes.
        strength: how many changes there are, and how large they are.
    """
    if strength.stretched_pages and rng.random() < strength.stretched_pages:
        page = stretched(page, rng, strength.stretch)
    if rng.random() < strength.wrapped_pages:
        page = replace(page, lines=tuple(wrap_lines(page, rng, strength.wrap)))
    lines = [line for line in page.lines if rng.random() >= strength.line_drop] or list(page.lines)
    if rng.random() < strength.merged_pages:
        lines = merge_neighbours(lines, page, rng, strength.merge)
    lines = [part for line in lines for part in cut_line(line, rng, strength.cut)]
    lines = [_noisy(line, rng, strength.character_noise) for line in lines]
    motion = _motion(page, rng, strength)
    lines = _with_places(_moved(lines, motion, rng, strength), page, rng, strength)
    lines = degraded(lines, rng, strength.strip_drop)
    # What a page does not have draws no random number: runs without it see the pages that they saw before.
    hides_cells = bool(page.cells) and rng.random() < strength.cell_drop
    cells = () if hides_cells else tuple(_moved_box(box, motion, 0.0, rng) for box in page.cells)
    order = reading_order([line.box for line in lines])
    picture = None if page.picture is None else _moved_picture(page.picture, motion, page)
    return replace(page, lines=tuple(lines[index] for index in order), picture=picture, cells=cells)


def _with_places(
    lines: list[TrainingLine], page: TrainingPage, rng: random.Random, strength: Augmentation
) -> list[TrainingLine]:
    seen = any(line.char_spans is not None for line in page.lines)
    if not seen and not strength.guessed_places:
        return with_places(lines, rng, known=False)
    known = rng.random() >= strength.place_drop if seen else rng.random() < strength.guessed_places
    return with_places(lines, rng, known)


def swap_texts(
    page: TrainingPage, texts: Mapping[str | None, Sequence[str]], rng: random.Random, rate: float
) -> TrainingPage:
    """Gives some lines the text of another one of the same label, about as long.

    Lines that share their entity with another line, or hold several, stay.

    Args:
        page: that is changed; it is copied.
        texts: by label; None: of lines of no entity.
        rng: the random generator.
        rate: the share that is changed, in [0, 1].
    """
    if not rate:
        return page
    lines_of = Counter(owner for line in page.lines for owner in set(line.owners))
    lines = []
    for line in page.lines:
        owner = line.owners[0]
        alone = len(set(line.owners)) == 1 and (owner is None or lines_of[owner] == 1)
        if alone and rng.random() < rate:
            line = _with_text_of_another(line, texts.get(page.labels.get(owner), ()), rng)
        lines.append(line)
    return replace(page, lines=tuple(lines))


def bilingual_keys(
    page: TrainingPage, latin: Sequence[str], key_label: str, rng: random.Random
) -> TrainingPage:
    """Gives keys in ideographs a second line in Latin script, below or above, as forms for foreigners do.

    Only lines that are a whole entity change.

    Args:
        page: that is changed; it is copied.
        latin: texts for these lines: keys of other pages, no translations.
        key_label: the label of keys.
        rng: the random generator.
    """
    lines_of = Counter(owner for line in page.lines for owner in set(line.owners))
    below = rng.random() < 0.6
    lines: list[TrainingLine] = []
    for line in page.lines:
        owner = line.owners[0]
        alone = len(set(line.owners)) == 1 and lines_of[owner] == 1 and page.labels.get(owner) == key_label
        if alone and latin and any(character >= "\u2e80" for character in line.text) and rng.random() < 0.8:
            x0, y0, x1, y1 = line.box
            height = (y1 - y0) * rng.uniform(0.5, 0.9)
            text = rng.choice(latin)
            upper = (x0, y0 - 0.1 * height, x1, y0 + 0.9 * height)
            lower = (x0, y0 + height, x1, y0 + 2 * height)
            other = TrainingLine(text, lower if below else upper, (owner,) * len(text))
            line = replace(line, box=upper if below else lower)
            lines.append(other)
        lines.append(line)
    return replace(page, lines=tuple(lines))


def _with_text_of_another(line: TrainingLine, texts: Sequence[str], rng: random.Random) -> TrainingLine:
    for text in rng.choices(texts, k=5) if texts else ():
        if 0.6 < len(text) / len(line.text) < 1.7:
            return replace(line, text=text, owners=(line.owners[0],) * len(text), char_spans=None)
    return line


def merge_neighbours(
    lines: list[TrainingLine], page: TrainingPage, rng: random.Random, rate: float
) -> list[TrainingLine]:
    """Joins some lines with the one right beside them, as OCR engines do; most often a key with its value.

    Args:
        lines: of the page, in reading order.
        page: that they are of, for its relations.
        rng: the random generator.
        rate: the share that is changed, in [0, 1].
    """
    merged: list[TrainingLine] = []
    for line in lines:
        before = merged[-1] if merged else None
        if before and rng.random() < rate * _likeness_to_join(before, line, page.relations):
            gap = rng.choice(("", "", " "))
            owners = before.owners + (before.owners[-1],) * len(gap) + line.owners
            merged[-1] = TrainingLine(
                before.text + gap + line.text,
                union_box((before.box, line.box)),
                owners,
                join_strips(before.strip, line.strip, _gap_in_heights(before.box, line.box)),
                joined_places(before, gap, line),
            )
        else:
            merged.append(line)
    return merged


def _gap_in_heights(left: Box, right: Box) -> float:
    return max(right[0] - left[2], 0.0) / max(left[3] - left[1], 1.0)


def _likeness_to_join(
    left: TrainingLine, right: TrainingLine, relations: frozenset[tuple[int | None, int | None]]
) -> float:
    _, y0, x1, y1 = left.box
    rx0, ry0, _, ry1 = right.box
    height = min(y1 - y0, ry1 - ry0)
    gap = rx0 - x1
    if min(y1, ry1) - max(y0, ry0) <= 0.6 * height or not -0.5 * height < gap < 4 * height:
        return 0.0
    if (left.owners[-1], right.owners[0]) in relations:
        return 1.0
    return 0.25 if gap < 1.5 * height else 0.0


def cut_line(line: TrainingLine, rng: random.Random, rate: float) -> list[TrainingLine]:
    """A line, some of them in two parts, as OCR engines split them.

    Args:
        line: of a page.
        rng: the random generator.
        rate: the share that is changed, in [0, 1].
    """
    if len(line.text) < 4 or rng.random() >= rate:
        return [line]
    place = rng.randrange(2, len(line.text) - 1)
    x0, y0, x1, y1 = line.box
    share = place / len(line.text) if line.char_spans is None else float(places_of(line)[place, 0])
    middle = x0 + (x1 - x0) * share
    strips = cut_strip_at(line.strip, share)
    parts = (
        (0, place, 0.0, share, (x0, y0, middle, y1)),
        (place, len(line.text), share, 1.0, (middle, y0, x1, y1)),
    )
    return [
        TrainingLine(
            line.text[start:end],
            box,
            line.owners[start:end],
            strip,
            cut_places(line.char_spans, start, end, first, last),
        )
        for (start, end, first, last, box), strip in zip(parts, strips, strict=True)
    ]


def _noisy(line: TrainingLine, rng: random.Random, rate: float) -> TrainingLine:
    if rng.random() > rate * len(line.text) or len(line.text) < 3:
        return line
    place = rng.randrange(len(line.text))
    if rng.random() < 0.5:
        text = line.text[:place] + line.text[place + 1 :]
        spans = line.char_spans and line.char_spans[:place] + line.char_spans[place + 1 :]
        return replace(
            line, text=text, owners=line.owners[:place] + line.owners[place + 1 :], char_spans=spans
        )
    other = rng.choice(line.text)
    return replace(line, text=line.text[:place] + other + line.text[place + 1 :])


class _Motion(NamedTuple):
    """How a page is moved: x and y are scaled and shifted (pixels), and y falls by ``skew`` along x."""

    scale_x: float
    scale_y: float
    shift_x: float
    shift_y: float
    skew: float


def _motion(page: TrainingPage, rng: random.Random, strength: Augmentation) -> _Motion:
    scale_x = 1 + rng.uniform(-strength.scale, strength.scale)
    scale_y = scale_x * (1 + rng.uniform(-strength.scale, strength.scale) / 2)
    sides = (page.width_px, page.height_px)
    shift_x, shift_y = (rng.uniform(-strength.shift, strength.shift) * side for side in sides)
    return _Motion(scale_x, scale_y, shift_x, shift_y, rng.uniform(-strength.skew, strength.skew))


def _moved(
    lines: list[TrainingLine], motion: _Motion, rng: random.Random, strength: Augmentation
) -> list[TrainingLine]:
    most = strength.box_margin
    across, down = (rng.uniform(-most, most) if most else 0.0 for _ in range(2))

    def with_margin(box: Box) -> Box:
        x0, y0, x1, y1 = box
        height = max(y1 - y0, 1)
        margin = (max(across * height, -(x1 - x0) / 4), down * height)
        return (x0 - margin[0], y0 - margin[1], x1 + margin[0], y1 + margin[1])

    lines = [resized_places(line, with_margin(line.box)) for line in lines]
    jitter = strength.box_jitter
    return [replace(line, box=_moved_box(line.box, motion, jitter, rng)) for line in lines]


def _moved_box(box: Box, motion: _Motion, jitter: float, rng: random.Random) -> Box:
    """``jitter``: by up to how much of its height every side is moved besides."""
    x0, y0, x1, y1 = box
    most = jitter * max(y1 - y0, 1)
    fall = motion.skew * (x0 + x1) / 2
    xs = [x * motion.scale_x + motion.shift_x + rng.uniform(-most, most) for x in (x0, x1)]
    ys = [y * motion.scale_y + motion.shift_y + fall + rng.uniform(-most, most) for y in (y0, y1)]
    return (min(xs), min(ys), max(xs), max(ys))


def _moved_picture(picture: np.ndarray, motion: _Motion, page: TrainingPage) -> np.ndarray:
    """The thumbnail moved as the boxes are; what comes into view from outside of the page is white."""
    if motion == _Motion(1, 1, 0, 0, 0):
        return picture
    height, width = picture.shape[:2]
    across, down = width / page.width_px, height / page.height_px
    matrix = np.array(
        [
            [motion.scale_x, 0, motion.shift_x * across],
            [motion.skew * down / across, motion.scale_y, motion.shift_y * down],
        ]
    )
    return cv2.warpAffine(picture, matrix, (width, height), borderValue=(255, 255, 255))
