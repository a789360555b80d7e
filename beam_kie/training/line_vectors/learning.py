"""Learning line vectors: the mean state of a line's tokens says what text encoders say of its text.

A cosine loss through a linear layer that is dropped after the training; knowledge distillation of sentence
embeddings (Reimers and Gurevych 2020, arXiv 2004.09813).
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from beam_kie.labelled.alignment import TrainingLine, TrainingPage
from beam_kie.layoutxlm.network.pooling import group_means
from beam_kie.text_width import char_width
from beam_kie.training.data.examples import Example
from beam_kie.training.line_vectors.files import LineVectors

PAGE = (1000, 1414)


class LineVectorHead(nn.Module):
    """From the states of a network to the vectors of its lines.

    Args:
        vectors: what is learned.
        hidden_size: of the network.
    """

    def __init__(self, vectors: LineVectors, hidden_size: int):
        super().__init__()
        self.linear = nn.Linear(hidden_size, sum(vectors.sizes))
        self._sizes = list(vectors.sizes)
        self._vectors = torch.from_numpy(vectors.vectors)

    def loss(self, hidden: Tensor, examples: Sequence[Example]) -> Tensor:
        """1 - cosine, the mean over the encoders and the lines that have vectors; 0 where none has.

        Args:
            hidden: B x T x H states of the text of the batch.
            examples: the B examples.
        """
        rows = [row for example in examples for _, row in example.line_vectors]
        if not rows:
            return hidden.sum() * 0
        means = torch.cat(
            [
                group_means(hidden[place], [tokens for tokens, _ in example.line_vectors])
                for place, example in enumerate(examples)
                if example.line_vectors
            ]
        )
        found = self.linear(means).float().split(self._sizes, 1)
        right = self._vectors[rows].to(hidden.device, torch.float32).split(self._sizes, 1)
        losses = [1 - functional.cosine_similarity(*pair).mean() for pair in zip(found, right, strict=True)]
        return torch.stack(losses).mean()


def texts_by_language(vectors: LineVectors) -> list[list[str]]:
    """The texts of every language.

    Args:
        vectors: with at least one text.
    """
    found: dict[str, list[str]] = {}
    for text, language in zip(vectors.texts, vectors.languages, strict=True):
        found.setdefault(language, []).append(text)
    return list(found.values())


def phrase_page(texts: Sequence[str], rng: random.Random) -> TrainingPage:
    """A page of texts that have nothing to do with each other, in one to three columns.

    Args:
        texts: that it may hold.
        rng: the random generator.
    """
    width, height = PAGE
    columns = rng.choice((1, 2, 2, 3))
    size = rng.uniform(12, 22)
    step = size * rng.uniform(1.3, 3.0)
    lines = []
    for column in range(columns):
        left = 60 + column * (width - 120) / columns
        y = 80.0
        while y < height - 80:
            text = rng.choice(texts)
            right = min(left + sum(map(char_width, text)) * size / 2, width - 10)
            box = (left, y, max(right, left + size), y + size)
            lines.append(TrainingLine(text, box, (None,) * len(text)))
            y += step
    return TrainingPage(width, height, tuple(lines), {}, frozenset())
