"""How much of a labelled page an OCR engine read right.

- characters: 1 - edit distance / labelled characters. Lines are compared where they overlap, all that belong
  together as one text, so that it does not matter where an engine cuts them.
- lines: labelled lines that the OCR line with the best overlap says exactly.
- joined: labelled lines in groups that say exactly what the labels say, wherever they are cut.

Texts are compared without blanks and in compatibility form (NFKC).
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from beam_kie.document import Box, PageText
from beam_kie.geometry import polygon_box
from beam_kie.labelled.formats import LabelledPage

_BELONGS = 0.5  # of the smaller box is covered by the other
_SAME = 0.2  # intersection over union


@dataclass(frozen=True)
class Accuracy:
    """Sums over pages."""

    characters: int = 0
    errors: int = 0
    lines: int = 0
    right: int = 0
    joined: int = 0

    def __add__(self, other: Accuracy) -> Accuracy:
        return Accuracy(
            self.characters + other.characters,
            self.errors + other.errors,
            self.lines + other.lines,
            self.right + other.right,
            self.joined + other.joined,
        )

    def as_dict(self) -> dict[str, float]:
        """Percentages of what is labelled, and how many lines that are."""
        lines = max(self.lines, 1)
        return {
            "characters": 100 * (1 - self.errors / max(self.characters, 1)),
            "lines": 100 * self.right / lines,
            "joined": 100 * self.joined / lines,
            "labelled_lines": self.lines,
        }


def compare(label: LabelledPage, text: PageText, scale: float = 1.0) -> Accuracy:
    """The accuracy of one page; ``scale``: pixels of the picture for one of the labels."""
    entries = [entry for entry in label.entries if entry.text.strip()]
    gold = [(_plain(entry.text), polygon_box(entry.polygon)) for entry in entries]
    read = [(_plain(line.text), tuple(value / scale for value in line.box)) for line in text.lines]
    errors = joined = 0
    for gold_group, read_group in _groups([box for _, box in gold], [box for _, box in read]):
        expected = _joined([gold[index] for index in gold_group])
        found = _joined([read[index] for index in read_group])
        errors += min(Levenshtein.distance(expected, found), len(expected))
        joined += len(gold_group) * (expected == found)
    right = sum(_best(box, read) == expected for expected, box in gold)
    characters = sum(len(expected) for expected, _ in gold)
    return Accuracy(characters, errors, len(gold), right, joined)


def _groups(gold: Sequence[Box], read: Sequence[Box]) -> list[tuple[list[int], list[int]]]:
    """Indices of labelled and read lines that lie on each other, where there is a labelled one."""
    parents = list(range(len(gold) + len(read)))

    def root(index: int) -> int:
        while parents[index] != index:
            index = parents[index]
        return index

    for i, box in enumerate(gold):
        for j, other in enumerate(read):
            smaller = min(_area(box), _area(other))
            if _overlap(box, other) > _BELONGS * max(smaller, 1.0):
                parents[root(i)] = root(len(gold) + j)
    groups: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for i in range(len(gold)):
        groups[root(i)][0].append(i)
    for j in range(len(read)):
        groups[root(len(gold) + j)][1].append(j)
    return [group for group in groups.values() if group[0]]


def _joined(lines: Sequence[tuple[str, Box]]) -> str:
    """Texts row by row, each from left to right."""
    rows: list[tuple[float, list[tuple[str, Box]]]] = []
    for text, box in sorted(lines, key=lambda line: line[1][1] + line[1][3]):
        if rows and (box[1] + box[3]) / 2 < rows[-1][0]:
            rows[-1][1].append((text, box))
        else:
            rows.append((box[3], [(text, box)]))
    return "".join(text for _, row in rows for text, _ in sorted(row, key=lambda line: line[1][0]))


def _best(box: Box, read: Sequence[tuple[str, Box]]) -> str | None:
    """The text of the line with the best overlap."""
    best, found = _SAME, None
    for text, other in read:
        overlap = _overlap(box, other)
        share = overlap / max(_area(box) + _area(other) - overlap, 1e-9)
        if share > best:
            best, found = share, text
    return found


def _overlap(first: Box, second: Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(width, 0.0) * max(height, 0.0)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())
