import datetime
from decimal import Decimal

import pytest

from beam_kie.fields.definitions import FieldType
from beam_kie.fields.values import read_value
from beam_kie.tables.conventions import UNKNOWN
from beam_kie.tables.rows import text_columns


def read(type_: str, text: str, key: str = ""):
    return read_value(FieldType(type_), text_columns(key, text, UNKNOWN))


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("text", " INV  7 ", "INV 7"),
        ("date", "3. März 2021", datetime.date(2021, 3, 3)),
        ("date", "2021年3月4日", datetime.date(2021, 3, 4)),
        ("date", "2021-03-04 12:30", datetime.date(2021, 3, 4)),
        ("date", "25/03/2021, 9:05 Uhr", datetime.date(2021, 3, 25)),
        ("amount", "1.234,50 €", Decimal("1234.5")),
        ("amount", "1,234.50", Decimal("1234.5")),
        ("amount", "-12.00 EUR", Decimal("-12")),
        ("number", "12", 12.0),
        ("number", "12.5 kg", 12.5),
        ("number", "30 Tage", 30.0),
        ("number", "19 %", 19.0),
        ("checkbox", "☑", True),
        ("checkbox", "[ ]", False),
        ("checkbox", "☐ per post", False),
        ("checkbox", "[x] per post", True),
        ("checkbox", "Ja", True),
        ("checkbox", "Não", False),
        ("checkbox", "いいえ", False),
    ],
)
def test_texts_are_read_as_the_type(type_, text, value):
    found = read(type_, text)
    assert found.value == value
    assert type(found.value) is type(value)


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("date", "03/04/2021"),
        ("date", "12.50"),
        ("date", "soon"),
        ("amount", "1,234"),
        ("amount", "abc"),
        ("amount", "12.123456 EUR"),
        ("number", "12a34"),
        ("number", "2021-03-04"),
        ("checkbox", "perhaps"),
        ("text", "   "),
    ],
)
def test_what_is_none_or_unclear_has_no_value(type_, text):
    assert read(type_, text) is None


def test_amounts_have_their_currency():
    assert read("amount", "1.234,50 €").currency == "EUR"
    assert read("amount", "1234.50").currency is None


def test_a_number_counts_where_the_key_names_something():
    assert text_columns("Customer no.", "12345678", UNKNOWN)["value_type"] is None
    assert read("number", "12345678", "Customer no.").value == 12345678
