"""Line images in training: cut and joined with their lines, and degraded as another scanner would."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from beam_kie.labelled.alignment import TrainingLine, TrainingPage
from beam_kie.layoutxlm.inputs.strips import HEIGHT, MARGIN, TEXT_ROWS, page_strips


def with_strips(page: TrainingPage, pixels: np.ndarray) -> TrainingPage:
    """The page with a strip for every line.

    Args:
        page: that is changed; it is copied.
        pixels: H x W x 3 uint8 RGB, of the size that the labels refer to.
    """
    strips = page_strips(pixels, [line.box for line in page.lines])
    lines = tuple(replace(line, strip=strip) for line, strip in zip(page.lines, strips, strict=True))
    return replace(page, lines=lines)


def join_strips(left: np.ndarray | None, right: np.ndarray | None, gap: float = 0.0) -> np.ndarray | None:
    """The strip of two lines that were joined; None where one of them has none.

    Args:
        left: of the left line, HEIGHT x W uint8.
        right: of the right line.
        gap: space between the lines, in heights of the left one.
    """
    if left is None or right is None:
        return None
    columns = round(gap * TEXT_ROWS)
    seen = left[:, -MARGIN : left.shape[1] - MARGIN + min(columns, MARGIN)]
    unseen = np.full((HEIGHT, columns - seen.shape[1]), 255, np.uint8)
    return np.concatenate([left[:, :-MARGIN], seen, unseen, right[:, MARGIN:]], axis=1)


def cut_strip_at(strip: np.ndarray | None, share: float) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The strips of both parts of a line; None each where the line has none.

    Args:
        strip: of the line, HEIGHT x W uint8.
        share: of its width, where it is cut, in [0, 1].
    """
    if strip is None:
        return None, None
    place = MARGIN + round(share * (strip.shape[1] - 2 * MARGIN))
    return strip[:, : place + MARGIN], strip[:, place - MARGIN :]


def degraded(lines: Sequence[TrainingLine], rng: random.Random, drop: float) -> list[TrainingLine]:
    """The lines of a page as another scanner would show them.

    Contrast, brightness, blur, noise and the height of the cut are those of the whole page.

    Args:
        lines: the lines of one page.
        rng: decides on all of it.
        drop: probability that the page's lines come without pixels, 0 to 1.
    """
    seen = [line.strip for line in lines if line.strip is not None]
    if not seen:
        return list(lines)
    if rng.random() < drop:
        return [replace(line, strip=None) for line in lines]
    batch = _rescanned(np.concatenate(seen, axis=1), rng)
    ends = np.cumsum([strip.shape[1] for strip in seen])[:-1]
    strips = iter(np.split(batch, ends, axis=1))
    return [line if line.strip is None else replace(line, strip=next(strips)) for line in lines]


def _rescanned(batch: np.ndarray, rng: random.Random) -> np.ndarray:
    ink = 255 - batch.astype(np.float32)
    if rng.random() < 0.3:
        ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.4, 1.2))
    ink = ink * rng.uniform(0.7, 1.25) + rng.uniform(-15, 25)
    noise = np.random.default_rng(rng.randrange(2**32)).normal(0, rng.uniform(0, 10), ink.shape)
    up = rng.randint(-2, 2)
    rows = np.arange(HEIGHT) + up
    return (255 - (ink + noise)[rows.clip(0, HEIGHT - 1)]).clip(0, 255).astype(np.uint8)
