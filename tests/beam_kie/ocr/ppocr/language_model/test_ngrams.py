import numpy as np
import pytest

from beam_kie.ocr.ppocr.language_model.ngrams import (
    BITS,
    CODES,
    LANGUAGES,
    LETTERS,
    NGrams,
    load_characters,
    save_characters,
)


@pytest.fixture(scope="module")
def bundled():
    return load_characters()


def cost(model, text):
    """What a text costs at the start of a line."""
    key, total = model.start(), 0
    for character in text:
        key = (key << BITS | CODES.get(character, 0)) & model.mask
        total += model.cost(key)
    return total


@pytest.mark.parametrize(
    ("usual", "other"),
    [
        ("Applicable", "Applicaule"),
        ("DIVISION", "DIVIRION"),
        ("Director Forecasting", "DirectorForecasting"),
        ("Rechnungsnummer", "Rechnungsnunmer"),
        ("Date de naissance", "Date de nalssance"),
        ("Número de teléfono", "Número de teléiono"),
        ("Codice fiscale", "Codice tiscale"),
        ("Endereço", "Endeneco"),
    ],
)
def test_what_is_usual_in_six_languages_costs_less(bundled, usual, other):
    assert cost(bundled, usual) < cost(bundled, other)


def test_after_every_text_the_probabilities_are_those_of_one_character(bundled):
    for text in ("", "Amend", "QXZ", "Zahlungs", "12"):
        key = bundled.start()
        for character in text:
            key = (key << BITS | CODES[character]) & bundled.mask
        costs = [bundled.cost((key << BITS | code) & bundled.mask) for code in range(1 << BITS)]
        # Codes that mean nothing and rounding take and give a little.
        assert np.exp(-np.array(costs) / 16).sum() == pytest.approx(1, abs=0.15)


def test_all_digits_and_all_unknown_characters_cost_the_same(bundled):
    assert cost(bundled, "No. 111") == cost(bundled, "No. 829")
    assert cost(bundled, "国a") == cost(bundled, "ηa")
    assert {"ß", "é", "ñ", "ò", "õ"} < LETTERS
    assert not LETTERS & set("ł国0 ")
    assert len(LANGUAGES) == 6


def test_where_no_longer_ngram_is_known_a_shorter_one_and_the_weights_tell(tmp_path):
    a, b = CODES["a"], CODES["b"]
    zeros = np.zeros(1 << BITS, np.uint8)
    singles = NGrams(np.arange(1 << BITS, dtype=np.uint64), zeros + 50, zeros.copy())
    singles.costs[b] = 40
    singles.backoffs[a] = 7
    pairs = NGrams(np.array([a << BITS | a], np.uint64), np.array([3], np.uint8), np.zeros(1, np.uint8))
    path = tmp_path / "small.npz"
    save_characters(path, [singles, pairs])
    model = load_characters(path)
    assert model.length == 2
    assert model.cost(a << BITS | a) == 3
    assert model.cost(a << BITS | b) == 7 + 40
    assert model.cost(b << BITS | a) == 50
    again = tmp_path / "again.npz"
    save_characters(again, [singles, pairs])
    assert again.read_bytes() == path.read_bytes()
