import pytest

from beam_kie.fields.keys import fold_key
from beam_kie.fields.wording import NUMBER, is_short_for, without_rate, wording


def words(text):
    return wording(fold_key(text)).words


@pytest.mark.parametrize(
    "same",
    [
        ("Invoice number", "Invoice No.", "No. of the invoice", "INVOICE #"),
        ("Rechnungsnummer", "Rechnungsnr.", "Rechnungs-Nr.", "Rechnung Nr."),
        ("Numéro de facture", "N° facture", "Facture n°", "Num. de la facture"),
        ("Número de factura", "N.º de factura", "Nº factura", "Factura núm."),
        ("Numero fattura", "N. della fattura", "Fattura n."),
        ("請求書番号", "請求書No.", "請求書号"),
        ("订单编号", "订单号", "订单号码"),
    ],
)
def test_words_for_number_and_joining_words_do_not_count(same):
    assert len({words(text) for text in same}) == 1
    assert NUMBER in words(same[0])


def test_other_keys_have_other_words():
    different = ["Invoice number", "Invoice date", "Invoice", "Number", "Order number", "番号", "号", "Nr."]
    assert len({words(text) for text in different}) == 5  # four of them are nothing but "number"


@pytest.mark.parametrize(
    ("key", "whole", "short"),
    [
        ("cust. no.", "customer number", True),
        ("deliv. date", "delivery date", True),
        ("rechn.-nr.", "rechnungsnummer", True),
        ("cust no", "customer number", False),  # no point: perhaps another word
        ("cu. no.", "customer number", False),
        ("inv. date", "invoice number", False),
        ("inv. no. date", "invoice number", False),
        ("customer number", "customer number", False),
    ],
)
def test_abbreviations(key, whole, short):
    assert is_short_for(wording(key), wording(whole)) is short


def test_a_rate_alone_stays():
    assert without_rate("MwSt. 19,0 %") == "MwSt."
    assert without_rate("(19%)") == "(19%)"
