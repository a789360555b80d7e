import datetime
import re
from decimal import Decimal
from typing import Any

import pytest

from beam_kie.fields.definitions import Field, FieldType
from beam_kie.fields.values import read_value
from beam_kie.tables.conventions import UNKNOWN
from beam_kie.tables.rows import text_columns


def read(type_: str, text: str, key: str = "", **more) -> Any:
    kind = FieldType(type_)
    return read_value(Field("a", kind, of=kind, **more), text_columns(key, text, UNKNOWN))


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("text", " INV  7 ", "INV 7"),
        ("text", ".º H697095", "H697095"),
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


def test_a_value_must_look_as_the_field_says():
    mail = re.compile("[^@]+@[^@]+")
    assert read("text", "ann@example.org", value_pattern=mail).value == "ann@example.org"
    assert read("text", "680 488 847", value_pattern=mail) is None


@pytest.mark.parametrize(
    ("text", "years", "day"),
    [
        ("10-24-23", (1990, 2049), datetime.date(2023, 10, 24)),
        ("24.12.53", (1900, 2030), datetime.date(1953, 12, 24)),
        ("24.12.23", (1900, 2030), None),  # of either century
        ("03/04/21", (1990, 2049), None),  # in any order
        ("24.12.2219", (1990, 2049), None),
        ("24.12.2019", (1990, 2049), datetime.date(2019, 12, 24)),
    ],
)
def test_years_that_make_sense_tell_days_apart(text, years, day):
    found = read("date", text, years=years)
    assert (found and found.value) == day
    assert read("date", "24.12.53") is None


def test_the_dash_behind_yen_is_no_minus():
    for text in ("￥531,205-", "¥531,205 -", "531,205円-"):
        assert text_columns("", text, UNKNOWN)["value_null_reason"] == "sign"
        assert read("amount", text).value == 531205
    assert read("amount", "531,205円-").currency == "JPY"
    assert read("amount", "12,50 €-") is None
