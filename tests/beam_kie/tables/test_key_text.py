import pytest

from beam_kie.tables.key_text import normalise_key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Invoice No.:", "invoice no."),
        ("* Ｉｎｖｏｉｃｅ  Ｎｏ.：", "invoice no."),
        ("•  STRASSE :", "strasse"),
        ("Straße", "strasse"),
        ("姓 名：", "姓名"),
        ("フリ ガナ", "フリガナ"),
        ("Name und\n Ort", "name und ort"),
        ("이름 성", "이름 성"),
        ("Total ........", "total"),
        ("Signature _____", "signature"),
        ("E\u00adMail", "email"),
        ("a) Name", "a) name"),
        ("1. Wages", "1. wages"),
        ("☐ Yes", "☐ yes"),
        ("*", "*"),
        (":", ":"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_the_same_key_is_the_same_text(text, expected):
    assert normalise_key(text) == expected
    assert normalise_key(expected) == expected
