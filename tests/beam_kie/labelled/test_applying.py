import dataclasses

import pytest

from beam_kie.geometry import box_polygon
from beam_kie.labelled.applying import RunPage, correct_document, correct_page
from beam_kie.labelled.corrections_file import CorrectionsError, EntityChange, LinkChange, PageCorrections
from beam_kie.page_parts import FieldKind, FormField
from beam_kie.tables.rows import page_tables
from tests import pages


def page_of(**changes):
    tables = page_tables(pages.result(**changes), pages.PROVENANCE)
    return RunPage(tables["pages"][0], tables["lines"], tables["entities"], tables["key_values"])


def corrected(entities=(), links=(), done=False):
    found = page_of()
    said = PageCorrections(found.page["document_id"], 1, "", done, tuple(entities), tuple(links))
    return correct_page(found, said, ("QUESTION",))


def pairs(page):
    return [(row["key_text"], row["value_text"], row["corrected_by"]) for row in page.key_values]


UNTOUCHED = [
    ("姓名:", "李雷", None),
    ("Date of birth", "2001-02-03", None),
    ("Gebühr", "1.234,50 €", None),
    ("備考", None, None),
]


def test_nothing_said_changes_nothing_but_the_column():
    before, after = page_of(), corrected()
    for table in ("lines", "entities", "key_values"):
        assert [
            {k: v for k, v in row.items() if k != "corrected_by"} for row in getattr(after, table)
        ] == getattr(before, table)
    assert pairs(after) == UNTOUCHED
    assert after.page == {**before.page, "corrected_by": None}


def test_a_changed_text_is_in_its_pair_with_its_plain_value():
    page = corrected(
        [EntityChange(4, "change", text="2001-02-13", was_text="2001-02-03", was_label="ANSWER")]
    )
    row = page.key_values[1]
    assert pairs(page)[1] == ("Date of birth", "2001-02-13", "human")
    assert (row["value_type"], row["value_normalised"]) == ("date", "2001-02-13")
    assert (row["confidence"], row["value_confidence"], row["key_confidence"]) == (1.0, 1.0, 0.9)
    assert row["pair_id"] == page_of().key_values[1]["pair_id"]
    assert [row["corrected_by"] for row in page.entities].count("human") == 1
    assert page.page["corrected_by"] == "human"


def test_all_columns_of_a_row_are_those_of_what_a_person_wrote():
    before = page_of().key_values[1]
    page = corrected([EntityChange(4, "change", text="03/04/2021")])
    row = page.key_values[1]
    assert row.keys() == {*before, "corrected_by"}
    assert (row["page_id"], row["key_normalised"]) == (before["page_id"], "date of birth")
    assert (row["value_normalised"], row["value_readings"]) == (None, ["2021-04-03", "2021-03-04"])
    assert (before["ocr_confidence_min"], row["ocr_confidence_min"]) == (0.95, None)
    assert page.entities[4].keys() == {*page_of().entities[4], "corrected_by"}


def test_ids_of_pairs_that_stay_stay_and_an_empty_text_is_null():
    page = corrected([EntityChange(2, "change", text="")])
    assert pairs(page) == [("姓名:", None, "human"), *UNTOUCHED[1:]]
    assert page.key_values[0]["value_entity_id"] is not None
    assert page.page["pair_count"] == 3


def test_a_removed_value_leaves_its_key_without_one():
    page = corrected([EntityChange(2, "remove")], [LinkChange(1, 2, "remove")])
    assert sorted(pairs(page), key=str) == sorted([("姓名:", None, "human"), *UNTOUCHED[1:]], key=str)
    assert len({row["pair_id"] for row in page.key_values}) == 4
    assert (page.page["entity_count"], page.page["pair_count"], page.page["key_without_value_count"]) == (
        7,
        2,
        2,
    )
    # Also where the file does not say that the link goes.
    assert pairs(corrected([EntityChange(2, "remove")])) == pairs(page)


def test_a_drawn_box_becomes_an_entity_and_takes_its_place_in_a_pair():
    box = (200.0, 500.0, 300.0, 540.0)
    page = corrected([EntityChange("n0", "add", "none", "ANSWER", box)], [LinkChange(7, "n0", "add")])
    new = page.entities[-1]
    assert (new["entity_index"], new["text"], new["confidence"], new["corrected_by"]) == (
        8,
        "none",
        1.0,
        "human",
    )
    assert new["entity_id"] == f"{page.page['page_id']}-e0008"
    assert (new["x0"], new["y1"], len(new["polygon"])) == (200.0, 540.0, 8)
    assert new["line_count"] == 0 and new["first_line_id"] is None
    assert ("備考", "none", "human") in pairs(page) and ("備考", None, None) not in pairs(page)
    assert page.page["key_without_value_count"] == 0
    assert new.keys() == page.entities[0].keys()
    assert page.key_values[-1].keys() == page.key_values[0].keys()


def test_a_box_that_is_moved_takes_the_lines_below_it():
    (entity,) = [
        row
        for row in corrected([EntityChange(2, "change", box=(80, 290, 600, 350))]).entities
        if row["corrected_by"]
    ]
    assert entity["line_count"] == 2
    assert entity["first_line_id"] == page_of().lines[3]["line_id"]


def test_a_value_is_linked_with_another_key():
    page = corrected(links=[LinkChange(1, 2, "remove"), LinkChange(3, 2, "add")])
    assert ("Date of birth", "李雷", "human") in pairs(page)
    assert ("姓名:", None, "human") in pairs(page)
    assert ("Date of birth", "2001-02-03", None) in pairs(page)


def test_a_changed_label_makes_a_key():
    page = corrected([EntityChange(0, "change", label="QUESTION")])
    assert ("登録票 Registration", None, "human") in pairs(page)


def test_what_is_accepted_keeps_its_confidence():
    page = corrected([EntityChange(1, "accept"), EntityChange(2, "accept")], [LinkChange(1, 2, "accept")])
    assert pairs(page) == [("姓名:", "李雷", "human"), *UNTOUCHED[1:]]
    assert page.key_values[0]["confidence"] == page_of().key_values[0]["confidence"]
    assert pairs(corrected([EntityChange(7, "accept")]))[3] == ("備考", None, "human")


def test_counts_of_a_document_are_those_of_its_pages():
    document = {"document_id": "d", "entity_count": 16, "pair_count": 6, "key_without_value_count": 2}
    document |= {"mean_entity_confidence": 0.9, "mean_pair_confidence": 0.6}
    untouched = {**page_of().page, "corrected_by": None}
    assert correct_document(document, [untouched]) == {**document, "corrected_by": None}
    row = correct_document(document, [corrected([EntityChange(2, "remove")]).page, untouched])
    assert (row["entity_count"], row["pair_count"], row["key_without_value_count"]) == (15, 5, 3)
    assert row["corrected_by"] == "human" and 0 < row["mean_pair_confidence"] <= 1


@pytest.mark.parametrize(
    ("entities", "links"),
    [
        ([EntityChange(99, "accept")], []),
        ([EntityChange(2, "change", text="x", was_text="something else")], []),
        ([EntityChange(2, "accept", was_label="HEADER")], []),
        ([], [LinkChange(1, 4, "remove")]),
        ([], [LinkChange(1, 99, "add")]),
        ([EntityChange(2, "remove")], [LinkChange(3, 2, "add")]),
    ],
)
def test_corrections_of_other_tables_are_refused(entities, links):
    with pytest.raises(CorrectionsError):
        corrected(entities, links)


def keyless_page():
    """The first value of the page has no key any more, and its label says what it is."""
    result = pages.result(links=[])
    (index,) = [i for i, entity in enumerate(result.entities) if entity.text == "李雷"]
    tables = page_tables(dataclasses.replace(result, keyless=(index,)), pages.PROVENANCE)
    return index, RunPage(tables["pages"][0], tables["lines"], tables["entities"], tables["key_values"])


def keyless_rows(page):
    return [row for row in page.key_values if row["key_entity_id"] is None]


def test_values_without_a_key_stay_change_and_go_as_they_are_corrected():
    index, found = keyless_page()

    def after(*entities, links=()):
        said = PageCorrections(found.page["document_id"], 1, "", False, tuple(entities), tuple(links))
        return correct_page(found, said, ("QUESTION",))

    (row,) = keyless_rows(after())
    assert (row["value_text"], row["key_text"], row["corrected_by"]) == ("李雷", None, None)
    (row,) = keyless_rows(after(EntityChange(index, "change", text="韩梅梅")))
    assert (row["value_text"], row["corrected_by"], row["value_label"]) == ("韩梅梅", "human", "ANSWER")
    assert keyless_rows(after(EntityChange(index, "remove"))) == []
    key = next(row["entity_index"] for row in found.entities if row["label"] == "QUESTION")
    linked = after(links=[LinkChange(key, index, "add")])
    assert keyless_rows(linked) == []
    assert "李雷" in [row["value_text"] for row in linked.key_values]


@pytest.mark.parametrize(("before", "after"), [("□ male", "☑ male"), ("○ male", "● male")])
def test_a_tick_that_a_person_made_or_removed_is_in_the_tables(before, after):
    found = page_of()
    found.entities[3]["text"] = before
    for row in (found.entities[3], *found.key_values):
        row |= {"selected": False, "selected_confidence": 0.8}
    change = EntityChange(3, "change", text=after)
    said = PageCorrections(found.page["document_id"], 1, "", False, (change,), ())
    page = correct_page(found, said, ("QUESTION",))
    entity = page.entities[3]
    assert (entity["selected"], entity["selected_confidence"]) == (True, 1.0)
    rows = [row for row in page.key_values if row["value_entity_id"] == entity["entity_id"]] or [
        row for row in page.key_values if row["key_entity_id"] == entity["entity_id"]
    ]
    assert rows and all(row["selected"] is True for row in rows)


def test_what_stands_in_fields_of_forms_stays():
    form = [
        ("QUESTION", "Name:", (10, 10, 80, 30)),
        ("ANSWER", "Li Lei", (100, 10, 180, 30)),
        ("QUESTION", "City:", (10, 50, 80, 70)),
    ]
    places = {"City": (100, 50, 180, 70), "Town of birth": (100, 90, 180, 110)}
    fields = [
        FormField(name, name, FieldKind.TEXT, box_polygon(box), f"Erfurt {number}")
        for number, (name, box) in enumerate(places.items())
    ]
    found = page_of(form=form, links=[(0, 1, 0.9)], fields=fields)
    place = (found.page["document_id"], 1)
    untouched = correct_page(found, PageCorrections(*place), ("QUESTION",))
    before = [("Name:", "Li Lei", None), ("City:", "Erfurt 0", None), ("Town of birth", "Erfurt 1", None)]
    assert pairs(untouched) == before
    assert {name: value for name, value in untouched.page.items() if name != "corrected_by"} == found.page

    said = PageCorrections(*place, entities=(EntityChange(2, "change", text="Place:"),))
    page = correct_page(found, said, ("QUESTION",))
    assert pairs(page) == [before[0], ("Place:", "Erfurt 0", "human"), before[2]]
    row, old = page.key_values[1], found.key_values[1]
    assert (row["field_name"], row["value_x0"]) == ("City", 100)
    assert row["relation_confidence"] == old["relation_confidence"]
    assert page.page["pair_count"] == 3
