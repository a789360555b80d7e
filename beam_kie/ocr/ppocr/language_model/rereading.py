"""Which lines are read once more, and what of them may change.

Only letters and spaces change, and only to letters and spaces that the frames themselves hold likely. What a
reader could not know from the words around it stays: words with digits, addresses of web and mail, single
letters and short abbreviations in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from beam_kie.ocr.pages import Reading
from beam_kie.ocr.ppocr.decoding import BLANK
from beam_kie.ocr.ppocr.language_model.ngrams import BUNDLED, LETTERS, load_characters
from beam_kie.ocr.ppocr.language_model.search import Frame, Search, aligned
from beam_kie.ocr.ppocr.reader import LineFrames

# Chosen on every second of FUNSD's training pages, see docs/performance.md: in noise, the network is often
# fairly sure of a wrong letter.
_CHARACTER, _LIKELY = 0.98, 0.003
_GAP = 0.7
_LINE = 0.7
_FIXED = re.compile(r"\d|@|www\.", re.IGNORECASE)
_DROPPED = "_"  # what else may turn into a space, or go: it is mostly a rule below the text
_SHORT = 3
_WORD = re.compile(r"[A-Za-zÀ-ɏ]{2}")


class _Written(NamedTuple):
    """A character: what it is, and the frames ``start`` to ``end`` that it takes."""

    text: str
    start: int
    end: int


class Rereader:
    """Reads lines once more.

    Args:
        characters: what classes 1, 2, ... of the recogniser write.
        path: the model, as ``ngrams.load_characters`` reads it.
    """

    def __init__(self, characters: Sequence[str], path: Path = BUNDLED):
        self._characters = ["", *characters]
        self._search = Search(load_characters(path), characters)
        self._classes = np.array(
            [BLANK, *(i for i, text in enumerate(self._characters) if text == " " or text in LETTERS)]
        )

    def reread(self, line: LineFrames, reading: Reading) -> tuple[np.ndarray, np.ndarray] | None:
        """Other classes of the frames, with their probabilities; None where the line stays as it is.

        Args:
            line: its frames.
            reading: what they say by themselves.
        """
        if line.likely is None or not _is_in_question(reading):
            return None
        free = self._free(line.classes)
        asked = np.flatnonzero(free & (line.probabilities > 0) & (line.probabilities <= 1 - _LIKELY))
        frames = self._frames(line, asked, line.likely(asked, self._classes))
        if all(len(frame) == 1 for frame in frames):
            return None
        found = self._search.better(frames, self._first(line.classes))
        return None if found is None else aligned(frames, found)

    def _frames(self, line: LineFrames, asked: np.ndarray, likely: np.ndarray) -> list[Frame]:
        """Of every frame what it may be; all but those asked stay what they are."""
        certain = np.where(line.probabilities > 0, np.maximum(line.probabilities, 1e-6), 1.0)
        frames: list[Frame] = [
            [(index, value)]
            for index, value in zip(line.classes.tolist(), np.log(certain).tolist(), strict=True)
        ]
        for row, column in zip(*np.nonzero(likely >= np.log(_LIKELY)), strict=True):
            frame, index = frames[asked[row]], int(self._classes[column])
            if index != frame[0][0]:
                frame.append((index, float(likely[row, column])))
        return frames

    def _first(self, classes: np.ndarray) -> tuple[int, ...]:
        return tuple(int(classes[start]) for _, start, _ in self._written(classes))

    def _free(self, classes: np.ndarray) -> np.ndarray:
        """Which frames may change."""
        free = np.ones(len(classes), bool)
        written = list(self._written(classes))
        for character in written:
            if not (character.text.isalpha() or character.text in (" ", _DROPPED)):
                free[character.start : character.end] = False
        for start, end in _fixed(written):
            before = written[start - 1].end if start else 0
            after = written[end].start if end < len(written) else len(classes)
            free[before:after] = False
        return free

    def _written(self, classes: np.ndarray) -> Iterator[_Written]:
        starts = np.flatnonzero(np.concatenate([[True], classes[1:] != classes[:-1]]))
        for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(classes)], strict=True):
            if classes[start] != BLANK:
                yield _Written(self._characters[classes[start]], start, end)


def _is_in_question(reading: Reading) -> bool:
    """Whether a line is doubtful enough, and in letters that the model knows."""
    if reading.confidence < _LINE or not _WORD.search(reading.text):
        return False
    doubtful = (reading.weakest is not None and reading.weakest < _CHARACTER) or (
        reading.gap is not None and reading.gap < _GAP
    )
    return doubtful and all(text in LETTERS for text in reading.text if text.isalpha())


def _fixed(written: Sequence[_Written]) -> Iterator[tuple[int, int]]:
    """Runs of characters (from, up to) in which nothing changes."""
    text = "".join(character.text[:1] or " " for character in written)
    for word in re.finditer(r"\S+", text):
        if _FIXED.search(word.group()):
            # With the spaces around it: two numbers must not become one.
            yield max(word.start() - 1, 0), min(word.end() + 1, len(text))
    for letters in re.finditer(r"[^\W\d_]+", text):
        if len(letters.group()) < 2 or (len(letters.group()) <= _SHORT and letters.group().isupper()):
            yield letters.span()
