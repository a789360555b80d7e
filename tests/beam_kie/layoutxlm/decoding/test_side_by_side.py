import pytest

from beam_kie.document import RuledCell
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.side_by_side import join_side_by_side
from tests.beam_kie.layoutxlm.decoding.rows import HEIGHT, WIDE, entities_of, links_of, page_of, texts

CONFIG = LayoutXLMConfig()


def row(*parts, gap):
    """A key and texts behind it in its row, ``gap`` heights of a line between them."""
    x, placed = 200, [("Key", 40, 100)]
    for part in parts:
        placed.append((part, x, 100))
        x += WIDE * len(part) + gap * HEIGHT
    return page_of(*placed)


def joined(page, labels, links=()):
    found = entities_of(page, ("Q", 0), *[(label, place + 1) for place, label in enumerate(labels)])
    return texts(join_side_by_side(CONFIG, page, found, links_of(*links)))[1:]


@pytest.mark.parametrize(
    ("parts", "labels", "whole"),
    [
        (("24.8", "mm"), "AA", "24.8 mm"),
        (("36", "g/m²"), "AQ", "36 g/m²"),
        (("(12)", "%"), "AA", "(12) %"),
        (("$", "0.00"), "AA", "$ 0.00"),
        (("USD", "1,200.00"), "QA", "USD 1,200.00"),
        (("12", "hrs."), "AA", "12 hrs."),
        (("50000", "元"), "AA", "50000 元"),
        (("2020年", "9月", "15日"), "AAA", "2020年9月15日"),
        (("2020", "年10", "月1", "日"), "AAAA", "2020年10月1日"),
    ],
)
@pytest.mark.parametrize("gap", [0.2, 2.0])
def test_parts_of_an_amount_or_a_date_are_one_value(parts, labels, whole, gap):
    page = row(*parts, gap=gap)
    (result,) = joined(page, labels)
    assert result.replace(" ", "") == f"A:{whole}".replace(" ", "")


@pytest.mark.parametrize(
    ("parts", "labels", "gap"),
    [
        (("24.8", "mm"), "AA", 3.0),
        (("24.8", "mm"), "QA", 0.5),  # the number is a key
        (("length", "mm"), "AA", 0.5),
        (("24.8", "pieces"), "AA", 0.5),
        (("$", "none"), "AA", 0.5),
        (("12", "30"), "AA", 0.5),
        (("2020年", "9月"), "AA", 7.0),
    ],
)
def test_other_neighbours_stay_apart(parts, labels, gap):
    assert len(joined(row(*parts, gap=gap), labels)) == len(parts)


def test_texts_of_one_key_that_nearly_touch_are_one_value():
    page = row("Anna", "Berger", gap=0.7)
    assert joined(page, "AA", [(0, 1), (0, 2)]) == ["A: Anna Berger"]
    assert len(joined(page, "AA", [(0, 1)])) == 2, "one of them has no key"
    assert len(joined(page, "AA")) == 2
    assert len(joined(row("Anna", "Berger", gap=0.9), "AA", [(0, 1), (0, 2)])) == 2
    assert len(joined(row("a@b.example", "c@d.example", gap=0.5), "AA", [(0, 1), (0, 2)])) == 2


def test_numbers_of_one_key_are_columns_of_a_table_unless_they_touch():
    links = [(0, 1), (0, 2)]
    assert len(joined(row("(78,9)", "(84,5)", gap=0.7), "AA", links)) == 2
    assert joined(row("1", "234.00", gap=0.3), "AA", links) == ["A: 1 234.00"]
    assert len(joined(row("(78,9)", "n/a", gap=0.7), "AA", links)) == 1


def test_parts_with_keys_of_their_own_stay_apart():
    page = page_of(("Quantity", 200, 60), ("Unit", 300, 60), ("24.8", 200, 100), ("mm", 260, 100))
    found = entities_of(page, ("Q", 0), ("Q", 1), ("A", 2), ("A", 3))
    kept = join_side_by_side(CONFIG, page, found, links_of((0, 2), (1, 3)))
    assert texts(kept) == texts(found)
    assert len(join_side_by_side(CONFIG, page, found, links_of((0, 2)))) == 3


def test_a_part_that_is_a_key_stays_one():
    page = row("2020", "%", gap=0.5)
    assert len(joined(page, "AQ", [(2, 1)])) == 2
    assert len(joined(row("$", "5.00", gap=0.5), "QA", [(1, 0)])) == 2


def test_options_with_boxes_stay_values_of_their_own():
    assert len(joined(row("□ yes", "☑ no", gap=0.5), "AA", [(0, 1), (0, 2)])) == 2


def test_parts_in_two_cells_stay_apart():
    placed = (("Key", 40, 100), ("24.8", 200, 100), ("mm", 250, 100))
    cells = [RuledCell((190, 90, 244, 130), 0.9), RuledCell((246, 90, 300, 130), 0.9)]
    found = [("Q", 0), ("A", 1), ("A", 2)]
    apart, alone = page_of(*placed, cells=cells), page_of(*placed)
    assert len(join_side_by_side(CONFIG, apart, entities_of(apart, *found), ())) == 3
    assert len(join_side_by_side(CONFIG, alone, entities_of(alone, *found), ())) == 2


def test_a_paragraph_does_not_take_what_stands_beside_it():
    page = page_of(("Key", 40, 100), ("a text of", 200, 90), ("2 lines", 200, 115), ("mm", 300, 100))
    found = entities_of(page, ("Q", 0), ("A", 1, 2), ("A", 3))
    assert len(join_side_by_side(CONFIG, page, found, links_of((0, 1), (0, 2)))) == 3


def test_a_joined_value_has_the_least_confidence_the_box_of_all_and_their_tokens():
    page = row("24.8", "mm", gap=0.5)
    sure = entities_of(page, ("A", 1), confidence=0.9)
    doubtful = entities_of(page, ("Q", 2), confidence=0.4)
    (whole,) = join_side_by_side(CONFIG, page, [*sure, *doubtful], ())
    assert (whole.entity.label, whole.entity.confidence) == ("ANSWER", 0.4)
    assert whole.entity.box == (200, 100, page.lines[2].box[2], 120)
    assert whole.tokens.tolist() == [1, 2]


def test_a_page_without_entities_stays_one():
    assert join_side_by_side(CONFIG, page_of(), [], ()) == []
