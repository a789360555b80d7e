"""Files of line vectors: short texts with what text encoders say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class VectorFileError(ValueError):
    """A file of line vectors that cannot be used; the message names it."""


@dataclass(frozen=True)
class LineVectors:
    """Texts and their vectors.

    ``texts``: N; ``languages``: N, their codes; ``vectors``: N x D float16, the unit vectors of the encoders
    side by side; ``sizes``: of the encoders, their sum is D.
    """

    texts: tuple[str, ...]
    languages: tuple[str, ...]
    vectors: np.ndarray
    sizes: tuple[int, ...]

    def by_text(self) -> dict[str, int]:
        """The row of every text."""
        return {text: row for row, text in enumerate(self.texts)}

    def save(self, path: Path) -> None:
        """Writes the file.

        Args:
            path: of the file; its folder is made.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".part")
        with temporary.open("wb") as file:
            np.savez(
                file,
                texts="\n".join(self.texts).encode(),
                languages="\n".join(self.languages).encode(),
                vectors=self.vectors,
                sizes=np.array(self.sizes),
            )
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> LineVectors:
        """Reads a file.

        Args:
            path: of the file.

        Raises:
            VectorFileError: it is missing, damaged or another kind of file.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                texts = tuple(bytes(file["texts"].item()).decode().split("\n"))
                languages = tuple(bytes(file["languages"].item()).decode().split("\n"))
                vectors, sizes = file["vectors"], tuple(file["sizes"].tolist())
        except (OSError, KeyError, ValueError, EOFError) as error:
            raise VectorFileError(f"line_vectors: {path}: {error}") from error
        if vectors.shape != (len(texts), sum(sizes)) or len(languages) != len(texts):
            raise VectorFileError(f"line_vectors: {path}: its parts do not belong together")
        return cls(texts, languages, vectors, sizes)


def centred(vectors: np.ndarray, languages: Sequence[str]) -> np.ndarray:
    """Unit vectors with the mean of their language taken out, so that languages share one space.

    Args:
        vectors: N x D.
        languages: N.
    """
    found = _unit(vectors.astype(np.float32))
    codes = np.array(languages)
    for code in np.unique(codes):
        rows = codes == code
        found[rows] -= found[rows].mean(0)
    return _unit(found)


def joined(texts: Mapping[str, str], parts: Sequence[np.ndarray]) -> LineVectors:
    """The vectors of several encoders as one file.

    Args:
        texts: N texts with their languages.
        parts: of every encoder N x D.
    """
    languages = tuple(texts.values())
    whole = np.concatenate([centred(part, languages) for part in parts], 1).astype(np.float16)
    return LineVectors(tuple(texts), languages, whole, tuple(part.shape[1] for part in parts))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
