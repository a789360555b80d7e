"""Initial word embeddings from plain text: tokens with the same neighbours begin close together.

Positive pointwise mutual information, factorised: Levy and Goldberg, "Neural Word Embedding as Implicit
Matrix Factorization" (2014), with the settings of their later work (TACL 2015): contexts smoothed by 0.75,
eigenvalues to the power of 0.5. It takes a minute and gives a small model what would cost hours of
masked-token training.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds
from tokenizers import Tokenizer

WINDOW = 5
SMOOTHING = 0.75
_LINES_AT_ONCE = 20_000


def text_embeddings(
    tokenizer: Tokenizer, texts: Iterable[Sequence[str]], size: int, spread: float = 0.02
) -> np.ndarray:
    """Embeddings of a tokenizer's vocabulary from a text: the singular vectors of the tokens' positive
    pointwise mutual information (Levy and Goldberg 2014). Tokens that never occur stay zero.

    Args:
        tokenizer: with V tokens.
        texts: lists of lines; a line is a context of its own.
        size: of an embedding, below V.
        spread: the standard deviation of the result.

    Returns:
        V x ``size`` float32.
    """
    counts = count_neighbours(tokenizer, texts)
    # SciPy's types know only the newer "rng", which begins elsewhere: signs of columns would change.
    vectors, values, _ = svds(mutual_information(counts), k=size, random_state=0)  # pyright: ignore[reportCallIssue]
    found = vectors * np.sqrt(values) * (counts.getnnz(1) > 0)[:, None]
    return (found * (spread / found[found.any(1)].std())).astype(np.float32)


def count_neighbours(tokenizer: Tokenizer, texts: Iterable[Sequence[str]]) -> sparse.csr_matrix:
    """V x V: how often two tokens stand at most WINDOW tokens apart, nearer ones counting more.

    Args:
        tokenizer: with V tokens.
        texts: lists of lines; a line is a context of its own.
    """
    vocabulary = tokenizer.get_vocab_size()
    total = sparse.csr_matrix((vocabulary, vocabulary), dtype=np.float32)
    for lines in texts:
        for part in _portions(lines):
            total = total + _neighbours(tokenizer, part, vocabulary)
    return total


def mutual_information(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """Positive pointwise mutual information, V x V.

    Contexts are smoothed (Levy, Goldberg and Dagan 2015, section 3.2).

    Args:
        counts: V x V, symmetric.
    """
    pairs = counts.tocoo()
    rows = np.asarray(counts.sum(1)).ravel()
    contexts = rows**SMOOTHING
    expected = rows[pairs.row] * contexts[pairs.col] / contexts.sum()
    values = np.log(np.maximum(pairs.data / np.maximum(expected, 1e-12), 1))
    return sparse.csr_matrix((values, (pairs.row, pairs.col)), shape=counts.shape)


def _portions(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(lines), _LINES_AT_ONCE):
        yield lines[start : start + _LINES_AT_ONCE]


def _neighbours(tokenizer: Tokenizer, lines: Sequence[str], vocabulary: int) -> sparse.csr_matrix:
    separator = [-1] * WINDOW  # no pair reaches over the end of a line
    ids: list[int] = []
    for encoding in tokenizer.encode_batch(list(lines), add_special_tokens=False):
        ids += encoding.ids + separator
    stream = np.array(ids, dtype=np.int64)
    total = sparse.csr_matrix((vocabulary, vocabulary), dtype=np.float32)
    for distance in range(1, WINDOW + 1):
        left, right = stream[:-distance], stream[distance:]
        real = (left >= 0) & (right >= 0)
        weights = np.full(real.sum(), 1 / distance, dtype=np.float32)
        found = sparse.coo_matrix((weights, (left[real], right[real])), shape=total.shape).tocsr()
        total = total + found + found.T
    return total
