import itertools
import json
import random

import numpy as np
import pytest

from beam_kie.evaluation.metrics import (
    Score,
    boundaries_score,
    edit_similarity,
    exact_score,
    match_pairs,
    normalise_text,
    pair_score,
    seqeval_score,
    similar,
    token_entities,
)


def test_score_of_counts_is_precision_recall_and_f1():
    score = Score(correct=3, predicted=4, gold=6)

    assert score.as_dict() == pytest.approx({"precision": 0.75, "recall": 0.5, "f1": 0.6})


@pytest.mark.parametrize("score", [Score(), Score(0, 5, 0), Score(0, 0, 5), Score(0, 2, 2)])
def test_score_without_anything_right_is_zero(score):
    assert score.as_dict() == {"precision": 0, "recall": 0, "f1": 0}


def test_scores_add_up_as_counts_not_as_averages():
    total = Score(1, 1, 1) + Score(0, 3, 9)

    assert total == Score(1, 4, 10)
    assert total.precision == 0.25


def test_exact_score_counts_what_comes_twice_once():
    assert exact_score(["a", "a", "b"], ["a", "c", "c"]) == Score(1, 2, 2)


@pytest.mark.parametrize(
    ("tags", "entities"),
    [
        ("O O", set()),
        ("B-Q I-Q O", {("Q", 0, 2)}),
        ("B-Q B-Q I-Q", {("Q", 0, 1), ("Q", 1, 3)}),
        ("O I-Q I-Q", {("Q", 1, 3)}),
        ("B-Q I-A I-A O", {("Q", 0, 1), ("A", 1, 3)}),
        ("I-A O I-A", {("A", 0, 1), ("A", 2, 3)}),
        ("B-A I-A B-Q", {("A", 0, 2), ("Q", 2, 3)}),
        ("B-DUE-DATE I-DUE-DATE", {("DUE-DATE", 0, 2)}),
    ],
)
def test_token_entities_are_those_of_seqeval(tags, entities):
    assert token_entities(tags.split()) == entities


def test_seqeval_score_does_not_join_entities_of_two_pages():
    assert seqeval_score([["B-A"], ["I-A"]], [["B-A"], ["B-A"]]) == Score(2, 2, 2)


def test_seqeval_score_refuses_pages_of_different_length():
    with pytest.raises(ValueError, match="2 predicted and 1 gold"):
        seqeval_score([["O", "O"]], [["O"]])


def test_boundaries_score_compares_spans_page_by_page():
    pair, other = ((0, 2), (2, 5)), ((0, 2), (5, 6))

    assert boundaries_score([[pair, pair], [pair]], [[pair, other], [other]]) == Score(1, 2, 3)


@pytest.fixture(scope="module")
def reference(shared_data):
    folder = shared_data / "reference"
    if not (folder / "metrics.npz").is_file():
        pytest.skip("shared data has no reference/metrics.npz")
    return json.loads((folder / "metrics.json").read_text()), np.load(folder / "metrics.npz")


def test_ser_is_what_paddleocr_measures(reference):
    expected, arrays = reference
    tags = {int(key): label for key, label in expected["labels"].items()}

    for case, figures in enumerate(expected["ser"]):
        labels = arrays[f"ser{case}_labels"]
        predicted = arrays[f"ser{case}_logits"].argmax(-1)
        score = seqeval_score(
            [
                [tags[p] for p, g in zip(*page, strict=True) if g >= 0]
                for page in zip(predicted, labels, strict=True)
            ],
            [[tags[g] for g in page if g >= 0] for page in labels],
        )
        assert_figures(score, figures)


def test_re_is_what_paddleocr_measures(reference):
    expected, arrays = reference

    for case, figures in enumerate(expected["re"]):
        names = ("entities", "relations", "pred")
        pages = list(zip(*(arrays[f"re{case}_{name}"] for name in names), strict=True))
        score = boundaries_score(
            [
                [(tuple(row[1]), tuple(row[4])) for row in pred[1 : pred[0, 0, 0] + 1].tolist()]
                for _, _, pred in pages
            ],
            [
                [
                    tuple(tuple(entities[1 + i, :2].tolist()) for i in pair)
                    for pair in relations[1 : relations[0, 0] + 1]
                ]
                for entities, relations, _ in pages
            ],
        )
        assert_figures(score, figures)


def assert_figures(score, figures):
    assert score.precision == pytest.approx(figures["precision"], abs=1e-12)
    assert score.recall == pytest.approx(figures["recall"], abs=1e-12)
    assert score.f1 == pytest.approx(figures["hmean"], abs=1e-12)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Name: ", "Name"),
        ("姓名：", "姓名"),
        ("Ｎａｍｅ ：：", "Name"),
        ("A\u3000B\tC\n", "ABC"),
        ("10:30", "10:30"),
        ("①", "1"),
        (":", ""),
    ],
)
def test_normalise_text(text, normal):
    assert normalise_text(text) == normal


@pytest.mark.parametrize(
    ("first", "second", "similarity"),
    [
        ("", "", 1),
        ("", "abc", 0),
        ("kitten", "sitting", 1 - 3 / 7),
        ("abcdefghij", "abcdefghi", 0.9),
        ("ab", "ba", 0),
        ("same", "same", 1),
    ],
)
def test_edit_similarity(first, second, similarity):
    assert edit_similarity(first, second) == pytest.approx(similarity)
    assert edit_similarity(second, first) == pytest.approx(similarity)


def test_similar_agrees_with_the_similarity_that_it_does_not_compute_in_full():
    generator = random.Random(3)
    agreed = {True: 0, False: 0}
    for _ in range(2000):
        first = "".join(generator.choices("ab", k=generator.randint(0, 30)))
        letters = list(first)
        for _ in range(generator.randint(0, 4)):
            letters.insert(generator.randint(0, len(letters)), generator.choice("abc"))
        second = "".join(letters)
        close = edit_similarity(first, second) >= 0.9 - 1e-9
        assert similar(first, second) == close, (first, second)
        agreed[close] += 1
    assert min(agreed.values()) > 200


@pytest.mark.parametrize("length", [10, 20, 30, 70, 100])
def test_similar_includes_the_threshold_itself(length):
    text = "x" * length

    assert similar(text, text[length // 10 :])
    assert not similar(text, text[length // 10 + 1 :])


def test_pairs_match_on_normalised_key_and_value():
    gold = [("姓名：", "李 雷"), ("Rechnungsnummer", "RE-2024-0012345")]
    predicted = [("Rechnungsnummer:", "RE-2024-0O12345"), ("姓名", "李雷"), ("姓名", "韩梅梅")]

    assert match_pairs(predicted, gold) == [(0, 1), (1, 0)]
    assert pair_score(predicted, gold) == Score(2, 3, 2)


def test_a_pair_needs_both_its_texts():
    assert match_pairs([("Name", "Lei")], [("Name", "Mei"), ("Amen", "Lei")]) == []


def test_equal_pairs_are_matched_one_to_one():
    pair = ("Menge", "1")

    assert pair_score([pair] * 3, [pair] * 2) == Score(2, 3, 2)
    assert pair_score([pair], [pair] * 2) == Score(1, 1, 2)


def test_a_key_with_several_values_is_several_pairs():
    gold = [("Hobbys", "Lesen"), ("Hobbys", "Wandern"), ("Hobbys", "Schach")]

    assert pair_score([("Hobbys", "Wandern"), ("Hobbys", "Lesen")], gold) == Score(2, 2, 3)


def test_the_first_fitting_partner_is_given_up_where_that_matches_more():
    near, far = "x" * 20, "x" * 18 + "yy"
    # The first prediction fits both gold values, the second only the first one.
    predicted = [("k", "x" * 19 + "y"), ("k", near + "z")]
    gold = [("k", near), ("k", far)]

    assert match_pairs(predicted, gold) == [(0, 1), (1, 0)]


def test_matching_is_as_large_as_the_best_of_all_choices():
    generator = random.Random(5)
    base = "abcdefghijklmnopqrst"
    for _ in range(30):
        pairs = [("k", base[: generator.randint(16, 20)]) for _ in range(8)]
        predicted, gold = pairs[:4], pairs[4:]
        fits = [[similar(p[1], g[1]) for g in gold] for p in predicted]
        best = max(sum(fits[i][j] for i, j in enumerate(order)) for order in itertools.permutations(range(4)))
        assert len(match_pairs(predicted, gold)) == best


@pytest.mark.parametrize(("predicted", "gold"), [([], []), ([("a", "b")], []), ([], [("a", "b")])])
def test_pages_without_pairs(predicted, gold):
    assert pair_score(predicted, gold) == Score(0, len(predicted), len(gold))
