"""The lenient metric: what does not count, and what still does."""

import dataclasses

import pytest

from beam_kie.document import Entity, PageResult, Relation
from beam_kie.evaluation import gold_pages
from beam_kie.evaluation.lenient import lenient_score, lenient_text
from beam_kie.evaluation.metrics import Score, pair_score
from beam_kie.evaluation.pairs import text_pairs
from tests.labelled_forms import entry, page_of


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Name:", "NAME"),
        ("□ married", "☑Married"),
        ("• 2 rooms", "2 rooms."),
        ("（一）单位名称", "一单位名称"),
        ("Müller, Anna", "Müller Anna"),
        ("口有[x]无", "有无"),
    ],
)
def test_marks_bullets_case_and_punctuation_do_not_count(first, second):
    assert lenient_text(first) == lenient_text(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [("1.5", "15"), ("-3", "3"), ("5%", "5"), ("yes", "no"), ("☑", "☐"), ("1,200", "1.200"), ("户口", "户")],
)
def test_numbers_and_mere_marks_stay_apart(first, second):
    assert lenient_text(first) != lenient_text(second)


def result(pairs):
    """Keys with their values, as a model might have found them."""
    entities: list[Entity] = []
    relations = []
    for key, values in pairs:
        entities.append(Entity("QUESTION", key, (), 0.9, ()))
        head = len(entities) - 1
        for value in values:
            entities.append(Entity("ANSWER", value, (), 0.9, ()))
            relations.append(Relation(head, len(entities) - 1, 0.9))
    return PageResult(GOLD.page, tuple(entities), tuple(relations))


(GOLD,) = gold_pages(
    [
        page_of(
            "a.png",
            entry(1, "Address", "QUESTION", 40, 100, [(1, 2), (1, 3)]),
            entry(2, "Lindenweg 12", "ANSWER", 320, 100),
            entry(3, "99084 Erfurt", "ANSWER", 320, 140),
            entry(4, "Phone", "QUESTION", 40, 200, [(4, 5), (4, 6)]),
            entry(5, "0361 555 0117", "ANSWER", 320, 200),
            entry(6, "0361 555 0118", "ANSWER", 320, 240),
        )
    ]
)


def test_values_that_are_split_in_another_way_are_right_as_a_whole():
    found = result(
        [("ADDRESS:", ["Lindenweg 12 99084 Erfurt"]), ("Phone", ["0361 555 0117", "0361 555 0118"])]
    )
    assert pair_score(text_pairs(found), GOLD.text_pairs).correct == 2
    assert lenient_score(found, GOLD) == Score(3, 3, 3)


def test_a_value_that_lacks_a_line_is_as_wrong_as_in_the_strict_metric():
    found = result([("Address", ["Lindenweg 12"]), ("Phone", ["0361 555 0117"])])
    assert lenient_score(found, GOLD) == pair_score(text_pairs(found), GOLD.text_pairs) == Score(2, 2, 4)


def test_without_pairs_nothing_is_right():
    nothing = dataclasses.replace(result([]), entities=())
    assert lenient_score(nothing, GOLD) == Score(0, 0, 4)


(CHOICE,) = gold_pages(
    [
        page_of(
            "b.png",
            entry(1, "Kind", "QUESTION", 40, 100, [(1, 2), (1, 3)]),
            entry(2, "□ new 口used √loan", "ANSWER", 320, 100),
            entry(3, "since 1.5.", "ANSWER", 320, 140),
        )
    ]
)


def test_options_that_the_labels_keep_in_one_value_are_right_once_joined():
    found = result([("Kind", ["□ new", "□ used", "☑ loan", "since 1.6."])])
    assert lenient_score(found, CHOICE) == Score(1, 2, 2)
    assert pair_score(text_pairs(found), CHOICE.text_pairs).correct == 0


def test_options_under_another_key_or_of_another_text_are_wrong():
    for key, options in (("Sort", ["□ new", "□ used", "☑ loan"]), ("Kind", ["□ new", "□ used", "□ hire"])):
        assert lenient_score(result([(key, options)]), CHOICE).correct == 0
