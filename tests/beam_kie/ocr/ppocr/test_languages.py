import pytest

from beam_kie.ocr.ppocr.languages import is_written_in, scripts_of


def kept(characters, languages):
    scripts = scripts_of(languages)
    return "".join(character for character in characters if is_written_in(character, scripts))


def test_letters_of_other_scripts_are_left_out():
    characters = "aé国のカβ7€。"
    assert kept(characters, "de") == "aé7€。"
    assert kept(characters, "zh") == "aé国7€。"
    assert kept(characters, "ja") == "aé国のカ7€。"
    assert kept(characters, "el, en") == "aéβ7€。"


def test_full_width_and_half_width_forms_go_with_their_letters():
    assert kept("Ａｶ", "en") == "Ａ"
    assert kept("Ａｶ", "ja") == "Ａｶ"


def test_no_language_has_no_script_and_an_unknown_one_is_refused():
    assert scripts_of(None) == scripts_of("") == frozenset()
    with pytest.raises(ValueError, match=r"unknown OCR language 'klingon'.*\bzh\b"):
        scripts_of("en,klingon")
