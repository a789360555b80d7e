"""Values in plain form. normalise_cases.tsv holds the texts and the right answers, by locale.

Its columns: locale; other lines of the page, separated by ";"; text of the key; text of the value; then what
is right: type, plain form and currency of a value, or the reason why there is none.
"""

import csv
from pathlib import Path

import pytest

from beam_kie.tables.conventions import DateOrder, ValueOptions, page_convention
from beam_kie.tables.normalise import VALUE_TYPES, Doubt, Normalised, interpret, normalise, readings

with (Path(__file__).parent / "normalise_cases.tsv").open(encoding="utf-8", newline="") as file:
    CASES = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def expected_of(case):
    if case["type"]:
        return Normalised(case["type"], case["value"], case["currency"] or None)
    return Doubt(case["reason"]) if case["reason"] else None


@pytest.mark.parametrize("locale", sorted({case["locale"] for case in CASES}))
def test_values_of_a_locale(locale):
    cases = [case for case in CASES if case["locale"] == locale]
    found = [interpret(case["text"], case["key"], page_convention(case["page"].split(";"))) for case in cases]
    wrong = [
        (case["key"], case["text"], got)
        for case, got in zip(cases, found, strict=True)
        if got != expected_of(case)
    ]
    assert wrong == []


def test_the_table_is_large_and_names_every_type_and_reason():
    assert len(CASES) >= 400
    assert {case["type"] for case in CASES} == {"", *VALUE_TYPES}
    assert {case["reason"] for case in CASES} == {"", *Doubt}


def test_what_is_doubtful_has_no_plain_form():
    assert normalise("03/04/2021") is None
    assert normalise("03/04/2021", convention=page_convention(["25/03/2021"])).text == "2021-04-03"
    assert normalise("4711").text == "4711"
    assert normalise("4711", key="Kunden-Nr.") is None


@pytest.mark.parametrize(
    "text",
    ["9" * 5000, "1," * 3000, "1万" * 3000, "(" * 5000, "1.000" * 2000 + "€", "(" + " " * 9000, "a" * 20_000],
)
def test_long_texts_take_no_time(text):
    assert not isinstance(interpret(text, key=text), Normalised)
    assert readings(text, key=text) == readings(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("03/04/2021", ["2021-04-03", "2021-03-04"]),
        ("21年3月4日", ["2021-03-04", "1921-03-04"]),
        ("4 Mar '21", ["2021-03-04", "1921-03-04"]),
        ("12/13/21", ["2021-12-13", "1921-12-13"]),
        ("04.03.21", ["2021-03-04", "2004-03-21", "1921-03-04", "1904-03-21"]),
        ("29.02.00", ["2000-02-29"]),
        ("1,234", ["1234", "1.234"]),
        ("€ 1.234", ["1.234", "1234"]),
        ("(12)", ["12", "-12"]),
        ("1,234-", ["1234", "1.234", "-1234", "-1.234"]),
        # plain, names of something, or nothing of the kind
        ("2021-03-04", []),
        ("612.345.678", []),
        ("Berlin", []),
    ],
)
def test_ambiguous_texts_have_all_their_readings(text, expected):
    assert list(readings(text)) == expected


def test_what_the_page_decides_is_not_among_the_readings():
    german = page_convention(["Rechnung", "Datum"])
    assert list(readings("04/03/21", convention=german)) == ["2021-03-04", "1921-03-04"]
    year_first = page_convention(["Rechnung", "Datum"], ValueOptions(date_order=DateOrder.YMD))
    assert list(readings("04/03/21", convention=year_first)) == ["2004-03-21", "1904-03-21"]


@pytest.mark.parametrize(
    ("text", "currency", "expected"),
    [
        ("$5", "CAD", ("5", "CAD")),
        ("¥5", "JPY", ("5", "JPY")),
        ("5 kr", "SEK", ("5", "SEK")),
        ("€5", "CAD", ("5", "EUR")),
        ("¥5", "CAD", ("5", None)),
        ("$1,234", "CAD", ("1234", "CAD")),
        ("$1.234", "CLP", ("1234", "CLP")),
        ("$1,23", "ARS", ("1.23", "ARS")),
    ],
)
def test_the_users_currency_decides_where_the_sign_may_be_it(text, currency, expected):
    found = normalise(text, convention=page_convention([], ValueOptions(currency=currency)))
    assert (found.text, found.currency) == expected


def test_a_comma_of_dollars_with_decimal_commas_is_doubtful():
    convention = page_convention([], ValueOptions(currency="ARS"))
    assert interpret("$1,234", convention=convention) is Doubt.DECIMAL_MARK
