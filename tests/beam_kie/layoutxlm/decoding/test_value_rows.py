import pytest

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.value_rows import MOST, cut_at_rows
from tests.beam_kie.layoutxlm.decoding.rows import entities_of, links_of, page_of, texts, tokens_of_lines

CONFIG = LayoutXLMConfig()
KEYS = (("Length", 40, 100), ("Weight", 40, 130), ("Colour", 40, 160))
VALUES = (("84 mm", 300, 100), ("to be determined", 300, 130), ("white", 300, 160))


def cut(page, found, links):
    return cut_at_rows(CONFIG, page, tokens_of_lines(page), found, links)


def test_a_value_over_the_rows_of_three_keys_becomes_three():
    page = page_of(*KEYS, *VALUES)
    found = entities_of(page, ("Q", 0), ("Q", 1), ("Q", 2), ("A", 3, 4, 5))
    result = cut(page, found, links_of((0, 3)))
    assert texts(result) == [
        *("Q: Length", "Q: Weight", "Q: Colour", "A: 84 mm", "A: to be determined", "A: white"),
    ]
    assert [item.tokens.tolist() for item in result[3:]] == [[3], [4], [5]]
    assert result[4].entity.box == page.lines[4].box
    assert {item.entity.confidence for item in result} == {0.9}


def test_the_lines_in_between_stay_with_the_row_above():
    page = page_of(KEYS[0], KEYS[2], *VALUES)
    found = entities_of(page, ("Q", 0), ("Q", 1), ("A", 2, 3, 4))
    assert texts(cut(page, found, links_of((0, 2))))[2:] == ["A: 84 mm to be determined", "A: white"]


@pytest.mark.parametrize(
    ("links", "why"),
    [
        ([(0, 3), (1, 4)], "the other key has a value"),
        ([(0, 3), (5, 1)], "the other key is itself a value"),
    ],
)
def test_a_key_that_has_its_value_cuts_none(links, why):
    page = page_of(*KEYS[:2], VALUES[0], VALUES[1], ("elsewhere", 700, 400), ("Title", 40, 20))
    found = entities_of(page, ("Q", 0), ("Q", 1), ("H", 5), ("A", 2, 3), ("A", 4), ("Q", 5))
    assert texts(cut(page, found, links_of(*links))) == texts(found), why


def test_a_key_beside_several_rows_of_a_value_cuts_none():
    page = page_of(("Address", 40, 100), ("Lindenweg 12", 300, 95), ("99084 Erfurt", 300, 106))
    found = entities_of(page, ("Q", 0), ("A", 1, 2))
    assert texts(cut(page, found, ())) == texts(found)


def test_a_key_on_the_right_or_behind_another_one_cuts_none():
    right = page_of(VALUES[0], VALUES[1], ("Weight", 600, 130))
    found = entities_of(right, ("A", 0, 1), ("Q", 2))
    assert texts(cut(right, found, ())) == texts(found)
    behind = page_of(("Weight", 40, 130), ("net", 200, 130), *VALUES[:2])
    found = entities_of(behind, ("Q", 0), ("Q", 1), ("A", 2, 3))
    assert texts(cut(behind, found, links_of((1, 2)))) == texts(found), "the nearer key has the value"


def test_lines_of_one_row_are_not_cut():
    page = page_of(KEYS[0], ("84", 300, 100), ("mm", 340, 100))
    found = entities_of(page, ("Q", 0), ("A", 1, 2))
    assert texts(cut(page, found, ())) == texts(found)


def test_pages_with_very_many_keys_are_left_alone():
    page = page_of(*KEYS, *VALUES)
    found = entities_of(page, *[("Q", 0)] * (MOST + 1), ("Q", 1), ("A", 3, 4))
    assert len(cut(page, found, ())) == len(found)
