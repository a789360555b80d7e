import json
from decimal import Decimal

import pytest

from beam_kie.fields.candidates import KEPT, PageReader, from_json, to_json
from beam_kie.fields.files import parse_fields
from beam_kie.tables.rows import page_tables
from tests import pages

FILE = parse_fields(
    b"""
[fields.total]
type = "amount"
keys = ["Total"]

[fields.day]
type = "date"
keys = ["Date"]

[fields.ticked]
type = "checkbox"
keys = ["Ticked"]

[fields.pieces]
type = "number"
keys = ["Pieces"]

[fields.names]
type = "list"
keys = ["Name"]

[fields.city]
type = "text"
keys = ["City"]
section = "Sender"

[fields.buyer]
type = "text"
keys = ["Buyer"]
multiline = true

[fields.first_line]
type = "text"
keys = ["Buyer"]

[fields.later]
type = "text"
keys = ["City"]
page = 2
""",
    "fields.toml",
)


def form(*pairs: tuple[str, str]):
    """Keys and values, one pair a row; a key alone is a header."""
    entities, links = [], []
    for row, (key, value) in enumerate(pairs):
        top = 100 + 40 * row
        entities.append(("QUESTION" if value is not None else "HEADER", key, (100, top, 300, top + 30)))
        if value:
            links.append((len(entities) - 1, len(entities), 0.9))
            entities.append(("ANSWER", value, (320, top, 600, top + 30)))
    return entities, links


def candidates(*pairs, page: int = 1):
    entities, links = form(*pairs)
    rows = page_tables(pages.result("form.jpg", page, entities, links), pages.PROVENANCE)
    return PageReader(FILE).candidates(rows["key_values"], rows["entities"])


def test_pairs_are_found_by_their_keys():
    found = candidates(("TOTAL:", "12.50 EUR"), ("Date", "2021-03-04"), ("Other", "7"))
    assert set(found) == {"total", "day"}
    (total,) = found["total"]
    assert (total.value, total.currency) == (Decimal("12.5"), "EUR")
    assert (total.text, total.key) == ("12.50 EUR", "TOTAL:")
    assert total.box == (320, 100, 600, 130)
    assert total.confidence == pytest.approx(0.9 * 0.9 * 0.9, abs=1e-3)
    assert (total.page, total.pair_index) == (1, 0)


def test_a_key_without_a_value_is_found_too():
    (total,) = candidates(("Total", ""))["total"]
    assert (total.text, total.value, total.box) == (None, None, None)


def test_a_section_ends_where_the_next_header_stands():
    found = candidates(
        ("City", "Rome"), ("Sender", None), ("City", "Oslo"), ("Receiver", None), ("City", "Bern")
    )
    assert [each.text for each in found["city"]] == ["Oslo"]


def test_a_field_can_be_of_one_page():
    assert "later" not in candidates(("City", "Rome"))
    assert candidates(("City", "Rome"), page=2)["later"][0].text == "Rome"


def test_a_key_that_is_anothers_own_is_no_mistake_of_this_one():
    file = parse_fields(
        b'[fields.a]\ntype = "text"\nkeys = ["Invoice no."]\n'
        b'[fields.b]\ntype = "text"\nkeys = ["Invoice to"]',
        "f",
    )
    entities, links = form(("Invoice no.", "7"))
    rows = page_tables(pages.result(form=entities, links=links), pages.PROVENANCE)
    assert set(PageReader(file).candidates(rows["key_values"], rows["entities"])) == {"a"}


def test_of_a_list_all_are_kept_and_of_others_the_best_that_differ():
    totals = [("Total", f"{number}.00 EUR") for number in (1, 2, 2, 3, 4, 5)]
    found = candidates(*totals, *[("Name", "Ann")] * 7)
    assert [each.value for each in found["total"]] == [1, 2, 3]
    assert len(found["total"]) == KEPT
    assert len(found["names"]) == 7


def test_what_cannot_be_read_comes_behind_what_can():
    found = candidates(("Total", "see below"), ("Total", "3.00 EUR"))
    assert [each.text for each in found["total"]] == ["3.00 EUR", "see below"]


def test_candidates_survive_json():
    found = candidates(
        ("Total", "12.50 EUR"),
        ("Total", "unclear"),
        ("Date", "2021-03-04"),
        ("Ticked", "☐"),
        ("Pieces", "12 kg"),
        ("Name", "Ann  Lee"),
        ("Name", "0"),
        ("Name", ""),
    )
    assert from_json(json.loads(json.dumps(to_json(found))), FILE) == found


def test_a_column_of_line_items_comes_behind_a_single_value():
    entities = [("QUESTION", "Total", (700, 100, 800, 130)), ("QUESTION", "Item", (100, 100, 200, 130))]
    links = []
    for row, (item, amount) in enumerate([("Bolts", "7.00 EUR"), ("Nuts", "9.00 EUR")]):
        top = 150 + 40 * row
        entities.append(("ANSWER", amount, (700, top, 800, top + 30)))
        entities.append(("ANSWER", item, (100, top, 200, top + 30)))
        links += [(0, len(entities) - 2, 0.99), (1, len(entities) - 1, 0.99)]
    entities += [("QUESTION", "TOTAL:", (600, 400, 690, 430)), ("ANSWER", "16.00 EUR", (700, 400, 800, 430))]
    links.append((len(entities) - 2, len(entities) - 1, 0.5))
    rows = page_tables(pages.result(form=entities, links=links), pages.PROVENANCE)
    found = PageReader(FILE).candidates(rows["key_values"], rows["entities"])["total"]
    assert [(each.value, each.in_column) for each in found] == [(16, False), (7, True), (9, True)]


def test_lines_of_an_address_are_one_value_where_the_field_says_so():
    entities = [("QUESTION", "Buyer", (100, 100, 200, 130))]
    lines = ["Orion Ltd.", "7 Church Lane", "Dayton"]
    entities += [
        ("ANSWER", text, (100, 140 + 35 * row, 300, 170 + 35 * row)) for row, text in enumerate(lines)
    ]
    rows = page_tables(
        pages.result(form=entities, links=[(0, 1, 0.9), (0, 2, 0.5), (0, 3, 0.9)]), pages.PROVENANCE
    )
    found = PageReader(FILE).candidates(rows["key_values"], rows["entities"])
    (buyer,) = found["buyer"]
    assert (buyer.value, buyer.in_column) == ("Orion Ltd. 7 Church Lane Dayton", False)
    assert buyer.box == (100, 140, 300, 240)
    assert buyer.confidence == min(each.confidence for each in found["first_line"])
    assert found["first_line"][0].value in lines
