"""Reads pictures of lines with one recogniser."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from beam_kie.ocr.crops import LINE_HEIGHT
from beam_kie.ocr.pages import Reading
from beam_kie.ocr.ppocr import graphs
from beam_kie.ocr.ppocr.decoding import BLANK, decode
from beam_kie.ocr.ppocr.files import read_characters
from beam_kie.ocr.ppocr.languages import is_written_in
from beam_kie.ocr.ppocr.sessions import Network, Sessions

FRAME_PX = 8
"""A frame of the recogniser is so many pixels of the line wide."""

_GREY = 127  # what lines are padded with: as near to 0 as it gets between black -1 and white 1
_HEAD_ROWS = 32
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


class LineReader:
    """A recogniser that reads lines one by one, so that a line reads the same whatever is beside it.

    A call for a single line costs next to nothing more than its share of a call for many, as long as OpenVINO
    has been prepared for exactly that size; so there are a few sizes, and a network for each.
    """

    def __init__(self, sessions: Sessions, path: Path, revision: str, settings: ReaderSettings):
        """``revision`` changes with the content of the ONNX file ``path``.

        Args:
            sessions: compiles the networks.
            path: the ONNX file.
            revision: of its content.
            settings: sizes, the threshold of blanks, and scripts.

        Raises:
            ValueError: the characters of the file are not as many as its classes.
        """
        self._sessions = sessions
        self._path = path
        self._revision = revision
        self._settings = settings
        weights, bias = self._network.weights, self._network.bias
        characters = read_characters(path, self._network.stored_characters)
        if len(characters) + 1 != bias.size:
            raise ValueError(
                f"{path} has {bias.size} classes, but {len(characters)} characters are known of it"
            )
        kept = _kept_classes(characters, settings.scripts)
        self.characters = [characters[index - 1] for index in kept[1:]]
        self._weights, self._bias = np.ascontiguousarray(weights[:, kept]), bias[kept]
        self._blank_weights, self._blank_bias = weights[:, BLANK].copy(), float(bias[BLANK])

    @cached_property
    def _network(self) -> graphs.Recogniser:
        return graphs.load_recogniser(self._path)

    def read(self, lines: Sequence[np.ndarray]) -> list[Reading]:
        """What lines say; each is LINE_HEIGHT x w x 3 uint8 RGB (``shrink``).

        Args:
            lines: pictures of lines.
        """
        features = [self._features(line) for line in lines]
        frames = np.concatenate(features) if features else np.zeros((0, len(self._blank_weights)), np.float32)
        classes, probabilities = self._classify(frames)
        ends = np.cumsum([len(part) for part in features])
        return [
            decode(
                classes[end - len(part) : end],
                probabilities[end - len(part) : end],
                self.characters,
                line.shape[1] / FRAME_PX,
                LINE_HEIGHT / FRAME_PX,
            )
            for line, part, end in zip(lines, features, ends, strict=True)
        ]

    def _features(self, line: np.ndarray) -> np.ndarray:
        """What the frames of a line are told apart by: frames x C."""
        width = line.shape[1]
        padded = np.full((1, LINE_HEIGHT, self._padded_width(width), 3), _GREY, np.uint8)
        padded[0, :, :width] = line
        with self._line_network(padded.shape[2]).answer(padded) as (features,):
            return features[0, : math.ceil(width / FRAME_PX) + _TAIL_FRAMES].copy()

    def _classify(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The best class of each frame and its probability (0 where nothing but a blank was in question)."""
        classes = np.full(len(frames), BLANK, np.int32)
        probabilities = np.zeros(len(frames), np.float32)
        blank = frames @ self._blank_weights + self._blank_bias
        asked = np.flatnonzero(blank <= self._settings.sure_blank)
        rows = np.zeros((_HEAD_ROWS, frames.shape[1]), np.float32)
        for start in range(0, len(asked), _HEAD_ROWS):
            some = asked[start : start + _HEAD_ROWS]
            rows[: len(some)] = frames[some]
            with self._head.answer(rows) as (best, probability):
                classes[some] = best[: len(some), 0]
                probabilities[some] = probability[: len(some), 0]
        return classes, probabilities

    @cached_property
    def _head(self) -> Network:
        scripts = "+".join(sorted(self._settings.scripts))
        key = f"head {self._revision} {scripts} {_HEAD_ROWS}"
        return self._sessions.network(key, lambda: graphs.head(self._weights, self._bias, _HEAD_ROWS))

    def _line_network(self, width: int) -> Network:
        key = f"line {self._revision} {width}"
        return self._sessions.network(
            key, lambda: graphs.fixed_line(self._network.features, LINE_HEIGHT, width)
        )

    def _padded_width(self, width: int) -> int:
        widths = self._settings.widths
        longest = widths[-1]
        return next((fit for fit in widths if fit >= width), math.ceil(width / longest) * longest)


def shrink(crop: np.ndarray) -> np.ndarray:
    """The picture of a line (h x w x 3) at the height that recognisers read at.

    Args:
        crop: h x w x 3 uint8 RGB, of any size above 0.
    """
    width = max(1, math.ceil(LINE_HEIGHT * crop.shape[1] / crop.shape[0]))
    return cv2.resize(crop, (width, LINE_HEIGHT))


def _kept_classes(characters: Sequence[str], scripts: frozenset[str]) -> np.ndarray:
    """The classes that are read: the blank, and all characters that these scripts use."""
    kept = [
        index
        for index, text in enumerate(characters, 1)
        if not scripts or is_written_in(text or " ", scripts)
    ]
    return np.array([BLANK, *kept])
