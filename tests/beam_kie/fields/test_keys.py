import re
from typing import Any

import pytest

from beam_kie.fields.definitions import Field, FieldType
from beam_kie.fields.keys import KeyMatcher, fold_key, means_section


def matcher(keys=(), regex=(), fuzzy: float | None = 0.85, weak=()) -> Any:
    patterns = tuple(re.compile(text, re.IGNORECASE) for text in regex)
    return KeyMatcher(Field("a", FieldType.TEXT, tuple(keys), patterns, fuzzy=fuzzy, weak_keys=weak))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Invoice No.:", "invoice no"),
        ("  RECHNUNGS-NR.  ", "rechnungs-nr"),
        ("Numéro de facture :", "numero de facture"),
        ("請 求 書 番 号：", "請求書番号"),
        ("ガス番号", "ガス番号"),
        ("ｶﾞｽ番号", "ガス番号"),
        ("1. Total*", "total"),
        ("(3) Name", "name"),
        ("N° facture", "no facture"),
        ("Straße", "strasse"),
        ("☐", ""),
        ("...", ""),
    ],
)
def test_keys_are_folded(text, folded):
    assert fold_key(text) == folded


def test_the_same_key_is_sure_and_known_by_its_place():
    match = matcher(["Total", "Grand total"]).match("GRAND TOTAL:")
    assert match == (1.0, 1)
    assert matcher(["Total", "Sub-total"]).match("Sub total:") == (1.0, 1)


def test_a_key_with_a_mistake_of_the_ocr_is_like_it():
    match = matcher(["Invoice number"]).match("lnvoice number")
    assert match.order == 0
    assert 0.85 < match.score < 0.95


@pytest.mark.parametrize("fuzzy", [None, 0.99])
def test_likeness_can_be_limited(fuzzy):
    assert matcher(["Invoice number"], fuzzy=fuzzy).match("lnvoice number") is None


def test_short_keys_must_be_the_same():
    assert matcher(["Name"]).match("Nome") is None
    assert matcher(["日期"]).match("日明") is None


def test_one_language_of_two_is_enough():
    match = matcher(["Summe"]).match("Total / Summe")
    assert 0.9 < match.score < 1
    assert matcher(["Total"]).match("Total (EUR)").score > 0.9
    assert matcher(["Total"]).match("Subtotal") is None


def test_a_pattern_takes_the_whole_key():
    found = matcher(["Summe"], [r"invoice\s*(no|number)"])
    assert found.match("Invoice Number:") == (1.0, 1)
    assert found.match("Our invoice number") is None


def test_the_same_key_in_other_words_is_known():
    match = matcher(["Customer number", "Invoice number"]).match("Cust. No.")
    assert match.order == 0
    assert match.score == 0.9
    assert matcher(["Customer number"]).match("No. of customer:").score == 0.98
    for fuzzy in (None, 0.95):
        assert matcher(["Customer number"], fuzzy=fuzzy).match("Cust. No.") is None


def test_a_rate_is_no_part_of_a_key():
    assert matcher(["ICMS"]).match("ICMS 18 %").score == 0.98
    assert matcher(["USt."]).match("USt. (7,7%):").score == 0.98
    assert matcher(["Total"]).match("100 %") is None


def test_weak_keys_are_doubtful_and_come_last():
    match = matcher(["Delivery date"], [], weak=("Date",)).match("DATE:")
    assert match.score == 0.6
    assert match.order > matcher(["Delivery date"]).match("Delivery date").order


def test_other_keys_mean_nothing():
    assert matcher(["Invoice number"]).match("Delivery date") is None
    assert matcher(["Invoice number"]).match("") is None
    assert matcher(["Invoice number"]).match("x" * 100_000) is None


def test_sections_are_told_by_their_header():
    assert means_section("BILL TO:", ("Bill to",), 0.85)
    assert means_section("Invoice detalls", ("Invoice details",), 0.85)
    assert not means_section("Invoice detalls", ("Invoice details",), None)
    assert not means_section("Ship to", ("Bill to",), 0.85)
