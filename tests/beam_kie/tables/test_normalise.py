"""Values in plain form. normalise_cases.tsv holds the texts and the right answers, by locale.

Its columns: locale; other lines of the page, separated by ";"; text of the key; text of the value; then what
is right: type, plain form and currency of a value, or the reason why there is none.
"""

import csv
from pathlib import Path

import pytest

from beam_kie.tables.conventions import page_convention
from beam_kie.tables.normalise import VALUE_TYPES, Doubt, Normalised, interpret, normalise

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
