import pytest

from beam_kie.document import Relation
from beam_kie.tables.key_values import key_values
from tests import pages


def texts(result, **options):
    return [(pair.key.text, pair.value and pair.value.text) for pair in key_values(result, **options)]


def test_every_relation_and_every_key_without_a_value_is_a_pair_in_reading_order():
    shuffled = pages.result(links=[(5, 6, 0.7), (1, 2, 0.9), (3, 4, 0.8)])
    assert texts(shuffled) == [
        ("姓名:", "李雷"),
        ("Date of birth", "2001-02-03"),
        ("Gebühr", "1.234,50 €"),
        ("備考", None),
    ]


def test_a_key_may_have_several_values_and_a_value_several_keys():
    result = pages.result(links=[(1, 4, 0.6), (1, 2, 0.9), (3, 4, 0.8)])
    assert texts(result)[:3] == [
        ("姓名:", "李雷"),
        ("姓名:", "2001-02-03"),
        ("Date of birth", "2001-02-03"),
    ]


def test_confidence_is_that_of_the_whole_relation_and_the_keys_own_without_a_value():
    with_value, *_, alone = key_values(pages.result())
    assert with_value.confidence == pytest.approx(0.9 * 0.9 * 0.9)
    assert with_value.relation_confidence == 0.9
    assert (alone.confidence, alone.relation_confidence, alone.value) == (0.9, None, None)


@pytest.mark.parametrize("order", [(0.4, 0.6), (0.6, 0.4)])
def test_of_two_relations_of_the_same_entities_the_more_confident_counts(order):
    result = pages.result(links=[(1, 2, confidence) for confidence in order])
    assert [pair.relation_confidence for pair in key_values(result) if pair.value] == [0.6]


def test_labels_of_other_models_name_their_keys():
    form = [("FIELD", "Total", (0, 0, 10, 10)), ("HEADER", "Invoice", (0, 20, 10, 30))]
    assert texts(pages.result(form=form, links=[])) == []
    assert texts(pages.result(form=form, links=[]), key_labels=("FIELD",)) == [("Total", None)]


def test_relations_between_other_labels_are_kept():
    assert ("登録票 Registration", "姓名:") in texts(pages.result(links=[(0, 1, 0.5)]))


def test_empty_page_has_no_pairs():
    assert key_values(pages.result(form=[], links=[])) == []


@pytest.mark.parametrize("ends", [(0, 8), (-1, 0), (2, 2)])
def test_relation_that_joins_no_two_entities_is_an_error(ends):
    result = pages.result(links=[])
    broken = type(result)(result.page, result.entities, (Relation(*ends, 0.5),))
    with pytest.raises(ValueError, match="8 entities"):
        key_values(broken)
