from collections import Counter

import numpy as np
import pytest

from beam_kie.ocr.ppocr.language_model.ngrams import BITS, CODES, SCALE, CharacterModel
from beam_kie.training.characters.counting import counted, encoded, with_capitals
from beam_kie.training.characters.smoothing import model_of

TEXT = ["the date of the payment", "the name of the patient", "date and place", "a name and a date"] * 3


@pytest.fixture(scope="module")
def codes():
    return encoded(TEXT)


def test_ngrams_are_counted_as_they_occur(codes):
    keys, counts = counted(codes, 3, 4)
    expected = Counter(tuple(codes[n : n + 3].tolist()) for n in range(len(codes) - 2))
    found = {}
    for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
        found[tuple(key >> BITS * place & 127 for place in (2, 1, 0))] = count
    assert found == {three: count for three, count in expected.items() if count >= 4}
    assert keys.tolist() == sorted(keys.tolist())


def test_digits_are_one_and_unknown_characters_another_code():
    assert encoded(["a1 9国"]).tolist() == [CODES["a"], CODES["0"], CODES[" "], CODES["0"], 0]


def test_some_lines_are_counted_in_capitals_too():
    found = with_capitals(["ab cd"] * 20)
    assert Counter(found) == {"ab cd": 20, "AB CD": 7, "Ab Cd": 3}


@pytest.mark.parametrize("most", [10, 10_000])
def test_costs_are_those_of_probabilities_whatever_is_left_out(codes, most):
    orders = model_of([counted(codes, length, 1) for length in (1, 2, 3, 4)], most)
    model = CharacterModel(orders)
    for text in ("the ", "date", "zzzz", "d pl"):
        key = 0
        for character in text:
            key = (key << BITS | CODES[character]) & model.mask
        costs = np.array([model.cost((key << BITS | code) & model.mask) for code in range(1 << BITS)])
        assert np.exp(-costs / SCALE).sum() == pytest.approx(1, abs=0.06)
    longer = sum(len(ngrams.keys) for ngrams in orders[2:])
    assert 10 <= longer <= 20 if most == 10 else longer > 100


def test_what_follows_in_the_text_costs_least(codes):
    model = CharacterModel(model_of([counted(codes, length, 1) for length in (1, 2, 3, 4)], 10_000))
    key = 0
    for character in "dat":
        key = key << BITS | CODES[character]
    costs = {text: model.cost(key << BITS | CODES[text]) for text in "abdehmnopt"}
    assert min(costs, key=costs.__getitem__) == "e"
