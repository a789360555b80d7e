import pytest

from beam_kie.geometry import box_polygon
from beam_kie.page_parts import FieldKind, FormField
from beam_kie.tables.parquet import encode_rows
from beam_kie.tables.rows import page_tables
from tests import pages

FORM = (
    ("QUESTION", "Name:", (10, 10, 80, 30)),
    ("ANSWER", "Li Lei", (100, 10, 180, 30)),
    ("QUESTION", "City:", (10, 50, 80, 70)),
    ("QUESTION", "Erfurt", (100, 50, 180, 70)),
)


def field(name, tooltip, value, *box, kind=FieldKind.TEXT):
    return FormField(name, tooltip, kind, box_polygon(box), value)


def rows(*fields, links=((0, 1, 0.9),)):
    result = pages.result(form=FORM, links=links, fields=fields)
    found = page_tables(result, pages.PROVENANCE)
    assert encode_rows("key_values", found["key_values"])
    return found["key_values"], found["pages"][0]


def test_without_fields_no_row_has_a_field():
    found, _ = rows()
    assert [row["field_name"] for row in found] == [None, None, None]


def test_a_value_in_a_field_has_its_name():
    found, _ = rows(field("person.name", "Full name", "Li Lei", 95, 5, 300, 35))
    assert [(row["key_text"], row["field_name"]) for row in found] == [
        ("Name:", "person.name"),
        ("City:", None),
        ("Erfurt", None),
    ]


def test_what_is_filled_in_is_no_key_and_takes_the_label_that_is_called_like_the_field():
    found, page = rows(field("c", "City", "Erfurt", 95, 45, 300, 75))
    city = found[1]
    assert (city["key_text"], city["value_text"], city["field_name"]) == ("City:", "Erfurt", "c")
    assert city["key_label"] == "QUESTION" and city["key_entity_id"] is not None
    assert city["confidence"] == pytest.approx(0.9)
    assert len(found) == 2 and page["key_without_value_count"] == 0


@pytest.mark.parametrize(("tooltip", "key", "confidence"), [("Town", "Town", 0.9), (None, "c7", 0.5)])
def test_else_the_key_is_what_the_field_is_called(tooltip, key, confidence):
    found, page = rows(field("c7", tooltip, "Erfurt", 95, 45, 300, 75))
    town = found[-1]
    assert (town["key_text"], town["key_label"], town["value_text"]) == (key, "FIELD", "Erfurt")
    assert (town["key_x0"], town["value_x0"], town["key_entity_id"]) == (None, 95, None)
    assert town["confidence"] == pytest.approx(confidence)
    assert page["pair_count"] == 2


def test_empty_fields_have_no_row():
    found, _ = rows(field("c", "Phone", None, 95, 90, 300, 120))
    assert len(found) == 3
