"""Embeddings from neighbourhoods."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from beam_kie.training.data.embeddings import count_neighbours, mutual_information, text_embeddings

LINES = [f"the {fruit} tastes sweet" for fruit in ("apple", "pear", "plum")] * 20
LINES += [f"my {pet} sleeps long" for pet in ("dog", "cat", "cow")] * 20
WORDS = sorted({word for line in LINES for word in line.split()})
TOKENIZER = Tokenizer(models.WordLevel({word: index for index, word in enumerate(["<mask>", *WORDS])}))
TOKENIZER.pre_tokenizer = pre_tokenizers.WhitespaceSplit()


def ids(*words):
    return [TOKENIZER.token_to_id(word) for word in words]


@pytest.fixture(scope="module")
def embeddings():
    return text_embeddings(TOKENIZER, [LINES], size=4)


def likeness(embeddings, first, second):
    one, other = embeddings[ids(first, second)]
    return one @ other / (np.linalg.norm(one) * np.linalg.norm(other))


def test_words_with_the_same_neighbours_are_close(embeddings):
    assert likeness(embeddings, "apple", "pear") > 0.9
    assert likeness(embeddings, "dog", "cat") > 0.9
    assert likeness(embeddings, "apple", "dog") < 0.5


def test_embeddings_have_the_spread_asked_for_and_unseen_tokens_none(embeddings):
    assert embeddings.shape == (TOKENIZER.get_vocab_size(), 4)
    assert not embeddings[TOKENIZER.token_to_id("<mask>")].any()
    assert embeddings[embeddings.any(1)].std() == pytest.approx(0.02, rel=1e-3)


def test_neighbours_count_less_with_distance_and_never_across_lines():
    counts = count_neighbours(TOKENIZER, [["apple tastes sweet"], ["dog"]])
    apple, tastes, sweet, dog = ids("apple", "tastes", "sweet", "dog")
    assert counts[apple, tastes] == counts[tastes, apple] == 1
    assert counts[apple, sweet] == 0.5
    assert counts[dog].nnz == 0


def test_information_is_never_negative_and_higher_for_rare_pairs():
    counts = count_neighbours(TOKENIZER, [LINES])
    information = mutual_information(counts)
    assert information.data.min() >= 0
    the, apple, sweet = ids("the", "apple", "sweet")
    assert information[apple, the] > information[apple, sweet] * 0.9 > 0
