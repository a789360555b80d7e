"""Reads pictures of lines with one recogniser."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from beam_kie.ocr.crops import LINE_HEIGHT
from beam_kie.ocr.pages import Reading
from beam_kie.ocr.ppocr.decoding import BLANK, decode
from beam_kie.ocr.ppocr.files import read_characters
from beam_kie.ocr.ppocr.languages import is_written_in

FRAME_PX = 8
"""A frame of the recogniser is so many pixels of the line wide."""

_GREY = 127  # what lines are padded with: as near to 0 as it gets between black -1 and white 1
_TAIL_FRAMES = 2  # so many frames behind a line may still write its last character


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """``widths``: lines are padded to the first that fits (px), longer ones to multiples of the last.

    ``sure_blank``: frames whose blank logit is above that write nothing; no other class is looked at.
    ``scripts``: of the letters only those of these scripts are read; empty: all.
    """

    widths: tuple[int, ...]
    sure_blank: float = math.inf
    scripts: frozenset[str] = frozenset()


class LineFrames(NamedTuple):
    """What a recogniser says of the frames of a line.

    ``classes`` (int32): the best of each frame. ``probabilities`` (float32): theirs, see ``decoding.decode``.
    ``likely``: from indices of frames (all of a probability above 0) and of classes to the logarithms of
    their probabilities, frames x classes; None where they are not to be had.
    """

    classes: np.ndarray
    probabilities: np.ndarray
    likely: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None


class SecondReading(Protocol):
    """Reads lines once more from the same frames."""

    def reread(self, line: LineFrames, reading: Reading) -> tuple[np.ndarray, np.ndarray] | None:
        """Other classes of the frames, with their probabilities; None where the line stays as it is.

        Args:
            line: its frames.
            reading: what they say by themselves.
        """
        ...


class Frames(Protocol):
    """A recogniser up to the classes of its frames; for several threads at once.

    ``characters`` are what classes 1, 2, ... write.
    """

    characters: list[str]

    def prepare(self) -> Iterator[None]:
        """Load what lines of usual widths need, a little for each step."""
        ...

    def classify(self, lines: Sequence[np.ndarray]) -> Iterable[LineFrames]:
        """What the frames of each line say.

        Args:
            lines: LINE_HEIGHT x w x 3 uint8 RGB each.
        """
        ...


class Networks(Protocol):
    """What runs PP-OCR's networks; for several threads at once.

    ``together``: so many lines a thread reads at once. ``least_threads``: that use them side by side.
    ``tiny_first``: whether it pays to read lines with the tiny recogniser first, which misreads some.
    ``keeps_classes``: whether ``LineFrames.likely`` is there.
    """

    together: int
    least_threads: int
    tiny_first: bool
    keeps_classes: bool

    def detector(self, path: Path) -> Callable[[np.ndarray], np.ndarray]:
        """From pages (H x W x 3 uint8 RGB, sides multiples of 32) to maps: H x W uint8, 255 is text.

        Args:
            path: the detector's ONNX file.
        """
        ...

    def frames(self, path: Path, settings: ReaderSettings) -> Frames:
        """A recogniser.

        Args:
            path: its ONNX file.
            settings: how it reads.
        """
        ...


class LineReader:
    """Texts of lines, from the classes of their frames.

    Args:
        networks: what runs the recogniser.
        path: its ONNX file.
        settings: how it reads.
    """

    def __init__(self, networks: Networks, path: Path, settings: ReaderSettings):
        self._frames = networks.frames(path, settings)
        self.characters = self._frames.characters
        self.together = networks.together
        self.second: SecondReading | None = None
        """What reads lines once more; None: nothing does."""

        self.prepare = self._frames.prepare

    def read(self, lines: Sequence[np.ndarray]) -> list[Reading]:
        """What lines say; each is LINE_HEIGHT x w x 3 uint8 RGB (``shrink``).

        Args:
            lines: pictures of lines.
        """
        found = zip(lines, self._frames.classify(lines), strict=True)
        return [self._reading(frames, line.shape[1] / FRAME_PX) for line, frames in found]

    def _reading(self, line: LineFrames, width: float) -> Reading:
        height = LINE_HEIGHT / FRAME_PX
        reading = decode(line.classes, line.probabilities, self.characters, width, height)
        changed = self.second.reread(line, reading) if self.second else None
        if changed is None:
            return reading
        other = decode(*changed, self.characters, width, height)
        # A text that the network itself held less likely is no surer, even where a doubtful letter went.
        return other._replace(
            confidence=min(other.confidence, reading.confidence),
            weakest=min(value for value in (other.weakest, reading.weakest) if value is not None),
        )


def shrink(crop: np.ndarray) -> np.ndarray:
    """The picture of a line (h x w x 3) at the height that recognisers read at.

    Args:
        crop: h x w x 3 uint8 RGB, of any size above 0.
    """
    width = max(1, math.ceil(LINE_HEIGHT * crop.shape[1] / crop.shape[0]))
    return cv2.resize(crop, (width, LINE_HEIGHT))


def pad(
    line: np.ndarray,
    widths: Sequence[int],
    allocate: Callable[[tuple[int, ...]], np.ndarray] | None = None,
) -> np.ndarray:
    """A line with grey behind it.

    Args:
        line: LINE_HEIGHT x w x 3 uint8.
        widths: as of ReaderSettings.
        allocate: gives memory for uint8 of a shape; None: numpy does.
    """
    width = line.shape[1]
    fitting = next((fit for fit in widths if fit >= width), math.ceil(width / widths[-1]) * widths[-1])
    shape = (LINE_HEIGHT, fitting, 3)
    padded = np.empty(shape, np.uint8) if allocate is None else allocate(shape)
    padded[:, :width] = line
    padded[:, width:] = _GREY
    return padded


def frames_of(line: np.ndarray) -> int:
    """How many frames of a padded line may write one of its characters.

    Args:
        line: before padding.
    """
    return math.ceil(line.shape[1] / FRAME_PX) + _TAIL_FRAMES


def kept_classes(
    path: Path, stored: str | None, count: int, scripts: frozenset[str]
) -> tuple[np.ndarray, list[str]]:
    """The classes that are read, the blank first, and what the others of them write.

    Args:
        path: the recogniser's ONNX file.
        stored: the characters noted in it, as of ``read_characters``.
        count: how many classes it has.
        scripts: as of ReaderSettings.

    Raises:
        ValueError: the characters of the file are not as many as its classes.
    """
    characters = read_characters(path, stored)
    if len(characters) + 1 != count:
        raise ValueError(f"{path} has {count} classes, but {len(characters)} characters are known of it")
    kept = [
        index
        for index, text in enumerate(characters, 1)
        if not scripts or is_written_in(text or " ", scripts)
    ]
    return np.array([BLANK, *kept]), [characters[index - 1] for index in kept]
