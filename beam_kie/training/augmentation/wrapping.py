"""Line wrapping: keys that take two lines, in narrow cells or because they are printed in two languages.

OCR engines read such an entity as several lines. Labelled pages have few of them, and a model trained on few
of them joins lines wrongly, or not at all.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from beam_kie.document import Box
from beam_kie.labelled.alignment import TrainingLine, TrainingPage
from beam_kie.text_width import char_width, character_edges
from beam_kie.training.augmentation.strips import cut_strip_at


def wrap_lines(page: TrainingPage, rng: random.Random, rate: float) -> list[TrainingLine]:
    """The lines of a page, some of them wrapped into two rows.

    The rows stand where the line stood, as high as it was where there is room for that, else half as high.

    Args:
        page: that is changed; it is copied.
        rng: the random generator.
        rate: the share of the lines that are a whole entity, in [0, 1].
    """
    lines_of = Counter(owner for line in page.lines for owner in set(line.owners))
    lines: list[TrainingLine] = []
    for line in page.lines:
        owner = line.owners[0]
        alone = owner in page.labels and len(set(line.owners)) == 1 and lines_of[owner] == 1
        place = break_place(line.text, rng) if alone and rng.random() < rate else None
        if place is None:
            lines.append(line)
        else:
            lines += _rows(line, place, [other.box for other in page.lines if other is not line], rng)
    return lines


def break_place(text: str, rng: random.Random) -> int | None:
    """Where a text may be broken: where its script changes, else between words, else near the middle.

    None where it is too short.

    Args:
        text: of a line.
        rng: the random generator.

    Returns:
        An index into the text; None where it is too short.
    """
    places = [
        index
        for index in range(2, len(text) - 1)
        if char_width(text[index - 1]) != char_width(text[index]) and text[index].isalpha()
    ]
    if not places:
        places = [index + 1 for index in range(2, len(text) - 2) if text[index] == " "]
    if not places and len(text) > 3 and char_width(text[0]) == 2:
        middle = len(text) // 2
        places = list(range(max(middle - 1, 2), min(middle + 2, len(text) - 1)))
    return rng.choice(places) if places else None


def _rows(line: TrainingLine, place: int, others: list[Box], rng: random.Random) -> list[TrainingLine]:
    x0, y0, x1, y1 = line.box
    share = float(character_edges(line.text)[place])
    height = (y1 - y0) * rng.uniform(0.75, 1.0)
    gap = (y1 - y0) * rng.uniform(-0.1, 0.35)
    widths = ((x1 - x0) * share, (x1 - x0) * (1 - share))
    top = (y0 + y1) / 2 - height - gap / 2
    room = (x0, top, x0 + max(widths), top + 2 * height + gap)
    if any(_overlap(room, other) for other in others):
        height, gap, top = (y1 - y0) / 2, 0.0, y0
    centred = rng.random() < 0.3
    rows = []
    parts = ((0, place), (place, len(line.text)))
    for number, ((start, end), width, strip) in enumerate(
        zip(parts, widths, cut_strip_at(line.strip, share), strict=True)
    ):
        left = x0 + (max(widths) - width) / 2 if centred else x0
        upper = top + number * (height + gap)
        box = (left, upper, left + width, upper + height)
        text = line.text[start:end].rstrip()
        owners = line.owners[start : start + len(text)]
        rows.append(replace(line, text=text, box=box, owners=owners, strip=strip, char_spans=None))
    return rows


def _overlap(one: Box, other: Box) -> bool:
    return min(one[2], other[2]) > max(one[0], other[0]) and min(one[3], other[3]) > max(one[1], other[1])
