"""PP-OCR's networks in OpenVINO, for CPUs: lines one by one, in networks that were prepared for their widths.

A call for a single line costs next to nothing more than its share of a call for many, as long as OpenVINO has
been prepared for exactly that size; so there are a few sizes, and a network for each. A line reads the same
whatever is beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from beam_kie.ocr import models
from beam_kie.ocr.crops import LINE_HEIGHT
from beam_kie.ocr.ppocr import graphs
from beam_kie.ocr.ppocr.decoding import BLANK
from beam_kie.ocr.ppocr.reader import LineFrames, ReaderSettings, frames_of, kept_classes, pad
from beam_kie.ocr.ppocr.sessions import Network, Sessions

_HEAD_ROWS = 32
# In float32 a network takes twice the memory. Wider lines then share one that takes any width: calls last 2
# to 11 % longer, and there are seven networks less in memory (docs/performance.md).
_WIDEST_FIXED = 512
# Most pages have lines of all widths up to this one; wider ones may never come.
_WIDEST_USUAL = 512


class OpenVinoNetworks:
    """``Networks`` on CPUs.

    Args:
        sessions: compiles them.
    """

    together = 16
    least_threads = 1
    tiny_first = True
    keeps_classes = True

    def __init__(self, sessions: Sessions):
        self._sessions = sessions

    def detector(self, path: Path) -> Callable[[np.ndarray], np.ndarray]:
        """See Networks.detector.

        Args:
            path: the ONNX file.
        """
        network = self._sessions.network(
            f"detector {models.revision([path])}", lambda: graphs.load_detector(path)
        )

        def text_map(pixels: np.ndarray) -> np.ndarray:
            with network.answer(pixels[None]) as (found,):
                return found[0, 0].copy()

        return text_map

    def frames(self, path: Path, settings: ReaderSettings) -> OpenVinoFrames:
        """See Networks.frames.

        Args:
            path: the ONNX file.
            settings: sizes, the threshold of blanks, and scripts.
        """
        return OpenVinoFrames(self._sessions, path, settings)


class OpenVinoFrames:
    """``Frames`` of an ONNX file on CPUs."""

    def __init__(self, sessions: Sessions, path: Path, settings: ReaderSettings):
        """Read the file; networks are compiled when they are needed.

        Args:
            sessions: compiles the networks.
            path: the ONNX file.
            settings: sizes, the threshold of blanks, and scripts.

        Raises:
            ValueError: the characters of the file are not as many as its classes.
        """
        self._sessions = sessions
        self._path = path
        self._revision = models.revision([path])
        self._settings = settings
        weights, bias = self._network.weights, self._network.bias
        kept, self.characters = kept_classes(
            path, self._network.stored_characters, bias.size, settings.scripts
        )
        # A class a row: those of a few classes lie together.
        self._weights, self._bias = np.ascontiguousarray(weights[:, kept].T), bias[kept]
        self._blank_weights, self._blank_bias = weights[:, BLANK].copy(), float(bias[BLANK])

    @cached_property
    def _network(self) -> graphs.Recogniser:
        return graphs.load_recogniser(self._path)

    def prepare(self) -> Iterator[None]:
        """See Frames.prepare: one network for each step."""
        _ = self._head
        yield
        for width in self._settings.widths:
            if width <= _WIDEST_USUAL or self._sessions.float32:
                self._line_network(width)
                yield

    def classify(self, lines: Sequence[np.ndarray]) -> Iterable[LineFrames]:
        """See Frames.classify; the probability is 0 where nothing but a blank was in question.

        Args:
            lines: LINE_HEIGHT x w x 3 uint8 RGB each.
        """
        features = [self._features(line) for line in lines]
        frames = np.concatenate(features) if features else np.zeros((0, len(self._blank_weights)), np.float32)
        classes, probabilities = self._classify(frames)
        ends = np.cumsum([len(part) for part in features])
        return [
            self._line_frames(part, classes[end - len(part) : end], probabilities[end - len(part) : end])
            for part, end in zip(features, ends, strict=True)
        ]

    def _line_frames(
        self, features: np.ndarray, classes: np.ndarray, probabilities: np.ndarray
    ) -> LineFrames:
        def likely(frames: np.ndarray, asked: np.ndarray) -> np.ndarray:
            some, best = features[frames], classes[frames]
            # What all classes come to together follows from the best one and its probability.
            highest = (some * self._weights[best]).sum(axis=1) + self._bias[best]
            total = highest - np.log(probabilities[frames])
            # Not "@": its threads cost more than such a small product.
            logits = np.einsum("fc,kc->fk", some, self._weights[asked]) + self._bias[asked]
            return logits - total[:, None]

        return LineFrames(classes, probabilities, likely)

    def _features(self, line: np.ndarray) -> np.ndarray:
        """What the frames of a line are told apart by: frames x C."""
        padded = pad(line, self._settings.widths)
        with self._line_network(padded.shape[1]).answer(padded[None]) as (features,):
            return features[0, : frames_of(line)].copy()

    def _classify(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
        return self._sessions.network(
            key, lambda: graphs.head(np.ascontiguousarray(self._weights.T), self._bias, _HEAD_ROWS)
        )

    def _line_network(self, width: int) -> Network:
        fixed = None if self._sessions.float32 and width > _WIDEST_FIXED else width
        key = f"line {self._revision} {fixed}"
        return self._sessions.network(
            key, lambda: graphs.fixed_line(self._network.features, LINE_HEIGHT, fixed)
        )
