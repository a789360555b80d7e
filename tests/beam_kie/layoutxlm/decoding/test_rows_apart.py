import pytest

from beam_kie.document import RuledCell
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.rows_apart import cut_at_rows
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
def test_a_key_that_has_its_value_and_stands_in_no_column_cuts_none(links, why):
    page = page_of(
        KEYS[0], ("Mass", 200, 130), VALUES[0], VALUES[1], ("elsewhere", 700, 400), ("Title", 40, 20)
    )
    found = entities_of(page, ("Q", 0), ("Q", 1), ("H", 5), ("A", 2, 3), ("A", 4), ("Q", 5))
    assert texts(cut(page, found, links_of(*links))) == texts(found), why


@pytest.mark.parametrize("x", [40, 700])
def test_a_column_of_keys_cuts_what_stands_beside_all_of_them_whatever_values_they_have(x):
    keys = [(text, x, y) for text, _, y in KEYS]
    page = page_of(*keys, *VALUES, ("elsewhere", 300, 400))
    found = entities_of(page, ("Q", 0), ("Q", 1), ("Q", 2), ("A", 3, 4, 5), ("A", 6))
    linked = links_of((0, 3), (1, 4), (2, 4))
    assert len(cut(page, found, linked)) == 7
    beside_two = entities_of(page, ("Q", 0), ("Q", 1), ("H", 2), ("A", 3, 4, 5), ("A", 6))
    assert texts(cut(page, beside_two, linked)) == texts(beside_two)


def test_rows_in_one_cell_are_one_value_where_no_key_lacks_one():
    def page(bottom):
        cells = [RuledCell((290, 90, 600, bottom), 0.9), RuledCell((290, bottom + 2, 600, 190), 0.9)]
        return page_of(*KEYS[:2], *VALUES[:2], cells=cells)

    found = [("Q", 0), ("Q", 1), ("A", 2, 3)]
    linked = links_of((0, 2), (1, 2))
    together, apart = page(160), page(124)
    assert len(cut(together, entities_of(together, *found), linked)) == 3
    assert len(cut(apart, entities_of(apart, *found), linked)) == 4


def test_a_key_over_the_rows_of_several_values_becomes_several():
    page = page_of(*KEYS, *VALUES)
    found = entities_of(page, ("Q", 0, 1, 2), ("A", 3), ("A", 4), ("A", 5))
    result = texts(cut(page, found, links_of((0, 1), (0, 2), (0, 3))))
    assert result[:3] == ["Q: Length", "Q: Weight", "Q: Colour"]
    one_value = entities_of(page, ("Q", 0, 1, 2), ("A", 3, 4, 5))
    assert texts(cut(page, one_value, links_of((0, 1)))) == texts(one_value)
    before = page_of(*((text, 700, y) for text, _, y in KEYS), *VALUES)
    assert len(cut(before, entities_of(before, ("Q", 0, 1, 2), ("A", 3), ("A", 4), ("A", 5)), ())) == 4


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        (("Length", "Weight"), 2),
        (("Length:", "Weight:"), 2),
        (("Length:", "Weight"), 2),
        (("How did you", "hear of us"), 1),
        (("Date of", "Birth:"), 1),  # one colon for both
        (("Amount", "(in words)"), 1),
        (("单位", "Company"), 1),  # one key in two scripts
        (("单位", "地址"), 2),
    ],
)
def test_the_lines_of_one_key_stay_together(rows, count):
    page = page_of((rows[0], 40, 100), (rows[1], 40, 130), *VALUES[:2])
    found = cut(page, entities_of(page, ("Q", 0, 1), ("A", 2), ("A", 3)), links_of((0, 1), (0, 2)))
    assert len(found) == 2 + count


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
