import pytest
import torch

from beam_kie.layoutxlm.decoding.second_keys import with_second_keys

#            column 1   column 2
# row        value      value
ROW = (0, 100, 90, 120)
COLUMNS = ((100, 50, 190, 70), (200, 50, 290, 70))
VALUES = ((110, 102, 180, 118), (210, 102, 280, 118))


def found(shares, linked, keys=(ROW, *COLUMNS), values=VALUES, least=0.4):
    """The confidence of every link, {(value, key): confidence}."""
    chosen = torch.zeros(len(values), len(keys), dtype=torch.bool)
    for value, key in linked:
        chosen[value, key] = True
    boxes = [torch.tensor(each) for each in (keys, values)]
    links, confidences = with_second_keys(torch.tensor(shares), chosen, *boxes, least)
    places = [tuple(place) for place in links.nonzero().tolist()]
    return {place: round(confidences[place].item(), 2) for place in places}


def test_a_value_of_a_table_has_the_headers_of_its_row_and_of_its_column():
    shares = [[0.5, 0.45, 0.02], [0.3, 0.05, 0.6]]
    assert found(shares, [(0, 0), (1, 2)]) == {(0, 0): 0.95, (0, 1): 0.9, (1, 2): 0.9, (1, 0): 0.6}


def test_a_second_key_of_little_confidence_is_none_and_leaves_the_first_as_it_was():
    assert found([[0.7, 0.19, 0.1], [0.0, 0.0, 0.9]], [(0, 0), (1, 2)]) == {(0, 0): 0.7, (1, 2): 0.9}


def test_two_headers_of_columns_are_not_both_keys():
    assert found([[0.0, 0.5, 0.5]], [(0, 1)], values=[(110, 102, 280, 118)]) == {(0, 1): 0.5}


def test_a_value_without_key_has_no_second_one():
    assert found([[0.4, 0.3, 0.0], [0.1, 0.1, 0.1]], []) == {}


def test_a_key_across_a_corner_is_neither_beside_nor_above():
    corner = (300, 20, 390, 40)
    assert found([[0.5, 0.5]], [(0, 1)], keys=(ROW, corner), values=VALUES[:1]) == {(0, 1): 0.5}


@pytest.mark.parametrize("side", [-1, 1])
def test_the_header_of_a_row_may_stand_on_either_side(side):
    key = (145 + side * 100 - 20, 100, 145 + side * 100 + 20, 120)
    links = found([[0.5, 0.45]], [(0, 0)], keys=(key, COLUMNS[0]), values=VALUES[:1])
    assert links.keys() == {(0, 0), (0, 1)}
